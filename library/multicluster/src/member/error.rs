//! What can go wrong between us and one API server, in the user's words.

use std::{error::Error, fmt, io};

use http::StatusCode;
use multicluster_core::object::text;
use serde_json::Value;

use super::message::cut;
use crate::connection::CredentialError;

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

/// Whether an answer may be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Allowed,
    /// The request held secret data, and servers quote what they dislike.
    Forbidden,
}

const NOT_SHOWN: &str = "the server's words are not shown, because they may quote secret data";

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
        const WORDS: [&str; 4] =
            ["field is immutable", "may not change once set", "cannot change", "updates to statefulset spec"];
        matches!(self, Self::Invalid { fields }
            if fields.iter().any(|field| WORDS.iter().any(|words| field.message.contains(words))))
    }

    pub(super) fn invalid(field: &str, message: &str) -> Self {
        Self::Invalid { fields: vec![FieldProblem { field: field.to_owned(), message: message.to_owned() }] }
    }

    pub(super) fn other(message: &str) -> Self {
        Self::Other { message: message.to_owned() }
    }

    /// What a failure to send or receive means.
    pub(super) fn from_transport(error: &kube::Error) -> Self {
        transport(error)
    }

    /// What an answer with an error status means.
    pub(super) fn from_answer(code: StatusCode, body: &[u8], quoting: Quoting) -> Self {
        let status = serde_json::from_slice::<Value>(body).unwrap_or_default();
        if text(&status, "/kind") == "Status" {
            from_status(code.as_u16(), &status, quoting)
        } else {
            from_foreign(code, body)
        }
    }

    /// What an `ERROR` event of a watch means.
    pub(super) fn from_event(status: &Value, quoting: Quoting) -> Self {
        let code = status.pointer("/code").and_then(Value::as_u64).unwrap_or(500);
        from_status(u16::try_from(code).unwrap_or(500), status, quoting)
    }
}

/// An error answer in Kubernetes' own form.
fn from_status(code: u16, status: &Value, quoting: Quoting) -> MemberError {
    let said = text(status, "/message");
    let message = match quoting {
        Quoting::Allowed => cut(said),
        Quoting::Forbidden => NOT_SHOWN.to_owned(),
    };
    let reason = text(status, "/reason");
    if is_admission(said) {
        return MemberError::Rejected { message };
    }
    match (code, reason) {
        (401, _) => MemberError::Unauthorized { reason: message },
        (403, _) => MemberError::Forbidden { message: cut(said) },
        (404, _) => not_found(status),
        (409, "AlreadyExists") => MemberError::AlreadyExists,
        (409, _) => conflict(status),
        (410, _) => MemberError::Expired,
        (422, _) => MemberError::Invalid { fields: field_problems(status, quoting) },
        (400, _) if said.contains("strict decoding error") || said.contains("typed patch object") => {
            MemberError::Invalid { fields: vec![FieldProblem { field: String::new(), message }] }
        }
        (500, _) if said.contains("typed patch object") => {
            MemberError::Invalid { fields: vec![FieldProblem { field: String::new(), message }] }
        }
        (429 | 502..=504, _) => MemberError::Unreachable { reason: format!("it answers {code}: {message}") },
        _ => MemberError::Other { message: format!("the API server answers {code}: {message}") },
    }
}

/// An error answer of something else: a proxy, a load balancer, a login page.
fn from_foreign(code: StatusCode, body: &[u8]) -> MemberError {
    let code = code.as_u16();
    let said = cut(&String::from_utf8_lossy(body.get(..2048).unwrap_or(body)));
    let said = if said.is_empty() { "no explanation".to_owned() } else { said };
    match code {
        401 => MemberError::Unauthorized { reason: said },
        403 => MemberError::Forbidden { message: said },
        // The API server's own words for a path that it does not know.
        404 if said == "404 page not found" => MemberError::UnknownKind,
        429 | 502..=504 => MemberError::Unreachable { reason: format!("something answers {code}: {said}") },
        _ => MemberError::Other {
            message: format!("something that is not a Kubernetes API server answers {code}: {said}"),
        },
    }
}

/// Webhooks and policies answer with codes of their own choice, so only the words tell.
fn is_admission(said: &str) -> bool {
    said.starts_with("admission webhook ")
        || said.contains("failed calling webhook")
        || said.contains("does not support dry run")
        || said.contains("ValidatingAdmissionPolicy")
}

fn not_found(status: &Value) -> MemberError {
    let name = text(status, "/details/name");
    if name.is_empty() {
        // Without a name it is the path that the server does not know.
        return MemberError::UnknownKind;
    }
    MemberError::NotFound { kind: cut(text(status, "/details/kind")), name: cut(name) }
}

fn causes(status: &Value) -> impl Iterator<Item = &Value> {
    status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten()
}

fn conflict(status: &Value) -> MemberError {
    let mut conflicts: Vec<_> = causes(status)
        .filter(|cause| text(cause, "/reason") == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            manager: cut(quoted(text(cause, "/message"))),
            field: cut(text(cause, "/field").trim_start_matches('.')),
        })
        .collect();
    conflicts.sort();
    conflicts.dedup();
    if conflicts.is_empty() { MemberError::Changed } else { MemberError::Conflict { conflicts } }
}

/// The first quoted part of `conflict with "kubectl" using apps/v1`, or all of it.
fn quoted(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

fn field_problems(status: &Value, quoting: Quoting) -> Vec<FieldProblem> {
    let shown = |message: &str| match quoting {
        Quoting::Allowed => cut(message),
        Quoting::Forbidden => NOT_SHOWN.to_owned(),
    };
    let fields: Vec<_> = causes(status)
        .map(|cause| FieldProblem {
            field: cut(text(cause, "/field")),
            message: shown(text(cause, "/message")),
        })
        .collect();
    if fields.is_empty() {
        vec![FieldProblem { field: String::new(), message: shown(text(status, "/message")) }]
    } else {
        fields
    }
}

/// Finds in a chain of causes the one that a user can act on.
fn transport(error: &(dyn Error + 'static)) -> MemberError {
    let mut reason = String::from("the connection failed");
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(credential) = cause.downcast_ref::<CredentialError>() {
            return MemberError::Unauthorized { reason: credential.to_string() };
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return MemberError::Unreachable { reason: format!("the TLS handshake failed: {tls}") };
        }
        if let Some(inner) = cause.downcast_ref::<io::Error>() {
            if let Some(words) = io_words(inner) {
                return MemberError::Unreachable { reason: words.to_owned() };
            }
            // An error that wraps another one hides it from `source`.
            if let Some(wrapped) = inner.get_ref() {
                next = Some(wrapped);
                continue;
            }
        }
        reason = cut(&cause.to_string());
        next = cause.source();
    }
    MemberError::Unreachable { reason }
}

fn io_words(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Some("the connection was closed")
        }
        io::ErrorKind::TimedOut => Some("no answer in time"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("no route to the host"),
        _ if error.to_string().contains("lookup address information") => {
            Some("its host name cannot be resolved")
        }
        _ => None,
    }
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
