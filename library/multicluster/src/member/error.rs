//! What can go wrong between us and one API server, in the user's words.

use std::fmt;

/// A request to a member failed. Which cluster and object it was about, the caller adds.
///
/// No variant holds an address, a credential or more than 300 characters of a server's answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// The server could not be asked, or had no capacity to answer. Nothing is known about what is there.
    #[error("cannot reach the API server: {reason}")]
    Unreachable {
        /// `connection refused`.
        reason: String,
    },
    /// The server does not know who asks, or a credential could not be obtained.
    #[error("the API server does not accept the credentials: {reason}")]
    Unauthorized {
        /// What the server or the credential helper said.
        reason: String,
    },
    /// The server knows who asks and refuses: permissions, quotas, a namespace that is being deleted.
    #[error("not allowed: {message}")]
    Forbidden {
        /// The server's explanation.
        message: String,
    },
    /// Something that the request needs is not there, often the namespace.
    #[error("`{name}` ({kind}) does not exist")]
    NotFound {
        /// The plural of what is missing, such as `namespaces`.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Other field managers own fields that we would change.
    #[error("other field managers own {}", Listed(conflicts))]
    Conflict {
        /// Who owns what.
        conflicts: Vec<FieldConflict>,
    },
    /// An object of that name is there already.
    #[error("it exists already")]
    AlreadyExists,
    /// The object is no longer the one, or no longer in the version, that was read before. Read again and decide again.
    #[error("it was changed by someone else in the meantime")]
    Changed,
    /// The object does not fit its schema or its kind's rules.
    #[error("not valid: {}", Listed(fields))]
    Invalid {
        /// What is wrong where; never empty.
        fields: Vec<FieldProblem>,
    },
    /// The cluster does not serve this kind in this version.
    #[error("the cluster does not serve this kind")]
    UnknownKind,
    /// An admission webhook or policy refused, failed, or cannot take part in a dry run.
    #[error("rejected: {message}")]
    Rejected {
        /// What it said.
        message: String,
    },
    /// The server no longer remembers the version that a page or a watch goes on from. Read from the start.
    #[error("the API server no longer remembers that version")]
    Expired,
    /// The server failed at something of its own, such as its storage. It may work later.
    #[error("the API server failed: {message}")]
    Internal {
        /// What it said.
        message: String,
    },
    /// Anything else.
    #[error("{message}")]
    Other {
        /// What the server said.
        message: String,
    },
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldConflict {
    /// The other manager, such as `kubectl`.
    pub manager: String,
    /// `spec.replicas`.
    pub field: String,
}

/// A field with a value that the server does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// `spec.replicas`; empty if the server named none.
    pub field: String,
    /// What is wrong with it. Not the server's words for a Secret, since they quote values.
    pub message: String,
}

impl MemberError {
    /// Whether nothing is known about the cluster, rather than something about the object.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the object cannot take the change and would have to be deleted and created again.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        // The server has no code for this; these are its words, stable since they were introduced.
        const WORDS: [&str; 8] = [
            "is immutable",
            "may not change once set",
            "may not change fields other than",
            "may not be changed in an update",
            "cannot change",
            "cannot be changed",
            "updates to statefulset spec",
            // What a definition's rule is said to be if it has no words of its own.
            "failed rule: self == oldSelf",
        ];
        let says_so = |field: &FieldProblem| {
            let why = behind_value(&field.message);
            WORDS.iter().any(|words| why.contains(words))
        };
        matches!(self, Self::Invalid { fields } if fields.iter().any(says_so))
    }

    pub(super) fn invalid(field: &str, message: &str) -> Self {
        Self::Invalid { fields: vec![FieldProblem { field: field.to_owned(), message: message.to_owned() }] }
    }

    pub(super) fn other(message: &str) -> Self {
        Self::Other { message: message.to_owned() }
    }
}

/// What is said of a value, without the value, which is the user's and may say anything: `field is immutable` of
/// `Invalid value: "a": field is immutable`. All of it if no text, list or mapping is quoted.
pub(super) fn behind_value(message: &str) -> &str {
    let end = ["\": ", "}: ", "]: "].iter().filter_map(|end| message.rfind(end)).max();
    end.and_then(|end| message.get(end + 3..)).unwrap_or(message)
}

/// A list in a sentence, at most five entries long.
struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().take(5).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            item.fmt(f)?;
        }
        match self.0.len().saturating_sub(5) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Display for FieldConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (`{}`)", self.field, self.manager)
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "`{}`: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}
