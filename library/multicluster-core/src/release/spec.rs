//! What a user asks of a release, apart from the objects: order, steps, limits and judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::analysis::AnalysisSpec;
use crate::freeze::Window;
use crate::names::ClusterName;

/// How a workload is released over its clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseSpec {
    /// Two colours, or one workload that is updated where it stands.
    pub strategy: Strategy,
    /// The waves in order. Every cluster of the release is in exactly one of them (see [`ReleaseSpec::clusters`]).
    pub waves: Vec<Wave>,
    /// What is measured and judged; `None` releases without metrics.
    pub analysis: Option<AnalysisSpec>,
    /// Whether the first release, beside which no old colour stands, is watched and judged too.
    pub analyse_first: bool,
    /// Whether and how a human lets the release go on.
    pub promotion: Promotion,
    /// What a human has approved: a release's id (`r-…`), or `ID/WAVE` for a wave with `approval`.
    pub approved: BTreeSet<String>,
    /// What happens when a wave fails.
    pub on_failure: OnFailure,
    /// Whether a version that failed is tried again by the next apply.
    pub on_failed_release: OnFailedRelease,
    /// Any text; another one than before lets a halted release go on, and a version that failed be tried again.
    pub retry_token: Option<String>,
    /// What happens when the user interrupts (Ctrl-C).
    pub on_interrupt: OnInterrupt,
    /// How long the old colour stays warm, and the analysis goes on, after the last wave.
    pub hold: Duration,
    /// How long a colour may take to become ready on one cluster.
    pub progress_deadline: Duration,
    /// How long taking back may wait for a cluster that does not answer.
    pub rollback_deadline: Duration,
    /// When no wave may begin.
    pub freeze: Vec<Window>,
    /// Begin in spite of a freeze window; the reason stands in the journal.
    pub freeze_override: Option<String>,
    /// Withdraw each cluster from DNS before its traffic changes, and return it afterwards.
    pub dns: Option<DnsCoupling>,
}

impl ReleaseSpec {
    /// All clusters of the release.
    #[must_use]
    pub fn clusters(&self) -> BTreeSet<ClusterName> {
        self.waves.iter().flat_map(|wave| wave.clusters.iter().cloned()).collect()
    }

    /// The number of the wave that a cluster is in.
    #[must_use]
    pub fn wave_of(&self, cluster: &ClusterName) -> Option<usize> {
        self.waves.iter().position(|wave| wave.clusters.contains(cluster))
    }
}

/// How one cluster gets the new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The new version stands beside the old one, and traffic moves.
    BlueGreen,
    /// A StatefulSet with volume claims is updated where it stands: no colours, no steps; waves, soak and analysis hold.
    /// Taking back updates it to the version before.
    InPlace,
}

/// Clusters that are released together.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// Its name, for people and for approvals.
    pub name: String,
    /// The clusters, in the order in which they are taken where not all may go at once.
    pub clusters: Vec<ClusterName>,
    /// How many of them are in work at the same time; all if absent.
    pub max_parallel: Option<u32>,
    /// How many may fail before the wave does. A cluster that fails within this limit is taken back alone.
    pub max_failures: MaxFailures,
    /// How long the wave is watched after its last step, before the next one begins.
    pub soak: Duration,
    /// The steps of traffic on each cluster; the last has weight 100.
    pub steps: Vec<Step>,
    /// Whether a human must approve before it begins.
    pub approval: bool,
}

/// A limit of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    /// So many clusters.
    Clusters(u32),
    /// So many of a hundred clusters of the wave, rounded down.
    Percent(u8),
}

impl MaxFailures {
    /// How many of `clusters` may fail.
    #[must_use]
    pub fn of(self, clusters: usize) -> usize {
        match self {
            Self::Clusters(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(percent) => clusters * usize::from(percent) / 100,
        }
    }
}

/// One step of traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The share of the new colour, 0 to 100.
    pub weight: u8,
    /// How long the weight stays before the next step.
    pub pause: Duration,
    /// Requests that go to the new colour whatever the weight, by header name and exact value.
    pub headers: BTreeMap<String, String>,
    /// The share of requests that are also sent to the new colour, whose answers nobody gets. 0 to 100.
    pub mirror: Option<u8>,
}

impl Step {
    /// A step of some weight and nothing else.
    #[must_use]
    pub fn weight(weight: u8) -> Self {
        Self { weight, pause: Duration::ZERO, headers: BTreeMap::new(), mirror: None }
    }
}

/// Who lets a release go on when the new colour is ready everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// Nobody has to.
    Auto,
    /// The apply ends when the new colour is ready everywhere; the plan after that one shows the switch, and its apply
    /// carries it out.
    NextApply,
    /// As `NextApply`, but the switch needs this release's id among [`ReleaseSpec::approved`].
    Explicit,
}

/// What happens when more clusters fail than may, or the analysis says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// All stays as it is; a human decides.
    Halt,
    /// The clusters of the wave are taken back; earlier waves keep the new version.
    RollbackWave,
    /// All clusters are taken back.
    RollbackAll,
}

/// Whether a version that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailedRelease {
    /// By every apply.
    Retry,
    /// Only with another version or another [`ReleaseSpec::retry_token`].
    Block,
}

/// What happens when the user interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInterrupt {
    /// The running step is finished, and the next apply goes on.
    Pause,
    /// All clusters are taken back.
    Rollback,
}

/// Waves that leave DNS while their traffic changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsCoupling {
    /// Ids of the `multicluster_geo_dns` resources.
    pub names: Vec<String>,
    /// How long to wait after withdrawing, so that resolvers forget; at least the records' TTL.
    pub wait: Duration,
}
