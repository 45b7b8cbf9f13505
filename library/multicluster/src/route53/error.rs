//! What can go wrong between us and Route 53.

use std::fmt;

/// How many problems of a batch are shown; the rest is counted.
const SHOWN: usize = 20;

/// A request that did not succeed: what was asked, about what, and why not.
///
/// No part of it holds a credential or more than a thousand characters of what the service said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}{} {reason}", About(.subject))]
pub struct CallError {
    /// The operation by its name in the API, such as `ChangeResourceRecordSets`.
    pub operation: &'static str,
    /// The id of the zone, health check or collection that it was about.
    pub subject: Option<String>,
    /// Why it did not succeed.
    pub reason: CallFailure,
}

/// Why a request did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The service understood and refused.
    #[error("was refused: {code}{}{}", Sentences(.messages), Request(.request_id))]
    Refused {
        /// The code by its name in the API, such as `InvalidChangeBatch`.
        code: String,
        /// What the service said, each problem by itself.
        messages: Vec<String>,
        /// What AWS's support asks for.
        request_id: Option<String>,
    },
    /// There are no credentials, or they could not be obtained.
    #[error("needs AWS credentials, and none could be obtained from {reason}")]
    NoCredentials {
        /// Where from, and why not.
        reason: String,
    },
    /// No answer, or one that says that the service itself failed. A write may have had its effect.
    #[error("had no answer: {reason}")]
    NoAnswer {
        /// `connection refused`.
        reason: String,
    },
    /// The user interrupted before the request was sent, or before it was sent again.
    #[error("was interrupted")]
    Cancelled,
    /// The time allowed was over before the request was taken.
    #[error("was not done in the time allowed{}", Behind(.refused))]
    Deadline {
        /// Why it had to wait: the code of the last refusal, such as `Throttling`.
        refused: Option<String>,
    },
    /// The answer lacks something that it always has.
    #[error("was answered in a way that cannot be understood: {problem}")]
    Unintelligible {
        /// What is missing.
        problem: &'static str,
    },
}

impl CallError {
    /// The code of a refusal, such as `NoSuchHostedZone`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.reason {
            CallFailure::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// What the service said, if it refused.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        match &self.reason {
            CallFailure::Refused { messages, .. } => messages,
            _ => &[],
        }
    }

    /// Whether what was asked about does not exist, or no longer.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("NoSuch"))
    }

    /// Whether the user interrupted.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        self.reason == CallFailure::Cancelled
    }

    /// Whether a write may have had its effect although it failed.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        matches!(self.reason, CallFailure::NoAnswer { .. } | CallFailure::Unintelligible { .. })
    }
}

struct About<'a>(&'a Option<String>);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |subject| write!(f, " of `{subject}`"))
    }
}

struct Sentences<'a>(&'a [String]);

impl fmt::Display for Sentences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [one] => write!(f, ": {one}"),
            several => {
                several.iter().take(SHOWN).try_for_each(|sentence| write!(f, "\n- {sentence}"))?;
                match several.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, "\n- and {more} more"),
                }
            }
        }
    }
}

struct Request<'a>(&'a Option<String>);

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

struct Behind<'a>(&'a Option<String>);

impl fmt::Display for Behind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |code| write!(f, ": the service kept answering {code}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(messages: &[&str]) -> CallError {
        CallError {
            operation: "ChangeResourceRecordSets",
            subject: Some("Z1".to_owned()),
            reason: CallFailure::Refused {
                code: "InvalidChangeBatch".to_owned(),
                messages: messages.iter().map(|message| (*message).to_owned()).collect(),
                request_id: Some("r-1".to_owned()),
            },
        }
    }

    #[test]
    fn what_users_read() {
        assert_eq!(
            refused(&["Tried to"]).to_string(),
            "ChangeResourceRecordSets of `Z1` was refused: InvalidChangeBatch: Tried to (request r-1)"
        );
        assert_eq!(
            refused(&["one", "two"]).to_string(),
            "ChangeResourceRecordSets of `Z1` was refused: InvalidChangeBatch\n- one\n- two (request r-1)"
        );
        let late = CallError {
            operation: "GetChange",
            subject: None,
            reason: CallFailure::Deadline { refused: Some("Throttling".to_owned()) },
        };
        assert_eq!(
            late.to_string(),
            "GetChange was not done in the time allowed: the service kept answering Throttling"
        );
    }

    #[test]
    fn what_may_be_done_is_told_from_what_is_not() {
        let error = |reason| CallError { operation: "GetChange", subject: None, reason };
        assert!(error(CallFailure::NoAnswer { reason: String::new() }).may_be_done());
        assert!(!refused(&[]).may_be_done());
        assert!(!error(CallFailure::Cancelled).may_be_done());
        assert!(!refused(&[]).is_not_found());
    }
}
