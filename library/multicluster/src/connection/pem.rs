//! Certificates and keys as users have them: PEM, or base64 of PEM.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};

use super::ConnectionError;

/// The PEM text behind PEM or base64 of PEM.
pub(crate) fn pem_text(field: &'static str, text: &str) -> Result<SecretString, ConnectionError> {
    const BEGIN: &str = "-----BEGIN ";
    if text.contains(BEGIN) {
        return Ok(SecretString::from(text));
    }
    let packed: String = text.split_whitespace().collect();
    let decoded = STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(pem) if pem.contains(BEGIN) => Ok(SecretString::from(pem)),
        _ => Err(ConnectionError::field(field, "is neither PEM nor base64 of PEM")),
    }
}

/// The certificates of an authority, as DER.
pub(crate) fn certificates(field: &'static str, text: &str) -> Result<Vec<Vec<u8>>, ConnectionError> {
    let pem = pem_text(field, text)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes())
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| ConnectionError::field(field, "holds a certificate that is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(ConnectionError::field(field, "holds no certificate"));
    }
    Ok(certificates)
}

/// A client certificate, checked, in the form that a kubeconfig has it: base64 of PEM.
pub(super) fn client_certificate(field: &'static str, text: &str) -> Result<String, ConnectionError> {
    certificates(field, text)?;
    Ok(STANDARD.encode(pem_text(field, text)?.expose_secret()))
}

/// A client key, checked, in the form that a kubeconfig has it: base64 of PEM.
pub(crate) fn client_key(field: &'static str, text: &SecretString) -> Result<SecretString, ConnectionError> {
    let pem = pem_text(field, text.expose_secret())?;
    PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
        .map_err(|_| ConnectionError::field(field, "holds no private key"))?;
    Ok(SecretString::from(STANDARD.encode(pem.expose_secret())))
}
