//! How a metrics service is reached, and as whom.

use std::{collections::BTreeMap, fmt, time::Duration};

use secrecy::SecretString;

use super::Warnings;
use crate::{clock::Clock, connection::ExecConfig};

/// How a metrics service is reached. `Debug` shows no secret and no address.
#[derive(Clone)]
pub struct Settings {
    /// What stands before `/api/v1/query`: `https://thanos.example.com`, with a path if there is one. May end in
    /// `/api/v1` or `/api/v1/query`, as clouds show it.
    pub url: SecretString,
    /// As whom.
    pub auth: Auth,
    /// Shown to the service in addition to `auth`.
    pub client_certificate: Option<ClientCertificate>,
    /// PEM, or base64 of PEM. With it no other authorities are trusted; without it the system's are.
    pub ca_certificate: Option<String>,
    /// The name in the service's certificate, where it is not the host's. No proxy is used with it.
    pub tls_server_name: Option<String>,
    /// Sent with every request.
    pub headers: BTreeMap<String, SecretString>,
    /// The tenant of Mimir, Cortex and Loki: sent as `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// How long one answer may take, credentials included.
    pub timeout: Duration,
    /// What warnings of the service mean.
    pub warnings: Warnings,
    /// Whether Thanos may leave out stores that do not answer. It says so by a warning.
    pub partial_response: bool,
    /// Whether Thanos merges replicas; `None` leaves it to the service, where it is on.
    pub dedup: Option<bool>,
    /// How requests introduce themselves.
    pub user_agent: String,
    /// The time, by which requests are signed and credentials expire.
    pub clock: Clock,
}

/// Who asks.
#[derive(Clone, Default)]
pub enum Auth {
    /// Nobody, or who the client certificate or a header says.
    #[default]
    None,
    /// A bearer token that does not change.
    Bearer(SecretString),
    /// A name and password.
    Basic {
        /// The name.
        username: String,
        /// The password; may be empty.
        password: SecretString,
    },
    /// AWS's signature, as Amazon Managed Service for Prometheus asks for.
    SigV4(SigV4),
    /// A program that prints a bearer token, alone or as an `ExecCredential`: run when one is needed, again before it
    /// expires, and when the service refuses it.
    Exec(ExecConfig),
}

/// A client certificate.
#[derive(Clone)]
pub struct ClientCertificate {
    /// PEM, or base64 of PEM; further certificates of the chain may follow.
    pub certificate: String,
    /// PEM, or base64 of PEM.
    pub key: SecretString,
}

/// Whose signature, and for which region.
#[derive(Clone, Default)]
pub struct SigV4 {
    /// The service's region. Without one it is taken from a host such as `aps-workspaces.eu-west-1.amazonaws.com`,
    /// then from the environment or the profile.
    pub region: Option<String>,
    /// The profile of AWS's shared files. With it, credentials come from nowhere else.
    pub profile: Option<String>,
    /// Keys, instead of AWS's default chain.
    pub keys: Option<AccessKeys>,
    /// The role to assume with those credentials.
    pub assume_role: Option<AssumeRole>,
}

/// An access key of AWS.
#[derive(Clone)]
pub struct AccessKeys {
    /// The key's id.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
    /// The session's token, for keys that expire.
    pub token: Option<SecretString>,
}

/// A role of AWS's identity management.
#[derive(Clone)]
pub struct AssumeRole {
    /// `arn:aws:iam::123456789012:role/metrics`.
    pub role_arn: String,
    /// How the session is called in AWS's logs.
    pub session_name: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
}

impl Settings {
    /// A service that takes anybody, with verified TLS, 30 s for an answer, no partial responses, and warnings as
    /// errors.
    #[must_use]
    pub fn new(url: impl Into<String>, clock: Clock) -> Self {
        Self {
            url: SecretString::from(url.into()),
            auth: Auth::None,
            client_certificate: None,
            ca_certificate: None,
            tls_server_name: None,
            headers: BTreeMap::new(),
            tenant: None,
            timeout: Duration::from_secs(30),
            warnings: Warnings::Error,
            partial_response: false,
            dedup: None,
            user_agent: concat!("terraform-provider-multicluster/", env!("CARGO_PKG_VERSION")).to_owned(),
            clock,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("auth", &self.auth)
            .field("timeout", &self.timeout)
            .field("warnings", &self.warnings)
            .field("partial_response", &self.partial_response)
            .field("dedup", &self.dedup)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer",
            Self::Basic { .. } => "Basic",
            Self::SigV4(_) => "SigV4",
            Self::Exec(_) => "Exec",
        })
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("assume_role", &self.assume_role)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeys")
    }
}

/// Without the external id, which some treat as a secret.
impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}
