//! Which connections are accepted, and what is said about the others.

use std::{collections::BTreeMap, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use multicluster::{
    clock::Clock,
    connection::{Connection, ConnectionError, ConnectionKind, ConnectionReference, Credential, ExecConfig},
};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::server::Authority;

pub(crate) fn connection(kind: ConnectionKind) -> Connection {
    Connection::new(kind, Clock::new(|| Timestamp::UNIX_EPOCH))
}

pub(crate) fn host(host: &str, authority: Option<&str>, credential: Credential) -> Connection {
    connection(ConnectionKind::Host {
        host: host.to_owned(),
        cluster_ca_certificate: authority.map(str::to_owned),
        credential,
        tls_server_name: None,
        proxy_url: None,
    })
}

/// A kubeconfig with one context, `lab`, and these additions to its cluster and user.
fn kubeconfig(cluster: Value, user: Value) -> Value {
    let mut all = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": "me" } }],
        "clusters": [{ "name": "lab", "cluster": { "server": "https://203.0.113.7:6443" } }],
        "users": [{ "name": "me", "user": {} }],
    });
    for (additions, pointer) in [(cluster, "/clusters/0/cluster"), (user, "/users/0/user")] {
        let target = all.pointer_mut(pointer).unwrap();
        for (key, value) in additions.as_object().unwrap() {
            target[key] = value.clone();
        }
    }
    all
}

fn from_text(text: &str, context: Option<&str>) -> Connection {
    let context = context.map(str::to_owned);
    connection(ConnectionKind::KubeconfigText { text: SecretString::from(text), context })
}

async fn error(connection: &Connection) -> String {
    connection.client().await.err().map(|error| error.to_string()).unwrap_or_default()
}

fn exec(command: &str, args: &[&str]) -> Value {
    json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": args, "interactiveMode": "Never",
    } })
}

#[rstest]
#[case::token(json!({}), json!({ "token": "secret" }), "")]
#[case::nobody(json!({}), json!({}), "")]
#[case::authority_is_a_file(json!({ "certificate-authority": "/etc/passwd" }), json!({}), "`certificate-authority` names a file, which the text of a kubeconfig may not do: embed its contents (`certificate-authority-data`), or give the kubeconfig's path")]
#[case::certificate_is_a_file(json!({}), json!({ "client-certificate": "/etc/passwd" }), "`client-certificate` names a file, which the text of a kubeconfig may not do: embed its contents (`client-certificate-data`), or give the kubeconfig's path")]
#[case::key_is_a_file(json!({}), json!({ "client-key": "/etc/passwd" }), "`client-key` names a file, which the text of a kubeconfig may not do: embed its contents (`client-key-data`), or give the kubeconfig's path")]
#[case::token_is_a_file(json!({}), json!({ "tokenFile": "/etc/passwd" }), "`tokenFile` names a file, which the text of a kubeconfig may not do: give a `token`, or give the kubeconfig's path")]
#[case::auth_provider(json!({}), json!({ "auth-provider": { "name": "gcp", "config": { "cmd-path": "/bin/sh" } } }), "`auth-provider` is not supported: use `exec` with the cloud's credential helper")]
#[case::no_verification(json!({ "insecure-skip-tls-verify": true }), json!({}), "the kubeconfig says `insecure-skip-tls-verify`, which takes effect only together with `insecure = true`")]
#[case::known_helper(json!({}), exec("aws", &["eks", "get-token", "--cluster-name", "shop"]), "")]
#[case::unknown_helper(json!({}), exec("/bin/sh", &["-c", "id"]), "the kubeconfig wants to start `/bin/sh`, which is not a known credential helper; set `allow_exec` if you trust where it comes from")]
#[case::helper_of_another_age(json!({}), json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "aws", "args": ["eks", "get-token"] } }), "`exec.api_version` must be `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`")]
#[case::helper_that_needs_a_terminal(json!({}), json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": ["eks", "get-token"], "interactiveMode": "Always" } }), "`exec` needs a terminal, which there is none of here")]
#[case::garbage_authority(json!({ "certificate-authority-data": "c2VjcmV0" }), json!({}), "`certificate-authority-data` is neither PEM nor base64 of PEM")]
#[case::certificate_without_key(json!({}), json!({ "client-certificate-data": "c2VjcmV0" }), "`client-certificate` and `client-key` must be given together")]
#[case::bad_proxy(json!({ "proxy-url": "ftp://secret" }), json!({}), "`proxy-url` must begin with `http://`, `https://` or `socks5://`")]
#[case::bad_server(json!({ "server": "https://se cret" }), json!({}), "`server` is not a URL")]
#[tokio::test]
async fn kubeconfig_text(#[case] cluster: Value, #[case] user: Value, #[case] expected: &str) {
    let text = kubeconfig(cluster, user).to_string();
    assert_eq!(error(&from_text(&text, None)).await, expected);
}

#[rstest]
#[case::current(None, None, "")]
#[case::named(Some("lab"), None, "")]
#[case::unknown(Some("prod"), None, "the kubeconfig has no context `prod`; it has `lab`")]
#[case::current_is_unknown(None, Some(("/current-context", json!("gone"))), "the kubeconfig has no context `gone`; it has `lab`")]
#[case::no_current(None, Some(("/current-context", json!(""))), "the kubeconfig has no `current-context`: name one of its contexts (`lab`)")]
#[case::no_contexts(None, Some(("/contexts", json!([]))), "the kubeconfig has no context `lab`; it has no contexts")]
#[case::cluster_is_missing(None, Some(("/clusters", json!([]))), "the context `lab` refers to a cluster that the kubeconfig does not have")]
#[case::user_is_missing(None, Some(("/users", json!([]))), "the context `lab` refers to a user that the kubeconfig does not have")]
#[case::server_is_missing(None, Some(("/clusters/0/cluster", json!({}))), "`server` is missing")]
#[tokio::test]
async fn contexts(
    #[case] context: Option<&str>,
    #[case] change: Option<(&str, Value)>,
    #[case] expected: &str,
) {
    let mut config = kubeconfig(json!({}), json!({}));
    if let Some((pointer, value)) = change {
        *config.pointer_mut(pointer).unwrap() = value;
    }
    assert_eq!(error(&from_text(&config.to_string(), context)).await, expected);
}

#[rstest]
#[case::not_yaml("users: [\n  {token: hunter2", "the kubeconfig is not valid")]
#[case::another_shape("users: hunter2", "the kubeconfig is not valid")]
#[case::prose("hunter2", "the kubeconfig is not valid")]
#[case::binary("\u{0}\u{1}hunter2", "the kubeconfig is not valid")]
#[case::nothing("", "the kubeconfig has no `current-context`: name one of its contexts (no contexts)")]
#[tokio::test]
async fn garbage_is_refused_without_repeating_it(#[case] text: &str, #[case] expected: &str) {
    let error = error(&from_text(text, None)).await;
    assert!(error.starts_with(expected), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn what_the_user_allows_explicitly() {
    let text = kubeconfig(json!({ "insecure-skip-tls-verify": true }), exec("/bin/sh", &[])).to_string();
    let mut connection = from_text(&text, None);
    connection.insecure = true;
    connection.allow_exec = true;
    connection.client().await.unwrap();
}

#[tokio::test]
async fn a_kubeconfig_file_may_name_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.client();
    for (name, content) in
        [("ca.pem", authority.pem()), ("me.pem", certificate), ("me.key", key), ("token", "t\n".into())]
    {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let path = folder.path().join("config");
    let user = json!({ "client-certificate": "me.pem", "client-key": "me.key", "tokenFile": "token" });
    fs::write(&path, kubeconfig(json!({ "certificate-authority": "ca.pem" }), user).to_string()).unwrap();
    let kind = ConnectionKind::KubeconfigPath { path: path.clone(), context: Some("lab".into()) };
    let from_path = connection(kind);
    from_path.client().await.unwrap();
    let expected = ConnectionReference { kubeconfig_path: path, context: Some("lab".into()) };
    assert_eq!(from_path.reference(), Some(expected));
    fs::remove_file(folder.path().join("ca.pem")).unwrap();
    assert_eq!(error(&from_path).await, "`certificate-authority` names a file that cannot be read");
}

#[tokio::test]
async fn a_kubeconfig_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing"), folder.path().to_owned()] {
        let kind = ConnectionKind::KubeconfigPath { path: path.clone(), context: None };
        let error = connection(kind).client().await.err().unwrap();
        assert!(matches!(error, ConnectionError::Unreadable { path: named, .. } if named == path));
    }
}

#[rstest]
#[case::pem(|pem: String| pem, "")]
#[case::base64(|pem: String| STANDARD.encode(pem), "")]
#[case::base64_with_lines(|pem: String| format!("\n {}\n", STANDARD.encode(pem)), "")]
#[case::two(|pem: String| format!("{pem}\n{pem}"), "")]
#[case::nothing(|_| String::new(), "`cluster_ca_certificate` is neither PEM nor base64 of PEM")]
#[case::cut(|pem: String| pem.replace("-----END CERTIFICATE-----", ""), "`cluster_ca_certificate` holds a certificate that is not valid PEM")]
#[case::a_key(|_| Authority::new().client().1, "`cluster_ca_certificate` holds no certificate")]
#[tokio::test]
async fn authorities(#[case] written: fn(String) -> String, #[case] expected: &str) {
    let authority = written(Authority::new().pem());
    assert_eq!(error(&host("https://203.0.113.7", Some(&authority), Credential::None)).await, expected);
}

#[tokio::test]
async fn an_authority_that_is_no_certificate_is_refused_by_tls() {
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode("hunter2"));
    let connection = host("https://203.0.113.7", Some(&pem), Credential::None);
    assert!(error(&connection).await.starts_with("cannot set up TLS: "));
}

fn exec_config(command: &str, api_version: &str) -> Credential {
    Credential::Exec(ExecConfig {
        api_version: api_version.into(),
        command: command.into(),
        args: Vec::new(),
        env: BTreeMap::new(),
    })
}

#[rstest]
#[case::token(Credential::Token("secret".into()), "")]
#[case::token_with_its_line_end(Credential::Token("secret\n".into()), "")]
#[case::empty_token(Credential::Token("".into()), "`token` is empty or holds characters that no token holds")]
#[case::two_tokens(Credential::Token("a\nb".into()), "`token` is empty or holds characters that no token holds")]
#[case::helper(exec_config("helper", "client.authentication.k8s.io/v1"), "")]
#[case::no_helper(exec_config(" ", "client.authentication.k8s.io/v1"), "`exec.command` is missing")]
#[case::no_version(
    exec_config("helper", ""),
    "`exec.api_version` must be `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`"
)]
#[case::key_is_no_key(Credential::ClientCertificate { certificate: Authority::new().pem(), key: Authority::new().pem().into() }, "`client_key` holds no private key")]
#[case::certificate_is_none(Credential::ClientCertificate { certificate: "hunter2".into(), key: "hunter2".into() }, "`client_certificate` is neither PEM nor base64 of PEM")]
#[tokio::test]
async fn credentials(#[case] credential: Credential, #[case] expected: &str) {
    assert_eq!(error(&host("https://203.0.113.7", None, credential)).await, expected);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let authority = Authority::new();
    let ((certificate, _), (_, key)) = (authority.client(), authority.client());
    let credential = Credential::ClientCertificate { certificate, key: key.into() };
    assert!(error(&host("https://203.0.113.7", None, credential)).await.starts_with("cannot set up TLS: "));
}

#[tokio::test]
async fn an_authority_and_no_verification_exclude_each_other() {
    let mut connection = host("https://203.0.113.7", Some(&Authority::new().pem()), Credential::None);
    connection.insecure = true;
    let expected =
        "`cluster_ca_certificate` has no effect together with `insecure = true`: remove one of them";
    assert_eq!(error(&connection).await, expected);
}

#[test]
fn debug_shows_no_secret() {
    let (certificate, key) = Authority::new().client();
    let credentials = [
        Credential::Token("hunter2".into()),
        Credential::ClientCertificate { certificate, key: key.into() },
        Credential::Exec(ExecConfig {
            api_version: String::new(),
            command: "helper".into(),
            args: vec!["--password=hunter2".into()],
            env: BTreeMap::from([("A".to_owned(), "hunter2".into())]),
        }),
    ];
    for credential in credentials {
        let shown = format!("{:?}", host("https://me:hunter2@x", None, credential));
        assert!(!shown.contains("hunter2") && !shown.contains("PRIVATE"), "{shown}");
    }
    let shown = format!("{:?}", from_text("hunter2", Some("lab")));
    assert!(!shown.contains("hunter2") && shown.contains("lab"), "{shown}");
}

#[test]
fn only_a_path_is_remembered() {
    assert_eq!(host("https://x", None, Credential::None).reference(), None);
    assert_eq!(from_text("", Some("lab")).reference(), None);
}
