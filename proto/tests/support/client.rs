//! The host's end of the connection.

use std::net::Shutdown;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::Stream;
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::certificates::Identity;

/// How to connect.
#[derive(Clone)]
pub enum Security {
    Plaintext,
    Tls { server: CertificateDer<'static>, client: Option<Arc<Identity>>, version: Version },
}

#[derive(Clone, Copy)]
pub enum Version {
    Tls12,
    Tls13,
}

/// A connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    /// The socket below everything, to be cut.
    socket: Arc<std::os::unix::net::UnixStream>,
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    pub async fn connect(socket: &Path, security: &Security) -> Result<Self, Failure> {
        let stream = std::os::unix::net::UnixStream::connect(socket)?;
        stream.set_nonblocking(true)?;
        let raw = Arc::new(stream.try_clone()?);
        let stream = UnixStream::from_std(stream)?;
        let stream = match security {
            Security::Plaintext => Either::Right(stream),
            Security::Tls { server, client, version } => {
                let connector = TlsConnector::from(Arc::new(config(server, client.as_deref(), *version)?));
                Either::Left(connector.connect(ServerName::try_from("localhost")?, stream).await?)
            }
        };
        // A second connection would hide that the first was lost.
        let once = Mutex::new(Some(TokioIo::new(stream)));
        let connector = tower::service_fn(move |_| {
            let stream = once.lock().unwrap().take();
            async move { stream.ok_or_else(|| std::io::Error::other("the connection was lost")) }
        });
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
        Ok(Self { channel, socket: raw })
    }

    /// Ends the connection as the kernel does for a process that is killed.
    pub fn cut(&self) {
        self.socket.shutdown(Shutdown::Both).unwrap();
    }

    /// Calls a method: `/tfplugin6.Provider/StopProvider`.
    pub async fn call<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut client = self.grpc().await?;
        let path = PathAndQuery::from_static(path);
        let response = client.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
        Ok(response.into_inner())
    }

    /// Calls a method that answers with a stream, whatever it is sent.
    pub async fn open<Q, A>(
        &self,
        path: &'static str,
        requests: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut client = self.grpc().await?;
        let path = PathAndQuery::from_static(path);
        let response: Response<_> =
            client.streaming(Request::new(requests), path, ProstCodec::<Q, A>::default()).await?;
        Ok(response.into_inner())
    }

    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>, Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(256 << 20);
        client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        Ok(client)
    }
}

fn config(
    server: &CertificateDer<'static>,
    client: Option<&Identity>,
    version: Version,
) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let version = match version {
        Version::Tls12 => &rustls::version::TLS12,
        Version::Tls13 => &rustls::version::TLS13,
    };
    let verifier = PinnedServer { expected: server.clone(), provider: provider.clone() };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            // Not the usual way, which would notice a key that does not belong to the certificate.
            let key = provider.key_provider.load_private_key(identity.key.clone_key())?;
            let shown = CertifiedKey::new(vec![identity.certificate.clone()], key);
            builder.with_client_cert_resolver(Arc::new(Shows(Arc::new(shown))))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Shows its certificate whoever asks.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Trusts the certificate of the handshake line.
#[derive(Debug)]
struct PinnedServer {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
