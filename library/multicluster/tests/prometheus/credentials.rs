//! Who asks, and what nobody is told.

use std::{fs, os::unix::fs::PermissionsExt, sync::atomic::Ordering};

use multicluster::{
    connection::ExecConfig,
    prometheus::{AccessKeys, Auth, Client, Query, QueryError, Settings, SigV4},
};
use rstest::rstest;
use tempfile::TempDir;

use crate::{
    ONE, client, clock, movable,
    server::{Asked, Reply, Server},
};

async fn asked_by(change: impl FnOnce(&mut Settings)) -> Asked {
    let server = Server::new(|_, _| ONE.reply()).await;
    client(&server, change).query(&Query::new("x")).await.unwrap();
    server.asked().remove(0)
}

#[tokio::test]
async fn nobody() {
    let asked = asked_by(|_| {}).await;
    assert_eq!(asked.header("authorization"), "");
    assert!(asked.header("user-agent").starts_with("terraform-provider-multicluster/"));
    assert_eq!(asked.header("accept"), "application/json");
}

#[tokio::test]
async fn a_bearer_token() {
    let asked = asked_by(|settings| settings.auth = Auth::Bearer("abc.def\n".into())).await;
    assert_eq!(asked.header("authorization"), "Bearer abc.def");
}

#[tokio::test]
async fn a_name_and_password() {
    let auth = Auth::Basic { username: "Aladdin".into(), password: "open sesame".into() };
    let asked = asked_by(|settings| settings.auth = auth).await;
    // As in RFC 7617.
    assert_eq!(asked.header("authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

#[tokio::test]
async fn headers_and_a_tenant() {
    let asked = asked_by(|settings| {
        settings.headers =
            [("X-Api-Key".to_owned(), "k".into()), ("Authorization".to_owned(), "Token t".into())].into();
        settings.tenant = Some("shop|stock".into());
    })
    .await;
    assert_eq!(asked.header("x-api-key"), "k");
    assert_eq!(asked.header("authorization"), "Token t");
    assert_eq!(asked.header("x-scope-orgid"), "shop|stock");
}

#[rstest]
#[case::a_token_with_blanks(|s: &mut Settings| s.auth = Auth::Bearer("secret x".into()), "`bearer_token` is empty or holds characters that no token holds")]
#[case::no_token(|s: &mut Settings| s.auth = Auth::Bearer("".into()), "`bearer_token` is empty or holds characters that no token holds")]
#[case::a_name_with_a_colon(|s: &mut Settings| s.auth = Auth::Basic { username: "a:b".into(), password: "secret".into() }, "`username` must be a name without `:`")]
#[case::a_header_of_ours(|s: &mut Settings| s.headers = [("Host".to_owned(), "secret".into())].into(), "`headers[\"Host\"]` is set by the request itself")]
#[case::no_header(|s: &mut Settings| s.headers = [("a b".to_owned(), "secret".into())].into(), "`headers[\"a b\"]` is not the name of a header")]
#[case::a_header_of_two_lines(|s: &mut Settings| s.headers = [("a".to_owned(), "secret\r\nb: c".into())].into(), "`headers[\"a\"]` holds characters that a header may not hold")]
#[case::two_credentials(
    |s: &mut Settings| {
        s.headers = [("authorization".to_owned(), "secret".into())].into();
        s.auth = Auth::Bearer("t".into());
    },
    "`headers[\"authorization\"]` stands against the other credentials: remove one of them"
)]
#[case::no_program(|s: &mut Settings| s.auth = Auth::Exec(ExecConfig { command: " ".into(), ..exec("") }), "`exec.command` is missing")]
#[case::a_password_in_the_address(|s: &mut Settings| s.url = "https://me:secret@h".into(), "`prometheus` may not hold a user or password: use `username` and `password`")]
fn what_cannot_be_used(#[case] change: fn(&mut Settings), #[case] expected: &str) {
    let mut settings = Settings::new("https://prometheus.example.com", clock());
    change(&mut settings);
    assert_eq!(Client::new(&settings).unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn secrets_are_in_no_message() {
    // A service that repeats all that it was sent, wherever a message could come from.
    let server = Server::new(|count, asked| {
        let echo = format!("{:?}", asked.headers).replace('"', "'");
        match count {
            0 => Reply::json(400, format!(r#"{{"status":"error","errorType":"bad_data","error":"{echo}"}}"#)),
            1 => Reply::Answer(403, "content-type: text/plain\r\n", echo),
            2 => Reply::Answer(500, "content-type: text/plain\r\n", echo),
            _ => Reply::json(
                200,
                format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[]}},"warnings":["{echo}"]}}"#),
            ),
        }
    })
    .await;
    let mut settings = Settings::new(server.url(), clock());
    settings.auth = Auth::Basic { username: "me".into(), password: "hunter22".into() };
    settings.headers = [("X-Api-Key".to_owned(), "opensesame".into())].into();
    assert!(!format!("{settings:?}").contains("hunter22"));
    let client = Client::new(&settings).unwrap();
    for _ in 0..4 {
        let error = client.query(&Query::new("x")).await.unwrap_err();
        let text = format!("{error} {error:?} {client:?}");
        assert!(text.contains("[redacted]"), "{text}");
        for secret in ["hunter22", "opensesame", "bWU6aHVudGVyMjI="] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn settings_show_no_secrets() {
    let keys = AccessKeys { access_key: "AKIAsecret".into(), secret_key: "secret".into(), token: None };
    let all = [
        Auth::Bearer("secret".into()),
        Auth::SigV4(SigV4 { keys: Some(keys), ..SigV4::default() }),
        Auth::Exec(exec("secret")),
    ];
    for auth in all {
        let mut settings = Settings::new("https://h/secret", clock());
        settings.auth = auth;
        assert!(!format!("{settings:?}{:?}", settings.auth).contains("secret"));
    }
}

/// A helper written in shell, which leaves a line for each run.
struct Script(TempDir);

impl Script {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helper");
        fs::write(&path, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho run >>runs\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn auth(&self) -> Auth {
        Auth::Exec(exec(&self.0.path().join("helper").display().to_string()))
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.0.path().join("runs")).map_or(0, |runs| runs.lines().count())
    }
}

fn exec(command: &str) -> ExecConfig {
    ExecConfig {
        api_version: "client.authentication.k8s.io/v1".into(),
        command: command.into(),
        args: Vec::new(),
        env: [].into(),
    }
}

#[tokio::test]
async fn a_program_prints_a_token() {
    let script = Script::new("echo minted");
    let server = Server::new(|_, _| ONE.reply()).await;
    let (seconds, moving) = movable();
    let client = client(&server, |settings| {
        settings.auth = script.auth();
        settings.clock = moving;
    });
    assert_eq!(script.runs(), 0);
    let query = Query::new("x");
    let (one, two) = tokio::join!(client.query(&query), client.query(&query));
    one.unwrap();
    two.unwrap();
    assert_eq!(script.runs(), 1);
    assert_eq!(server.asked()[0].header("authorization"), "Bearer minted");
    // A token that does not say when it ends is used for four minutes.
    for (passed, runs) in [(239, 1), (1, 2)] {
        seconds.fetch_add(passed, Ordering::SeqCst);
        client.query(&query).await.unwrap();
        assert_eq!(script.runs(), runs);
    }
}

#[tokio::test]
async fn a_credential_says_when_it_ends() {
    let script = Script::new(
        r#"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t","expirationTimestamp":"2025-12-29T09:35:00Z"}}'"#,
    );
    let server = Server::new(|_, _| ONE.reply()).await;
    let (seconds, moving) = movable();
    let client = client(&server, |settings| {
        settings.auth = script.auth();
        settings.clock = moving;
    });
    // The clock shows 09:20:00, and tokens are replaced a minute before their end.
    for (second, runs) in [(0, 1), (839, 1), (840, 2)] {
        seconds.store(1_767_000_000 + second, Ordering::SeqCst);
        client.query(&Query::new("x")).await.unwrap();
        assert_eq!(script.runs(), runs, "at {second} s");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let script = Script::new("echo minted");
    let refuse = || Reply::Answer(401, "", String::new());
    let server = Server::new(move |count, _| if count == 0 { refuse() } else { ONE.reply() }).await;
    client(&server, |settings| settings.auth = script.auth()).query(&Query::new("x")).await.unwrap();
    assert_eq!((script.runs(), server.asked().len()), (2, 2));

    let refusing = Server::new(move |_, _| refuse()).await;
    let asking = client(&refusing, |settings| settings.auth = script.auth());
    let error = asking.query(&Query::new("x")).await.unwrap_err();
    assert!(matches!(error, QueryError::Denied { status: 401, .. }));
    assert_eq!((script.runs(), refusing.asked().len()), (4, 2));
}

#[tokio::test]
async fn a_program_that_fails() {
    let script = Script::new("echo secret; echo no login >&2; exit 3");
    let server = Server::new(|_, _| ONE.reply()).await;
    let asking = client(&server, |settings| settings.auth = script.auth());
    let error = asking.query(&Query::new("x")).await.unwrap_err();
    let words = error.in_words();
    assert!(
        words.starts_with("there are no credentials for the metrics service: the credential helper `"),
        "{words}"
    );
    assert!(words.ends_with("` failed (exit status: 3): no login") && !words.contains("secret"), "{words}");
    assert!(server.asked().is_empty());
}
