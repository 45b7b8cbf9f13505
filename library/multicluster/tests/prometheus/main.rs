//! The metrics client against services on loopback that answer as the real ones are documented to.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod answers;
mod credentials;
mod server;
mod sigv4;
mod tls;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use multicluster::{
    clock::Clock,
    prometheus::{Client, Settings},
};
use server::{Reply, Server};

/// An answer that is one number.
struct Body(&'static str);

const ONE: Body = Body(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#);

impl Body {
    fn reply(&self) -> Reply {
        Reply::json(200, self.0)
    }
}

fn clock() -> Clock {
    Clock::new(|| "2026-01-02T03:04:05Z".parse().unwrap())
}

/// A clock that is moved by hand.
fn movable() -> (Arc<AtomicI64>, Clock) {
    let seconds = Arc::new(AtomicI64::new(1_767_000_000));
    let read = Arc::clone(&seconds);
    (seconds, Clock::new(move || Timestamp::from_second(read.load(Ordering::SeqCst)).unwrap()))
}

fn client(server: &Server, change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings = Settings::new(server.url(), clock());
    change(&mut settings);
    Client::new(&settings).unwrap()
}
