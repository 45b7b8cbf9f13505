//! What an apply begins with: which release it begins, goes on with, or takes back first.
//!
//! Invariant: a journal that says that nothing is to be done comes out of it only if nothing is, as far as the clusters that
//! answer show. Nothing is decided here about traffic: that is [`super::next()`]'s.

mod resume;
mod start;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::start::Beginning;
use super::journal::{Journal, Phase, ReleaseId, Version};
use super::observed::Standing;
use super::spec::ReleaseSpec;
use crate::names::ClusterName;

/// What the user wants to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The version.
    pub version: Version,
    /// Who asks: the instance of a journal that is made.
    pub instance: String,
    /// The replicas that the manifest asks for, by cluster, for where nothing serves that could tell better; 1 where it is absent.
    pub replicas: BTreeMap<ClusterName, u32>,
    /// Whether the apply begins, or goes on.
    pub occasion: Occasion,
}

/// When [`begin()`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// An apply (or a plan) begins.
    Apply,
    /// The same apply goes on after [`super::action::Ended::Again`]. What has just failed is not tried again.
    Again,
}

/// Why an apply may not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The release is halted.
    #[error(
        "release {} is halted: {why}; to go on with it change `retry_token`, or apply another version: the one before takes it back",
        id.0
    )]
    Halted {
        /// Which.
        id: ReleaseId,
        /// What halted it.
        why: String,
    },
    /// The version failed, and is not to be tried again unasked.
    #[error(
        "version {} failed before, as release {}, and `on_failed_release` is `block`: {why}; apply another version, or change \
         `retry_token` to try it again",
        version.0, id.0
    )]
    FailedBefore {
        /// Which version.
        version: Version,
        /// The release that failed.
        id: ReleaseId,
        /// Why it did.
        why: String,
    },
    /// Something was approved that is not this release.
    #[error("`{given}` is approved, but what is to be approved is {}", list(meant))]
    StaleApproval {
        /// What was approved.
        given: String,
        /// What may be.
        meant: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// Says what the journal shall say when an apply begins. [`super::next()`] takes it from there.
///
/// Without a journal, nothing was ever released and nothing adopted. It is deterministic: a plan and its apply that find
/// the same journal and clusters name the release alike.
///
/// # Errors
/// [`Refused`] says why nothing may begin, and what the user can do.
///
/// # Examples
/// ```
/// # use std::collections::{BTreeMap, BTreeSet};
/// # use std::time::Duration;
/// # use multicluster_core::names::ClusterName;
/// # use multicluster_core::release::{begin, begin::{Desired, Occasion}, journal::Version, observed::Standing, spec::*, Color};
/// # let spec = ReleaseSpec {
/// #     strategy: Strategy::BlueGreen, analysis: None, analyse_first: false, promotion: Promotion::Auto,
/// #     waves: vec![Wave {
/// #         name: "all".into(), clusters: vec![ClusterName::new("aws").unwrap()], max_parallel: None,
/// #         max_failures: MaxFailures::Clusters(0), soak: Duration::ZERO, steps: vec![Step::weight(100)], approval: false,
/// #     }],
/// #     approved: BTreeSet::new(), on_failure: OnFailure::RollbackAll, on_failed_release: OnFailedRelease::Retry,
/// #     retry_token: None, on_interrupt: OnInterrupt::Pause, hold: Duration::ZERO, progress_deadline: Duration::ZERO,
/// #     rollback_deadline: Duration::ZERO, freeze: Vec::new(), freeze_override: None, dns: None,
/// # };
/// let desired = Desired {
///     version: Version("3f2a".into()),
///     instance: "instance".into(),
///     replicas: BTreeMap::new(),
///     occasion: Occasion::Apply,
/// };
/// let journal = begin(None, &spec, &desired, &Standing::default(), jiff::Timestamp::UNIX_EPOCH).unwrap();
/// assert_eq!(journal.release.unwrap().to, Color::Blue);
/// ```
pub fn begin(
    journal: Option<&Journal>,
    spec: &ReleaseSpec,
    desired: &Desired,
    standing: &Standing,
    now: Timestamp,
) -> Result<Journal, Refused> {
    let mut after = journal.cloned().unwrap_or_else(|| Journal::new(desired.instance.clone()));
    let clusters = after.release.iter().flat_map(|release| &release.clusters);
    let withdrawn = clusters.filter(|(_, state)| state.withdrawn).map(|(name, _)| name.clone()).collect();
    let beginning = Beginning { spec, desired, standing, now, withdrawn };
    let unfinished = after.release.take_if(|release| match release.phase {
        Phase::Completed | Phase::RolledBack => false,
        // It has just been tried.
        Phase::PartiallyRolledBack => desired.occasion == Occasion::Apply,
        _ => true,
    });
    match unfinished {
        Some(release) => beginning.go_on(&mut after, release)?,
        None => beginning.start(&mut after)?,
    }
    if journal != Some(&after) {
        after.seq = after.seq.saturating_add(1);
    }
    Ok(after)
}
