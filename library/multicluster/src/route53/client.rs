//! A client of one account.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig,
    environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
    profile::{ProfileFileCredentialsProvider, region::ProfileFileRegionProvider},
    retry::RetryConfig,
    sts::AssumeRoleProvider,
};
use aws_sdk_route53::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use secrecy::ExposeSecret;

use super::{
    insync::Changes,
    pacer::Pacer,
    settings::{AssumeRole, Keys, Settings},
    zone::{Zone, ZoneShared},
};

/// How requests introduce themselves, beside what the SDK says of itself.
const APP_NAME: &str = "terraform-provider-multicluster";

/// Route 53, as one set of credentials sees it. Cheap to clone: clones share the pace, what was read of zones, and
/// the queues of what is to be written.
#[derive(Clone)]
pub struct Client(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) sdk: aws_sdk_route53::Client,
    pub(super) pacer: Pacer,
    pub(super) request_timeout: Duration,
    /// Where credentials come from, for messages.
    pub(super) source: String,
    /// Whether requests go to another service than AWS's own.
    redirected: bool,
    pub(super) changes: Changes,
    zones: Mutex<BTreeMap<String, Arc<ZoneShared>>>,
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl Client {
    /// Makes a client. Nothing is sent yet: credentials are obtained for the first request.
    ///
    /// Reads AWS's environment variables and configuration files, as far as the settings leave room for them.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn new(settings: &Settings) -> Self {
        let shared = load(settings).await;
        let mut config = aws_sdk_route53::config::Builder::from(&shared);
        if let Some(url) = &settings.endpoint_url {
            config = config.endpoint_url(url);
        }
        Self(Arc::new(Shared {
            sdk: aws_sdk_route53::Client::from_conf(config.build()),
            pacer: Pacer::new(settings.requests_per_second),
            request_timeout: settings.request_timeout,
            source: source(settings),
            redirected: settings.endpoint_url.is_some() || is_redirected(&shared),
            changes: Changes::new(settings.first_poll),
            zones: Mutex::default(),
            requests: Mutex::default(),
        }))
    }

    /// A hosted zone by its id, with or without `/hostedzone/`. Nothing is sent.
    ///
    /// All that is asked for by the same id shares what was read, and is written by one queue.
    #[must_use]
    pub fn zone(&self, id: &str) -> Zone {
        let id = id.trim_start_matches("/hostedzone/");
        let mut zones = self.0.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let zone = zones.entry(id.to_owned()).or_insert_with(|| Arc::new(ZoneShared::new(id)));
        Zone { client: self.clone(), shared: Arc::clone(zone) }
    }

    /// Whether another service than AWS's own is asked: an emulator, by the settings or by AWS's variables and files. What
    /// stands there is not what the world finds.
    #[must_use]
    pub fn is_redirected(&self) -> bool {
        self.0.redirected
    }

    /// How many requests were sent so far, by operation, repetitions included.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<&'static str, u64> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    pub(super) fn count(&self, operation: &'static str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(operation).or_default() += 1;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

async fn load(settings: &Settings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region(settings))
        // Repeated by rules of our own: the SDK would not keep the pace, nor know what may be done twice.
        .retry_config(RetryConfig::disabled());
    if let Ok(name) = AppName::new(APP_NAME) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(keys) = &settings.credentials {
        loader = loader.credentials_provider(credentials(keys));
    } else if let Some(profile) = &settings.profile {
        // Whoever names a profile wants no other credentials, not even where there is no such profile.
        let profile = ProfileFileCredentialsProvider::builder().profile_name(profile);
        loader = loader.credentials_provider(profile.build());
    }
    let shared = loader.load().await;
    match &settings.assume_role {
        Some(role) => assume(shared, role).await,
        None => shared,
    }
}

/// As the SDK itself looks for another endpoint.
fn is_redirected(config: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id("Route 53")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let named = config.service_config().zip(key.ok()).and_then(|(service, key)| service.load_config(key));
    named.is_some() || config.endpoint_url().is_some()
}

fn source(settings: &Settings) -> String {
    let source = match (&settings.credentials, &settings.profile) {
        (Some(_), _) => "the given keys".to_owned(),
        (None, Some(profile)) => format!("profile `{profile}`"),
        (None, None) => "the environment, the default profile, the container or the instance".to_owned(),
    };
    match &settings.assume_role {
        Some(role) => format!("role `{}` by {source}", role.role_arn),
        None => source,
    }
}

/// Without asking the instance's metadata, which would mean to connect.
fn region(settings: &Settings) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .or_else(Region::from_static("us-east-1"))
}

fn credentials(keys: &Keys) -> Credentials {
    let token = keys.token.as_ref().map(|token| token.expose_secret().to_owned());
    Credentials::new(
        keys.access_key.expose_secret(),
        keys.secret_key.expose_secret(),
        token,
        None,
        "multicluster",
    )
}

async fn assume(shared: SdkConfig, role: &AssumeRole) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(&role.role_arn)
        .session_name(role.session_name.as_deref().unwrap_or(APP_NAME))
        .configure(&shared);
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    let provider = provider.build().await;
    shared.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}
