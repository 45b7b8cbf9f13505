//! An admission webhook inside the test's process: a small HTTPS server with a certificate of its own.
//!
//! Registering it is the test's business. It has to limit it to a namespace of its own: other tests use the same
//! API server.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::http1::{json_answer, read_request};

/// What a webhook answers to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The object may pass.
    Allow,
    /// It may not, and this is why.
    Deny(String),
    /// It may pass with these changes: a JSON patch.
    Patch(Value),
}

/// A running webhook; dropping it closes its port.
#[derive(Debug)]
pub struct Webhook {
    address: SocketAddr,
    certificate_pem: String,
    asked: Arc<AtomicU64>,
    /// Aborted when dropped.
    _server: JoinSet<()>,
}

impl Webhook {
    /// Starts a webhook on a free port of 127.0.0.1. `decide` is given the `request` of an `AdmissionReview`.
    ///
    /// # Errors
    /// When no port is free or no certificate can be made.
    pub async fn start(decide: impl Fn(&Value) -> Verdict + Send + Sync + 'static) -> anyhow::Result<Self> {
        crate::install_crypto_provider();
        let key = KeyPair::generate().context("cannot generate a key")?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).context("invalid name")?;
        let certificate_pem = params.self_signed(&key).context("cannot sign a certificate")?.pem();
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())?;
        let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], private)
            .context("cannot use our certificate")?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let asked = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, acceptor, Arc::new(decide), Arc::clone(&asked)));
        Ok(Self { address, certificate_pem, asked, _server: tasks })
    }

    /// The `clientConfig` of a webhook's registration.
    pub fn client_config(&self) -> Value {
        json!({
            "url": format!("https://{}/", self.address),
            "caBundle": STANDARD.encode(&self.certificate_pem),
        })
    }

    /// How many requests were decided.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

type Decide = dyn Fn(&Value) -> Verdict + Send + Sync;

async fn serve(listener: TcpListener, tls: TlsAcceptor, decide: Arc<Decide>, asked: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that is gone already is no reason to end.
                let Ok((connection, _)) = accepted else { continue };
                let (tls, decide, asked) = (tls.clone(), Arc::clone(&decide), Arc::clone(&asked));
                connections.spawn(async move {
                    // An error is the end of the connection; the API server says what it missed.
                    let _ = converse(connection, &tls, &*decide, &asked).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(
    connection: TcpStream,
    tls: &TlsAcceptor,
    decide: &Decide,
    asked: &AtomicU64,
) -> io::Result<()> {
    let mut stream = BufReader::new(tls.accept(connection).await?);
    while let Some(request) = read_request(&mut stream).await? {
        let review: Value = serde_json::from_slice(&request.body)?;
        let verdict = decide(&review["request"]);
        asked.fetch_add(1, Ordering::Relaxed);
        let answer = json_answer(200, "", &response(&review, &verdict).to_string());
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// The `AdmissionReview` that answers another one.
fn response(review: &Value, verdict: &Verdict) -> Value {
    let mut response = json!({ "uid": review["request"]["uid"], "allowed": true });
    match verdict {
        Verdict::Allow => {}
        Verdict::Deny(message) => {
            response["allowed"] = false.into();
            response["status"] = json!({ "code": 403, "message": message });
        }
        Verdict::Patch(patch) => {
            response["patchType"] = "JSONPatch".into();
            response["patch"] = STANDARD.encode(patch.to_string()).into();
        }
    }
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_the_id_of_its_question() {
        let review = json!({ "request": { "uid": "u-1" } });
        let denied = response(&review, &Verdict::Deny("no".to_owned()));
        assert_eq!(
            denied["response"],
            json!({ "uid": "u-1", "allowed": false, "status": { "code": 403, "message": "no" } })
        );
        let patched = response(&review, &Verdict::Patch(json!([])));
        assert_eq!(patched["response"]["patch"], "W10=");
        assert_eq!(patched["response"]["allowed"], true);
    }
}
