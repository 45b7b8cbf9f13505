//! What stands against a release, found out at plan: nothing is written, and no lease is taken.
//!
//! What cannot be found out yet is a warning and not an error: a namespace, or a whole cluster, may come with the same apply.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use multicluster_core::analysis::spec::Scope;
use multicluster_core::names::ClusterName;
use multicluster_core::object::text;
use multicluster_core::rbac::AccessCheck;
use multicluster_core::release::Color;
use multicluster_core::release::fit::{self, Room, fit};
use multicluster_core::release::identity::RELEASE_LABEL;
use multicluster_core::release::journal::Journal;
use multicluster_core::release::render::Autoscaler;
use multicluster_core::release::traffic::{self, Role};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::engine::{Engine, Place, Shape};
use super::error::is_unreachable;
use super::layout::known_type;
use super::measure::Subject;
use super::prepare::as_applied;
use super::read::{self, Looked};
use super::sight::{Sight, Slot};
use super::view;
use crate::federation::Run;
use crate::member::{Access, ApplyOptions, MemberError, ResourceType};
pub use crate::preflight::Severity;

/// The longest that one cluster may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Something that stands against a release on one cluster, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub cluster: ClusterName,
    /// Whether the release cannot be.
    pub severity: Severity,
    /// What it is about, in a few words.
    pub title: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// Finds out what stands against releasing what the engine asks for, on all clusters at once.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn preflight(engine: &Engine, run: &Run) -> Vec<Finding> {
    let limit = run.deadline.min(Instant::now() + LIMIT);
    let looks = engine.places.values().map(async |place| {
        let looked = timeout_at(limit, read::look(&engine.layout, &place.site())).await;
        (place, looked)
    });
    let looked = join_all(looks).await;
    let journals: Vec<&Journal> = looked
        .iter()
        .filter_map(|(_, looked)| looked.as_ref().ok()?.as_ref().ok()?.journal.as_ref())
        .collect();
    let journal = super::journal::choose(journals, engine.instance.as_deref()).cloned();
    let checks = looked.iter().map(async |(place, looked)| {
        let mut desk = Findings { cluster: place.member.name.clone(), found: Vec::new() };
        match looked {
            Err(_) => desk.warn("cannot be checked", &"it does not answer in time"),
            Ok(Err(error)) if error.is_unreachable() => desk.warn("cannot be checked", &error),
            Ok(Err(error)) => desk.error("cannot be used", &error),
            Ok(Ok(looked)) => {
                let check = Check { engine, place, looked, journal: journal.as_ref() };
                if timeout_at(limit, check.all(&mut desk)).await.is_err() {
                    desk.warn("cannot be checked in full", &"it does not answer in time");
                }
            }
        }
        desk.found
    });
    let mut found: Vec<Finding> = join_all(checks).await.into_iter().flatten().collect();
    found.extend(global_metrics(engine, journal.as_ref()).await);
    found
}

struct Findings {
    cluster: ClusterName,
    found: Vec<Finding>,
}

impl Findings {
    fn say(&mut self, severity: Severity, title: &str, detail: String) {
        self.found.push(Finding { cluster: self.cluster.clone(), severity, title: title.to_owned(), detail });
    }

    fn warn(&mut self, title: &str, detail: &dyn fmt::Display) {
        self.say(Severity::Warning, title, detail.to_string());
    }

    fn error(&mut self, title: &str, detail: &dyn fmt::Display) {
        self.say(Severity::Error, title, detail.to_string());
    }
}

/// The checks of one cluster.
struct Check<'a> {
    engine: &'a Engine,
    place: &'a Place,
    looked: &'a Looked,
    journal: Option<&'a Journal>,
}

impl Check<'_> {
    fn sight(&self) -> &Sight {
        &self.looked.sight
    }

    /// The colour that the next release would be made in.
    fn next_color(&self) -> Color {
        let under_way = self.journal.and_then(|journal| journal.release.as_ref());
        let same = under_way.filter(|release| release.version == self.engine.version);
        match (same, self.journal.and_then(|journal| journal.active.as_ref())) {
            (Some(release), _) => release.to,
            (None, Some(active)) if active.version == self.engine.version => active.color,
            (None, Some(active)) => active.color.other(),
            (None, None) if self.engine.adopt && self.sight().one(Slot::Plain).is_some() => Color::Green,
            (None, None) => Color::Blue,
        }
    }

    async fn all(&self, desk: &mut Findings) {
        let namespace = self.engine.layout.release.namespace.as_str();
        match self.place.member.get(&ResourceType::namespace(), None, namespace).await {
            Ok(None) => {
                let detail = format!(
                    "namespace `{namespace}` is not there yet: what the server says of the objects is known at apply"
                );
                return desk.warn("cannot be checked before apply", &detail);
            }
            Err(error) if is_unreachable(&error) => return desk.warn("cannot be checked", &error),
            // Who may not see namespaces may still work in one.
            Ok(Some(_)) | Err(_) => {}
        }
        self.permissions(desk).await;
        self.traffic(desk).await;
        self.plain(desk);
        self.objects(desk).await;
        self.room(desk).await;
        self.metrics(desk).await;
    }

    async fn permissions(&self, desk: &mut Findings) {
        let asked = checks(self.engine, self.place);
        let answers =
            join_all(asked.iter().map(async |check| (check, self.place.member.may(check).await))).await;
        let mut denied: Vec<String> = Vec::new();
        for (check, answer) in answers {
            match answer {
                Ok(Access::Denied) => denied.push(words(check)),
                Ok(Access::Allowed | Access::Unknown) => {}
                Err(error) => return desk.warn("permissions cannot be checked", &error),
            }
        }
        if !denied.is_empty() {
            desk.error("permissions are missing", &format!("the identity may not {}", denied.join("; ")));
        }
    }

    async fn traffic(&self, desk: &mut Findings) {
        let layout = &self.engine.layout;
        let Some(lead) = &layout.lead else { return };
        for (index, (target, subject)) in layout.targets().into_iter().enumerate() {
            let what = format!("{} `{}/{}`", subject.ty.kind, subject.namespace, subject.name);
            let Some(live) = self.sight().one(Slot::Target(index)) else {
                let unserved =
                    self.sight().slots.get(&Slot::Target(index)).and_then(|seen| seen.denied.clone());
                match (target.role, unserved) {
                    (_, Some(why)) => desk.error("what leads traffic cannot be used", &format!("{what}: {why}")),
                    (Role::Route, None) => desk.error(
                        "what leads traffic is missing",
                        &format!("{what} does not exist: make it before the release, with a rule that leads to Service `{}`", lead.service),
                    ),
                    (Role::Service, None) if index == 0 && !self.place.workload.has_service() => desk.error(
                        "what leads traffic is missing",
                        &format!("{what} does not exist: add it to `manifest`, or make it before the release"),
                    ),
                    (Role::Service, None) => {}
                }
                continue;
            };
            if let Err(refused) = traffic::read(lead, target.role, live) {
                desk.error("traffic cannot be led", &format!("{what}: {refused}"));
            }
            if target.role == Role::Service
                && let Some(warning) = self.load_balancer(live).await
            {
                desk.warn("a Service behind a load balancer", &warning);
            }
        }
    }

    async fn load_balancer(&self, service: &Value) -> Option<String> {
        let lead = self.engine.layout.lead.as_ref()?;
        let ty =
            ResourceType { plural: "ingresses".to_owned(), ..known_type("networking.k8s.io/v1", "Ingress") };
        // Ingresses that may not be seen give no warning.
        let ingresses =
            self.place.member.list_namespace(&ty, &lead.release.namespace).await.unwrap_or_default();
        traffic::lb_warning(lead, service, &ingresses)
    }

    /// A workload that is in the way, or that somebody forgot to take over.
    fn plain(&self, desk: &mut Findings) {
        let layout = &self.engine.layout;
        let plain = read::plain(layout, self.sight()).filter(|_| !self.engine.adopt);
        if let Some(name) = plain {
            let detail = format!(
                "{} `{name}` is there and is not the release's: its pods stay beside the release's, and Service `{}` may lead to them. Take it over with `adopt`, or delete it",
                layout.kind,
                layout.lead.as_ref().map_or("", |lead| lead.service.as_str()),
            );
            desk.warn("a workload of the same name", &detail);
        }
        let others = Color::BOTH.into_iter().filter_map(|color| layout.workload(self.sight(), color));
        for live in others {
            let owner = view::label_of(live, RELEASE_LABEL);
            if layout.lead.is_some() && owner.is_none() {
                let detail = format!(
                    "{} `{}` is there and has no label of the release: rename or delete it",
                    layout.kind,
                    text(live, "/metadata/name")
                );
                desk.error("somebody else's workload", &detail);
            }
        }
    }

    /// What the server would make of the new colour's objects.
    async fn objects(&self, desk: &mut Findings) {
        let (engine, color) = (self.engine, self.next_color());
        let shape = Shape {
            color,
            replicas: self.replicas(color),
            autoscaler: Autoscaler::Held,
            stable: engine.layout.stable(self.sight()),
            serving: color.other(),
        };
        let rendered = match engine.render(self.place, &shape) {
            Ok(rendered) => rendered,
            Err(why) => return desk.error("cannot be rendered", &why),
        };
        for object in rendered {
            let what = format!("{} `{}`", object.kind(), object.name());
            let options = ApplyOptions {
                field_manager: engine.layout.manager(),
                force: false,
                dry_run: true,
                confidential: object.kind() == "Secret",
            };
            let ty = match self.place.member.resource_type(object.api_version(), object.kind()).await {
                Ok(Some(ty)) => ty,
                Ok(None) => {
                    let detail = format!("the cluster has no {} in {}", object.kind(), object.api_version());
                    desk.error("a kind is not served", &detail);
                    continue;
                }
                Err(error) => return desk.warn("cannot be checked", &error),
            };
            match self.place.member.apply(&ty, &as_applied(&engine.layout, &object), options).await {
                Ok(_) => {}
                Err(error) if is_unreachable(&error) => return desk.warn("cannot be checked", &error),
                Err(error @ MemberError::Rejected { .. }) => {
                    desk.warn("an object may be rejected", &format!("{what}: {error}"));
                }
                // Said already, with all that is missing.
                Err(MemberError::Forbidden { message }) if !message.contains("quota") => {}
                // A quota may be free by then.
                Err(error @ MemberError::Forbidden { .. }) => {
                    desk.warn("an object may be refused", &format!("{what}: {error}"));
                }
                Err(error) => desk.error("an object is refused", &format!("{what}: {error}")),
            }
        }
    }

    /// The size that the new colour begins with: that of the one that serves.
    fn replicas(&self, color: Color) -> u32 {
        let serves = self.engine.layout.workload(self.sight(), color.other()).map(view::replicas);
        serves.filter(|size| *size > 0).unwrap_or(0).max(self.place.workload.replicas())
    }

    /// Whether the new colour fits beside the old one.
    async fn room(&self, desk: &mut Findings) {
        let color = self.next_color();
        let replicas = self.replicas(color);
        let there = self.engine.layout.workload(self.sight(), color).map_or(0, view::replicas);
        if self.engine.is_in_place() || there >= replicas {
            return;
        }
        let member = &self.place.member;
        let pods = ResourceType::pod();
        let quota = known_type("v1", "ResourceQuota");
        let namespace = self.engine.layout.release.namespace.as_str();
        let (nodes, pods, quotas) =
            futures::join!(member.nodes(), member.list_all(&pods), member.list_namespace(&quota, namespace));
        // Who may not see them all cannot tell.
        let (Ok(nodes), Ok(pods)) = (nodes, pods) else { return };
        let none = Value::Null;
        let template = self.place.workload.main().value().pointer("/spec/template").unwrap_or(&none);
        let room = Room {
            nodes: &nodes,
            pods: &pods,
            quotas: &quotas.unwrap_or_default(),
            template,
            replicas: replicas - there,
        };
        match fit(&room) {
            Ok(findings) => {
                for finding in findings {
                    let severity = match finding.severity {
                        fit::Severity::Warning => Severity::Warning,
                        fit::Severity::Problem => Severity::Error,
                    };
                    desk.say(severity, "the new colour may not fit", finding.text);
                }
            }
            Err(error) => desk.error("an amount cannot be read", &error),
        }
    }

    /// What each metric says of the colour that serves, before anything is released.
    async fn metrics(&self, desk: &mut Findings) {
        let Some(active) = self.journal.and_then(|journal| journal.active.as_ref()) else { return };
        let layout = &self.engine.layout;
        let hash = layout
            .workload(self.sight(), active.color)
            .and_then(|live| view::template_hash(live, self.sight()));
        let cluster = Some(&self.place.member.name);
        for (title, detail, severity) in ask(self.engine, Scope::Cluster, cluster, active.color, hash).await {
            desk.say(severity, title, detail);
        }
    }
}

async fn global_metrics(engine: &Engine, journal: Option<&Journal>) -> Vec<Finding> {
    let (Some(active), Some(cluster)) =
        (journal.and_then(|journal| journal.active.as_ref()), engine.places.keys().next())
    else {
        return Vec::new();
    };
    let asked = ask(engine, Scope::Global, None, active.color, None).await;
    let finding = |(title, detail, severity): (&str, String, Severity)| Finding {
        cluster: cluster.clone(),
        severity,
        title: title.to_owned(),
        detail,
    };
    asked.into_iter().map(finding).collect()
}

async fn ask(
    engine: &Engine,
    scope: Scope,
    cluster: Option<&ClusterName>,
    color: Color,
    hash: Option<String>,
) -> Vec<(&'static str, String, Severity)> {
    let Some(analysis) = &engine.spec.analysis else { return Vec::new() };
    let metrics = analysis.metrics.iter().filter(|metric| metric.scope == scope);
    let asked = metrics.map(async |metric| {
        let subject = Subject { engine, analysis, metric, cluster };
        let queries = std::iter::once(&metric.query).chain(&metric.baseline);
        let answers = queries.map(async |query| subject.ask(query, color, hash.clone()).await);
        let name = &metric.name;
        join_all(answers).await.into_iter().find_map(|answer| match answer {
            Err(why) => Some(("a metric cannot be measured", format!("metric `{name}`: {why}"), Severity::Error)),
            Ok(value) if value.is_empty() => Some((
                "a metric has no data",
                format!("metric `{name}` brings no data for the version that serves now: check the query, or `no_data`"),
                Severity::Warning,
            )),
            Ok(_) => None,
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// All that an apply will do on a cluster, as questions.
fn checks(engine: &Engine, place: &Place) -> BTreeSet<AccessCheck> {
    let layout = &engine.layout;
    let (own, records) = (layout.release.namespace.as_str(), layout.release.records.as_str());
    let mut checks = BTreeSet::new();
    let mut ask = |group: &str, resource: &str, namespace: &str, verbs: &[&str]| {
        checks.extend(verbs.iter().map(|verb| AccessCheck {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verb: (*verb).to_owned(),
            namespace: Some(namespace.to_owned()),
            name: None,
        }));
    };
    const LOOK: [&str; 3] = ["get", "list", "watch"];
    const MAKE: [&str; 4] = ["get", "create", "patch", "delete"];
    for object in place.workload.objects() {
        let ty = known_type(object.api_version(), object.kind());
        ask(&ty.group, &ty.plural, own, &MAKE);
    }
    ask("apps", &known_type("apps/v1", &layout.kind).plural, own, &LOOK);
    for (_, subject) in layout.targets() {
        ask(&subject.ty.group, &subject.ty.plural, &subject.namespace, &LOOK);
        ask(&subject.ty.group, &subject.ty.plural, &subject.namespace, &["patch"]);
    }
    if layout.lead.is_some() {
        ask("", "services", own, &MAKE);
        ask("", "services", own, &LOOK);
        ask("discovery.k8s.io", "endpointslices", own, &["list", "watch"]);
    }
    ask("", "configmaps", records, &["get", "create", "update", "delete"]);
    ask("coordination.k8s.io", "leases", records, &["get", "create", "update", "delete"]);
    checks
}

fn words(check: &AccessCheck) -> String {
    let group = if check.group.is_empty() { String::new() } else { format!(".{}", check.group) };
    let namespace = check.namespace.as_deref().unwrap_or_default();
    format!("{} {}{group} in `{namespace}`", check.verb, check.resource)
}
