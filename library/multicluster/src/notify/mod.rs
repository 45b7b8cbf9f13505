//! Chats and webhooks are told of a release.
//!
//! ```text
//! send ─▶ queue ─▶ task ─ render (core) ─▶ deliver: time limit, repetitions ─▶ service
//!                    └─ state: which message is edited      └─▶ warnings
//! ```
//!
//! The invariant: a release never waits for a notifier and never fails by one. [`Notifier::send`] only puts a message
//! into a queue; what could not be delivered is a [`Warning`]. Whoever is done calls [`Notifier::flush`] once.
//!
//! | service | what it gets |
//! |---|---|
//! | Slack by bot token | one message per release that is edited, and a reply, shown in the channel, where somebody has to know |
//! | Slack webhook, Rocket.Chat, Teams | a message when a release starts and where somebody has to know: they cannot edit |
//! | webhook | every event as JSON, signed |
//!
//! What a webhook gets is signed as `X-Signature-256: sha256=` and the HMAC-SHA256, in hexadecimal digits and keyed by
//! the shared secret, of the value of `X-Timestamp` (seconds since 1970), a dot, and the body. `X-Delivery-Id` is the
//! same when a delivery is repeated, and `X-Event` is the kind of event.

mod deliver;
mod notifier;
mod queue;
mod service;
mod slack_bot;
mod state;

pub use self::{
    notifier::{Notifier, Notifiers, Timing, Warning},
    service::{InvalidService, Service},
    state::NotifierState,
};
pub use multicluster_core::notify::{ClusterLine, Event, EventKind, Mark, Message, MetricLine, Summary};
