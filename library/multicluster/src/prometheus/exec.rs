//! Bearer tokens from a program.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::error::SettingsError;
use crate::{
    clock::Clock,
    connection::{
        CredentialError, ExecConfig,
        exec::{Helper, IssuedSecret},
    },
};

/// How long before its end a token is replaced, so that it does not end on its way.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// How long a token is used that does not say when it ends. Clouds' commands print one that is good for five minutes
/// or longer.
const AGE: SignedDuration = SignedDuration::from_secs(4 * 60);

/// A program, and the token that it printed last.
pub(super) struct TokenHelper {
    helper: Helper,
    clock: Clock,
    /// Locked while the program runs, so that many queries start it once.
    current: Mutex<Option<(SecretString, Timestamp)>>,
}

impl TokenHelper {
    pub(super) fn new(exec: &ExecConfig, clock: Clock) -> Result<Self, SettingsError> {
        Ok(Self { helper: Helper::new(exec)?, clock, current: Mutex::default() })
    }

    /// A token that is good for a minute at least.
    pub(super) async fn token(&self) -> Result<SecretString, CredentialError> {
        let mut current = self.current.lock().await;
        let now = self.clock.now();
        if let Some((token, until)) = &*current
            && now < *until
        {
            return Ok(token.clone());
        }
        let issued = self.helper.issue_token().await?;
        // Times beyond the calendar's end are those of a helper that means "never".
        let until = match issued.expires {
            Some(expires) => expires.checked_sub(RENEW_BEFORE).unwrap_or(expires),
            None => now.checked_add(AGE).unwrap_or(now),
        };
        let IssuedSecret::Token(token) = issued.secret else {
            // `issue_token` takes no certificates.
            return Err(CredentialError::Unusable { reason: "it is not a token".to_owned() });
        };
        *current = Some((token.clone(), until));
        Ok(token)
    }

    /// Gives a token up that was refused, unless that has happened already.
    pub(super) async fn discard(&self, refused: &SecretString) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|(token, _)| token.expose_secret() == refused.expose_secret()) {
            *current = None;
        }
    }
}
