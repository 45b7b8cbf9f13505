//! Notifiers against services on loopback that answer as the real ones are documented to.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod chats;
mod deliveries;
#[path = "../prometheus/server.rs"]
mod server;

use std::time::Duration;

use multicluster::{
    clock::Clock,
    notify::{ClusterLine, Event, EventKind, Mark, Message, Notifier, Service, Summary, Timing},
};
use tokio::time::Instant;

fn message(release: &str, kind: EventKind, text: &str) -> Message {
    let cluster =
        ClusterLine { name: "gcp".into(), mark: Mark::Running, weight: Some(20), note: "wave first".into() };
    Message {
        event: Event {
            release: release.to_owned(),
            kind,
            text: text.to_owned(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        },
        summary: Summary {
            name: "frontend".into(),
            namespace: "guestbook".into(),
            from: Some("3f2a".into()),
            to: "9b1c".into(),
            phase: "rolling".into(),
            clusters: vec![cluster],
            metrics: vec![],
            elapsed: Duration::from_secs(12),
            remaining: None,
            approved_by: None,
            link: None,
        },
    }
}

fn clock() -> Clock {
    Clock::new(|| "2026-01-02T03:04:05Z".parse().unwrap())
}

/// As in earnest, but with pauses that a test can wait for.
const QUICK: Timing = Timing {
    attempt: Duration::from_secs(5),
    first_pause: Duration::from_millis(5),
    longest_pause: Duration::from_secs(30),
};

fn notifier(service: &Service) -> Notifier {
    Notifier::new("ops", service, clock(), QUICK).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Sends one message and waits until it is delivered or given up. What could not be told, in words.
async fn tell(notifier: &Notifier, kind: EventKind) -> Vec<String> {
    notifier.send(message("r-1", kind, "some words"));
    notifier.flush(soon()).await.iter().map(ToString::to_string).collect()
}
