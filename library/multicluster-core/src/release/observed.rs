//! What the clusters show: [`Standing`] before a release begins, [`Observed`] while it is under way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::color::Color;
use super::journal::Version;
use crate::analysis::Measurement;
use crate::names::ClusterName;

/// What stands on the clusters before a release begins: what [`super::begin()`] looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Each cluster that the user names; `None` if it does not answer.
    pub clusters: BTreeMap<ClusterName, Option<ClusterStanding>>,
}

/// One cluster before a release begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStanding {
    /// Its colours; one that was never made is absent.
    pub colors: BTreeMap<Color, ColorStanding>,
    /// The colour that all traffic goes to; `None` if it is divided, goes elsewhere, or cannot be read.
    pub serving: Option<Color>,
}

/// One colour of a cluster before a release begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorStanding {
    /// The version that its objects were made from.
    pub version: Version,
    /// Whether all of its objects are there as they were rendered from that version, at the size asked for or above. Where
    /// the version is not the one that the user asks for, and so cannot be rendered: whether they are there.
    pub applied: bool,
    /// Replicas that its controller is told to have; 0 once it was let go.
    pub replicas: u32,
    /// Endpoints of its own Service that are ready.
    pub ready_endpoints: u32,
}

/// Everything that [`super::next()`] looks at, apart from journal and spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Each cluster of the release.
    pub clusters: BTreeMap<ClusterName, ClusterView>,
    /// Measurements that have come since the last time.
    pub measurements: Vec<Measurement>,
    /// The user interrupts: nothing new is begun.
    pub interrupted: bool,
    /// Until when the apply may last. It does not wait for what comes later, such as the end of a freeze window.
    pub until: Option<Timestamp>,
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
    /// The old colour; `None` if it was never made. Whether it served when the release began stands in the journal.
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
    /// Endpoints of its own Service that are ready and belong to pods of the objects as they are now: pods of a version before,
    /// which a rolling update has not replaced yet, do not count.
    pub ready_endpoints: u32,
    /// Why it will not become ready by itself: crash loop, image error, exceeded quota. Pods of a version before, which a rolling
    /// update has not replaced yet, do not count.
    pub failing: Option<String>,
}

/// How traffic is led on one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficView {
    /// The share of the new colour, 0 to 100, as the object says.
    pub weight: u8,
    /// Requests that the object leads to the new colour whatever the weight, by header name and value.
    pub headers: BTreeMap<String, String>,
    /// The share of requests that the object mirrors to the new colour, 0 to 100; `None` without a mirror.
    pub mirror: Option<u8>,
    /// Whether the data plane has taken the object as it is (conditions at the observed generation).
    pub accepted: bool,
    /// Whether the object says something that neither this release nor an earlier epoch wrote.
    pub foreign: Option<String>,
}
