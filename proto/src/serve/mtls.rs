//! TLS between exactly two parties.
//!
//! Host and plugin make a certificate each for this one process and hand it over beforehand: ours in the handshake
//! line, the host's in the environment. So there is no authority to trust: the host's certificate is compared byte
//! by byte, and what remains of TLS is the proof that the peer has its key.
//!
//! The usual verifier cannot do this. The host's certificate is its own authority (`CA:TRUE`), which webpki
//! refuses as a client's, and its key is P-521, which only aws-lc knows among the libraries behind rustls.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use tokio_rustls::TlsAcceptor;

use super::error::ServeError;

/// What the handshake line carries, and what answers there.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) acceptor: TlsAcceptor,
}

impl Identity {
    /// Makes a key and a certificate, and an acceptor that lets in nobody but the owner of `client_certificate`
    /// (PEM).
    pub(super) fn pinned_to(client_certificate: &str) -> Result<Self, ServeError> {
        let expected = CertificateDer::from_pem_slice(client_certificate.as_bytes())
            .map_err(|error| ServeError::ClientCertificate { reason: error.to_string() })?;
        // Hosts insist on the name, and on nothing else.
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = own.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());

        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = PinnedClient::new(expected, &provider);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key.into())?;
        // Without it, grpc-go from 1.67 on refuses the connection.
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A host connects once; a resumed session would only be a second way in.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// Lets in the owner of one certificate.
#[derive(Debug)]
struct PinnedClient {
    expected: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedClient {
    fn new(expected: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self { expected, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.expected.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::nothing("")]
    #[case::no_pem("MIIB")]
    #[case::a_key("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n")]
    #[case::not_base64("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n")]
    fn what_is_no_certificate_is_an_error(#[case] pem: &str) {
        let error = Identity::pinned_to(pem).err().unwrap();
        assert!(matches!(error, ServeError::ClientCertificate { .. }), "{error}");
    }
}
