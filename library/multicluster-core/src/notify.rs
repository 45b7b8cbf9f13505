//! What people and programs are told of a release: one message that keeps up with it, and a loud one where somebody
//! has to know.
//!
//! A [`Message`] is what happened ([`Event`]) and how the release stands ([`Summary`]). [`slack`], [`rocket_chat`] and
//! [`teams`] write it as those services show it, [`event_json`] for programs.
//!
//! Invariants:
//! - whatever a text holds, the message is of the service's form and within its limits;
//! - no text of a user or a server can mention people, link somewhere or change the look of a message.
//!
//! Deliberately absent: sending, and when to send. See [`EventKind::is_loud`] for what is worth a message of its own.

mod json;
mod rocket_chat;
mod slack;
mod teams;
mod text;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

pub use self::json::event_json;
pub use self::rocket_chat::rocket_chat;
pub use self::slack::{slack, slack_reply};
pub use self::teams::teams;
pub use self::text::{headline, one_line};

/// What happened, and how the release stands since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What happened.
    pub event: Event,
    /// How the release stands.
    pub summary: Summary,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The release's id: all messages of one release carry the same.
    pub release: String,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// In words, for people: which wave, which cluster, why. May be empty.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// The kinds of things that happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EventKind {
    /// The release began, or goes on in another apply.
    Started,
    /// A wave began.
    Wave,
    /// A cluster came to another weight.
    Step,
    /// A metric was measured, or came to its end.
    Analysis,
    /// All clusters have the new version, and the old one is kept warm.
    Holding,
    /// Nothing happens until a freeze window ends.
    Frozen,
    /// A human has to say yes.
    ApprovalNeeded,
    /// The user interrupted; the next apply goes on.
    Interrupted,
    /// Something failed and all stays as it is: a human has to decide.
    Halted,
    /// Traffic goes back to the old version.
    Rollback,
    /// The old version serves again.
    RolledBack,
    /// The new version serves, and the old one is let go.
    Done,
    /// The release came to its end without success, and not all could be taken back.
    Failed,
}

/// How a release stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The workload's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The version that served when the release began; none for a first one.
    pub from: Option<String>,
    /// The version that it brings.
    pub to: String,
    /// How far it is, as Terraform shows it: `rolling`.
    pub phase: String,
    /// The clusters, in the order of the waves.
    pub clusters: Vec<ClusterLine>,
    /// The metrics.
    pub metrics: Vec<MetricLine>,
    /// Since the release began.
    pub elapsed: Duration,
    /// How long it takes yet if nothing goes wrong, where that can be told.
    pub remaining: Option<Duration>,
    /// Who approved, if somebody had to.
    pub approved_by: Option<String>,
    /// Where to read more: a plan, a pipeline, a dashboard. Shown only if it begins with `https://` or `http://`.
    pub link: Option<String>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterLine {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub mark: Mark,
    /// Percent of its traffic that go to the new version, where that is known.
    pub weight: Option<u8>,
    /// What there is to say about it: its wave, why it failed. May be empty.
    pub note: String,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricLine {
    /// Its name.
    pub name: String,
    /// The cluster that it judges; none for all together.
    pub cluster: Option<String>,
    /// What was measured last: `0.97`, `[0.97, NaN]`; empty before the first measurement.
    pub value: String,
    /// What it is judged by: `result >= 0.9`. May be empty.
    pub condition: String,
    /// How it stands.
    pub mark: Mark,
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mark {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Done, and well.
    Done,
    /// Failed.
    Failed,
    /// Taken back.
    Returned,
    /// Nobody can tell: no data, no answer.
    Unclear,
}

/// How a message looks at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Running,
    Waiting,
    Good,
    Bad,
}

impl EventKind {
    /// The word that programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Wave => "wave",
            Self::Step => "step",
            Self::Analysis => "analysis",
            Self::Holding => "holding",
            Self::Frozen => "frozen",
            Self::ApprovalNeeded => "approval_needed",
            Self::Interrupted => "interrupted",
            Self::Halted => "halted",
            Self::Rollback => "rollback",
            Self::RolledBack => "rolled_back",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether somebody has to know now, so that it is worth a message of its own: an approval is needed, the release
    /// is taken back, or it has come to an end.
    #[must_use]
    pub fn is_loud(self) -> bool {
        match self {
            Self::ApprovalNeeded
            | Self::Halted
            | Self::Rollback
            | Self::RolledBack
            | Self::Done
            | Self::Failed => true,
            Self::Started
            | Self::Wave
            | Self::Step
            | Self::Analysis
            | Self::Holding
            | Self::Frozen
            | Self::Interrupted => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Started => "release started",
            Self::Wave | Self::Step | Self::Analysis => "being released",
            Self::Holding => "released everywhere, the old version is kept warm",
            Self::Frozen => "waiting for the end of a freeze window",
            Self::ApprovalNeeded => "approval needed",
            Self::Interrupted => "interrupted, the next apply goes on",
            Self::Halted => "halted, somebody has to decide",
            Self::Rollback => "rolling back",
            Self::RolledBack => "rolled back",
            Self::Done => "released",
            Self::Failed => "failed",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Started | Self::Wave | Self::Step | Self::Analysis | Self::Holding => Tone::Running,
            Self::Frozen | Self::ApprovalNeeded | Self::Interrupted => Tone::Waiting,
            Self::Done => Tone::Good,
            Self::Halted | Self::Rollback | Self::RolledBack | Self::Failed => Tone::Bad,
        }
    }
}

impl Mark {
    /// The word that programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Unclear => "unclear",
        }
    }

    /// The sign that people see.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Pending => '·',
            Self::Running => '▶',
            Self::Done => '✓',
            Self::Failed => '✗',
            Self::Returned => '↩',
            Self::Unclear => '?',
        }
    }
}

impl Tone {
    /// As Slack and Rocket.Chat take it.
    fn color(self) -> &'static str {
        match self {
            Self::Running => "#1d9bd1",
            Self::Waiting => "#ecb22e",
            Self::Good => "#18be52",
            Self::Bad => "#e01e5a",
        }
    }

    /// As Adaptive Cards take it.
    fn card_color(self) -> &'static str {
        match self {
            Self::Running => "Accent",
            Self::Waiting => "Warning",
            Self::Good => "Good",
            Self::Bad => "Attention",
        }
    }
}
