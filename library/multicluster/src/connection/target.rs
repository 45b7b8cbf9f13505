//! What a connection comes down to: a client's settings, and where its credentials come from.

use std::path::PathBuf;

use http::{HeaderValue, Uri, header::USER_AGENT};
use kube::Config;
use secrecy::{ExposeSecret, SecretString};

use super::{Connection, ConnectionError, exec::Helper};

/// Where to connect to, and as whom.
pub(super) struct Target {
    /// Complete but for credentials that change.
    pub(super) config: Config,
    pub(super) source: Source,
}

/// Where credentials come from.
pub(super) enum Source {
    /// They stand in the settings and stay.
    Fixed,
    /// A program prints them.
    Helper(Helper),
    /// A file holds a token, and someone else renews it.
    TokenFile(PathBuf),
}

/// Settings for a server, with what is the same for every kind of connection.
pub(super) fn config(
    connection: &Connection,
    field: &'static str,
    server: &str,
    proxy: Option<(&'static str, &SecretString)>,
) -> Result<Config, ConnectionError> {
    let mut config = Config::new(server_url(field, server, connection.insecure)?);
    config.accept_invalid_certs = connection.insecure;
    config.connect_timeout = Some(connection.connect_timeout);
    // Silence is measured per request by the transport: measured here, on the connection, it would end every watch.
    config.read_timeout = None;
    config.write_timeout = Some(connection.request_timeout);
    // The transport repeats requests by rules of its own.
    config.default_retry = false;
    config.proxy_url = proxy.map(|(field, url)| proxy_url(field, url)).transpose()?;
    let agent = HeaderValue::from_str(&connection.user_agent)
        .map_err(|_| ConnectionError::field("user_agent", "holds characters that a header may not hold"))?;
    config.headers.push((USER_AGENT, agent));
    Ok(config)
}

fn server_url(field: &'static str, server: &str, insecure: bool) -> Result<Uri, ConnectionError> {
    let server = server.trim();
    let full = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    let url: Uri = full.parse().map_err(|_| ConnectionError::field(field, "is not a URL"))?;
    let authority = url.authority().ok_or_else(|| ConnectionError::field(field, "names no host"))?;
    if authority.as_str().contains('@') {
        return Err(ConnectionError::field(field, "may not hold a user or password"));
    }
    if url.query().is_some() {
        return Err(ConnectionError::field(field, "may not hold a query"));
    }
    let loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme_str() {
        Some("https") => Ok(url),
        // Whoever listens in between would get the credentials.
        Some("http") if insecure || loopback => Ok(url),
        Some("http") => Err(ConnectionError::field(field, "is `http`, which needs `insecure = true`")),
        _ => Err(ConnectionError::field(field, "must begin with `https://`")),
    }
}

fn proxy_url(field: &'static str, url: &SecretString) -> Result<Uri, ConnectionError> {
    let url: Uri =
        url.expose_secret().trim().parse().map_err(|_| ConnectionError::field(field, "is not a URL"))?;
    match url.scheme_str() {
        Some("http" | "https" | "socks5") if url.host().is_some() => Ok(url),
        _ => Err(ConnectionError::field(field, "must begin with `http://`, `https://` or `socks5://`")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("https://203.0.113.7:6443", false, Some("https://203.0.113.7:6443/"))]
    #[case::path_stays(
        "https://rancher.example.com/k8s/c-1",
        false,
        Some("https://rancher.example.com/k8s/c-1")
    )]
    #[case::no_scheme("203.0.113.7", false, Some("https://203.0.113.7/"))]
    #[case::port_without_scheme("api.example.com:6443", false, Some("https://api.example.com:6443/"))]
    #[case::plain("http://203.0.113.7", false, None)]
    #[case::plain_on_loopback("http://127.0.0.1:8001", false, Some("http://127.0.0.1:8001/"))]
    #[case::plain_by_explicit_wish("http://203.0.113.7", true, Some("http://203.0.113.7/"))]
    #[case::password("https://me:secret@203.0.113.7", false, None)]
    #[case::query("https://203.0.113.7/?x=1", false, None)]
    #[case::another_scheme("ftp://203.0.113.7", false, None)]
    #[case::nothing("", false, None)]
    #[case::garbage("https://a b", false, None)]
    fn servers(#[case] server: &str, #[case] insecure: bool, #[case] expected: Option<&str>) {
        let url = server_url("host", server, insecure);
        assert_eq!(url.as_ref().ok().map(ToString::to_string).as_deref(), expected);
        if let Err(error) = url {
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[rstest]
    #[case::http("http://user:secret@proxy:3128", true)]
    #[case::socks("socks5://127.0.0.1:1080", true)]
    #[case::unknown("ftp://proxy", false)]
    #[case::no_scheme("proxy:3128", false)]
    #[case::garbage("secret proxy", false)]
    fn proxies(#[case] proxy: &str, #[case] valid: bool) {
        match proxy_url("proxy_url", &SecretString::from(proxy)) {
            Ok(_) => assert!(valid),
            Err(error) => assert!(!valid && !error.to_string().contains("secret")),
        }
    }
}
