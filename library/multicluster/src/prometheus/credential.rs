//! What stands in the headers of a request, so that the service takes it.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    error::{QueryError, SettingsError},
    exec::TokenHelper,
    settings::{Auth, Settings},
    sigv4::{Signer, ToSign},
};
use crate::web::Scrub;

/// Headers that belong to the request itself.
const OURS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING];

/// Who asks, ready to be shown.
pub(super) enum Who {
    /// All is in the fixed headers.
    Fixed,
    Helper(Box<TokenHelper>),
    Signer(Box<Signer>),
}

impl Who {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(match &settings.auth {
            Auth::None | Auth::Bearer(_) | Auth::Basic { .. } => Self::Fixed,
            Auth::Exec(exec) => Self::Helper(Box::new(TokenHelper::new(exec, settings.clock.clone())?)),
            Auth::SigV4(sigv4) => Self::Signer(Box::new(Signer::new(sigv4, settings.clock.clone()))),
        })
    }

    /// The headers of one request, and the token among them that may be refused and replaced.
    pub(super) async fn headers(
        &self,
        request: &ToSign<'_>,
        scrub: &Scrub,
    ) -> Result<(HeaderMap, Option<SecretString>), QueryError> {
        match self {
            Self::Fixed => Ok((HeaderMap::new(), None)),
            Self::Helper(helper) => {
                let token = helper.token().await?;
                // What a helper prints holds only characters that a header may hold.
                let value = bearer(&token).unwrap_or_else(|| HeaderValue::from_static(""));
                Ok(([(AUTHORIZATION, value)].into_iter().collect(), Some(token)))
            }
            Self::Signer(signer) => {
                let headers = signer.sign(request, scrub).await?;
                Ok((headers.into_iter().collect(), None))
            }
        }
    }

    /// Gives up a token that was refused; whether another one can be had.
    pub(super) async fn renew(&self, refused: Option<SecretString>) -> bool {
        match (self, refused) {
            (Self::Helper(helper), Some(token)) => {
                helper.discard(&token).await;
                true
            }
            _ => false,
        }
    }
}

/// The headers that are the same in every request.
pub(super) fn fixed(settings: &Settings) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let field = format!("headers[\"{}\"]", crate::member::cut(name));
        let name: HeaderName =
            name.parse().map_err(|_| SettingsError::new(&field, "is not the name of a header"))?;
        if OURS.contains(&name) {
            return Err(SettingsError::new(field, "is set by the request itself"));
        }
        if name == AUTHORIZATION && !matches!(settings.auth, Auth::None) {
            return Err(SettingsError::new(
                field,
                "stands against the other credentials: remove one of them",
            ));
        }
        headers.insert(name, secret(value.expose_secret(), &field)?);
    }
    if let Some(tenant) = &settings.tenant {
        headers.insert(HeaderName::from_static("x-scope-orgid"), secret(tenant, "tenant")?);
    }
    match &settings.auth {
        Auth::Bearer(token) => {
            let problem = "is empty or holds characters that no token holds";
            let value = bearer(token).ok_or_else(|| SettingsError::new("bearer_token", problem))?;
            headers.insert(AUTHORIZATION, value);
        }
        Auth::Basic { username, password } => {
            if username.contains(':') || username.is_empty() {
                return Err(SettingsError::new("username", "must be a name without `:`"));
            }
            let both = SecretString::from(format!("{username}:{}", password.expose_secret()));
            let value = format!("Basic {}", STANDARD.encode(both.expose_secret()));
            headers.insert(AUTHORIZATION, secret(&value, "password")?);
        }
        Auth::None | Auth::SigV4(_) | Auth::Exec(_) => {}
    }
    Ok(headers)
}

/// What must not be in any message. Names are no secrets, but whatever stands in a header may be one.
pub(super) fn secrets(settings: &Settings) -> Scrub {
    let mut all: Vec<SecretString> = settings.headers.values().cloned().collect();
    all.push(settings.url.clone());
    match &settings.auth {
        Auth::None | Auth::Exec(_) => {}
        Auth::Bearer(token) => all.push(token.expose_secret().trim().into()),
        Auth::Basic { username, password } => {
            let both = format!("{username}:{}", password.expose_secret());
            all.extend([password.clone(), STANDARD.encode(both).into()]);
        }
        Auth::SigV4(sigv4) => {
            if let Some(keys) = &sigv4.keys {
                all.extend([keys.access_key.clone(), keys.secret_key.clone()]);
                all.extend(keys.token.clone());
            }
        }
    }
    Scrub::new(all)
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let token = token.expose_secret().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn secret(value: &str, field: &str) -> Result<HeaderValue, SettingsError> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| SettingsError::new(field, "holds characters that a header may not hold"))?;
    value.set_sensitive(true);
    Ok(value)
}
