//! Signatures, repetitions, and what a release is spared.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use multicluster::notify::{EventKind, Notifier, Service, Timing};
use rstest::rstest;
use serde_json::Value;
use sha2::Sha256;
use tokio::time::Instant;

use crate::{
    QUICK, clock, message, notifier,
    server::{Reply, Server},
    soon, tell,
};

fn webhook(server: &Server) -> Service {
    Service::Webhook {
        url: format!("{}/hooks/secret-of-the-hook?key=secret-key", server.url()).into(),
        secret: Some("shared-secret".into()),
    }
}

fn ok() -> Reply {
    Reply::Answer(204, "", String::new())
}

#[tokio::test]
async fn a_delivery_is_signed() {
    let server = Server::new(|_, _| ok()).await;
    assert_eq!(tell(&notifier(&webhook(&server)), EventKind::Rollback).await, Vec::<String>::new());
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.header("x-event")), ("POST", "rollback"));
    assert_eq!(asked.header("x-timestamp"), "1767323045");
    assert_eq!(asked.header("x-delivery-id").len(), 36);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"shared-secret").unwrap();
    mac.update(format!("1767323045.{}", asked.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(asked.header("x-signature-256"), format!("sha256={expected}"));
    let event: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&event["version"], &event["event"]), (&1.into(), &"rollback".into()));
    assert_eq!(event["release"]["clusters"][0]["weight"], 20);
}

#[tokio::test]
async fn a_delivery_without_a_secret_is_not_signed() {
    let server = Server::new(|_, _| ok()).await;
    let service = Service::Webhook { url: server.url().into(), secret: None };
    tell(&notifier(&service), EventKind::Step).await;
    assert_eq!(server.asked()[0].header("x-signature-256"), "");
}

#[tokio::test]
async fn a_webhook_gets_every_event_in_order() {
    let server = Server::new(|_, _| ok()).await;
    let notifier = notifier(&webhook(&server));
    for step in 0..20 {
        notifier.send(message("r-1", EventKind::Step, &step.to_string()));
    }
    assert!(notifier.flush(soon()).await.is_empty());
    let texts: Vec<Value> = server
        .asked()
        .iter()
        .map(|asked| serde_json::from_str::<Value>(&asked.body).unwrap()["text"].clone())
        .collect();
    assert_eq!(texts, (0..20).map(|step| Value::from(step.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_delivery_is_repeated_as_the_same_one() {
    let server = Server::new(|count, _| match count {
        0 => Reply::Answer(503, "", String::new()),
        1 => Reply::HangUp,
        2 => Reply::Answer(500, "", String::new()),
        _ => ok(),
    })
    .await;
    assert_eq!(tell(&notifier(&webhook(&server)), EventKind::Step).await, Vec::<String>::new());
    let ids: Vec<_> = server.asked().iter().map(|asked| asked.header("x-delivery-id").to_owned()).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[rstest]
#[case::fails_for_ever(
    500,
    "content-type: text/html\r\n",
    "<html>secret-of-the-hook</html>",
    4,
    "HTTP 500 Internal Server Error"
)]
#[case::busy_for_ever(429, "retry-after: 0\r\n", "", 4, "HTTP 429 Too Many Requests")]
#[case::busy_for_an_hour(429, "retry-after: 3600\r\n", "", 1, "HTTP 429 Too Many Requests")]
#[case::refused(
    403,
    "",
    "no secret-key and no secret-of-the-hook",
    1,
    "HTTP 403 Forbidden: no [redacted] and no [redacted]"
)]
#[case::redirected(307, "location: https://example.com/\r\n", "", 1, "HTTP 307 Temporary Redirect")]
#[tokio::test]
async fn what_is_given_up(
    #[case] status: u16,
    #[case] headers: &'static str,
    #[case] body: &'static str,
    #[case] attempts: usize,
    #[case] reason: &str,
) {
    let server = Server::new(move |_, _| Reply::Answer(status, headers, body.to_owned())).await;
    let warnings = tell(&notifier(&webhook(&server)), EventKind::Step).await;
    assert_eq!(warnings, [format!("`ops` could not be told: {reason}")]);
    assert_eq!(server.asked().len(), attempts);
}

#[tokio::test]
async fn a_wish_is_respected() {
    let server = Server::new(|count, _| match count {
        0 => Reply::Answer(429, "retry-after: 1\r\n", String::new()),
        _ => ok(),
    })
    .await;
    let began = Instant::now();
    assert_eq!(tell(&notifier(&webhook(&server)), EventKind::Step).await, Vec::<String>::new());
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn nobody_listens() {
    let url = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/secret-of-the-hook", listener.local_addr().unwrap())
    };
    let notifier = notifier(&Service::Webhook { url: url.into(), secret: None });
    for _ in 0..3 {
        notifier.send(message("r-1", EventKind::Step, ""));
    }
    let warnings = notifier.flush(soon()).await;
    let text = warnings[0].to_string();
    assert!(text.starts_with("`ops` could not be told: Connection refused"), "{text}");
    assert!(text.ends_with("(3 messages)") && !text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn a_silent_service_holds_nobody_up() {
    let server = Server::new(|_, _| Reply::Nothing).await;
    let notifier = notifier(&webhook(&server));
    let began = Instant::now();
    for _ in 0..1000 {
        notifier.send(message("r-1", EventKind::Step, ""));
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    server.wait_for(1).await;
    let warnings = notifier.flush(Instant::now() + Duration::from_millis(50)).await;
    let lost: Vec<_> = warnings.iter().map(|warning| (warning.reason.as_str(), warning.times)).collect();
    let waiting = lost.iter().find(|(reason, _)| *reason == "there was no time left to deliver it");
    let dropped = lost.iter().find(|(reason, _)| *reason == "too many messages were waiting");
    assert_eq!(waiting.map_or(0, |it| it.1) + dropped.map_or(0, |it| it.1), 1000, "{lost:?}");
}

#[tokio::test]
async fn an_attempt_has_a_limit() {
    let server = Server::new(|count, _| if count == 0 { Reply::Nothing } else { ok() }).await;
    let timing = Timing { attempt: Duration::from_millis(100), ..QUICK };
    let notifier = Notifier::new("ops", &webhook(&server), clock(), timing).unwrap();
    assert_eq!(tell(&notifier, EventKind::Step).await, Vec::<String>::new());
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn without_a_runtime_it_is_a_warning() {
    let service = Service::Webhook { url: "http://127.0.0.1:1".into(), secret: None };
    let notifier = Notifier::new("ops", &service, clock(), QUICK).unwrap();
    notifier.send(message("r-1", EventKind::Step, ""));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(!format!("{notifier:?} {service:?}").contains("127.0.0.1"));
    let warnings = runtime.block_on(async { notifier.flush(soon()).await });
    assert_eq!(warnings[0].to_string(), "`ops` could not be told: there is nobody to deliver it");
}
