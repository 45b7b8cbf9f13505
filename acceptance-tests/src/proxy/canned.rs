//! Answers every HTTP/1.1 request with one status, over TLS with the cluster's own certificate.

use std::{io, path::Path, sync::Arc};

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::lab::commands::file;

/// A request line or header longer than this is not from a client of Kubernetes.
const LINE_LIMIT: u64 = 64 * 1024;

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
    let response = response(status);
    while matches!(read_request(&mut stream).await, Ok(true)) {
        if stream.write_all(response.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// Reads one request with its body. `false` at the end of the connection.
async fn read_request(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<bool> {
    let mut length = 0;
    let mut chunked = false;
    let mut first = true;
    loop {
        let line = read_line(stream).await?;
        if line.is_empty() && first {
            return Ok(false);
        }
        first = false;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(|_| invalid("content-length"))?;
            }
            Some((name, value)) if name.eq_ignore_ascii_case("transfer-encoding") => {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    if chunked {
        loop {
            let line = read_line(stream).await?;
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
            skip(stream, size).await?;
            read_line(stream).await?;
            if size == 0 {
                return Ok(true);
            }
        }
    }
    skip(stream, length).await?;
    Ok(true)
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    stream.take(LINE_LIMIT).read_line(&mut line).await?;
    Ok(line)
}

async fn skip(stream: &mut (impl AsyncBufRead + Unpin), count: u64) -> io::Result<()> {
    let copied = tokio::io::copy(&mut stream.take(count), &mut tokio::io::sink()).await?;
    if copied == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("invalid {what}"))
}

fn response(status: u16) -> String {
    let (reason, message) = match status {
        401 => ("Unauthorized", "the lab's proxy says: who are you?"),
        403 => ("Forbidden", "the lab's proxy says: you may not"),
        404 => ("NotFound", "the lab's proxy says: there is no such thing"),
        409 => ("Conflict", "the lab's proxy says: somebody was faster"),
        429 => ("TooManyRequests", "the lab's proxy says: slow down"),
        503 => ("ServiceUnavailable", "the lab's proxy says: not now"),
        504 => ("Timeout", "the lab's proxy says: that took too long"),
        _ => ("InternalError", "the lab's proxy says: no"),
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": status,
    })
    .to_string();
    let phrase =
        http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Error");
    // As the API server does under load; a client that obeys waits one second.
    let retry = if matches!(status, 429 | 503) { "retry-after: 1\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\n{retry}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(bytes: &str, expected: &[bool]) {
        let mut stream = BufReader::new(bytes.as_bytes());
        for &one in expected {
            assert_eq!(read_request(&mut stream).await.ok(), Some(one), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn requests_follow_each_other() {
        check("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", &[true, true, false]).await;
        check("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", &[true, true, false])
            .await;
        let chunked = "PATCH / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        check(chunked, &[true, false]).await;
    }

    #[tokio::test]
    async fn nonsense_is_an_error() {
        for bytes in [
            "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert!(read_request(&mut BufReader::new(bytes.as_bytes())).await.is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_length_is_that_of_the_body() {
        let response = response(503);
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    }
}
