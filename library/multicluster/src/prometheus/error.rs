//! What can be wrong with a metrics service, before and while it is asked.

use std::fmt;

use crate::connection::{ConnectionError, CredentialError};

/// Settings that cannot be used, known without connecting. Holds no address and no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct SettingsError {
    /// The setting, as the provider block calls it: `prometheus`, `ca_certificate`.
    pub field: String,
    /// What is wrong with it; never its content.
    pub problem: String,
}

/// What Prometheus calls the kinds of its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorType {
    /// The query cannot be read.
    BadData,
    /// The query cannot be carried out, as when it loads too many samples.
    Execution,
    /// The query took longer than it may.
    Timeout,
    /// The query was given up.
    Canceled,
    /// Something is wrong with the service.
    Internal,
    /// The service, or a store behind it, is not ready.
    Unavailable,
    /// There is nothing at this path.
    NotFound,
    /// The service cannot answer in a form that we read.
    NotAcceptable,
    /// Another one.
    Other(String),
}

/// A query without a usable answer.
///
/// No variant holds a credential, the service's address, or more than a few lines of what was answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The service understood and refused.
    #[error("the metrics service refused the query ({kind}): {message}")]
    Refused {
        /// The kind of error.
        kind: ErrorType,
        /// The service's words.
        message: String,
    },
    /// The credentials are missing, wrong or not enough.
    #[error("the metrics service does not accept the credentials ({status}){}", Colon(message))]
    Denied {
        /// 401 or 403.
        status: u16,
        /// The service's words, if it said something that a person can read.
        message: String,
    },
    /// No credential could be obtained.
    #[error("there are no credentials for the metrics service")]
    NoCredential(#[from] CredentialError),
    /// AWS's default chain, the profile or the role gave no credentials.
    #[error("there are no AWS credentials for the metrics service: {reason}")]
    NoAwsCredential {
        /// Where from, and why not.
        reason: String,
    },
    /// Something that is not the API answered, such as a proxy or a login page.
    #[error("HTTP {status} with {content} instead of an answer of Prometheus{}", Colon(hint))]
    NotPrometheus {
        /// Of HTTP.
        status: u16,
        /// `text/html`.
        content: String,
        /// What that means most often.
        hint: String,
    },
    /// The service lies somewhere else. It is not followed there: the credentials are for this one.
    #[error("the metrics service redirects to {to}: give the address that it redirects to")]
    Redirected {
        /// Scheme and host, or `another path of the same host`.
        to: String,
    },
    /// Nothing came, or not all of it.
    #[error("the metrics service does not answer: {reason}")]
    NoAnswer {
        /// `connection refused`.
        reason: String,
    },
    /// The time was over.
    #[error("the metrics service did not answer within {seconds} s")]
    TimedOut {
        /// How long it was given.
        seconds: f64,
    },
    /// More came than is read.
    #[error("the answer is longer than {} MiB: narrow the query down, or aggregate with `sum` or `avg`", .limit >> 20)]
    TooLong {
        /// In bytes.
        limit: usize,
    },
    /// What came is no answer of the API.
    #[error("the answer cannot be read: {problem}")]
    Unreadable {
        /// What is wrong.
        problem: String,
    },
    /// The answer holds native histograms, which no condition can judge.
    #[error(
        "the answer holds native histograms, not numbers: use `histogram_quantile`, `histogram_avg`, `histogram_count` \
         or `histogram_fraction` in the query"
    )]
    NativeHistogram,
    /// The answer may be incomplete.
    #[error(
        "the metrics service warns, so that the values may be wrong: {}; `warnings = \"ignore\"` takes them nevertheless",
        .warnings.join("; ")
    )]
    Warnings {
        /// What the service said, at most ten, each on one line.
        warnings: Vec<String>,
    },
}

impl QueryError {
    /// Whether the query itself is wrong, so that the same one will never be answered.
    #[must_use]
    pub fn is_about_the_query(&self) -> bool {
        match self {
            Self::Refused { kind, .. } => matches!(kind, ErrorType::BadData),
            Self::NativeHistogram => true,
            _ => false,
        }
    }

    /// All of it in one line, with the cause: for where only text is kept.
    #[must_use]
    pub fn in_words(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

impl SettingsError {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl From<ConnectionError> for SettingsError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Field { field, problem } => Self::new(field, problem),
            other => Self::new("exec", format!("cannot be used: {other}")),
        }
    }
}

impl ErrorType {
    pub(super) fn new(word: &str) -> Self {
        match word {
            "bad_data" => Self::BadData,
            "execution" => Self::Execution,
            "timeout" => Self::Timeout,
            "canceled" => Self::Canceled,
            "internal" => Self::Internal,
            "unavailable" => Self::Unavailable,
            "not_found" => Self::NotFound,
            "not_acceptable" => Self::NotAcceptable,
            other => Self::Other(crate::member::cut(other)),
        }
    }

    /// The API's own word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::NotAcceptable => "not_acceptable",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `: ` and a text, or nothing.
struct Colon<'a>(&'a str);

impl fmt::Display for Colon<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}
