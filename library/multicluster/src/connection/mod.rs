//! How one cluster is reached.
//!
//! A [`Connection`] is what a user configured; [`Connection::client`] makes a client of it without connecting. Nothing
//! is ever guessed: no `KUBECONFIG`, no home directory, no in-cluster account, no proxy from the environment. A
//! cluster that is reached is the one that was named.
//!
//! ```text
//! kubeconfig text ─┐
//! kubeconfig path ─┼─ rules ─→ Target { kube::Config, source of credentials } ─→ Transport ─→ kube::Client
//! host + credential┘                                        repeats, time limits, renewed credentials
//! ```
//!
//! ```no_run
//! use multicluster::{clock::Clock, connection::{Connection, ConnectionError, ConnectionKind}};
//!
//! # async fn example(clock: Clock) -> Result<(), ConnectionError> {
//! let kind = ConnectionKind::KubeconfigPath { path: "lab.kubeconfig".into(), context: Some("aws".into()) };
//! let client = Connection::new(kind, clock).client().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Kubeconfig *text* is data that came from somewhere else, so it may not name files, and it may start only known
//! credential helpers in their known form. A kubeconfig *path* is a file of the user's own, trusted as kubectl
//! trusts it. Neither can switch TLS verification off by itself.

mod error;
pub(crate) mod exec;
mod helpers;
mod host;
mod kubeconfig;
pub(crate) mod pem;
mod retry;
mod target;
mod transport;

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use self::error::{ConnectionError, CredentialError};
use crate::clock::Clock;

/// How one cluster is reached. `Debug` shows no secret and no address.
#[derive(Clone)]
pub struct Connection {
    /// Where to and as whom.
    pub kind: ConnectionKind,
    /// Whether the server's certificate is left unchecked. Only ever set by the user's explicit wish.
    pub insecure: bool,
    /// Whether kubeconfig text may start any program to obtain credentials.
    pub allow_exec: bool,
    /// How long connecting may take, the TLS handshake included.
    pub connect_timeout: Duration,
    /// How long the server may be silent while it answers; a watch may be silent for longer.
    pub request_timeout: Duration,
    /// How requests introduce themselves.
    pub user_agent: String,
    /// The time, by which credentials expire.
    pub clock: Clock,
}

/// The forms in which a cluster can be given.
#[derive(Clone)]
pub enum ConnectionKind {
    /// The contents of a kubeconfig.
    KubeconfigText {
        /// YAML or JSON.
        text: SecretString,
        /// Instead of `current-context`.
        context: Option<String>,
    },
    /// A kubeconfig file.
    KubeconfigPath {
        /// The file; relative names in it are relative to its directory.
        path: PathBuf,
        /// Instead of `current-context`.
        context: Option<String>,
    },
    /// An API server's address and a credential.
    Host {
        /// `https://203.0.113.7:6443`; without a scheme it is `https`.
        host: String,
        /// PEM, or base64 of PEM as clouds give it. Without it the system's authorities are trusted.
        cluster_ca_certificate: Option<String>,
        /// As whom.
        credential: Credential,
        /// The name in the server's certificate, where it is not the host's.
        tls_server_name: Option<String>,
        /// `http`, `https` or `socks5`; may hold a user and password.
        proxy_url: Option<SecretString>,
    },
}

/// Who asks.
#[derive(Clone)]
pub enum Credential {
    /// A bearer token that does not change.
    Token(SecretString),
    /// A client certificate.
    ClientCertificate {
        /// PEM, or base64 of PEM.
        certificate: String,
        /// PEM, or base64 of PEM.
        key: SecretString,
    },
    /// A program that prints a credential, run when one is needed and again before it expires.
    Exec(ExecConfig),
    /// Nobody.
    None,
}

/// A credential helper as client-go defines it.
#[derive(Clone)]
pub struct ExecConfig {
    /// `client.authentication.k8s.io/v1` or `…/v1beta1`.
    pub api_version: String,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: BTreeMap<String, SecretString>,
}

/// The part of a connection that is no secret and that a state may remember, so that a cluster whose entry is gone
/// can still be left in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReference {
    /// The kubeconfig's path, as the user gave it.
    pub kubeconfig_path: PathBuf,
    /// The context, if the user named one.
    pub context: Option<String>,
}

impl Connection {
    /// A connection with verified TLS, no foreign programs, 10 s to connect and 30 s for an answer.
    #[must_use]
    pub fn new(kind: ConnectionKind, clock: Clock) -> Self {
        Self {
            kind,
            insecure: false,
            allow_exec: false,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            user_agent: concat!("terraform-provider-multicluster/", env!("CARGO_PKG_VERSION")).to_owned(),
            clock,
        }
    }

    /// Builds a client. Does not connect and starts no credential helper: both happen at the first request.
    ///
    /// # Errors
    /// [`ConnectionError`] for whatever can be known to be wrong without connecting.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn client(&self) -> Result<kube::Client, ConnectionError> {
        let target = match &self.kind {
            ConnectionKind::KubeconfigText { text, context } => {
                kubeconfig::from_text(text, context.as_deref(), self)?
            }
            ConnectionKind::KubeconfigPath { path, context } => {
                kubeconfig::from_path(path, context.as_deref(), self).await?
            }
            ConnectionKind::Host { .. } => host::target(self)?,
        };
        transport::client(target, self)
    }

    /// What of this connection may be remembered in the open: a kubeconfig's path and context. Never a host, a token
    /// or a program, so that nothing in a state can redirect a later run.
    #[must_use]
    pub fn reference(&self) -> Option<ConnectionReference> {
        match &self.kind {
            ConnectionKind::KubeconfigPath { path, context } => {
                Some(ConnectionReference { kubeconfig_path: path.clone(), context: context.clone() })
            }
            ConnectionKind::KubeconfigText { .. } | ConnectionKind::Host { .. } => None,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("kind", &self.kind)
            .field("insecure", &self.insecure)
            .field("allow_exec", &self.allow_exec)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ConnectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KubeconfigText { context, .. } => {
                f.debug_struct("KubeconfigText").field("context", context).finish_non_exhaustive()
            }
            Self::KubeconfigPath { path, context } => {
                f.debug_struct("KubeconfigPath").field("path", path).field("context", context).finish()
            }
            Self::Host { credential, .. } => {
                f.debug_struct("Host").field("credential", credential).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::ClientCertificate { .. } => "ClientCertificate",
            Self::Exec(_) => "Exec",
            Self::None => "None",
        })
    }
}

impl fmt::Debug for ExecConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecConfig").field("command", &self.command).finish_non_exhaustive()
    }
}
