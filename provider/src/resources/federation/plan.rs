//! What a plan shows. Terraform plans twice, and the second plan must say the same: everything here follows from the
//! configuration, the prior state, the record beside it, and the cluster only where it is joined anew or objects change.

mod outcome;
mod probes;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use multicluster::federation::{
    FederationError, Observed, Reason, look_for_differences, observe, reopen_if_abandoned,
};
use multicluster::member::{Member, MemberError};
use multicluster_core::federation::forecast::{Forecast, MEMBER, Outlook, forecast};
use multicluster_core::federation::observation::{Live, Observation, Seen, SeenObject, Status, planned_sync};
use multicluster_core::federation::plan::{Claim, Leave, Refusal, plan as plan_member};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::ObjectKey;
use tfplugin::resource::{PlanRequest, PlanResponse};
use tfplugin::{Context, Diagnostics, Node, Path, Value};
use tokio::time::Instant;

use self::outcome::Outcome;
use self::probes::{Asked, Inquiry, PATIENCE, Probes};
use super::facts::{self, Ask};
use super::import;
use super::membership;
use super::model::{self, Model, Shape};
use super::preflight;
use super::record::Record;
use super::state::{self, member_path};
use crate::config::{Clusters, NoMember};
use crate::resources::entry;
use crate::validators::sentence;

/// The attributes that follow from the others.
const COMPUTED: [&str; 8] = [
    "member_names",
    "cluster_uids",
    "sync",
    "forecast",
    "objects",
    "services",
    "member_status",
    "required_rbac",
];

pub(super) async fn plan(
    clusters: &Clusters,
    context: &Context,
    request: PlanRequest<'_>,
    response: &mut PlanResponse,
) {
    if response.planned.is_null() {
        return plan_removal(clusters, request, response);
    }
    response.planned.set("id", model::id(&response.planned));
    let mut record = Record::parse(request.private);
    membership::plan(clusters, &record, request.prior, &mut response.planned, &mut response.diagnostics)
        .await;
    if facts::read_nodes(clusters, &mut record, &response.planned, Ask::Unknown).await {
        // The apply divides by the same nodes.
        response.private = record.to_private();
    }
    let facts = record.facts();
    if !model::inputs_known(&response.planned, Some(request.config)) {
        for attribute in COMPUTED {
            response.planned.set(attribute, Value::Unknown);
        }
        if Node::root(&response.planned).attribute("members").is_unknown() {
            warn_of_missing_federation(&response.planned, &mut response.diagnostics);
        }
        // What is known already is checked already.
        let _ = model::model(&response.planned, Some(request.config), &facts, &mut response.diagnostics);
        return;
    }
    let model = model::model(&response.planned, Some(request.config), &facts, &mut response.diagnostics);
    let Some(mut model) = model else { return };
    if facts::read_live_replicas(clusters, &mut record, &model).await {
        response.private = record.to_private();
        if let Err(problems) = model.copy(&record.facts()) {
            for problem in problems {
                let path = model.path_of(&problem);
                response.diagnostics.error_at(path, "Invalid federation", sentence(&problem.message));
            }
            return;
        }
    }
    let (model, facts) = (model, record.facts());
    model.warn(&mut response.diagnostics);
    // Rendering takes longer than all else that is done here without a server.
    let same = !request.prior.is_null() && model::same_inputs(request.prior, &response.planned);
    let same = same && !model.has_confidential();
    let prior = if request.prior.is_null() || same {
        None
    } else {
        model::model(request.prior, None, &facts, &mut Diagnostics::new())
    };
    let known = state::cluster_uids(request.prior);
    let makes = request.prior.is_null();
    let uid = Node::root(request.prior).attribute("uid").str().map(str::to_owned);
    // A create that is one half of a replacement brings the record of the other half.
    let instance = uid.or_else(|| record.instance()).unwrap_or_default();
    let prior = if same { Some(&model) } else { prior.as_ref() };
    let planning = Planning {
        clusters,
        model: &model,
        prior,
        record: &record,
        known,
        makes,
        instance,
        asked: Asked::default(),
    };

    let looks = join_all(model.spec.members.keys().map(async |name| {
        let mut said = Diagnostics::new();
        let look = tokio::select! {
            biased;
            () = context.cancelled.cancelled() => unreachable(name, &"interrupted", &mut said),
            look = planning.look(name, &mut said) => look,
        };
        (name, look, said)
    }))
    .await;
    let joining: Vec<&ClusterName> = looks
        .iter()
        .filter(|(name, look, _)| !planning.known.contains_key(*name) && look.has_answered())
        .map(|(name, ..)| *name)
        .collect();
    preflight::check(clusters, &record, &model, &response.planned, &joining, &mut response.diagnostics).await;
    // What a replacement is to make does not leave anything: its other half removes all there is.
    let leaving = if makes { BTreeSet::new() } else { state::known_members(request.prior, &record) };
    let leaving: BTreeSet<&ClusterName> =
        leaving.iter().filter(|name| !model.spec.members.contains_key(*name)).collect();
    let mut outcome = Outcome::default();
    let mut renamed = BTreeMap::new();
    let mut all_probes = BTreeMap::new();
    for (name, look, said) in looks {
        response.diagnostics.extend(said);
        let before = look.uid().and_then(|uid| planning.renamed(name, uid, &leaving));
        renamed.extend(before.map(|before| (before, name)));
        all_probes
            .extend(planning.stays(name, before, look, &mut outcome).map(|probes| (name.clone(), probes)));
    }
    probes::report(&all_probes, |resource| planning.source_of(resource), &mut response.diagnostics);
    for name in leaving {
        planning.leaves(name, renamed.get(name).copied(), &mut outcome, &mut response.diagnostics);
    }
    outcome.refuse_duplicates(&mut response.diagnostics);
    outcome.refuse_mass_deletion(&model, &mut response.diagnostics);
    outcome.warn_of_drift(&mut response.diagnostics);
    outcome.write(request.prior, &model, &mut response.planned);
}

struct Planning<'a> {
    clusters: &'a Clusters,
    model: &'a Model,
    prior: Option<&'a Model>,
    record: &'a Record,
    known: BTreeMap<ClusterName, ClusterUid>,
    /// Whether the federation is to be made, possibly after the present one has been destroyed.
    makes: bool,
    /// The creation of the federation that may be found on the members.
    instance: String,
    asked: Asked,
}

impl Planning<'_> {
    /// The name under which a member that seems to join was one before: that of one which leaves, and is the same
    /// cluster.
    fn renamed<'n>(
        &self,
        name: &ClusterName,
        uid: &ClusterUid,
        leaving: &BTreeSet<&'n ClusterName>,
    ) -> Option<&'n ClusterName> {
        let joins = !self.known.contains_key(name);
        leaving.iter().copied().find(|other| joins && self.known.get(*other) == Some(uid))
    }

    /// Plans a member that stays or joins. `before` is the name that it had until now, if that was another one.
    fn stays(
        &self,
        name: &ClusterName,
        before: Option<&ClusterName>,
        look: Look,
        outcome: &mut Outcome,
    ) -> Option<Probes> {
        let until_now = before.unwrap_or(name);
        let none = MemberDesired::new();
        let desired = self.model.rendered.get(name).unwrap_or(&none);
        let known_as = self.known.get(until_now);
        let (uid, seen, probes) = match look {
            Look::Seen(uid, seen, probes) => (Some(uid), seen, Some(probes)),
            // What is not known to be otherwise is as it was.
            Look::Unreachable | Look::Denied => (known_as.cloned(), self.record.seen(name).cloned(), None),
            Look::Unknown => {
                outcome.cluster_uids.insert(name.clone(), None);
                outcome.sync.insert(name.clone(), None);
                outcome.forecast.insert(name.clone(), None);
                return None;
            }
            Look::Failed => return None,
        };
        let mut seen = before.and_then(|before| self.record.seen(before).cloned()).or(seen);
        if let Some((seen, unselected)) = seen.as_mut().zip(self.model.unselected.get(name)) {
            seen.unselect(unselected);
        }
        let outlook = Outlook {
            prior: self.before(until_now),
            desired: Some(desired),
            seen: seen.as_ref(),
            known_as,
            probed: probes.as_ref().map(|probes| &probes.words),
            leave: self.model.options.leave,
            renamed: before,
        };
        outcome.forecast.insert(name.clone(), Some(forecast(&outlook)));
        outcome.cluster_uids.insert(name.clone(), uid.map(|uid| uid.to_string()));
        outcome.sync.insert(name.clone(), planned_sync(seen.as_ref(), desired));
        probes
    }

    /// What was wanted on a member until now. The members of objects that stand alone are in the state as soon as the
    /// federation has them, before anything was placed on them.
    fn before(&self, name: &ClusterName) -> Option<&MemberDesired> {
        let joined = self.model.shape == Shape::Federation || self.known.contains_key(name);
        self.prior.filter(|_| joined).and_then(|prior| prior.rendered.get(name))
    }

    /// The attribute that the objects of an entry come from.
    fn source_of(&self, resource: &str) -> Path {
        let source = entry::source_of(self.model.spec.resources.get(resource));
        self.model.shape.path_of(resource).attribute(source)
    }

    /// Looks at a member as far as the plan needs it: not at all if the last read tells everything.
    async fn look(&self, name: &ClusterName, diagnostics: &mut Diagnostics) -> Look {
        if self.model.is_held(name) {
            // Whether it answers by now does not matter: both plans of a run rest on the same read.
            let detail = "It did not answer when it was read. What `tolerate_unreachable = false`, or a preference of \
                          KubeFed, places elsewhere for as long stays there as it is, until it answers again.";
            diagnostics.warning_at(
                member_path(name),
                format!("Others stand in for cluster `{name}`"),
                detail,
            );
            return Look::Unreachable;
        }
        let member = match self.clusters.member(name, None).await {
            Ok(member) => member,
            Err(error) => return without_connection(name, &error, diagnostics),
        };
        let none = MemberDesired::new();
        let desired = self.model.rendered.get(name).unwrap_or(&none);
        let joined = self.record.seen(name).filter(|seen| seen.instance.as_ref() == Some(&self.instance));
        if let Some(seen) = joined.filter(|seen| !self.makes && has_all(seen, desired)) {
            let uid = match self.clusters.read_already(name) {
                Some(uid) => Ok(uid),
                None => member.uid().await,
            };
            match uid {
                Ok(uid) if uid == seen.cluster_uid => {
                    return self.as_read(name, &member, seen, desired, diagnostics).await;
                }
                Ok(_) => {}
                Err(error) => return unreachable(name, &error, diagnostics),
            }
        }
        let mut observed = match self.observe(&member, desired).await {
            Ok(observed) => observed,
            Err(error) => return cannot_look(name, &error, diagnostics),
        };
        if let Some(replaced) = joined.filter(|_| self.makes) {
            // The other half of a replacement has another name, and takes along what it has.
            let replaced = replaced.recorded();
            let goes = |key: &ObjectKey, live: &Live| live.federation.is_some() && replaced.contains_key(key);
            observed.observation.live.retain(|key, live| !goes(key, live));
        }
        let labels = self.model.spec.members.get(name).cloned().unwrap_or_default();
        let observation = &observed.observation;
        let claim = if self.makes { Claim::Make(&self.instance) } else { Claim::Change(&self.instance) };
        if let Err(refusals) = plan_member(&self.model.set, claim, &labels, desired, observation) {
            return self.refused(name, refusals, diagnostics);
        }
        let uid = observation.cluster_uid.clone();
        let probes = self.inquiry(desired, joined, Some(observation)).ask(&member).await;
        if self.makes {
            // What is there now may be what a replacement destroys before this plan is carried out, or what an apply
            // that was cut short has left to go on with. Either way this one makes everything.
            return Look::Seen(uid, None, probes);
        }
        // Where the last read saw the same cluster, the forecast speaks of what it saw; of one that joins, it says that
        // everything is made. So the words stay the same, whatever happens between two plans.
        let seen = joined.filter(|seen| seen.cluster_uid == uid).cloned();
        Look::Seen(uid.clone(), Some(seen.unwrap_or_else(|| Seen::nothing_on(uid))), probes)
    }

    fn inquiry<'a>(
        &'a self,
        desired: &'a MemberDesired,
        seen: Option<&'a Seen>,
        observation: Option<&'a Observation>,
    ) -> Inquiry<'a> {
        Inquiry { model: self.model, desired, seen, observation, makes: self.makes, asked: &self.asked }
    }

    async fn observe(&self, member: &Member, desired: &MemberDesired) -> Result<Observed, FederationError> {
        let mut observed = observe(member, &self.model.set, desired).await?;
        if self.model.options.dry_run {
            let deadline = Instant::now() + PATIENCE;
            look_for_differences(member, &self.model.set, desired, &mut observed.observation, deadline).await;
        } else {
            // Whether anything differs is found out by the apply.
            observed.observation.differences = desired.keys().map(|key| (key.clone(), Vec::new())).collect();
        }
        if self.makes {
            reopen_if_abandoned(member, &self.model.set, &mut observed).await?;
        }
        Ok(observed)
    }

    /// A member of which the last read tells everything, also that an object has become somebody else's.
    async fn as_read(
        &self,
        name: &ClusterName,
        member: &Member,
        seen: &Seen,
        desired: &MemberDesired,
        diagnostics: &mut Diagnostics,
    ) -> Look {
        let refused = |object: &SeenObject| {
            let Status::Foreign { managers } = &object.status else { return None };
            let key = object.key();
            let wanted = desired.get(&key)?;
            (!wanted.policy.may_adopt(managers)).then(|| Refusal::Foreign { key, managers: managers.clone() })
        };
        let refusals: Vec<Refusal> = seen.objects.iter().filter_map(refused).collect();
        if refusals.is_empty() {
            let probes = self.inquiry(desired, Some(seen), None).ask(member).await;
            return Look::Seen(seen.cluster_uid.clone(), Some(seen.clone()), probes);
        }
        self.refused(name, refusals, diagnostics)
    }

    /// What a user can do about it.
    fn advice(&self, refusals: &[Refusal]) -> String {
        let set = &self.model.set;
        if refusals.contains(&Refusal::Exists) && self.makes {
            let id = import::id(set);
            return format!(
                " If it is meant to be managed here, import it: `terraform import <address> {id}`."
            );
        }
        if refusals.contains(&Refusal::Exists) {
            return format!(
                " Another Terraform state manages it there, or did. If none does any more, delete ConfigMap {}/{} on \
                 that cluster.",
                set.namespace,
                set.inventory_name()
            );
        }
        let always = "`adopt = \"always\"` to take it over and change what differs";
        if refusals.iter().any(|refusal| matches!(refusal, Refusal::Foreign { .. })) {
            return format!(
                " Set `adopt = \"if_no_diff\"` to take over what is as wanted already, or {always}."
            );
        }
        if refusals.iter().any(|refusal| matches!(refusal, Refusal::Differs { .. })) {
            return format!(" Change the manifest, or set {always}.");
        }
        String::new()
    }

    /// Says why nothing may be done on a member.
    fn refused(&self, name: &ClusterName, refusals: Vec<Refusal>, diagnostics: &mut Diagnostics) -> Look {
        let advice = self.advice(&refusals);
        let error =
            FederationError { doing: format!("use cluster `{name}`"), reason: Reason::Refused(refusals) };
        let title = format!("Cannot federate cluster `{name}`");
        diagnostics.error_at(member_path(name), title, format!("{}{advice}", sentence(&error)));
        Look::Failed
    }

    /// Plans a member that leaves, or stays under the name `now`.
    fn leaves(
        &self,
        name: &ClusterName,
        now: Option<&ClusterName>,
        outcome: &mut Outcome,
        diagnostics: &mut Diagnostics,
    ) {
        let forget = self.model.options.forget_unreachable;
        let reachable =
            now.is_some() || check_reachable(self.clusters, self.record, name, forget, diagnostics);
        let outlook = Outlook {
            prior: self.prior.and_then(|prior| prior.rendered.get(name)),
            desired: None,
            seen: self.record.seen(name),
            known_as: self.known.get(name),
            probed: None,
            leave: self.model.options.leave,
            renamed: now,
        };
        let silent = forget && now.is_none() && self.record.is_silent(name);
        let forecast = match (reachable, forecast(&outlook)) {
            (false, _) => Forecast::from([(MEMBER.to_owned(), Some(FORGOTTEN.to_owned()))]),
            (true, mut forecast) if silent => {
                forecast.insert(MEMBER.to_owned(), Some(MAYBE_FORGOTTEN.to_owned()));
                forecast
            }
            (true, forecast) => forecast,
        };
        outcome.forecast.insert(name.clone(), Some(forecast));
    }
}

/// What is foretold of a member that nobody can reach, if such members may be forgotten.
const FORGOTTEN: &str = "forget: it cannot be reached, and what is on it stays";
/// The same of one that did not answer when it was read last.
const MAYBE_FORGOTTEN: &str = "leave; if it still does not answer, it is forgotten, and what is on it stays";

/// Whether the last read has looked at every object that is wanted.
fn has_all(seen: &Seen, desired: &MemberDesired) -> bool {
    let recorded = seen.recorded();
    desired.keys().all(|key| recorded.contains_key(key))
}

/// What was found out about a member.
enum Look {
    /// It is this cluster, has this, and would take the changes so.
    Seen(ClusterUid, Option<Seen>, Probes),
    /// It did not answer; that was said.
    Unreachable,
    /// It answered that we may not look; that was said.
    Denied,
    /// How to connect is known only after apply; that was said.
    Unknown,
    /// It cannot be; that was said.
    Failed,
}

impl Look {
    /// Whether there is somebody to ask what the identity may do.
    fn has_answered(&self) -> bool {
        matches!(self, Self::Seen(..) | Self::Denied)
    }

    /// Which cluster it is, if it answered.
    fn uid(&self) -> Option<&ClusterUid> {
        match self {
            Self::Seen(uid, ..) => Some(uid),
            _ => None,
        }
    }
}

fn without_connection(name: &ClusterName, error: &NoMember, diagnostics: &mut Diagnostics) -> Look {
    if error.may_come() {
        let detail = format!("{} Its part of the plan is known only at apply.", sentence(error));
        diagnostics.warning_at(member_path(name), format!("Cannot look at cluster `{name}` yet"), detail);
        return Look::Unknown;
    }
    diagnostics.error_at(member_path(name), format!("Cannot connect to cluster `{name}`"), sentence(error));
    Look::Failed
}

fn unreachable(name: &ClusterName, error: &impl ToString, diagnostics: &mut Diagnostics) -> Look {
    let detail =
        format!("{} What was last known of it is kept, and the apply will try again.", sentence(error));
    diagnostics.warning_at(member_path(name), format!("Cannot look at cluster `{name}`"), detail);
    Look::Unreachable
}

fn cannot_look(name: &ClusterName, error: &FederationError, diagnostics: &mut Diagnostics) -> Look {
    match &error.reason {
        Reason::Member(MemberError::Forbidden { .. }) => {
            unreachable(name, error, diagnostics);
            Look::Denied
        }
        Reason::Member(_) => unreachable(name, error, diagnostics),
        _ => {
            refuse(name, error, diagnostics);
            Look::Failed
        }
    }
}

fn refuse(name: &ClusterName, error: &FederationError, diagnostics: &mut Diagnostics) {
    let title = format!("Cannot federate cluster `{name}`");
    diagnostics.error_at(member_path(name), title, sentence(error));
}

/// A member can be left only while there is a way to reach it; otherwise it can be forgotten, if the user wants that.
fn check_reachable(
    clusters: &Clusters,
    record: &Record,
    name: &ClusterName,
    forget: bool,
    diagnostics: &mut Diagnostics,
) -> bool {
    let reachable = clusters.has(name) || record.reference(name).is_some();
    let path = Path::root().attribute("members");
    let why = format!(
        "The provider block has no entry `{name}` in `clusters` any more, so that nothing can be removed from it."
    );
    if !reachable && forget {
        let detail =
            format!("{why} It is forgotten (`leave.unreachable`), and what is on it stays as it is.");
        diagnostics.warning_at(path, format!("Cannot leave cluster `{name}`"), detail);
    } else if !reachable {
        let detail = format!(
            "{why} Keep the entry for one more apply. If the cluster is gone, `leave = {{ unreachable = \"forget\" }}` \
             leaves it without looking."
        );
        diagnostics.error_at(path, format!("Cannot leave cluster `{name}`"), detail);
    }
    reachable
}

fn plan_removal(clusters: &Clusters, request: PlanRequest<'_>, response: &mut PlanResponse) {
    let prior = Node::root(request.prior);
    if prior.attribute("deletion_protection").bool() == Some(true) {
        response.diagnostics.error_at(
            Path::root().attribute("deletion_protection"),
            "It is protected",
            "It would be destroyed, but `deletion_protection` is true. Set it to false and apply that first.",
        );
    }
    let record = Record::parse(request.private);
    let options = model::options(request.prior);
    for name in state::known_members(request.prior, &record) {
        check_reachable(clusters, &record, &name, options.forget_unreachable, &mut response.diagnostics);
    }
    if options.leave == Leave::Orphan {
        response.diagnostics.warning_at(
            Path::root().attribute("leave"),
            "The objects stay on the clusters",
            "`leave.objects` is `orphan`: only our labels and records are removed, and nobody keeps the objects \
             afterwards.",
        );
    }
}

/// The federation of an object that stands alone may be made by the same apply.
fn warn_of_missing_federation(planned: &Value, diagnostics: &mut Diagnostics) {
    let Some(set) = model::set_of(planned).filter(|_| Shape::of(planned) == Shape::Object) else { return };
    diagnostics.warning_at(
        Path::root().attribute("federation"),
        format!("There is no federation `{}` yet", set.federation),
        format!(
            "No cluster of the provider block has a record of it in namespace {}. What happens is known once it is made.",
            set.namespace
        ),
    );
}

#[cfg(test)]
mod tests;
