//! How Route 53 is reached: where credentials come from, and how fast requests may follow each other.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// How Route 53 is reached. `Debug` shows no secret.
#[derive(Clone)]
pub struct Settings {
    /// The region whose partition is meant. Without one it is that of the environment or the profile, and
    /// `us-east-1` otherwise; in the standard partition Route 53 is the same from everywhere.
    pub region: Option<String>,
    /// The profile of the shared configuration files. With it, credentials come from nowhere else.
    pub profile: Option<String>,
    /// Keys, instead of AWS's default chain (environment, profile, web identity, container, instance).
    pub credentials: Option<Keys>,
    /// The role to assume with those credentials.
    pub assume_role: Option<AssumeRole>,
    /// Another address of the service, such as that of an emulator.
    pub endpoint_url: Option<String>,
    /// How long one request may take, credentials included.
    pub request_timeout: Duration,
    /// How many requests may be sent in a second; the service takes 5 of an account.
    pub requests_per_second: usize,
    /// How long to wait before it is asked for the first time whether all servers know of a change. Later pauses are
    /// longer, up to five times this.
    pub first_poll: Duration,
}

/// An access key.
#[derive(Clone)]
pub struct Keys {
    /// The key's id.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
    /// The session's token, for keys that expire.
    pub token: Option<SecretString>,
}

/// A role of AWS's identity management.
#[derive(Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// `arn:aws:iam::123456789012:role/dns`.
    pub role_arn: String,
    /// How the session is called in AWS's logs.
    pub session_name: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
}

impl Default for Settings {
    /// AWS's default chain, 30 s for a request, 5 requests a second.
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            credentials: None,
            assume_role: None,
            endpoint_url: None,
            request_timeout: Duration::from_secs(30),
            requests_per_second: 5,
            first_poll: Duration::from_secs(2),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("assume_role", &self.assume_role)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// Without the external id, which some treat as a secret.
impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}
