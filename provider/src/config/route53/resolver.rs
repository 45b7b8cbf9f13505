//! Asks DNS where the world is sent for a zone. What a resolver does not say soon is not known; nothing waits for it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use multicluster::route53::NameServers;
use tfplugin::{Diagnostics, Node};
use tokio::time::timeout;

/// How long a plan may wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long for one attempt, so that there is time for a second one.
const ATTEMPT: Duration = Duration::from_millis(900);
/// Where DNS is served.
const PORT: u16 = 53;

/// A resolver.
pub(super) struct Resolver(TokioResolver);

impl Resolver {
    /// The one at an address, or that of the machine.
    pub(super) fn new(at: Option<SocketAddr>) -> Result<Self, String> {
        let builder = match at {
            Some(at) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                let connections = connections.map(|mut connection| {
                    connection.port = at.port();
                    connection
                });
                let server = NameServerConfig::new(at.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(|error| error.to_string())?,
        };
        let mut builder = builder;
        let options = builder.options_mut();
        options.timeout = ATTEMPT;
        options.attempts = 1;
        builder.build().map(Self).map_err(|error| error.to_string())
    }

    async fn ask(&self, zone: &str) -> Result<Vec<String>, NetError> {
        // With a dot at its end no search domain is tried.
        match self.0.ns_lookup(format!("{zone}.")).await {
            Ok(found) => Ok(found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::NS(server) => Some(server.0.to_ascii()),
                    _ => None,
                })
                .collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl NameServers for Resolver {
    fn name_servers<'a>(&'a self, zone: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        Box::pin(async move {
            match timeout(PATIENCE, self.ask(zone)).await {
                Ok(found) => found.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no resolver has answered within {} s", PATIENCE.as_secs())),
            }
        })
    }
}

/// An address with or without a port.
pub(super) fn address(text: &str) -> Option<SocketAddr> {
    let alone = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT));
    text.parse().ok().or_else(alone)
}

pub(super) fn validate(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if node.str().is_some_and(|text| address(text).is_none()) {
        let detail = "It must be an address, with a port if that is not 53: `192.0.2.53`, `127.0.0.1:5353`.";
        diagnostics.error_at(node.path(), "Invalid resolver", detail);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::net::UdpSocket;

    use super::*;

    #[rstest]
    #[case::v4("192.0.2.53", Some("192.0.2.53:53"))]
    #[case::with_a_port("127.0.0.1:5353", Some("127.0.0.1:5353"))]
    #[case::v6("2001:db8::53", Some("[2001:db8::53]:53"))]
    #[case::v6_with_a_port("[::1]:5353", Some("[::1]:5353"))]
    #[case::a_name("dns.example.com", None)]
    #[case::nothing("", None)]
    fn addresses(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(address(text).map(|it| it.to_string()).as_deref(), expected);
    }

    #[tokio::test]
    async fn one_that_is_silent_is_not_waited_for() {
        // Somebody listens, and never answers.
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolver = Resolver::new(silent.local_addr().ok()).unwrap();
        let asked = tokio::time::Instant::now();
        resolver.name_servers("example.com").await.unwrap_err();
        assert!(asked.elapsed() < PATIENCE * 2, "{:?}", asked.elapsed());
    }
}
