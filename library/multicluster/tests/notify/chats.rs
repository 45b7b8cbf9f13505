//! What each chat gets, and when.

use multicluster::notify::{EventKind, NotifierState, Notifiers, Service};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    message, notifier,
    server::{Asked, Reply, Server},
    soon, tell,
};

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

/// As Slack's API answers: each posted message gets another time stamp.
fn slack_api(count: usize, asked: &Asked) -> Reply {
    let channel = body(asked)["channel"].as_str().unwrap().replace("#ops", "C0OPS");
    Reply::json(
        200,
        json!({ "ok": true, "channel": channel, "ts": format!("1767323045.{count}") }).to_string(),
    )
}

fn bot(server: &Server) -> Service {
    Service::SlackBot { token: "xoxb-secret".into(), channel: "#ops".into(), api: Some(server.url()) }
}

#[tokio::test]
async fn slack_has_one_message_that_is_edited() {
    let server = Server::new(slack_api).await;
    let notifier = notifier(&bot(&server));
    for kind in [EventKind::Started, EventKind::Step, EventKind::Rollback] {
        assert_eq!(tell(&notifier, kind).await, Vec::<String>::new());
    }
    let asked = server.asked();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/chat.postMessage", "/chat.update", "/chat.update", "/chat.postMessage"]);
    assert_eq!(asked[0].header("authorization"), "Bearer xoxb-secret");
    assert_eq!(body(&asked[0])["channel"], "#ops");
    for edit in &asked[1..3] {
        assert_eq!((&body(edit)["channel"], &body(edit)["ts"]), (&json!("C0OPS"), &json!("1767323045.0")));
    }
    let loud = body(&asked[3]);
    assert_eq!((&loud["thread_ts"], &loud["reply_broadcast"]), (&json!("1767323045.0"), &json!(true)));
    assert_eq!(loud["text"], "frontend in guestbook, 3f2a → 9b1c: rolling back");
}

#[tokio::test]
async fn a_later_apply_edits_the_same_message() {
    let server = Server::new(slack_api).await;
    let kept = {
        let mut first = Notifiers::default();
        first.insert(notifier(&bot(&server)));
        assert!(first.states().is_empty());
        first.send(&message("r-1", EventKind::Started, ""));
        first.flush(soon()).await;
        first.states()
    };
    let stored = serde_json::to_string(&kept).unwrap();
    assert!(!stored.contains("secret"), "{stored}");
    let mut later = Notifiers::default();
    later.insert(notifier(&bot(&server)));
    later.restore(&serde_json::from_str(&stored).unwrap());
    later.send(&message("r-1", EventKind::Step, ""));
    assert!(later.flush(soon()).await.is_empty());
    assert_eq!(server.asked()[1].path, "/chat.update");
    assert_eq!(body(&server.asked()[1])["ts"], "1767323045.0");
    // Another release has another message.
    later.send(&message("r-2", EventKind::Started, ""));
    later.flush(soon()).await;
    assert_eq!(server.asked()[2].path, "/chat.postMessage");
}

#[rstest]
#[case::nothing(json!(null))]
#[case::another_form(json!({ "version": 2, "release": "r-1", "message": null }))]
#[case::damaged(json!({ "version": 1 }))]
fn what_cannot_be_read_is_nothing(#[case] value: Value) {
    assert_eq!(NotifierState::read(&value), None);
}

#[tokio::test]
async fn a_message_that_was_deleted_is_posted_anew() {
    let server = Server::new(|count, asked| match asked.path.as_str() {
        "/chat.update" => Reply::json(200, r#"{"ok":false,"error":"message_not_found"}"#),
        _ => slack_api(count, asked),
    })
    .await;
    let notifier = notifier(&bot(&server));
    tell(&notifier, EventKind::Started).await;
    assert_eq!(tell(&notifier, EventKind::Done).await, Vec::<String>::new());
    let paths: Vec<_> = server.asked().iter().map(|asked| asked.path.clone()).collect();
    // The new one is loud enough by itself.
    assert_eq!(paths, ["/chat.postMessage", "/chat.update", "/chat.postMessage"]);
}

#[tokio::test]
async fn slacks_word_is_told() {
    let server = Server::new(|_, _| Reply::json(200, r#"{"ok":false,"error":"not_in_channel"}"#)).await;
    let notifier = notifier(&bot(&server));
    assert_eq!(tell(&notifier, EventKind::Started).await, ["`ops` could not be told: not_in_channel"]);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(notifier.state(), None);
}

#[tokio::test]
async fn what_cannot_be_edited_is_still_said_aloud() {
    let server = Server::new(|count, asked| match asked.path.as_str() {
        "/chat.update" => Reply::json(200, r#"{"ok":false,"error":"invalid_blocks"}"#),
        _ => slack_api(count, asked),
    })
    .await;
    let notifier = notifier(&bot(&server));
    tell(&notifier, EventKind::Started).await;
    assert_eq!(tell(&notifier, EventKind::ApprovalNeeded).await, ["`ops` could not be told: invalid_blocks"]);
    assert_eq!(body(&server.asked()[2])["reply_broadcast"], true);
}

fn slack(url: String) -> Service {
    Service::SlackWebhook { url: url.into() }
}

fn rocket_chat(url: String) -> Service {
    Service::RocketChat { url: url.into() }
}

fn teams(url: String) -> Service {
    Service::Teams { url: url.into() }
}

#[rstest]
#[case::slack(slack, 200, "ok", "/attachments/0/blocks")]
#[case::rocket_chat(rocket_chat, 200, r#"{"success":true}"#, "/attachments/0/fields")]
#[case::teams(teams, 202, "", "/attachments/0/content/body")]
#[tokio::test]
async fn a_chat_that_cannot_edit_gets_the_first_and_the_loud(
    #[case] service: fn(String) -> Service,
    #[case] status: u16,
    #[case] answer: &'static str,
    #[case] pointer: &str,
) {
    let server = Server::new(move |_, _| Reply::Answer(status, "", answer.to_owned())).await;
    let service = service(format!("{}/services/T0/B0/secret-of-the-hook", server.url()));
    let telling = notifier(&service);
    for kind in [EventKind::Started, EventKind::Wave, EventKind::Step, EventKind::Rollback, EventKind::Done] {
        assert_eq!(tell(&telling, kind).await, Vec::<String>::new());
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].header("content-type"), "application/json");
    for asked in &asked {
        assert!(body(asked).pointer(pointer).is_some(), "{}", asked.body);
    }
    // Nor does a later apply begin again.
    let later = notifier(&service);
    later.restore(telling.state().unwrap());
    tell(&later, EventKind::Step).await;
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn the_first_is_told_when_it_can_be() {
    let server = Server::new(|count, _| match count {
        0 => Reply::Answer(404, "", "no_service".into()),
        _ => Reply::Answer(200, "", "ok".into()),
    })
    .await;
    let notifier = notifier(&slack(format!("{}/services/secret-of-the-hook", server.url())));
    assert_eq!(
        tell(&notifier, EventKind::Started).await,
        ["`ops` could not be told: HTTP 404 Not Found: no_service"]
    );
    assert_eq!(tell(&notifier, EventKind::Step).await, Vec::<String>::new());
    assert_eq!(server.asked().len(), 2);
}
