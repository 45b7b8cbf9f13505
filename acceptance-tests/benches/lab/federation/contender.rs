//! Who is measured, and at what.

use super::audit::Calls;
use super::place::Place;
use super::processes::Taken;
use super::{bare, kubectl, terraform};

/// A way to bring objects to clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// A loop of requests, with bodies that were made before.
    Bare,
    /// `kubectl`, once per cluster, all clusters at once.
    Kubectl,
    /// Terraform with our provider, which waits for no rollout, as the others do not.
    Ours,
    /// The same, which waits until the Deployments are rolled out.
    OursWaiting,
    /// Terraform with the provider `gavinbunney/kubectl`.
    Peer,
}

/// What is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// All objects are made.
    Create,
    /// All objects are applied as they are.
    Reapply,
    /// All objects are applied as they are, without effect.
    DryRun,
    /// All objects are listed.
    List,
    /// Nothing has changed, and a plan finds that out.
    PlanOfNothing,
    /// One object has changed.
    ChangeOne,
    /// All objects are deleted.
    Destroy,
}

/// What an operation cost.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// From its start to its end, wall clock.
    pub(crate) seconds: f64,
    /// What it asked of the clusters.
    pub(crate) calls: Calls,
    /// The seconds before the first write of an object, of all writes, and after the last.
    pub(crate) phases: Option<[f64; 3]>,
    /// What its processes took, if they were looked at.
    pub(crate) taken: Option<Taken>,
}

/// Operations in the order in which they were measured.
pub(crate) type Measured = Vec<(Operation, Measure)>;

impl Contender {
    pub(crate) const ALL: [Self; 5] = [Self::Bare, Self::Kubectl, Self::Ours, Self::OursWaiting, Self::Peer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare loop",
            Self::Kubectl => "kubectl",
            Self::Ours => "multicluster",
            Self::OursWaiting => "multicluster, waiting",
            Self::Peer => "kubectl provider",
        }
    }

    /// Brings the objects to the place, and takes them away again.
    pub(crate) async fn run(self, place: &Place<'_>) -> anyhow::Result<Measured> {
        match self {
            Self::Bare => bare::run(place).await,
            Self::Kubectl => kubectl::run(place).await,
            Self::Ours => terraform::ours(place, terraform::Rollout::Ignored).await,
            Self::OursWaiting => terraform::ours(place, terraform::Rollout::Awaited).await,
            Self::Peer => terraform::peer(place).await,
        }
    }
}

impl Operation {
    pub(crate) const ALL: [Self; 7] = [
        Self::Create,
        Self::Reapply,
        Self::DryRun,
        Self::List,
        Self::PlanOfNothing,
        Self::ChangeOne,
        Self::Destroy,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Reapply => "apply again",
            Self::DryRun => "dry run",
            Self::List => "list",
            Self::PlanOfNothing => "plan without changes",
            Self::ChangeOne => "apply of one change",
            Self::Destroy => "destroy",
        }
    }
}
