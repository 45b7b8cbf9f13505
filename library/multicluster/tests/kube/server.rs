//! A server on loopback, with or without TLS, that answers by a function: for what lies between a client and the
//! network.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

/// What a request's head said.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// How to answer; the count begins with 0.
pub(crate) enum Say {
    /// Status and further header lines.
    Answer(u16, &'static str),
    /// The beginning of an answer, and then nothing.
    Half,
    /// Nothing, for ever.
    Nothing,
    /// The end of the connection.
    HangUp,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Head>>>,
    // Ends with the test.
    _accepting: JoinSet<()>,
}

type Answer = Arc<dyn Fn(usize, &Head) -> Say + Send + Sync>;

impl Server {
    pub(crate) async fn plain(answer: impl Fn(usize, &Head) -> Say + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(answer), None).await
    }

    pub(crate) async fn tls(authority: &Authority) -> Self {
        Self::start(Arc::new(|_, _| Say::Answer(200, "")), Some(authority.acceptor(false))).await
    }

    pub(crate) async fn tls_for_known_clients(authority: &Authority) -> Self {
        Self::start(Arc::new(|_, _| Say::Answer(200, "")), Some(authority.acceptor(true))).await
    }

    async fn start(answer: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Head>>>::default();
        let log = Arc::clone(&asked);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&log), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, answer, log).await,
                        Some(tls) => {
                            // A client that does not like our certificate goes away.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, answer, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked, _accepting: accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Head> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, answer: Answer, log: Arc<Mutex<Vec<Head>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream).await {
        let count = {
            let mut log = log.lock().unwrap();
            log.push(head.clone());
            log.len() - 1
        };
        let body = r#"{"kind":"Status","apiVersion":"v1","metadata":{"uid":"u-1"}}"#;
        let answer = match answer(count, &head) {
            Say::Answer(status, headers) => {
                format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
            }
            Say::Half => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
            Say::Nothing => String::new(),
            Say::HangUp => return,
        };
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        stream.get_mut().flush().await.unwrap();
    }
}

async fn read_head(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Head> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers.map(|(key, value)| (key.to_lowercase(), value.to_owned())).collect();
    let head = Head { line: lines.first().cloned()?, headers };
    let mut body = vec![0; head.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(head)
}

/// An authority with a certificate for `127.0.0.1` and one for a client.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate and key, both PEM.
    pub(crate) fn client(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["someone".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn acceptor(&self, asks_for_clients: bool) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "api.example.com".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_clients {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
