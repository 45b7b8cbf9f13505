//! What brings the clusters to where the journal says. Every action is idempotent: observed, one conditional write, verified.

use jiff::Timestamp;

use super::color::Color;
use super::journal::Journal;
use crate::names::ClusterName;

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// What the journal shall say. If it differs from what it says, it is written to all clusters that answer
    /// before any of the actions is begun.
    pub journal: Journal,
    /// What is to be done, all at the same time. An action that runs already is not begun again. One that runs and is not
    /// among them any more is given up: nothing else begins on its cluster before it has come to its end, and until then the
    /// cluster is shown as [`super::observed::ClusterView::Unreachable`], since what it writes late would belie what was seen.
    pub actions: Vec<Action>,
    /// When to look again even if nothing changes.
    pub wake: Option<Timestamp>,
    /// Set when the apply ends here.
    pub ended: Option<Ended>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Make a colour's objects (workload, what travels with it, Services) at a size.
    Prepare {
        /// Where.
        cluster: ClusterName,
        /// Which colour.
        color: Color,
        /// Its replicas.
        replicas: u32,
    },
    /// Lead traffic: one conditional patch. Over what somebody else has written it is asked for only to take back and to
    /// repair, and is then to be done.
    Shift {
        /// Where.
        cluster: ClusterName,
        /// The step of the cluster's wave whose weight, headers and mirror shall hold; `None`: all to `to`.
        step: Option<usize>,
        /// The colour that gets the step's weight, or everything.
        to: Color,
    },
    /// Take a colour's pods away (size 0, no autoscaler). Its objects stay.
    LetGo {
        /// Where.
        cluster: ClusterName,
        /// Which colour.
        color: Color,
    },
    /// Take the cluster out of its DNS names.
    WithdrawDns {
        /// Which one.
        cluster: ClusterName,
    },
    /// Put the cluster back into its DNS names.
    ReturnDns {
        /// Which one.
        cluster: ClusterName,
    },
    /// Take one measurement.
    Measure {
        /// The metric's name.
        metric: String,
        /// For which cluster; `None` for all together.
        cluster: Option<ClusterName>,
    },
}

/// How an apply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The new version serves.
    Completed,
    /// A human has to say yes: the apply succeeds, the plan shows what is waiting.
    Waiting,
    /// The user interrupted; the next apply goes on.
    Interrupted,
    /// What stood in the way is done (another release taken back, or some clusters brought to where the others are): the
    /// same apply goes on by [`super::begin()`] with [`super::begin::Occasion::Again`].
    Again,
    /// It failed and stays as it is, or was taken back, or could be taken back in part only. The journal says which and why.
    Failed,
}
