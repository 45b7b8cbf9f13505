//! From a plan to the clusters, and back to a state that is true whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multicluster::federation as engine;
use multicluster::federation::{ApplyJob, MemberJob, MemberReport, Mode, RemoveJob, Report, Run};
use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::forecast::MEMBER;
use multicluster_core::names::{ClusterName, ClusterUid};
use tfplugin::resource::{ApplyRequest, StateResponse};
use tfplugin::{Context, Diagnostics, Node, Value, timeouts};
use tokio::time::Instant;

use super::facts;
use super::membership;
use super::model::{self, Model};
use super::record::{MemberRecord, Record};
use super::state::{self, member_path};
use crate::config::{Clusters, clock};
use crate::validators::sentence;

/// How long a lease holds without a sign of life, as controllers of Kubernetes itself have it.
const LEASE_DURATION: Duration = Duration::from_secs(15);
/// Unless `timeouts` says otherwise. The same as the schema's descriptions say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

pub(super) async fn create(
    clusters: &Clusters,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let model = planned_model(clusters, &request, Mode::Create, &mut response.diagnostics).await;
    let Some(model) = model else { return };
    let instance = engine::new_instance();
    let change = Change { clusters, request, model: &model, instance: &instance, mode: Mode::Create };
    let Some(report) = change.carry_out(context, "create", &mut response.diagnostics).await else { return };
    if !report.wrote {
        // Nothing was written: there is nothing to keep a state for, unless all is well with no members.
        report_errors(&report, Aftermath::Tainted, &mut response.diagnostics);
        if !report.is_success() {
            return;
        }
    }
    change.answer(&report, response);
    if report.is_interruption() {
        // An error would mark the federation as tainted, and the next apply would destroy what is there.
        response
            .diagnostics
            .warning("Interrupted", "The federation is not complete. The next apply goes on with it.");
    } else if report.wrote {
        report_errors(&report, Aftermath::Tainted, &mut response.diagnostics);
    }
    report_warnings(&report, &mut response.diagnostics);
}

/// What the plan asks for, by the facts that it was made with, and with what is to be copied now. Where the member that
/// has the original does not answer, copies that are there stay as they are.
async fn planned_model(
    clusters: &Clusters,
    request: &ApplyRequest<'_>,
    mode: Mode,
    diagnostics: &mut Diagnostics,
) -> Option<Model> {
    let record = Record::parse(request.private);
    let model = model::model(request.planned, Some(request.config), &record.facts(), diagnostics);
    let Some(mut model) = model else {
        if !diagnostics.has_errors() && !membership::is_found(request.planned) {
            membership::missing(request.planned, diagnostics);
        } else if !diagnostics.has_errors() {
            diagnostics.error("Nothing to work on", "What decides what is to be done is not known even now.");
        }
        return None;
    };
    let copies = facts::read_copies(clusters, &record, &model.spec).await;
    for (name, problem) in &copies.problems {
        let path = model.shape.path_of(name).attribute("copy_from");
        let why = &problem.why;
        if problem.unreachable && mode == Mode::Update && model.has_copies(name, &record) {
            let detail = format!("{why} The copies that were made of it before stay as they are.");
            diagnostics.warning_at(path, "Nothing to copy", detail);
        } else {
            diagnostics.error_at(path, "Nothing to copy", format!("{why} Nothing was changed anywhere."));
        }
    }
    if !copies.objects.is_empty()
        && let Err(problems) = model.copy(&Facts { copies: copies.objects, ..record.facts() })
    {
        for problem in problems {
            let detail = format!("{} Nothing was changed anywhere.", sentence(&problem.message));
            diagnostics.error_at(model.path_of(&problem), "It does not fit what is copied", detail);
        }
    }
    (!diagnostics.has_errors()).then_some(model)
}

pub(super) async fn update(
    clusters: &Clusters,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let model = planned_model(clusters, &request, Mode::Update, &mut response.diagnostics).await;
    let Some(model) = model else { return };
    let instance = Node::root(request.prior).attribute("uid").str().unwrap_or_default();
    let change = Change { clusters, request, model: &model, instance, mode: Mode::Update };
    let Some(report) = change.carry_out(context, "update", &mut response.diagnostics).await else { return };
    report_errors(&report, Aftermath::GoesOn, &mut response.diagnostics);
    report_warnings(&report, &mut response.diagnostics);
    if report.is_success() || report.wrote {
        change.answer(&report, response);
    }
}

pub(super) async fn delete(
    clusters: &Clusters,
    context: &Context,
    request: ApplyRequest<'_>,
    response: &mut StateResponse,
) {
    let Some(set) = model::set_of(request.prior) else { return };
    let options = model::options(request.prior);
    let mut record = Record::parse(request.private);
    let known = state::cluster_uids(request.prior);
    let (mut members, mut forgotten) = (BTreeMap::new(), BTreeMap::new());
    for name in state::known_members(request.prior, &record) {
        if clusters.has_departed(&set.federation, &name) {
            forgotten.insert(name, departed());
            continue;
        }
        match clusters.member(&name, record.reference(&name)).await {
            Ok(member) => {
                members.insert(name.clone(), (member, known.get(&name).cloned()));
            }
            Err(error) if options.forget_unreachable => {
                forgotten.insert(name.clone(), MemberReport::forgotten(&name, &error));
            }
            Err(error) => response.diagnostics.error(
                format!("Cannot remove the federation from cluster `{name}`"),
                format!("{} Nothing was removed anywhere.", sentence(&error)),
            ),
        }
    }
    if response.diagnostics.has_errors() {
        return;
    }
    let instance = Node::root(request.prior).attribute("uid").str().unwrap_or_default().to_owned();
    let lock = clusters.lock(&set.inventory_name());
    let _guard = lock.lock().await;
    let (leave, forget_unreachable) = (options.leave, options.forget_unreachable);
    let job = RemoveJob { set, instance, leave, forget_unreachable, members };
    let mut report = engine::remove(&job, &run(context, request.prior, "delete")).await;
    report.members.extend(forgotten);
    report_errors(&report, Aftermath::GoesOn, &mut response.diagnostics);
    report_warnings(&report, &mut response.diagnostics);
    if report.is_success() {
        return;
    }
    // What is left is what the next attempt has to know of.
    let mut syncs = state::syncs(request.prior);
    let mut uids = known;
    for (name, member) in &report.members {
        if member.left {
            syncs.remove(name);
            uids.remove(name);
            record.members.remove(name);
        } else if let Some(seen) = &member.seen {
            syncs.extend(seen.sync().map(|sync| (name.clone(), sync)));
            record.members.entry(name.clone()).or_default().seen = Some(seen.clone());
        }
    }
    response.state.set("sync", state::text_map(syncs));
    response.state.set("cluster_uids", state::text_map(uids.into_iter().map(|(name, uid)| (name, uid.0))));
    response.private = record.to_private();
}

/// A member that was left before this, by what drains its cluster: it may be gone by now.
fn departed() -> MemberReport {
    MemberReport { done: true, left: true, ..MemberReport::default() }
}

/// A create or an update.
struct Change<'a> {
    clusters: &'a Clusters,
    request: ApplyRequest<'a>,
    model: &'a Model,
    instance: &'a str,
    mode: Mode,
}

impl Change<'_> {
    /// Carries the change out. `None` if not all members can be had; nothing was done then.
    async fn carry_out(
        &self,
        context: &Context,
        operation: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Report> {
        let record = Record::parse(self.request.private);
        let expected = state::cluster_uids(self.request.planned);
        let (mut members, mut forgotten) = (BTreeMap::new(), BTreeMap::new());
        let mut passed_over = BTreeMap::new();
        let options = self.model.options;
        for name in self.members(&record) {
            if !self.model.spec.members.contains_key(&name)
                && self.clusters.has_departed(&self.model.set.federation, &name)
            {
                forgotten.insert(name, departed());
                continue;
            }
            if self.is_passed_over(&name) {
                let detail = "It did not answer when it was read, and others stand in for it. The first apply after it \
                              answers brings it up to date.";
                diagnostics.warning_at(
                    member_path(&name),
                    format!("Cluster `{name}` was left alone"),
                    detail,
                );
                passed_over.insert(name, MemberReport { done: true, ..MemberReport::default() });
                continue;
            }
            let reference = record.reference(&name);
            match self.clusters.member(&name, reference).await {
                Ok(member) => {
                    let job = MemberJob {
                        member,
                        labels: self.model.spec.members.get(&name).cloned().unwrap_or_default(),
                        desired: self.model.rendered.get(&name).cloned(),
                        unselected: self.model.unselected.get(&name).cloned().unwrap_or_default(),
                        expected_uid: self.expected(&name, &expected),
                    };
                    members.insert(name, job);
                }
                Err(error) if options.forget_unreachable && !self.model.spec.members.contains_key(&name) => {
                    let report = MemberReport::forgotten(&name, &error);
                    forgotten.insert(name, report);
                }
                Err(error) => diagnostics.error_at(
                    member_path(&name),
                    format!("Cannot connect to cluster `{name}`"),
                    format!("{} Nothing was changed anywhere.", sentence(&error)),
                ),
            }
        }
        if diagnostics.has_errors() {
            return None;
        }
        let lock = self.clusters.lock(&self.model.set.inventory_name());
        let _guard = lock.lock().await;
        let job = ApplyJob {
            set: self.model.set.clone(),
            instance: self.instance.to_owned(),
            mode: self.mode,
            leave: options.leave,
            forget_unreachable: options.forget_unreachable,
            members,
        };
        let run = run(context, self.request.planned, operation);
        let mut report = engine::apply(&job, &run).await;
        report.members.extend(forgotten);
        report.members.extend(passed_over);
        Some(report)
    }

    /// Whether nothing is to be done on a member but what others do in its place as long as it does not answer.
    fn is_passed_over(&self, name: &ClusterName) -> bool {
        let sync = |value| state::syncs(value).remove(name);
        let untouched = sync(self.request.prior).is_some_and(|it| Some(it) == sync(self.request.planned));
        self.mode == Mode::Update && untouched && self.model.is_held(name)
    }

    /// All members that are concerned: those of the configuration, and those that have to leave. A cluster that stays
    /// under another name does not leave.
    fn members(&self, record: &Record) -> BTreeSet<ClusterName> {
        let staying = &self.model.spec.members;
        let mut names: BTreeSet<ClusterName> = staying.keys().cloned().collect();
        if self.mode == Mode::Update {
            let prior = state::cluster_uids(self.request.prior);
            let planned: BTreeSet<ClusterUid> =
                state::cluster_uids(self.request.planned).into_values().collect();
            let renamed = |name: &ClusterName| prior.get(name).is_some_and(|uid| planned.contains(uid));
            let known = state::known_members(self.request.prior, record);
            names.extend(known.into_iter().filter(|name| !renamed(name)));
        }
        names
    }

    /// The cluster that a name must stand for: as planned, and for one that leaves, as it was.
    fn expected(
        &self,
        name: &ClusterName,
        planned: &BTreeMap<ClusterName, ClusterUid>,
    ) -> Option<ClusterUid> {
        let stays = self.model.spec.members.contains_key(name);
        let prior = || state::cluster_uids(self.request.prior).get(name).cloned();
        if stays { planned.get(name).cloned() } else { prior() }
    }

    /// What is true after `report`.
    fn answer(&self, report: &Report, response: &mut StateResponse) {
        let mut state = self.state(report);
        let record = self.record(report, &state);
        let planned = Node::root(self.request.planned);
        // What was known at plan stays as it was shown, and what is new is told.
        if planned.attribute("member_status").is_wholly_known() {
            state.set("member_status", planned.attribute("member_status").value().clone());
        } else {
            state.set("member_status", state::member_status(self.model.spec.members.keys(), &record));
        }
        response.state = state;
        response.private = record.to_private();
    }

    /// The state that is true after `report`.
    fn state(&self, report: &Report) -> Value {
        let mut state = self.request.planned.clone();
        let mut syncs = state::syncs(self.request.prior);
        let mut uids = state::cluster_uids(self.request.prior);
        for (name, member) in &report.members {
            if member.left {
                syncs.remove(name);
                uids.remove(name);
                continue;
            }
            if let Some(seen) = &member.seen {
                uids.insert(name.clone(), seen.cluster_uid.clone());
                match seen.sync() {
                    Some(sync) => syncs.insert(name.clone(), sync),
                    None => syncs.remove(name),
                };
            }
        }
        self.drop_old_names(&mut uids);
        syncs.retain(|name, _| uids.contains_key(name));
        state.set("uid", self.instance.into());
        state.set("sync", state::text_map(syncs));
        state.set("cluster_uids", state::text_map(uids.into_iter().map(|(name, uid)| (name, uid.0))));
        state.set("forecast", known_forecast(self.request.planned));
        state
    }

    /// Drops the names under which clusters were members that are members under other names by now.
    fn drop_old_names(&self, uids: &mut BTreeMap<ClusterName, ClusterUid>) {
        let staying = |name: &ClusterName| self.model.spec.members.contains_key(name);
        let taken: BTreeSet<ClusterUid> =
            uids.iter().filter(|(name, _)| staying(name)).map(|(_, uid)| uid.clone()).collect();
        uids.retain(|name, uid| staying(name) || !taken.contains(uid));
    }

    /// The record that belongs to that state.
    fn record(&self, report: &Report, state: &Value) -> Record {
        let mut record = Record::parse(self.request.private);
        record.without_records = false;
        for (name, member) in &report.members {
            if member.left {
                record.members.remove(name);
                continue;
            }
            let before = record.members.remove(name).unwrap_or_default();
            let after = MemberRecord {
                silent: member.seen.is_none() && before.silent,
                seen: member.seen.clone().or(before.seen),
                version: member.version.clone().or(before.version),
                nodes: before.nodes,
                live: before.live,
                reference: self.clusters.reference(name).or(before.reference),
            };
            record.members.insert(name.clone(), after);
        }
        let uids = state::cluster_uids(state);
        record.members.retain(|name, _| {
            self.model.spec.members.contains_key(name)
                || uids.contains_key(name)
                || report.members.contains_key(name)
        });
        record
    }
}

/// What is said afterwards of an object, or a member, of which nothing could be foretold.
const AFTERWARDS: &str = "as the server would have it";

/// The forecast as planned. What could not be foretold even now has come to be.
fn known_forecast(planned: &Value) -> Value {
    let told = |text: &Value| if text.is_wholly_known() { text.clone() } else { AFTERWARDS.into() };
    let of_member = |forecast: &Value| match forecast {
        Value::Map(objects) => Value::map(objects.iter().map(|(key, text)| (key.clone(), told(text)))),
        _ => Value::map([(MEMBER, Value::from(AFTERWARDS))]),
    };
    match planned.get("forecast") {
        Some(Value::Map(members)) => {
            Value::map(members.iter().map(|(name, forecast)| (name.clone(), of_member(forecast))))
        }
        _ => Value::map::<String>([]),
    }
}

fn run(context: &Context, value: &Value, operation: &str) -> Run {
    let timeout =
        timeouts::get(&Node::root(value).attribute("timeouts"), operation).unwrap_or(DEFAULT_TIMEOUT);
    run_until(context, Instant::now() + timeout)
}

/// The frame of an operation that is given up at a deadline.
pub(crate) fn run_until(context: &Context, deadline: Instant) -> Run {
    Run {
        cancelled: context.cancelled.clone(),
        deadline,
        holder: engine::new_instance(),
        lease_duration: LEASE_DURATION,
        clock: clock(),
    }
}

/// What becomes of the federation after an error.
#[derive(Clone, Copy)]
enum Aftermath {
    /// Terraform marks what was being made as tainted.
    Tainted,
    /// It stays, and the next run goes on with it.
    GoesOn,
}

fn report_errors(report: &Report, aftermath: Aftermath, diagnostics: &mut Diagnostics) {
    let done: Vec<&str> = names(report, |member| member.done);
    let next = match aftermath {
        Aftermath::Tainted => {
            "The next apply removes what was made and makes it anew; `terraform untaint` lets it go on from here instead."
        }
        Aftermath::GoesOn => "The next run goes on from here.",
    };
    for (name, member) in &report.members {
        let Some(error) = &member.error else { continue };
        let rest = match (report.wrote, done.as_slice()) {
            (false, _) => "Nothing was changed on any cluster.".to_owned(),
            (true, []) => next.to_owned(),
            (true, done) => format!("{} done. {next}", is_or_are(done)),
        };
        diagnostics.error_at(
            member_path(name),
            format!("Cluster `{name}` failed"),
            format!("{} {rest}", sentence(error)),
        );
    }
}

fn names(report: &Report, select: impl Fn(&MemberReport) -> bool) -> Vec<&str> {
    report.members.iter().filter(|(_, member)| select(member)).map(|(name, _)| name.as_str()).collect()
}

fn is_or_are(names: &[&str]) -> String {
    let quoted = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names {
        [_] => format!("Cluster {quoted} is"),
        _ => format!("Clusters {quoted} are"),
    }
}

fn report_warnings(report: &Report, diagnostics: &mut Diagnostics) {
    for warning in report.members.values().flat_map(|member| &member.warnings) {
        diagnostics.warning("Something was left on a cluster", warning.clone());
    }
}
