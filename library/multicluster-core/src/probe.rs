//! What an apply would do to one object, judged by a server-side dry run.
//!
//! Invariant: a verdict never says more than the server did. Where a dry run cannot tell, because something that
//! the same apply brings is not there yet or the server could not be asked, the verdict is [`Verdict::Unknown`],
//! and never "unchanged". Values of a Secret are in no verdict.

mod compare;
mod fields;

use std::fmt;

pub use self::compare::{Adoption, adoption, compare};
pub use self::fields::narrowed;
use crate::difference::Change;

/// How many fields of one object are named.
const NAMED: usize = 6;

/// What an apply would do to one object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It would be made.
    Create,
    /// No field of ours would change its value. Who owns a field may still change.
    Unchanged,
    /// Fields of ours would change.
    Update {
        /// Which, never empty.
        changes: Vec<Change>,
    },
    /// It cannot be changed so: it would have to be deleted and made again.
    Replace {
        /// The fields that cannot be changed; never empty.
        fields: Vec<String>,
        /// What the server said.
        message: String,
    },
    /// Others own fields that we would set to another value.
    Conflict {
        /// Who and which.
        by: Vec<Contested>,
    },
    /// The dry run could not tell.
    Unknown(Why),
    /// It is wrong, or not admitted, and an apply would fail as well.
    Refused {
        /// What is wrong; never empty.
        problems: Vec<Problem>,
    },
}

/// A field that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contested {
    /// The other manager, such as `kubectl`.
    pub manager: String,
    /// `spec.replicas`.
    pub field: String,
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, if that is known.
    pub field: Option<String>,
    /// What is wrong there.
    pub message: String,
}

/// Why a dry run could not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The object's namespace is not there.
    NamespaceMissing(String),
    /// The object's namespace is being deleted.
    NamespaceTerminating(String),
    /// The cluster does not serve its kind.
    KindMissing,
    /// The named admission webhook takes no part in dry runs.
    WebhookWithoutDryRun(String),
    /// An admission webhook could not be asked. What the server says of it.
    WebhookDown(String),
    /// We may not do it, or are not known. What the server says.
    NotAllowed(String),
    /// It is refused as things are now, by something that this very apply may change: a quota, a port that is taken,
    /// an object that it needs. What the server says.
    ForNow(String),
    /// What replaces it is planned while it is still there, and it is let go of, not deleted.
    LetGo,
    /// The server could not be asked.
    Unreachable(String),
    /// The server failed, or said something that is not understood.
    Failed(String),
}

/// `create`, `update: spec.replicas 2 → 3`, `replace: spec.selector cannot be changed`, …: the words of a forecast.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Update { changes } => write!(f, "update: {}", Named(changes)),
            Self::Replace { fields, .. } => write!(f, "replace: {} cannot be changed", Named(fields)),
            Self::Conflict { by } => write!(f, "conflict: {}", Named(by)),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
            Self::Refused { problems } => write!(f, "refused: {}", Named(problems)),
        }
    }
}

impl fmt::Display for Contested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is owned by {}", self.field, self.manager)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "`{field}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamespaceMissing(name) => write!(f, "namespace `{name}` does not exist yet"),
            Self::NamespaceTerminating(name) => write!(f, "namespace `{name}` is being deleted"),
            Self::KindMissing => f.write_str("the cluster does not serve its kind yet"),
            Self::WebhookWithoutDryRun(name) => {
                write!(f, "admission webhook `{name}` takes no part in dry runs")
            }
            Self::WebhookDown(said) => write!(f, "an admission webhook cannot be asked: {said}"),
            Self::NotAllowed(said) => write!(f, "not allowed: {said}"),
            Self::ForNow(said) => write!(f, "refused as things are now: {said}"),
            Self::LetGo => f.write_str("it is let go of first, and may then be adopted as it is"),
            Self::Unreachable(reason) => write!(f, "the API server cannot be reached: {reason}"),
            Self::Failed(said) => write!(f, "the API server could not tell: {said}"),
        }
    }
}

/// A list in a sentence.
struct Named<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Named<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().take(NAMED).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests;
