//! What an apply would do, in words, for the plan.
//!
//! The words are what [`super::next()`] does in a world in which all goes well: nothing is told that is not done, and the
//! planned colour is the one that comes out of it.
//!
//! Invariant: a function of what it is given, without any moment in it. Metrics are named and not judged, freeze windows are
//! named and not looked up: both depend on when the apply is.

mod duration;
mod words;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use self::duration::{metrics_take, worst};
use self::words::Segment;
use self::world::World;
use super::action::Ended;
use super::begin::{Desired, Occasion, begin};
use super::journal::{Active, Journal, Phase};
use super::next::next;
use super::observed::Standing;
use super::spec::ReleaseSpec;

/// What an apply would do if all goes well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// In words, one line each; those that belong to the line before are indented by two blanks.
    pub lines: Vec<String>,
    /// What would be active afterwards.
    pub active: Option<Active>,
    /// How far the release would be.
    pub phase: Phase,
    /// Whether the apply would change nothing.
    pub nothing: bool,
}

/// How many looks an apply in which all goes well can need; beyond that its forecast ends.
const LOOKS: usize = 5000;

/// Says what an apply would do that begins with `journal`, as [`begin()`] gave it for the same `desired` and `standing`.
///
/// A cluster that does not answer is told of as one that has what is active.
///
/// # Examples
/// ```
/// # use std::collections::{BTreeMap, BTreeSet};
/// # use std::time::Duration;
/// # use multicluster_core::names::ClusterName;
/// # use multicluster_core::release::{begin, begin::{Desired, Occasion}, forecast, journal::Version, observed::Standing, spec::*};
/// # let spec = ReleaseSpec {
/// #     strategy: Strategy::BlueGreen, analysis: None, analyse_first: false, promotion: Promotion::Auto,
/// #     waves: vec![Wave {
/// #         name: "all".into(), clusters: vec![ClusterName::new("aws").unwrap()], max_parallel: None,
/// #         max_failures: MaxFailures::Clusters(0), soak: Duration::ZERO, steps: vec![Step::weight(100)], approval: false,
/// #     }],
/// #     approved: BTreeSet::new(), on_failure: OnFailure::RollbackAll, on_failed_release: OnFailedRelease::Retry,
/// #     retry_token: None, on_interrupt: OnInterrupt::Pause, hold: Duration::ZERO, progress_deadline: Duration::from_secs(600),
/// #     rollback_deadline: Duration::from_secs(300), freeze: Vec::new(), freeze_override: None, dns: None,
/// # };
/// # let desired = Desired {
/// #     version: Version("3f2a".into()), instance: "instance".into(), occasion: Occasion::Apply,
/// #     replicas: BTreeMap::from([(ClusterName::new("aws").unwrap(), 3)]),
/// # };
/// # let standing = Standing::default();
/// let journal = begin(None, &spec, &desired, &standing, jiff::Timestamp::UNIX_EPOCH).unwrap();
/// let forecast = forecast(&spec, &journal, &desired, &standing, "frontend");
/// assert_eq!(forecast.lines[0], "release r-b4a303bd16: frontend 3f2a → blue");
/// assert_eq!(forecast.lines[1], "  wave all");
/// assert_eq!(forecast.lines[2], "    aws: prepare 3 replicas, 100 %");
/// ```
#[must_use]
pub fn forecast(
    spec: &ReleaseSpec,
    journal: &Journal,
    desired: &Desired,
    standing: &Standing,
    workload: &str,
) -> Forecast {
    let calm = in_calm(spec);
    let start = journal.release.as_ref().map_or(Timestamp::UNIX_EPOCH, |release| release.since);
    let mut world = World::new(spec, journal, desired, standing, start);
    let mut journal = journal.clone();
    let mut lines = Vec::new();
    let mut segment = Segment::new(spec, &journal, workload);
    let mut ended = None;
    let mut acted = false;
    for _ in 0..LOOKS {
        let observed = world.observe(&calm, journal.release.as_ref());
        let step = next(&calm, &journal, &observed, world.now);
        journal = step.journal;
        let Some(release) = journal.release.clone() else {
            ended = step.ended;
            break;
        };
        match step.ended {
            Some(Ended::Again) => {
                lines.append(&mut segment.end(&release));
                let again = Desired { occasion: Occasion::Again, ..desired.clone() };
                let Ok(begun) = begin(Some(&journal), &calm, &again, &world.standing(), world.now) else {
                    break;
                };
                journal = begun;
                segment = Segment::new(spec, &journal, workload);
                continue;
            }
            Some(end) => {
                ended = Some(end);
                break;
            }
            None => {}
        }
        acted |= !step.actions.is_empty();
        for action in &step.actions {
            segment.add(&release, action);
            world.perform(&release, &calm, action);
        }
        world.now = match step.wake {
            Some(wake) if step.actions.is_empty() => wake,
            _ => world.now,
        };
    }
    if let Some(release) = &journal.release {
        lines.append(&mut segment.end(release));
    }
    let phase = journal.release.as_ref().map_or(Phase::Completed, |release| release.phase);
    let nothing = !acted && ended == Some(Ended::Completed);
    if nothing {
        lines.clear();
    } else if acted {
        let waits = world.now.duration_since(start).unsigned_abs();
        lines.push(duration_line(waits, worst(spec)));
    }
    Forecast { lines, active: journal.active, phase, nothing }
}

fn duration_line(waits: Duration, worst: Duration) -> String {
    let worst = duration::text(worst);
    if waits < Duration::from_secs(1) {
        return format!("takes as long as its pods take to become ready, at most {worst}");
    }
    format!("takes {}, and as long as its pods take to become ready, at most {worst}", duration::text(waits))
}

/// The spec for a world in which all goes well: metrics take their time and say yes, nothing is frozen.
fn in_calm(spec: &ReleaseSpec) -> ReleaseSpec {
    let mut calm = spec.clone();
    let analysis = calm.analysis.take();
    if let Some(analysis) = &analysis {
        let time = metrics_take(analysis);
        for wave in &mut calm.waves {
            wave.soak = wave.soak.max(time);
        }
        calm.hold = calm.hold.max(time);
    }
    calm.freeze = Vec::new();
    calm.approved = spec.approved.iter().cloned().collect::<BTreeSet<String>>();
    calm
}
