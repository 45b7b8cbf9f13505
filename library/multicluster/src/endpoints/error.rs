//! Why it is not known where an object is reached.

use super::Exposed;
use crate::member::MemberError;

/// Where an object is reached could not be learned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// There is no such object, or no longer.
    #[error("{object} does not exist")]
    Missing {
        /// The object.
        object: Exposed,
    },
    /// The cluster has no such kind.
    #[error("{object}: the cluster does not serve this kind{}", hint(.object))]
    UnknownKind {
        /// The object.
        object: Exposed,
    },
    /// It will never have an address as it is.
    #[error("{object} is reached from nowhere: {reason}")]
    NeverExposed {
        /// The object.
        object: Exposed,
        /// Why not.
        reason: String,
    },
    /// The time allowed was over before it had an address.
    #[error("{object} has no address in the time allowed: {status}{}", lines(.events))]
    NotYet {
        /// The object.
        object: Exposed,
        /// What it is waiting for.
        status: String,
        /// What happened to it last, the latest at the end.
        events: Vec<String>,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Cancelled,
    /// The cluster cannot be asked.
    #[error("{object}: {error}")]
    Member {
        /// The object.
        object: Exposed,
        /// Why not.
        error: MemberError,
    },
}

fn lines(events: &[String]) -> String {
    events.iter().map(|event| format!("\n- {event}")).collect()
}

fn hint(object: &Exposed) -> &'static str {
    match object.kind {
        super::ExposedKind::Gateway => "; the definitions of Gateway API are not installed",
        super::ExposedKind::Service | super::ExposedKind::Ingress => "",
    }
}
