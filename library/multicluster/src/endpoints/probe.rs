//! Whether something answers where clients will be sent, asked as they will ask.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use crate::member::{Wait, cut};

/// How long one attempt may take. Route 53's own checkers give up after four seconds to connect and two for an answer.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The pause between attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// How much of an answer is read until its first line has to be complete.
const LINE_LIMIT: usize = 1024;

/// What is asked.
#[derive(Clone)]
pub struct Probe {
    /// How.
    pub kind: ProbeKind,
    /// The port.
    pub port: u16,
    /// The name that clients will use: it stands in the `Host` header, and the certificate must be for it.
    pub host: String,
}

/// How it is asked.
#[derive(Clone)]
pub enum ProbeKind {
    /// By connecting.
    Tcp,
    /// By `GET`; an answer from 200 to 399 will do.
    Http {
        /// Begins with `/`.
        path: String,
    },
    /// The same by TLS.
    Https {
        /// Begins with `/`.
        path: String,
        /// Whom clients trust.
        roots: Arc<RootCertStore>,
    },
}

/// Where it is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeTarget {
    /// At an address.
    Address(IpAddr),
    /// At the addresses of a host name, of which one has to answer.
    Hostname(String),
}

/// Nothing answers as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// What is asked is no question.
    #[error("the probe cannot be asked: {problem}")]
    Invalid {
        /// What is wrong.
        problem: &'static str,
    },
    /// The host name has no address.
    #[error("`{hostname}` has no address: {reason}")]
    NoAddress {
        /// The name.
        hostname: String,
        /// The resolver's words.
        reason: String,
    },
    /// No connection, or no answer on it.
    #[error("{target} does not answer: {reason}")]
    Silent {
        /// The address and port.
        target: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// TLS failed, most often for the certificate.
    #[error("{target} has no certificate that clients of `{host}` accept: {reason}")]
    Certificate {
        /// The address and port.
        target: SocketAddr,
        /// The name that it has to be for.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It answers that something is wrong.
    #[error("{target} answers {status}")]
    Status {
        /// The address and port.
        target: SocketAddr,
        /// Of HTTP.
        status: u16,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Cancelled,
}

/// Asks until it is answered as it should, or the time is over.
///
/// # Errors
/// [`ProbeError`] of the last attempt.
///
/// # Cancel safety
/// Dropping the future has no effect but an answer that nobody reads.
pub async fn probe(target: &ProbeTarget, probe: &Probe, wait: &Wait) -> Result<(), ProbeError> {
    check(probe)?;
    loop {
        let attempt = async {
            let error = match attempt(target, probe).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            tracing::debug!(%error, "the endpoint does not answer yet");
            Err(error)
        };
        let error = tokio::select! {
            biased;
            () = wait.cancelled.cancelled() => return Err(ProbeError::Cancelled),
            answer = attempt => match answer {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
        };
        if tokio::time::Instant::now() + PAUSE >= wait.deadline {
            return Err(error);
        }
        tokio::select! {
            biased;
            () = wait.cancelled.cancelled() => return Err(ProbeError::Cancelled),
            () = sleep(PAUSE) => {}
        }
    }
}

/// What would let the name or path say more than it should.
fn check(probe: &Probe) -> Result<(), ProbeError> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let path = match &probe.kind {
        ProbeKind::Tcp => "/",
        ProbeKind::Http { path } | ProbeKind::Https { path, .. } => path,
    };
    if !path.starts_with('/') || !plain(path) {
        return Err(ProbeError::Invalid { problem: "its path must begin with `/` and hold no blanks" });
    }
    if probe.host.is_empty() || !plain(&probe.host) || probe.host.contains('/') {
        return Err(ProbeError::Invalid { problem: "its host is not a name" });
    }
    Ok(())
}

async fn attempt(target: &ProbeTarget, probe: &Probe) -> Result<(), ProbeError> {
    let addresses: Vec<SocketAddr> = match target {
        ProbeTarget::Address(address) => vec![SocketAddr::new(*address, probe.port)],
        ProbeTarget::Hostname(hostname) => {
            let none = |reason: String| ProbeError::NoAddress { hostname: hostname.clone(), reason };
            let found = timeout(ATTEMPT, tokio::net::lookup_host((hostname.as_str(), probe.port))).await;
            let found = found.map_err(|_| none("no answer in time".to_owned()))?;
            found.map_err(|error| none(cut(&error.to_string())))?.collect()
        }
    };
    let mut last = Err(ProbeError::NoAddress { hostname: probe.host.clone(), reason: "none".to_owned() });
    for address in addresses {
        last = match timeout(ATTEMPT, ask(address, probe)).await {
            Ok(answer) => answer,
            Err(_) => Err(ProbeError::Silent { target: address, reason: "no answer in time".to_owned() }),
        };
        if last.is_ok() {
            return Ok(());
        }
    }
    last
}

async fn ask(address: SocketAddr, probe: &Probe) -> Result<(), ProbeError> {
    let silent = |error: io::Error| ProbeError::Silent { target: address, reason: cut(&error.to_string()) };
    let stream = TcpStream::connect(address).await.map_err(silent)?;
    match &probe.kind {
        ProbeKind::Tcp => Ok(()),
        ProbeKind::Http { path } => get(stream, address, &probe.host, path).await,
        ProbeKind::Https { path, roots } => {
            let stream = connector(roots)?.connect(server_name(&probe.host)?, stream).await;
            let stream = stream.map_err(|error| match rustls_error(&error) {
                Some(reason) => ProbeError::Certificate {
                    target: address,
                    host: probe.host.clone(),
                    reason: cut(&reason),
                },
                None => silent(error),
            })?;
            get(stream, address, &probe.host, path).await
        }
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, ProbeError> {
    ServerName::try_from(host.trim_end_matches('.').to_owned())
        .map_err(|_| ProbeError::Invalid { problem: "its host is not a name that a certificate can be for" })
}

fn connector(roots: &Arc<RootCertStore>) -> Result<TlsConnector, ProbeError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ProbeError::Invalid { problem: "TLS cannot be set up" })?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn rustls_error(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<rustls::Error>().map(ToString::to_string)
}

async fn get(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: SocketAddr,
    host: &str,
    path: &str,
) -> Result<(), ProbeError> {
    let host = host.trim_end_matches('.');
    let silent = |reason: &dyn fmt::Display| ProbeError::Silent { target, reason: cut(&reason.to_string()) };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: multicluster\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| silent(&error))?;
    stream.flush().await.map_err(|error| silent(&error))?;
    let mut line = Vec::new();
    let mut piece = [0; 256];
    while !line.contains(&b'\n') && line.len() < LINE_LIMIT {
        match stream.read(&mut piece).await.map_err(|error| silent(&error))? {
            0 => break,
            count => line.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    match status(&line) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(ProbeError::Status { target, status }),
        None => Err(silent(&"what comes is not HTTP")),
    }
}

/// The status of `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next().filter(|code| code.len() == 3)?.parse().ok()
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("port", &self.port).field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, proptest};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::fine(b"HTTP/1.1 200 OK\r\n", Some(200))]
    #[case::without_a_reason(b"HTTP/1.0 301\r\n", Some(301))]
    #[case::http2(b"HTTP/2 200\r\n", None)]
    #[case::ssh(b"SSH-2.0-OpenSSH_9\r\n", None)]
    #[case::nothing(b"", None)]
    #[case::long(b"HTTP/1.1 2000 OK\r\n", None)]
    fn statuses(#[case] line: &[u8], #[case] expected: Option<u16>) {
        assert_eq!(status(line), expected);
    }

    #[rstest]
    #[case::fine("app.example.com", "/healthz?deep=1", true)]
    #[case::no_slash("app.example.com", "healthz", false)]
    #[case::a_second_request("app.example.com", "/ HTTP/1.1\r\nX: y", false)]
    #[case::a_header("app.example.com\r\nX: y", "/", false)]
    #[case::no_host("", "/", false)]
    fn questions(#[case] host: &str, #[case] path: &str, #[case] valid: bool) {
        let probe =
            Probe { kind: ProbeKind::Http { path: path.to_owned() }, port: 80, host: host.to_owned() };
        assert_eq!(check(&probe).is_ok(), valid);
    }

    proptest! {
        #[test]
        fn any_first_line_is_understood_or_not(line in vec(any::<u8>(), 0..64)) {
            let _ = status(&line);
        }
    }
}
