//! An authority of the tests, and what its certificates are used for.

use std::sync::Arc;

use multicluster::prometheus::{Client, ClientCertificate, Query, QueryError, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rstest::rstest;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, crypto,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::{ONE, clock, server::Server};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn client(&self) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["someone".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        ClientCertificate { certificate: certificate.pem(), key: key.serialize_pem().into() }
    }

    /// For a server that calls itself `name`, and wants to know its clients or not.
    fn acceptor(&self, name: &str, knows_clients: bool) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if knows_clients {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()))
    }

    /// A server, and settings that trust its certificate.
    async fn serving(&self, name: &str, knows_clients: bool) -> (Server, Settings) {
        let server = Server::with(Some(self.acceptor(name, knows_clients)), |_, _| ONE.reply()).await;
        let mut settings = Settings::new(format!("https://{}", server.address), clock());
        settings.ca_certificate = Some(self.0.pem());
        (server, settings)
    }
}

async fn ask(settings: &Settings) -> Result<(), QueryError> {
    Client::new(settings).unwrap().query(&Query::new("up")).await.map(drop)
}

#[tokio::test]
async fn a_certificate_is_verified() {
    let authority = Authority::new();
    let (_server, mut settings) = authority.serving("127.0.0.1", false).await;
    assert_eq!(ask(&settings).await, Ok(()));
    settings.ca_certificate = Some(Authority::new().0.pem());
    let error = ask(&settings).await.unwrap_err().to_string();
    assert!(error.starts_with("the metrics service does not answer: invalid peer certificate"), "{error}");
    // Without an authority it is the system's that are trusted, and ours is none of them.
    settings.ca_certificate = None;
    assert!(matches!(ask(&settings).await, Err(QueryError::NoAnswer { .. })));
}

#[tokio::test]
async fn a_certificate_may_be_for_another_name() {
    let authority = Authority::new();
    let (server, mut settings) = authority.serving("thanos.example.com", false).await;
    assert!(matches!(ask(&settings).await, Err(QueryError::NoAnswer { .. })));
    settings.tls_server_name = Some("thanos.example.com".to_owned());
    assert_eq!(ask(&settings).await, Ok(()));
    // Who is asked is still the one that was named.
    assert_eq!(server.asked()[0].header("host"), server.address.to_string());
    settings.tls_server_name = Some("other.example.com".to_owned());
    assert!(matches!(ask(&settings).await, Err(QueryError::NoAnswer { .. })));
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let (_server, mut settings) = authority.serving("127.0.0.1", true).await;
    assert!(matches!(ask(&settings).await, Err(QueryError::NoAnswer { .. })));
    settings.client_certificate = Some(authority.client());
    assert_eq!(ask(&settings).await, Ok(()));
}

#[rstest]
#[case::no_authority(|s: &mut Settings| s.ca_certificate = Some("secret".into()), "`ca_certificate` is neither PEM")]
#[case::no_name(|s: &mut Settings| s.tls_server_name = Some("127.0.0.1".into()), "`tls_server_name` must be a host name")]
#[case::no_certificate(
    |s: &mut Settings| s.client_certificate = Some(ClientCertificate { certificate: "secret".into(), ..Authority::new().client() }),
    "`client_certificate` is neither PEM"
)]
#[case::no_key(
    |s: &mut Settings| s.client_certificate = Some(ClientCertificate { key: "secret".into(), ..Authority::new().client() }),
    "`client_key` is neither PEM"
)]
#[case::another_key(
    |s: &mut Settings| {
        let (one, two) = (Authority::new().client(), Authority::new().client());
        s.client_certificate = Some(ClientCertificate { certificate: one.certificate, key: two.key });
    },
    "`client_certificate` does not fit"
)]
#[case::without_tls(
    |s: &mut Settings| {
        s.url = "http://127.0.0.1:1".into();
        s.ca_certificate = Some(Authority::new().0.pem());
    },
    "`ca_certificate` has no meaning without `https://`"
)]
fn what_does_not_fit(#[case] change: fn(&mut Settings), #[case] problem: &str) {
    let mut settings = Settings::new("https://127.0.0.1:1", clock());
    change(&mut settings);
    let error = Client::new(&settings).unwrap_err().to_string();
    assert!(error.starts_with(problem) && !error.contains("secret"), "{error}");
}
