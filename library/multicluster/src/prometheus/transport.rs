//! The way to a metrics service: its address, TLS, proxies and redirects.

use std::{net::SocketAddr, time::Duration};

use http::HeaderValue;
use reqwest::{
    Certificate, Identity, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Action, Attempt, Policy},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    error::SettingsError,
    settings::{Auth, Settings},
};
use crate::{
    connection::pem,
    web::{Scrub, is_loopback, reason},
};

/// How long connecting may take, the TLS handshake included.
const CONNECT: Duration = Duration::from_secs(10);

/// How many redirects within the same host are followed.
const REDIRECTS: usize = 3;

/// A way to a service.
pub(super) struct Way {
    pub(super) http: reqwest::Client,
    /// The service's address, as the user gave it.
    pub(super) base: Url,
    /// The same for the client: with another host name where the certificate is for that one.
    dialled: Url,
    /// What the `Host` header says, where the two differ.
    pub(super) host: Option<HeaderValue>,
}

impl Way {
    pub(super) fn new(settings: &Settings, scrub: &Scrub) -> Result<Self, SettingsError> {
        let base = address(settings.url.expose_secret())?;
        let secure = base.scheme() == "https";
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(CONNECT)
            .http1_only()
            .redirect(policy(&settings.auth));
        let tls = [
            ("ca_certificate", settings.ca_certificate.is_some()),
            ("client_certificate", settings.client_certificate.is_some()),
            ("tls_server_name", settings.tls_server_name.is_some()),
        ];
        if let Some((field, _)) = tls.iter().find(|(_, given)| *given && !secure) {
            return Err(SettingsError::new(*field, "has no meaning without `https://` in `prometheus`"));
        }
        if let Some(authority) = &settings.ca_certificate {
            let roots = pem::certificates("ca_certificate", authority)?;
            let roots = roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
            let roots = roots.map_err(|error| SettingsError::new("ca_certificate", reason(error, scrub)))?;
            builder = builder.tls_certs_only(roots);
        }
        if let Some(client) = &settings.client_certificate {
            pem::client_key("client_key", &client.key)?;
            let chain = pem::certificates("client_certificate", &client.certificate)
                .and_then(|_| pem::pem_text("client_certificate", &client.certificate))?;
            let key = pem::pem_text("client_key", client.key.expose_secret())?;
            let both = SecretString::from(format!("{}\n{}", chain.expose_secret(), key.expose_secret()));
            let identity = Identity::from_pem(both.expose_secret().as_bytes());
            builder = builder.identity(
                identity.map_err(|error| SettingsError::new("client_certificate", reason(error, scrub)))?,
            );
        }
        let (mut dialled, mut host) = (base.clone(), None);
        if let Some(name) = &settings.tls_server_name {
            let real = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            dialled.set_host(Some(name)).map_err(|_| not_a_name())?;
            if dialled.domain().is_none() {
                return Err(not_a_name());
            }
            host = Some(HeaderValue::from_str(authority(&base)).map_err(|_| not_a_name())?);
            // A proxy would be told the other name, which need not exist.
            builder = builder.dns_resolver(Real(real)).no_proxy();
        }
        if base.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            let field =
                if settings.client_certificate.is_some() { "client_certificate" } else { "ca_certificate" };
            SettingsError::new(field, format!("does not fit: {}", reason(error, scrub)))
        })?;
        Ok(Self { http, base, dialled, host })
    }

    /// The address of an endpoint of the API, as the service sees it and as it is dialled.
    pub(super) fn endpoint(&self, path: &str) -> (Url, Url) {
        (extended(&self.base, path), extended(&self.dialled, path))
    }
}

fn extended(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    // `address` has refused what cannot have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

/// The service's address without what users copy along with it.
fn address(text: &str) -> Result<Url, SettingsError> {
    let wrong = |problem: &str| Err(SettingsError::new("prometheus", problem));
    let Ok(mut url) = Url::parse(text.trim()) else {
        return wrong("is not a URL: write it as `https://prometheus.example.com`");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return wrong("must begin with `https://` or `http://`, followed by a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("may not hold a user or password: use `username` and `password`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("may not hold a query or a fragment: headers go into `headers`");
    }
    let path = url.path().trim_end_matches('/');
    let path = ["/api/v1/query", "/api/v1/query_range", "/api/v1"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path)
        .to_owned();
    url.set_path(&path);
    Ok(url)
}

fn not_a_name() -> SettingsError {
    SettingsError::new("tls_server_name", "must be a host name, as certificates have it")
}

/// Host and port as the `Host` header has them.
fn authority(url: &Url) -> &str {
    url.authority()
}

/// Credentials never follow to another host, and a query that would be sent again without its form is not.
fn policy(auth: &Auth) -> Policy {
    if matches!(auth, Auth::SigV4(_)) {
        // The signature is for the address that was signed.
        return Policy::none();
    }
    Policy::custom(|attempt: Attempt<'_>| -> Action {
        let keeps_the_form =
            matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let same = attempt.previous().last().is_some_and(|last| last.origin() == attempt.url().origin());
        if keeps_the_form && same && attempt.previous().len() <= REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// Where the service really is, whatever name it is dialled by.
struct Real(String);

impl Resolve for Real {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("https://prometheus.example.com", "https://prometheus.example.com/api/v1/query")]
    #[case::slash("https://prometheus.example.com/", "https://prometheus.example.com/api/v1/query")]
    #[case::path("http://h:9090/prometheus/", "http://h:9090/prometheus/api/v1/query")]
    #[case::mimir("https://h/prometheus/api/v1", "https://h/prometheus/api/v1/query")]
    #[case::copied_from_a_cloud(
        "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/query",
        "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/query"
    )]
    fn addresses(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(extended(&address(text).unwrap(), "api/v1/query").as_str(), expected);
    }

    #[rstest]
    #[case::no_scheme("prometheus.example.com", "is not a URL")]
    #[case::another_scheme("ftp://prometheus.example.com", "must begin with")]
    #[case::password("https://me:secret@h", "may not hold a user or password")]
    #[case::query("https://h/?token=secret", "may not hold a query")]
    #[case::garbage("https://a b secret", "is not a URL")]
    fn what_is_no_address(#[case] text: &str, #[case] problem: &str) {
        let error = address(text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`prometheus` {problem}")) && !error.contains("secret"),
            "{error}"
        );
    }
}
