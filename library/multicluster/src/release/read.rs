//! What is true of a release, for those who only look: no lease is taken and nothing is written.
//!
//! Invariant: a cluster that does not answer is unknown and never empty, and a journal that cannot be understood is an error.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::text;
use multicluster_core::release::Color;
use multicluster_core::release::identity::RELEASE_LABEL;
use multicluster_core::release::journal::{Journal, Phase, Stage};
use multicluster_core::release::observed::ClusterStanding;
use multicluster_core::release::traffic::{self, Weights};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::apply::standing;
use super::engine::{Engine, Place, Site};
use super::error::{ReleaseError, is_unreachable};
use super::journal::{self, JournalError, choose};
use super::layout::Layout;
use super::marks::{self, OWNED_ANNOTATION};
use super::sight::{Sight, Slot};
use super::view;
use crate::federation::Run;
use crate::member::{MemberError, Watch};

/// The longest that one cluster may take to be looked at.
const LIMIT: Duration = Duration::from_secs(30);

/// What is true of a release.
#[derive(Debug, Default)]
pub struct Reading {
    /// The journal that counts; `None` if no cluster that answers has one.
    pub journal: Option<Journal>,
    /// Each cluster, or why nothing is known of it ([`ReleaseError::is_unreachable`] if it does not answer).
    pub clusters: BTreeMap<ClusterName, Result<ClusterReading, ReleaseError>>,
}

/// What is true of one cluster.
#[derive(Clone, Debug)]
pub struct ClusterReading {
    /// Which cluster it is.
    pub uid: ClusterUid,
    /// Its journal, as `(epoch, seq)`; `None` if it has none.
    pub journal: Option<(u64, u64)>,
    /// What stands there.
    pub standing: ClusterStanding,
    /// The shares of the colours; `None` if traffic is not led to them.
    pub weights: Option<Weights>,
    /// What is not as the release left it, in a few words each.
    pub drift: Vec<String>,
    /// A Deployment under the workload's own name that the release has not taken over.
    pub plain: Option<String>,
}

/// Reads what is true of all clusters at once.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn read(engine: &Engine, run: &Run) -> Reading {
    let limit = run.deadline.min(Instant::now() + LIMIT);
    let looks = engine.places.iter().map(async |(cluster, place)| {
        let looked = match timeout_at(limit, look(&engine.layout, &place.site())).await {
            Ok(looked) => looked,
            Err(_) => {
                let reason = MemberError::Unreachable { reason: "no answer in time".to_owned() };
                Err(ReleaseError::on(cluster, "look at the release")(reason))
            }
        };
        (cluster.clone(), place, looked)
    });
    let looked = join_all(looks).await;
    let journals: Vec<&Journal> =
        looked.iter().filter_map(|(_, _, looked)| looked.as_ref().ok()?.journal.as_ref()).collect();
    let journal = choose(journals, engine.instance.as_deref()).cloned();
    let clusters = looked.into_iter().map(|(cluster, place, looked)| {
        let reading = looked.map(|looked| truth(engine, place, &looked, journal.as_ref()));
        (cluster, reading)
    });
    Reading { clusters: clusters.collect(), journal }
}

/// What one cluster shows.
pub(super) struct Looked {
    pub(super) uid: ClusterUid,
    pub(super) journal: Option<Journal>,
    pub(super) sight: Sight,
}

/// Looks at one cluster.
pub(super) async fn look(layout: &Layout, site: &Site) -> Result<Looked, ReleaseError> {
    let cluster = &site.member.name;
    let uid = super::take::check_uid(site).await?;
    let journal = journal::read_one(&site.member, &layout.release).await;
    let journal = journal.map_err(|reason| match reason {
        JournalError::Member(error) => ReleaseError::on(cluster, "read the release's journal")(error),
        reason => ReleaseError::Journal { cluster: cluster.clone(), reason },
    })?;
    let sight = sight(layout, site).await;
    let sight = sight.map_err(ReleaseError::on(cluster, "look at the release's objects"))?;
    Ok(Looked { uid, journal: journal.map(|stored| stored.journal), sight })
}

/// Lists everything once.
pub(super) async fn sight(layout: &Layout, site: &Site) -> Result<Sight, MemberError> {
    let lists = layout.looks().into_iter().map(async |look| {
        let mut watch = Watch::new(&site.member, look.ty.clone(), look.which.scope());
        // The list is the first event of a watch.
        (look.slot, watch.next().await)
    });
    let mut sight = Sight::default();
    for (slot, listed) in join_all(lists).await {
        match listed {
            Ok(event) => sight.note(slot, event),
            // A kind that is not served has no objects.
            Err(MemberError::UnknownKind) => sight.deny(slot, MemberError::UnknownKind.to_string()),
            Err(error) if slot.is_needed() || is_unreachable(&error) => return Err(error),
            Err(error) => sight.deny(slot, error.to_string()),
        }
    }
    Ok(sight)
}

fn truth(engine: &Engine, place: &Place, looked: &Looked, journal: Option<&Journal>) -> ClusterReading {
    let (layout, sight) = (&engine.layout, &looked.sight);
    let weights = layout.lead.as_ref().and_then(|lead| {
        let role = lead.targets().first()?.role;
        traffic::read(lead, role, sight.one(Slot::Target(0))?).ok()?.weights
    });
    let drift = journal.map(|journal| drift(layout, &place.member.name, sight, journal, weights));
    ClusterReading {
        uid: looked.uid.clone(),
        journal: looked.journal.as_ref().map(|journal| (journal.epoch, journal.seq)),
        standing: standing(engine, place, sight, journal),
        weights,
        drift: drift.unwrap_or_default(),
        plain: plain(layout, sight),
    }
}

/// A workload under the own name that is not ours.
pub(super) fn plain(layout: &Layout, sight: &Sight) -> Option<String> {
    layout.lead.as_ref()?;
    let live = sight.one(Slot::Plain)?;
    let ours = view::label_of(live, RELEASE_LABEL) == Some(layout.release.name.as_str());
    (!ours && layout.adopted(sight).is_none()).then(|| text(live, "/metadata/name").to_owned())
}

/// What is not as the journal has it.
fn drift(
    layout: &Layout,
    cluster: &ClusterName,
    sight: &Sight,
    journal: &Journal,
    weights: Option<Weights>,
) -> Vec<String> {
    let mut drift = Vec::new();
    let Some(active) = &journal.active else { return drift };
    let serves = serving(journal, cluster, active.color);
    let workload = layout.workload_subject(layout.adopted(sight).as_ref(), serves);
    let what = format!("{} {}", workload.ty.kind, workload.name);
    match layout.workload(sight, serves) {
        None => drift.push(format!("{what} is missing")),
        Some(live) if is_changed(layout, live) => drift.push(format!("{what} was changed")),
        Some(live) if view::replicas(live) == 0 => drift.push(format!("{what} has no replicas")),
        Some(_) => {}
    }
    let Some(lead) = &layout.lead else { return drift };
    if !view::services(layout, sight).contains(&serves) {
        drift.push(format!("Service {} is missing", layout.service_name(serves).unwrap_or_default()));
    }
    for (index, (target, subject)) in layout.targets().iter().enumerate() {
        let what = format!("{} {}", subject.ty.kind, subject.name);
        match sight.one(Slot::Target(index)).map(|live| traffic::read(lead, target.role, live)) {
            None if index == 0 => drift.push(format!("{what} is missing")),
            None => {}
            Some(Err(refused)) => drift.push(format!("{what}: {refused}")),
            Some(Ok(reading)) => drift.extend(reading.foreign),
        }
    }
    let all = weights.is_some_and(|weights| weights.of(serves) == 100);
    if !all && drift.is_empty() && is_at_rest(journal) {
        let share = weights.map_or(0, |weights| weights.of(serves));
        drift.push(format!("{serves} shall have all traffic and has {share} %"));
    }
    drift
}

/// The colour that shall serve on a cluster: where a release was taken back alone it is not the active one.
fn serving(journal: &Journal, cluster: &ClusterName, active: Color) -> Color {
    let release = journal.release.as_ref();
    let state = release.and_then(|release| Some((release.to, release.clusters.get(cluster)?.stage)));
    match state {
        Some((to, Stage::Returned | Stage::Returning { .. })) => to.other(),
        Some((to, Stage::Switched | Stage::Finished)) => to,
        _ => active,
    }
}

/// Whether the release is over, so that all traffic is where it belongs.
fn is_at_rest(journal: &Journal) -> bool {
    let phase = journal.release.as_ref().map(|release| release.phase);
    phase.is_none_or(|phase| matches!(phase, Phase::Completed | Phase::RolledBack))
}

fn is_changed(layout: &Layout, live: &Value) -> bool {
    let left = marks::of(&layout.release, live, OWNED_ANNOTATION);
    left.is_some_and(|left| left != view::owned_digest(live, &layout.manager()))
}
