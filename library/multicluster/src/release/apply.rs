//! An apply from its beginning to its end: leases, what stands there, what is to be done, doing it, leases given back.

use std::collections::BTreeMap;
use std::sync::Arc;

use multicluster_core::digest::digest;
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::Ended;
use multicluster_core::release::begin::{Desired, Occasion, begin};
use multicluster_core::release::journal::{Journal, Version};
use multicluster_core::release::observed::{ClusterStanding, ColorStanding, Standing};
use multicluster_core::release::{Color, identity::VERSION_LABEL, traffic};
use serde_json::Value;

use super::adopt;
use super::engine::{Engine, Place};
use super::error::ReleaseError;
use super::layout::Layout;
use super::observe::Observer;
use super::run::{Outcome, Session};
use super::sight::{Sight, Slot};
use super::take::{self, Taken};
use super::view;
use crate::federation::Run;

/// How often one apply may begin anew. Each time something stood in the way that is done now, so that more than a few are
/// a mistake here, which must not go on for ever.
const TURNS: u32 = 8;

/// Releases the version that is asked for, or goes on with what an earlier apply has begun, until it ends.
///
/// Never fails as a whole: what is true at the end is in the outcome, whatever happened.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the outcome instead. If it is dropped, or the process dies, the next
/// apply goes on.
pub async fn apply(engine: &Arc<Engine>, run: &Run) -> Outcome {
    let nothing = |ended, journal| Outcome {
        journal,
        ended,
        clusters: BTreeMap::new(),
        warnings: Vec::new(),
        out_of_time: false,
    };
    if run.cancelled.is_cancelled() {
        return nothing(Err(ReleaseError::Interrupted), None);
    }
    let mut taken = match take::take(&engine.ground(), run).await {
        Ok(taken) => taken,
        Err(error) => return nothing(Err(error), None),
    };
    let looks = engine
        .places
        .iter()
        .map(|(cluster, place)| (cluster.clone(), (Arc::clone(&place.member), engine.layout.looks())));
    let observer = Arc::new(Observer::start(looks.collect()));
    observer.settled().await;
    let before = taken.journal.clone();
    let adopted = adopt::take_over(engine, run, &observer, &mut taken).await;
    let begun = adopted.and_then(|()| begun(engine, run, &observer, &taken));
    let journal = match begun {
        Ok(journal) => journal,
        Err(error) => {
            taken.release().await;
            return nothing(Err(error), before);
        }
    };
    // What was taken over was not written down yet, so that it is now.
    let before = before.unwrap_or_else(|| empty(&journal));
    let mut session = Session::new(engine, run, Arc::clone(&observer), taken, before);
    let ended = turns(engine, run, &observer, &mut session, journal).await;
    if ended.is_ok() {
        session.tidy().await;
    }
    let outcome = Outcome {
        journal: Some(session.journal.clone()),
        ended,
        clusters: session.views(),
        warnings: std::mem::take(&mut session.warnings),
        out_of_time: session.out_of_time,
    };
    session.close().await;
    outcome
}

/// The journal before anything was decided: it is never written.
fn empty(journal: &Journal) -> Journal {
    Journal { epoch: journal.epoch, ..Journal::new(journal.instance.clone()) }
}

async fn turns(
    engine: &Arc<Engine>,
    run: &Run,
    observer: &Arc<Observer>,
    session: &mut Session,
    mut journal: Journal,
) -> Result<Ended, ReleaseError> {
    for _ in 0..TURNS {
        session.note_journal(journal, run.clock.now()).await?;
        let ended = session.go().await?;
        if ended != Ended::Again {
            return Ok(ended);
        }
        journal = begun_again(engine, run, observer, session)?;
    }
    Err(ReleaseError::Refused("the release begins anew again and again (a bug of the provider)".to_owned()))
}

fn begun_again(
    engine: &Engine,
    run: &Run,
    observer: &Observer,
    session: &Session,
) -> Result<Journal, ReleaseError> {
    let there = |cluster: &ClusterName| session.seats.contains_key(cluster);
    decide(engine, run, observer, &there, Some(&session.journal), session.journal.epoch, Occasion::Again)
}

fn begun(engine: &Engine, run: &Run, observer: &Observer, taken: &Taken) -> Result<Journal, ReleaseError> {
    let there = |cluster: &ClusterName| taken.seats.contains_key(cluster);
    decide(engine, run, observer, &there, taken.journal.as_ref(), taken.epoch, Occasion::Apply)
}

fn decide(
    engine: &Engine,
    run: &Run,
    observer: &Observer,
    there: &dyn Fn(&ClusterName) -> bool,
    journal: Option<&Journal>,
    epoch: u64,
    occasion: Occasion,
) -> Result<Journal, ReleaseError> {
    let clusters = engine.places.iter().map(|(cluster, place)| {
        let known = there(cluster) && observer.is_known(cluster);
        let standing =
            known.then(|| observer.with(cluster, |sight| standing(engine, place, sight, journal))).flatten();
        (cluster.clone(), standing)
    });
    let standing = Standing { clusters: clusters.collect() };
    let places = engine.places.iter();
    let desired = Desired {
        version: engine.version.clone(),
        instance: engine.instance.clone().unwrap_or_else(crate::federation::new_instance),
        replicas: places.map(|(cluster, place)| (cluster.clone(), place.workload.replicas())).collect(),
        occasion,
    };
    let begun = begin(journal, &engine.spec, &desired, &standing, run.clock.now());
    let mut begun = begun.map_err(|refused| ReleaseError::Refused(refused.to_string()))?;
    begun.epoch = begun.epoch.max(epoch);
    Ok(begun)
}

/// What stands on one cluster before a release begins.
pub(super) fn standing(
    engine: &Engine,
    place: &Place,
    sight: &Sight,
    journal: Option<&Journal>,
) -> ClusterStanding {
    let layout = &engine.layout;
    let mut colors = BTreeMap::new();
    for color in Color::BOTH {
        let Some(workload) = layout.workload(sight, color) else { continue };
        let version = version_of(workload, color, journal);
        // What is of another version cannot be rendered, so that nothing more can be said of it.
        let rendered = (version == engine.version)
            .then(|| engine.rendered_digest(place, color, layout.stable(sight)))
            .flatten();
        let Some(view) = view::color(layout, sight, color, rendered.as_deref(), 0) else { continue };
        colors.insert(
            color,
            ColorStanding {
                version,
                applied: view.applied,
                replicas: view.replicas,
                ready_endpoints: view.ready_endpoints,
            },
        );
    }
    ClusterStanding { serving: serving(layout, sight), colors }
}

/// The colour that all traffic goes to.
pub(super) fn serving(layout: &Layout, sight: &Sight) -> Option<Color> {
    let lead = layout.lead.as_ref()?;
    let role = lead.targets().first()?.role;
    let weights = traffic::read(lead, role, sight.one(Slot::Target(0))?).ok()?.weights?;
    Color::BOTH.into_iter().find(|color| weights.of(*color) == 100)
}

/// The version that a workload's objects were made from. One that was taken over does not say it; the journal does.
pub(super) fn version_of(workload: &Value, color: Color, journal: Option<&Journal>) -> Version {
    let label = view::label_of(workload, VERSION_LABEL).map(|version| Version(version.to_owned()));
    let noted = || {
        let active = journal?.active.as_ref().filter(|active| active.color == color)?;
        Some(active.version.clone())
    };
    label.or_else(noted).unwrap_or_else(|| {
        let template = workload.pointer("/spec/template").unwrap_or(&Value::Null);
        let digest = digest(template);
        Version(digest.get(..10).unwrap_or(&digest).to_owned())
    })
}
