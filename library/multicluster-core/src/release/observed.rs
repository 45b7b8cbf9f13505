//! What the clusters show.

use std::collections::BTreeMap;

use crate::analysis::Measurement;
use crate::names::ClusterName;

/// Everything that [`super::next()`] looks at, apart from journal and spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Each cluster of the release.
    pub clusters: BTreeMap<ClusterName, ClusterView>,
    /// Measurements that have come since the last time.
    pub measurements: Vec<Measurement>,
    /// The user interrupts: nothing new is begun.
    pub interrupted: bool,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterView {
    /// It does not answer (or not yet).
    Unreachable {
        /// In words.
        error: String,
    },
    /// It answers.
    Seen(Box<Seen>),
}

/// A cluster that answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The old colour; `None` if nothing served before.
    pub old: Option<ColorView>,
    /// The new colour.
    pub new: ColorView,
    /// How traffic is led; `None` if it cannot be read from the object.
    pub traffic: Option<TrafficView>,
    /// Whether the cluster's endpoints stand in DNS as the spec couples them; `None` without coupling.
    pub in_dns: Option<bool>,
    /// What refused the last action here and will refuse it again (a foreign change, an admission policy, RBAC).
    pub refused: Option<String>,
}

/// One colour on one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColorView {
    /// Whether all its objects are there as rendered for the release (version and fields), at the wanted size or above.
    pub applied: bool,
    /// Replicas that its controller is told to have.
    pub replicas: u32,
    /// Endpoints of its own Service that are ready.
    pub ready_endpoints: u32,
    /// Why it will not become ready by itself: crash loop, image error, exceeded quota.
    pub failing: Option<String>,
}

/// How traffic is led on one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficView {
    /// The share of the new colour, 0 to 100, as the object says.
    pub weight: u8,
    /// Whether headers and mirror of the step are as the step says.
    pub rules_match: bool,
    /// Whether the data plane has taken the object as it is (conditions at the observed generation).
    pub accepted: bool,
    /// Whether the object says something that neither this release nor an earlier epoch wrote.
    pub foreign: Option<String>,
}
