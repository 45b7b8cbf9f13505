//! AWS's signature, version 4, of the service `aps`.

use std::time::SystemTime;

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig,
    environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
    profile::{ProfileFileCredentialsProvider, region::ProfileFileRegionProvider},
    sts::AssumeRoleProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use tokio::sync::{Mutex, OnceCell};

use super::{
    error::QueryError,
    settings::{AccessKeys, AssumeRole, SigV4},
};
use crate::{
    clock::Clock,
    web::{Scrub, innermost},
};

/// Amazon Managed Service for Prometheus, as its signatures name it.
const SERVICE: &str = "aps";

/// How requests for credentials introduce themselves.
const APP_NAME: &str = "terraform-provider-multicluster";

/// How long before their end credentials are replaced.
const RENEW_BEFORE: std::time::Duration = std::time::Duration::from_secs(60);

/// Signs requests. Credentials are obtained for the first one, and again before they end.
pub(super) struct Signer {
    settings: SigV4,
    clock: Clock,
    chain: OnceCell<Chain>,
    current: Mutex<Option<Credentials>>,
}

struct Chain {
    region: String,
    provider: SharedCredentialsProvider,
}

/// What is signed.
pub(super) struct ToSign<'a> {
    /// `POST`.
    pub(super) method: &'a str,
    /// The service's host, which may name its region.
    pub(super) host: &'a str,
    /// The whole address.
    pub(super) url: &'a str,
    /// Headers that are signed beside those that the signature brings.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// The form.
    pub(super) body: &'a [u8],
}

impl Signer {
    pub(super) fn new(settings: &SigV4, clock: Clock) -> Self {
        Self { settings: settings.clone(), clock, chain: OnceCell::new(), current: Mutex::default() }
    }

    /// The headers that make a request a signed one.
    pub(super) async fn sign(
        &self,
        request: &ToSign<'_>,
        scrub: &Scrub,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, QueryError> {
        // Boxed: the SDK's loader is large, and is needed once.
        let chain = self.chain.get_or_try_init(|| Box::pin(self.load(request.host))).await?;
        let now = SystemTime::from(self.clock.now());
        let identity = self.credentials(chain, now, scrub).await?.into();
        let unsigned = |reason: String| QueryError::NoAwsCredential { reason };
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&chain.region)
            .name(SERVICE)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(error.to_string()))?;
        let signable = SignableRequest::new(
            request.method,
            request.url,
            request.headers.iter().copied(),
            SignableBody::Bytes(request.body),
        )
        .map_err(|error| unsigned(scrub.line(&error.to_string())))?;
        let (instructions, _) = sign(signable, &params.into())
            .map_err(|error| unsigned(scrub.line(&error.to_string())))?
            .into_parts();
        instructions.headers().map(|(name, value)| header(name, value)).collect()
    }

    async fn credentials(
        &self,
        chain: &Chain,
        now: SystemTime,
        scrub: &Scrub,
    ) -> Result<Credentials, QueryError> {
        // Locked while they are obtained, so that many queries ask once.
        let mut current = self.current.lock().await;
        if let Some(credentials) = &*current
            && credentials.expiry().is_none_or(|expiry| now + RENEW_BEFORE < expiry)
        {
            return Ok(credentials.clone());
        }
        let credentials = chain.provider.provide_credentials().await.map_err(|error| {
            let last = innermost(&error);
            QueryError::NoAwsCredential { reason: format!("{}: {}", self.source(), scrub.line(&last)) }
        })?;
        *current = Some(credentials.clone());
        Ok(credentials)
    }

    /// Where credentials come from, for messages.
    fn source(&self) -> String {
        let source = match (&self.settings.keys, &self.settings.profile) {
            (Some(_), _) => "the given keys".to_owned(),
            (None, Some(profile)) => format!("profile `{profile}`"),
            (None, None) => "the environment, the default profile, the container or the instance".to_owned(),
        };
        match &self.settings.assume_role {
            Some(role) => format!("role `{}` by {source}", role.role_arn),
            None => source,
        }
    }

    async fn load(&self, host: &str) -> Result<Chain, QueryError> {
        let settings = &self.settings;
        let given = settings.region.clone().or_else(|| region_of(host));
        let region = region(given, settings.profile.as_deref()).region().await;
        let region = region.ok_or_else(|| QueryError::NoAwsCredential {
            reason: "no region is known to sign for: set `sigv4.region`".to_owned(),
        })?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region.clone());
        if let Ok(name) = AppName::new(APP_NAME) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(keys) = &settings.keys {
            loader = loader.credentials_provider(fixed(keys));
        } else if let Some(profile) = &settings.profile {
            // Whoever names a profile wants no other credentials, not even where there is no such profile.
            let profile = ProfileFileCredentialsProvider::builder().profile_name(profile);
            loader = loader.credentials_provider(profile.build());
        }
        let shared = loader.load().await;
        let provider = match &settings.assume_role {
            Some(role) => Some(assume(&shared, role).await),
            None => shared.credentials_provider(),
        };
        let provider = provider.ok_or_else(|| QueryError::NoAwsCredential { reason: self.source() })?;
        Ok(Chain { region: region.as_ref().to_owned(), provider })
    }
}

/// Without asking the instance's metadata, which would mean to connect.
fn region(given: Option<String>, profile: Option<&str>) -> RegionProviderChain {
    let mut file = ProfileFileRegionProvider::builder();
    if let Some(name) = profile {
        file = file.profile_name(name);
    }
    RegionProviderChain::first_try(given.map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(file.build())
}

/// The region in a host of AWS: `aps-workspaces.eu-west-1.amazonaws.com`, also with `.cn` or by a VPC endpoint.
fn region_of(host: &str) -> Option<String> {
    let mut labels = host.split('.').skip_while(|label| *label != "aps-workspaces").skip(1);
    let region = labels.next()?;
    (labels.any(|label| label == "amazonaws") && !region.is_empty()).then(|| region.to_owned())
}

fn fixed(keys: &AccessKeys) -> Credentials {
    let token = keys.token.as_ref().map(|token| token.expose_secret().to_owned());
    Credentials::new(
        keys.access_key.expose_secret(),
        keys.secret_key.expose_secret(),
        token,
        None,
        "multicluster",
    )
}

async fn assume(shared: &SdkConfig, role: &AssumeRole) -> SharedCredentialsProvider {
    let mut provider = AssumeRoleProvider::builder(&role.role_arn)
        .session_name(role.session_name.as_deref().unwrap_or(APP_NAME))
        .configure(shared);
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    SharedCredentialsProvider::new(provider.build().await)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), QueryError> {
    let unusable = || QueryError::NoAwsCredential {
        reason: "the credentials hold characters that no credentials hold".to_owned(),
    };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::public("aps-workspaces.eu-west-1.amazonaws.com", Some("eu-west-1"))]
    #[case::china("aps-workspaces.cn-north-1.amazonaws.com.cn", Some("cn-north-1"))]
    #[case::vpc_endpoint("vpce-1.aps-workspaces.us-east-2.vpce.amazonaws.com", Some("us-east-2"))]
    #[case::a_proxy("prometheus.example.com", None)]
    #[case::somebody_else("aps-workspaces.example.com", None)]
    fn regions(#[case] host: &str, #[case] expected: Option<&str>) {
        assert_eq!(region_of(host).as_deref(), expected);
    }
}
