//! The durable truth of a release: written to every cluster before anything that it says is carried out.
//!
//! Every cluster holds the whole of it, so that losing a cluster loses nothing. Of several, the one with the highest
//! `(epoch, seq)` counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::color::Color;
use crate::analysis::Run;
use crate::names::ClusterName;

/// The version that this code writes. A higher one is refused, since an old writer would drop what it does not know.
pub const VERSION: u32 = 1;
/// How many past releases are remembered.
pub const HISTORY: usize = 10;

/// What has been decided about a workload's releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// Shape of this record.
    pub version: u32,
    /// Minted by the create that made it. A delete that knows another one does nothing.
    pub instance: String,
    /// Raised by every apply that takes over; switches of a lower epoch are refused by the clusters.
    pub epoch: u64,
    /// Counts the writes within an epoch.
    pub seq: u64,
    /// The colour that serves by intent, and its version; `None` until the first release is complete.
    pub active: Option<Active>,
    /// The release that is under way, or the one that ended last; `None` before the first one, and when an apply found that
    /// nothing is to be done.
    pub release: Option<Release>,
    /// The last releases, newest last, at most [`HISTORY`].
    pub history: Vec<Past>,
    /// The last release over all clusters, however it ended: the one after it is named after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ReleaseId>,
    /// The last version that was taken back or halted, until one is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed: Option<FailedRelease>,
    /// What notifiers remember, such as the message that they edit, by the notifier's name. Opaque here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notifiers: BTreeMap<String, serde_json::Value>,
}

impl Journal {
    /// The journal of a workload of which nothing was released.
    #[must_use]
    pub fn new(instance: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            instance: instance.into(),
            epoch: 0,
            seq: 0,
            active: None,
            release: None,
            history: Vec::new(),
            last: None,
            last_failed: None,
            notifiers: BTreeMap::new(),
        }
    }
}

/// What serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// In which colour.
    pub color: Color,
    /// Which version (see [`Version`]).
    pub version: Version,
    /// The release that brought it.
    pub release: ReleaseId,
}

/// A release that failed, for who must not try it again unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRelease {
    /// Its id.
    pub id: ReleaseId,
    /// What it brought.
    pub version: Version,
    /// Why it failed.
    pub failure: Failure,
    /// The user's token at that time: another one allows another try.
    pub retry_token: Option<String>,
}

/// A version of the workload: a digest of what its objects say, the same on whichever machine it is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub String);

/// The name of one release, `r-` and ten hexadecimal digits: made from the version that it brings and the release
/// before it, so that both plans of a run name it alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseId(pub String);

impl ReleaseId {
    /// The id of the release that brings `version` after `previous`.
    #[must_use]
    pub fn new(version: &Version, previous: Option<&Self>) -> Self {
        let previous = previous.map_or("", |id| id.0.as_str());
        let digest = crate::digest::digest_text(&format!("{}\n{previous}", version.0));
        Self(format!("r-{}", digest.get(..10).unwrap_or(&digest)))
    }
}

/// One release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// The version that it brings.
    pub version: Version,
    /// The colour that it is brought in.
    pub to: Color,
    /// When it began.
    pub started: Timestamp,
    /// How far it is.
    pub phase: Phase,
    /// When that phase began.
    pub since: Timestamp,
    /// How far each cluster is.
    pub clusters: BTreeMap<ClusterName, ClusterState>,
    /// The wave that is in work, counted from 0, and when it began; and when the last of its clusters had all traffic.
    pub wave: WaveState,
    /// What has been measured in the wave in work (or in the hold).
    pub analysis: Option<Run>,
    /// Whether what is under way goes straight to the end because the version's pods are still warm.
    pub fast: bool,
    /// Whether it is one of all clusters, or brings some of them to where the others are.
    pub extent: Extent,
    /// The lowest wave that is taken back, while it is or after it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<usize>,
    /// Whether the apply goes on with another release once this one is taken back.
    #[serde(default)]
    pub then_again: bool,
    /// The user's token when it began (see [`super::spec::ReleaseSpec::retry_token`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_token: Option<String>,
    /// Why it is, or was, taken back or halted.
    pub failure: Option<Failure>,
    /// Why a wave began in spite of a freeze window, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_override: Option<String>,
    /// Approvals that were used: release ids or `ID/WAVE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
}

/// Which clusters a release is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of them. When it is complete, its colour is the active one.
    All,
    /// Those that lack what the others have, or have it in the wrong colour, or whose traffic is divided. What is active stays
    /// as it is; there are no waves, steps, analysis or hold. Its version may be another one than the user wants: one that
    /// stands there already, of which nothing is to be made and to which traffic is led.
    Part,
}

/// Where the waves are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveState {
    /// Counted from 0.
    pub index: usize,
    /// When it began; `None` while it may not.
    pub began: Option<Timestamp>,
    /// When the last of its clusters was through its steps: the soak counts from here.
    pub switched: Option<Timestamp>,
}

/// How far a release is. Terraform shows it as `phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The new colour is made ready on all clusters, because a human has to say yes before the first switch.
    Preparing,
    /// Ready everywhere, waiting for the next apply or for an approval.
    AwaitingPromotion,
    /// Waves are under way.
    Rolling,
    /// The next wave waits for an approval.
    AwaitingApproval,
    /// The next wave waits for the end of a freeze window.
    Frozen,
    /// All waves are through; the old colour is kept warm.
    Holding,
    /// The old colour is let go.
    Finalising,
    /// The new version serves everywhere (but on clusters that failed within the limits).
    Completed,
    /// Something failed and all stays as it is, as asked for.
    Halted,
    /// Traffic goes back, then the new colour is let go.
    RollingBack,
    /// The old version serves everywhere where it did before.
    RolledBack,
    /// The earlier waves keep the new version, the failed wave the old one; or clusters could not be taken back.
    PartiallyRolledBack,
}

impl Phase {
    /// As in the journal, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::AwaitingPromotion => "awaiting_promotion",
            Self::Rolling => "rolling",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Frozen => "frozen",
            Self::Holding => "holding",
            Self::Finalising => "finalising",
            Self::Completed => "completed",
            Self::Halted => "halted",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::PartiallyRolledBack => "partially_rolled_back",
        }
    }

    /// Whether nothing more happens without another apply.
    #[must_use]
    pub fn is_at_rest(self) -> bool {
        matches!(
            self,
            Self::AwaitingPromotion
                | Self::AwaitingApproval
                | Self::Completed
                | Self::Halted
                | Self::RolledBack
                | Self::PartiallyRolledBack
        )
    }
}

/// How far one cluster is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Where.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// The replicas that the new colour is given here: the size of the old one when the cluster's turn came, or the
    /// manifest's where nothing served or the manifest asks for more.
    pub replicas: u32,
    /// The size of the old colour when the cluster's turn came; `None` if nothing served here. Taking back leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<u32>,
    /// Whether taking back leaves what stands here: its turn never came, or the new colour was what served when it did,
    /// and the old one nothing.
    #[serde(default)]
    pub kept: bool,
    /// Whether what somebody else did to the traffic is to be overwritten here, because a human let the release go on.
    #[serde(default)]
    pub overrule: bool,
    /// Whether the release has taken it out of DNS and not put it back yet.
    #[serde(default)]
    pub withdrawn: bool,
    /// The share of the new colour that the stage stands for, 0 to 100; `None` where traffic was not led.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// Since when it does not answer, if it is in work and does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<Timestamp>,
    /// What went wrong here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Where a cluster is on its way. `Step` means: this step's weight is what traffic shall have, and `verified` that the
/// cluster has shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing was done here.
    Pending,
    /// The new colour's objects are made, and become ready.
    Preparing,
    /// The new colour is ready and gets no traffic.
    Ready,
    /// Being withdrawn from DNS; then waiting until resolvers forget.
    Withdrawing {
        /// Since when it was seen to be out of DNS; `None` while it has not.
        withdrawn: Option<Timestamp>,
    },
    /// At a step, counted from 0.
    Step {
        /// Which one.
        index: usize,
        /// Since when traffic has been seen to go by its weight; `None` while it has not.
        verified: Option<Timestamp>,
    },
    /// All traffic goes to the new colour, and DNS leads here again.
    Switched,
    /// Traffic goes back to the old colour; `verified` as for a step.
    Returning {
        /// Since when all traffic has been seen on the old colour.
        verified: Option<Timestamp>,
    },
    /// The old colour serves again and the new one is let go.
    Returned,
    /// The old colour is let go: the release has come to its end here.
    Finished,
}

/// Why a release is taken back or halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind.
    pub reason: Reason,
    /// In words, with cluster, metric and measurements.
    pub message: String,
    /// The cluster, if it is one's.
    pub cluster: Option<ClusterName>,
    /// The metric, if it is one's.
    pub metric: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A colour did not become ready in time, or cannot.
    NotReady,
    /// A metric, or the analysis as a whole.
    Analysis,
    /// A cluster did not answer, or refused.
    Cluster,
    /// Somebody else changed the traffic or the workload.
    Foreign,
    /// The user interrupted, and asked for that.
    Interrupted,
    /// Another version is wanted by now.
    Superseded,
}

impl Reason {
    /// As in the journal, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::Analysis => "analysis",
            Self::Cluster => "cluster",
            Self::Foreign => "foreign",
            Self::Interrupted => "interrupted",
            Self::Superseded => "superseded",
        }
    }
}

/// A release that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Its id.
    pub id: ReleaseId,
    /// What it brought.
    pub version: Version,
    /// In which colour.
    pub color: Color,
    /// How it ended.
    pub phase: Phase,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Why it was taken back.
    pub failure: Option<Failure>,
}
