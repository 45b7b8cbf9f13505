//! What happens between a client and the network: credentials, repetitions, silence, and what failures are called.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use multicluster::{
    clock::Clock,
    connection::{Connection, ConnectionKind, Credential, ExecConfig},
    member::{Member, MemberError, ResourceType},
};
use multicluster_core::names::ClusterName;
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    connections::{connection, host},
    server::{Authority, Say, Server},
};

async fn member(connection: &Connection) -> Member {
    Member::new(ClusterName::new("lab").unwrap(), connection.client().await.unwrap())
}

async fn uid(connection: &Connection) -> Result<String, MemberError> {
    member(connection).await.uid().await.map(|uid| uid.0)
}

fn found() -> Result<String, MemberError> {
    Ok("u-1".to_owned())
}

#[tokio::test]
async fn requests_introduce_themselves() {
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    let mut connection = host(&server.url(), None, Credential::Token("secret".into()));
    assert_eq!(uid(&connection).await, found());
    connection.user_agent = "another/1".into();
    assert_eq!(uid(&connection).await, found());
    let asked = server.asked();
    assert_eq!(asked[0].line, "GET /api/v1/namespaces/kube-system HTTP/1.1");
    assert_eq!(asked[0].header("authorization"), "Bearer secret");
    assert!(asked[0].header("user-agent").starts_with("terraform-provider-multicluster/"));
    assert_eq!(asked[1].header("user-agent"), "another/1");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let server = Server::plain(|count, _| match count {
        0 => Say::Answer(429, "retry-after: 0\r\n"),
        1 => Say::Answer(503, ""),
        2 => Say::HangUp,
        _ => Say::Answer(200, ""),
    })
    .await;
    let asked = async || {
        let connection = host(&server.url(), None, Credential::None);
        (uid(&connection).await, server.asked().len())
    };
    // A connection that breaks is forgiven only as the first thing that goes wrong.
    let (answer, count) = asked().await;
    assert!(matches!(answer, Err(MemberError::Unreachable { .. })), "{answer:?}");
    assert_eq!(count, 3);
    assert_eq!(asked().await, (found(), 4));
}

#[tokio::test]
async fn a_broken_connection_is_replaced_once() {
    let server = Server::plain(|count, _| if count == 0 { Say::HangUp } else { Say::Answer(200, "") }).await;
    assert_eq!(uid(&host(&server.url(), None, Credential::None)).await, found());
}

#[tokio::test]
async fn a_creation_that_may_have_happened_is_not_repeated() {
    let server = Server::plain(|_, _| Say::Answer(504, "")).await;
    let member = member(&host(&server.url(), None, Credential::None)).await;
    let object =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "b" } });
    let error = member.create(&ResourceType::config_map(), &object, "m").await.unwrap_err();
    assert!(error.is_unreachable());
    assert_eq!(server.asked().len(), 1);
}

#[rstest]
#[case::nothing(|_: usize, _: &crate::server::Head| Say::Nothing)]
#[case::half_an_answer(|_: usize, _: &crate::server::Head| Say::Half)]
#[tokio::test]
async fn silence_ends(#[case] answer: fn(usize, &crate::server::Head) -> Say) {
    let server = Server::plain(answer).await;
    let mut connection = host(&server.url(), None, Credential::None);
    connection.request_timeout = Duration::from_millis(50);
    let error = uid(&connection).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot reach the API server: no answer in time");
}

#[tokio::test]
async fn nobody_listens() {
    let url = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("https://{}", listener.local_addr().unwrap())
    };
    let error = uid(&host(&url, None, Credential::None)).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot reach the API server: connection refused");
}

#[tokio::test]
async fn a_certificate_is_verified() {
    let authority = Authority::new();
    let server = Server::tls(&authority).await;
    let url = format!("https://{}", server.address);
    assert_eq!(uid(&host(&url, Some(&authority.pem()), Credential::None)).await, found());

    let stranger = host(&url, Some(&Authority::new().pem()), Credential::None);
    let error = uid(&stranger).await.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot reach the API server: the TLS handshake failed: invalid peer certificate"),
        "{error}"
    );

    let mut insecure = host(&url, None, Credential::None);
    insecure.insecure = true;
    assert_eq!(uid(&insecure).await, found());
}

#[tokio::test]
async fn a_certificate_may_be_for_another_name() {
    let authority = Authority::new();
    let server = Server::tls(&authority).await;
    let named = |name: &str| {
        connection(ConnectionKind::Host {
            host: format!("https://{}", server.address),
            cluster_ca_certificate: Some(authority.pem()),
            credential: Credential::None,
            tls_server_name: Some(name.to_owned()),
            proxy_url: None,
        })
    };
    assert_eq!(uid(&named("api.example.com")).await, found());
    assert!(uid(&named("other.example.com")).await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let server = Server::tls_for_known_clients(&authority).await;
    let url = format!("https://{}", server.address);
    let (certificate, key) = authority.client();
    let credential = Credential::ClientCertificate { certificate, key: key.into() };
    assert_eq!(uid(&host(&url, Some(&authority.pem()), credential)).await, found());
    assert!(uid(&host(&url, Some(&authority.pem()), Credential::None)).await.is_err());
}

/// A helper written in shell, with a folder to leave marks in.
struct Script {
    folder: TempDir,
}

impl Script {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helper");
        fs::write(&path, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho run >>runs\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn printing(status: &str) -> Self {
        let credential = format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{status}}}"#
        );
        Self::new(&format!("cat <<E\n{credential}\nE"))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs")).map_or(0, |runs| runs.lines().count())
    }

    fn credential(&self) -> Credential {
        Credential::Exec(ExecConfig {
            api_version: "client.authentication.k8s.io/v1".into(),
            command: self.path("helper").display().to_string(),
            args: vec!["an argument".into()],
            env: [("EXTRA".to_owned(), "value".into())].into(),
        })
    }
}

#[tokio::test]
async fn a_helper_is_run_once_when_it_is_needed() {
    let script = Script::printing(r#"{"token":"minted"}"#);
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    let member = member(&host(&server.url(), None, script.credential())).await;
    assert_eq!(script.runs(), 0);
    let (one, two) = tokio::join!(member.uid(), member.uid());
    one.unwrap();
    two.unwrap();
    assert_eq!(script.runs(), 1);
    assert_eq!(server.asked()[0].header("authorization"), "Bearer minted");
}

#[tokio::test]
async fn a_helper_gets_what_it_needs_and_no_input() {
    let script = Script::new(
        r#"cat >input; echo "$KUBERNETES_EXEC_INFO" >info; echo "$EXTRA $1" >given
        echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}'"#,
    );
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    uid(&host(&server.url(), None, script.credential())).await.unwrap();
    let read = |name: &str| fs::read_to_string(script.path(name)).unwrap();
    assert_eq!(read("input"), "");
    assert_eq!(read("given"), "value an argument\n");
    let info: serde_json::Value = serde_json::from_str(&read("info")).unwrap();
    assert_eq!(
        info,
        json!({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "spec": { "interactive": false } })
    );
}

fn clock() -> (Arc<AtomicI64>, Clock) {
    let seconds = Arc::new(AtomicI64::new(1_767_000_000));
    let read = Arc::clone(&seconds);
    (seconds, Clock::new(move || Timestamp::from_second(read.load(Ordering::SeqCst)).unwrap()))
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end() {
    let script = Script::printing(r#"{"token":"t","expirationTimestamp":"2025-12-29T09:35:00Z"}"#);
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    let (seconds, clock) = clock();
    let mut connection = host(&server.url(), None, script.credential());
    connection.clock = clock;
    let member = member(&connection).await;
    // The clock shows 09:20:00.
    for (second, runs) in [(0, 1), (839, 1), (840, 2)] {
        seconds.store(1_767_000_000 + second, Ordering::SeqCst);
        member.uid().await.unwrap();
        assert_eq!(script.runs(), runs, "at {second} s");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let script = Script::printing(r#"{"token":"t"}"#);
    let server = Server::plain(|count, _| Say::Answer(if count == 1 { 401 } else { 200 }, "")).await;
    let patient = member(&host(&server.url(), None, script.credential())).await;
    patient.uid().await.unwrap();
    patient.uid().await.unwrap();
    assert_eq!((script.runs(), server.asked().len()), (2, 3));

    let refusing = Server::plain(|_, _| Say::Answer(401, "")).await;
    let error = uid(&host(&refusing.url(), None, script.credential())).await.unwrap_err();
    assert!(matches!(error, MemberError::Unauthorized { .. }));
    assert_eq!((script.runs(), refusing.asked().len()), (4, 2));
}

#[tokio::test]
async fn a_fixed_token_that_is_refused_is_not_tried_again() {
    let server = Server::plain(|_, _| Say::Answer(401, "")).await;
    let error = uid(&host(&server.url(), None, Credential::Token("t".into()))).await.unwrap_err();
    assert!(matches!(error, MemberError::Unauthorized { .. }));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_helper_may_give_a_certificate() {
    let authority = Authority::new();
    let server = Server::tls_for_known_clients(&authority).await;
    let (certificate, key) = authority.client();
    let status = json!({ "clientCertificateData": certificate, "clientKeyData": key }).to_string();
    let script = Script::printing(&status.replace('\\', "\\\\"));
    let url = format!("https://{}", server.address);
    assert_eq!(uid(&host(&url, Some(&authority.pem()), script.credential())).await, found());
}

#[rstest]
#[case::fails(
    "echo 'no such profile; token k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbQ' >&2; echo secret; exit 3",
    " failed (exit status: 3): no such profile; token [redacted]"
)]
#[case::says_nothing("exit 1", " failed (exit status: 1): it said nothing")]
#[case::prints_something_else("echo secret", " printed no usable credential: it is not JSON")]
#[tokio::test]
async fn a_helper_that_fails(#[case] script: &str, #[case] expected: &str) {
    let script = Script::new(script);
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    let error = uid(&host(&server.url(), None, script.credential())).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the API server does not accept the credentials: the credential helper `"),
        "{error}"
    );
    assert!(error.ends_with(&format!("`{expected}")), "{error}");
    assert!(!error.contains("secret"));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_helper_that_is_not_installed() {
    let script = Script::new("");
    fs::remove_file(script.path("helper")).unwrap();
    let error = uid(&host("https://127.0.0.1:1", None, script.credential())).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot start the credential helper `") && error.contains("No such file"),
        "{error}"
    );
}

fn token_file(folder: &Path, url: &str, clock: Clock) -> Connection {
    let kubeconfig = json!({
        "current-context": "lab",
        "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": "me" } }],
        "clusters": [{ "name": "lab", "cluster": { "server": url } }],
        "users": [{ "name": "me", "user": { "tokenFile": "token" } }],
    });
    let path = folder.join("config");
    fs::write(&path, kubeconfig.to_string()).unwrap();
    Connection::new(ConnectionKind::KubeconfigPath { path, context: None }, clock)
}

#[tokio::test]
async fn a_token_file_is_read_again_after_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::plain(|_, _| Say::Answer(200, "")).await;
    let (seconds, clock) = clock();
    let connection = token_file(folder.path(), &server.url(), clock);
    let member = member(&connection).await;
    let error = member.uid().await.unwrap_err().to_string();
    assert!(error.contains("cannot read the token file"), "{error}");
    for (token, passed) in [("one\n", 0), ("two", 59), ("three", 1)] {
        fs::write(folder.path().join("token"), token).unwrap();
        seconds.fetch_add(passed, Ordering::SeqCst);
        member.uid().await.unwrap();
    }
    let sent: Vec<_> = server.asked().iter().map(|head| head.header("authorization").to_owned()).collect();
    assert_eq!(sent, ["Bearer one", "Bearer one", "Bearer three"]);
}
