//! What can be wrong with a connection, before and while it is used.

use std::path::PathBuf;

/// A connection that cannot be made, known without connecting. No variant holds content of a kubeconfig, certificate
/// or key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The kubeconfig file cannot be read.
    #[error("cannot read the kubeconfig `{}`: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The kubeconfig is no YAML of the expected form.
    #[error("the kubeconfig is not valid{}", at(*line))]
    NotAKubeconfig {
        /// Where, counted from 1.
        line: Option<u64>,
    },
    /// Neither the user nor the kubeconfig says which context.
    #[error("the kubeconfig has no `current-context`: name one of its contexts ({})", names(contexts))]
    NoContext {
        /// Which there are.
        contexts: Vec<String>,
    },
    /// The kubeconfig lacks the context.
    #[error("the kubeconfig has no context `{context}`; it has {}", names(contexts))]
    UnknownContext {
        /// Which was asked for.
        context: String,
        /// Which there are.
        contexts: Vec<String>,
    },
    /// The context refers to something that is not there.
    #[error("the context `{context}` refers to a {what} that the kubeconfig does not have")]
    Dangling {
        /// The context.
        context: String,
        /// `cluster` or `user`.
        what: &'static str,
    },
    /// Kubeconfig text that would make us read a file.
    #[error(
        "`{field}` names a file, which the text of a kubeconfig may not do: {instead}, or give the kubeconfig's path"
    )]
    NamesAFile {
        /// `client-key`.
        field: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A kubeconfig with a kind of credential that Kubernetes has given up.
    #[error("`auth-provider` is not supported: use `exec` with the cloud's credential helper")]
    AuthProvider,
    /// Kubeconfig text that would start a program.
    #[error(
        "the kubeconfig wants to start `{command}`, {reason}; set `allow_exec` if you trust where it comes from"
    )]
    ExecNotAllowed {
        /// The program.
        command: String,
        /// What is not known about it.
        reason: &'static str,
    },
    /// A kubeconfig that asks for unverified TLS.
    #[error(
        "the kubeconfig says `insecure-skip-tls-verify`, which takes effect only together with `insecure = true`"
    )]
    SkipsVerification,
    /// A value that cannot be used.
    #[error("`{field}` {problem}")]
    Field {
        /// The argument or kubeconfig field.
        field: &'static str,
        /// What is wrong with it; never its content.
        problem: &'static str,
    },
    /// The TLS settings do not fit together.
    #[error("cannot set up TLS: {reason}")]
    Tls {
        /// What the TLS library says.
        reason: String,
    },
}

/// A credential could not be obtained when a request needed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The helper could not be started.
    #[error("cannot start the credential helper `{command}`: {reason}")]
    NotStarted {
        /// The program.
        command: String,
        /// The system's words and the kubeconfig's hint.
        reason: String,
    },
    /// The helper failed.
    #[error("the credential helper `{command}` failed ({status}): {stderr}")]
    Failed {
        /// The program.
        command: String,
        /// `exit status: 255`.
        status: String,
        /// The beginning of what it wrote, with what looks like a secret taken out.
        stderr: String,
    },
    /// The helper did not end.
    #[error("the credential helper `{command}` did not answer within {seconds} s")]
    TooSlow {
        /// The program.
        command: String,
        /// How long it was given.
        seconds: u64,
    },
    /// The helper printed something else.
    #[error("the credential helper `{command}` printed no usable credential: {problem}")]
    NoCredential {
        /// The program.
        command: String,
        /// What is wrong; never what it printed.
        problem: &'static str,
    },
    /// The token file cannot be read.
    #[error("cannot read the token file `{}`: {reason}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The credential cannot be used.
    #[error("the credential cannot be used: {reason}")]
    Unusable {
        /// What the TLS library says.
        reason: String,
    },
}

impl ConnectionError {
    pub(super) fn field(field: &'static str, problem: &'static str) -> Self {
        Self::Field { field, problem }
    }
}

fn at(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
}

fn names(contexts: &[String]) -> String {
    if contexts.is_empty() {
        return "no contexts".to_owned();
    }
    let shown: Vec<_> = contexts.iter().take(20).map(|name| format!("`{name}`")).collect();
    let more = contexts.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    shown.join(", ") + &more
}
