//! Answers every HTTP/1.1 request with one status, over TLS with the cluster's own certificate.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    http1::{json_answer, read_request},
    lab::commands::file,
};

/// TLS as the API server itself does it, but for HTTP/1.1 only.
pub(super) fn acceptor(directory: &Path) -> anyhow::Result<TlsAcceptor> {
    crate::install_crypto_provider();
    let certificate =
        CertificateDer::from_pem_file(directory.join(file::SERVER)).context("cannot read a certificate")?;
    let key = PrivateKeyDer::from_pem_file(directory.join(file::SERVER_KEY)).context("cannot read a key")?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .context("cannot use the API server's certificate")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Answers until the client leaves.
pub(super) async fn answer(client: TcpStream, tls: &TlsAcceptor, status: u16) {
    let Ok(stream) = tls.accept(client).await else { return };
    let mut stream = BufReader::new(stream);
    // As the API server does under load; a client that obeys waits one second.
    let retry_after = matches!(status, 429 | 503).then_some(1);
    let response = refusal(status, retry_after);
    while matches!(read_request(&mut stream).await, Ok(Some(_))) {
        if stream.write_all(response.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// An answer with this status in Kubernetes' own form, that may say how many seconds to wait.
pub(super) fn refusal(code: u16, retry_after: Option<u32>) -> String {
    let (reason, message) = match code {
        401 => ("Unauthorized", "the lab's proxy says: who are you?"),
        403 => ("Forbidden", "the lab's proxy says: you may not"),
        404 => ("NotFound", "the lab's proxy says: there is no such thing"),
        409 => ("Conflict", "the lab's proxy says: somebody was faster"),
        429 => ("TooManyRequests", "the lab's proxy says: slow down"),
        503 => ("ServiceUnavailable", "the lab's proxy says: not now"),
        504 => ("Timeout", "the lab's proxy says: that took too long"),
        _ => ("InternalError", "the lab's proxy says: no"),
    };
    let retry = retry_after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    json_answer(code, &retry, &status(code, reason, message))
}

/// A failure in Kubernetes' own form.
pub(super) fn status(code: u16, reason: &str, message: &str) -> String {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": code,
    })
    .to_string()
}
