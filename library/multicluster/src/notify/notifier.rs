//! Notifiers: a queue, and a task that empties it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use multicluster_core::notify::{Message, event_json, rocket_chat, slack, slack_reply, teams};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{
    deliver::Courier,
    queue::{Queue, Wants},
    service::{InvalidService, Service, Target},
    slack_bot::{NotUpdated, SlackBot},
    state::NotifierState,
};
use crate::clock::Clock;

/// How many different warnings are kept.
const WARNINGS: usize = 10;

/// How long deliveries take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long one attempt may take.
    pub attempt: Duration,
    /// The pause before the first repetition, doubled with each further one.
    pub first_pause: Duration,
    /// The longest pause that a service's wish (`Retry-After`) is followed for.
    pub longest_pause: Duration,
}

/// Somebody could not be told. Never a reason to stop a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The notifier's name in the provider block.
    pub notifier: String,
    /// Why, without addresses and secrets.
    pub reason: String,
    /// How many messages were lost for that reason.
    pub times: usize,
}

/// Tells one service of one release. Dropping it ends deliveries that are under way.
pub struct Notifier {
    shared: Arc<Shared>,
    task: Mutex<JoinSet<()>>,
}

/// All notifiers of a release.
#[derive(Debug, Default)]
pub struct Notifiers(BTreeMap<String, Notifier>);

struct Shared {
    name: String,
    target: Target,
    courier: Courier,
    clock: Clock,
    queue: Mutex<Queue>,
    wake: Notify,
    /// How many messages wait or are being delivered.
    pending: watch::Sender<usize>,
    state: Mutex<Option<NotifierState>>,
    warnings: Mutex<Vec<Warning>>,
}

impl Default for Timing {
    /// 5 s for an attempt, pauses of 1, 2 and 4 s, and of at most 30 s where the service asks for one.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
        }
    }
}

impl Notifier {
    /// A notifier. Nothing is sent before the first message.
    ///
    /// # Errors
    /// [`InvalidService`] for whatever can be known to be wrong without connecting.
    pub fn new(
        name: impl Into<String>,
        service: &Service,
        clock: Clock,
        timing: Timing,
    ) -> Result<Self, InvalidService> {
        let target = Target::new(service)?;
        let courier = Courier::new(target.secrets(), target.is_on_loopback(), timing)?;
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.into(),
                target,
                courier,
                clock,
                queue: Mutex::default(),
                wake: Notify::new(),
                pending: watch::Sender::new(0),
                state: Mutex::default(),
                warnings: Mutex::default(),
            }),
            task: Mutex::default(),
        })
    }

    /// Goes on with the message of an earlier apply.
    pub fn restore(&self, state: NotifierState) {
        *lock(&self.shared.state) = Some(state);
    }

    /// Which message is kept up to date: to be kept with the release, so that a later apply edits the same one. None
    /// before something was delivered, and for services that take every event.
    #[must_use]
    pub fn state(&self) -> Option<NotifierState> {
        lock(&self.shared.state).clone()
    }

    /// Puts a message into the queue. Never waits. Must be called within a Tokio runtime; elsewhere it is a warning.
    pub fn send(&self, message: Message) {
        let Ok(runtime) = Handle::try_current() else {
            self.shared.warn("there is nobody to deliver it");
            return;
        };
        let wants = if self.shared.target.takes_all() { Wants::All } else { Wants::Latest };
        {
            let mut queue = lock(&self.shared.queue);
            let before = queue.len();
            queue.push(message, wants);
            let more = queue.len().saturating_sub(before);
            self.shared.pending.send_modify(|pending| *pending += more);
            for _ in 0..queue.take_dropped() {
                self.shared.warn("too many messages were waiting");
            }
        }
        let mut task = lock(&self.task);
        if task.is_empty() {
            task.spawn_on(work(Arc::clone(&self.shared)), &runtime);
        }
        self.shared.wake.notify_one();
    }

    /// Waits until all is delivered or given up, at most until the deadline. What is not delivered by then is a
    /// warning, and is delivered later if there is a later.
    ///
    /// # Cancel safety
    /// Dropping the future loses no message; warnings are given to the next call.
    pub async fn flush(&self, deadline: Instant) -> Vec<Warning> {
        let mut pending = self.shared.pending.subscribe();
        let late = timeout_at(deadline, pending.wait_for(|pending| *pending == 0)).await.is_err();
        if late {
            let count = *self.shared.pending.borrow();
            for _ in 0..count {
                self.shared.warn("there was no time left to deliver it");
            }
        }
        std::mem::take(&mut *lock(&self.shared.warnings))
    }
}

impl Notifiers {
    /// Adds a notifier.
    pub fn insert(&mut self, notifier: Notifier) {
        self.0.insert(notifier.shared.name.clone(), notifier);
    }

    /// Tells all. Never waits.
    pub fn send(&self, message: &Message) {
        self.0.values().for_each(|notifier| notifier.send(message.clone()));
    }

    /// Goes on with the messages of an earlier apply, by the notifiers' names. What cannot be read is passed over.
    pub fn restore(&self, states: &BTreeMap<String, Value>) {
        for (name, state) in states {
            if let (Some(notifier), Some(state)) = (self.0.get(name), NotifierState::read(state)) {
                notifier.restore(state);
            }
        }
    }

    /// What is to be kept with the release, by the notifiers' names.
    #[must_use]
    pub fn states(&self) -> BTreeMap<String, Value> {
        let state = |(name, notifier): (&String, &Notifier)| Some((name.clone(), notifier.state()?.write()));
        self.0.iter().filter_map(state).collect()
    }

    /// Waits until all is delivered or given up, at most until the deadline.
    ///
    /// # Cancel safety
    /// As [`Notifier::flush`].
    pub async fn flush(&self, deadline: Instant) -> Vec<Warning> {
        let flushes = self.0.values().map(|notifier| notifier.flush(deadline));
        join_all(flushes).await.into_iter().flatten().collect()
    }
}

/// Delivers until the notifier is dropped.
async fn work(shared: Arc<Shared>) {
    loop {
        let next = lock(&shared.queue).pop();
        match next {
            None => shared.wake.notified().await,
            Some(message) => {
                for reason in shared.tell(&message).await {
                    shared.warn(&reason);
                }
                shared.pending.send_modify(|pending| *pending = pending.saturating_sub(1));
            }
        }
    }
}

impl Shared {
    /// Tells the service of one message. What could not be delivered, in words.
    async fn tell(&self, message: &Message) -> Vec<String> {
        let told = match &self.target {
            Target::Webhook { url, secret } => self.event(url, secret.as_ref(), message).await,
            Target::SlackBot { token, channel, post, update } => {
                let bot = SlackBot { courier: &self.courier, token, channel, post, update };
                return self.keep_up(&bot, message).await;
            }
            Target::Slack(url) => self.once(url, message, slack).await,
            Target::RocketChat(url) => self.once(url, message, rocket_chat).await,
            Target::Teams(url) => self.once(url, message, teams).await,
        };
        told.err().into_iter().collect()
    }

    /// A service that cannot edit gets the first message of a release, and the loud ones.
    async fn once(&self, url: &Url, message: &Message, render: fn(&Message) -> Value) -> Result<(), String> {
        let release = &message.event.release;
        let begun = lock(&self.state).as_ref().is_some_and(|state| state.is_of(release));
        if begun && !message.event.kind.is_loud() {
            return Ok(());
        }
        let body = render(message).to_string();
        let request = || {
            let request = self.courier.http.post(url.clone());
            request.header("content-type", "application/json").body(body.clone())
        };
        self.courier.deliver(request).await?;
        *lock(&self.state) = Some(NotifierState::new(release, None));
        Ok(())
    }

    /// A service that can edit has one message per release; what is loud is a reply to it.
    async fn keep_up(&self, bot: &SlackBot<'_>, message: &Message) -> Vec<String> {
        let release = &message.event.release;
        let state = lock(&self.state).clone().filter(|state| state.is_of(release));
        let mut lost = Vec::new();
        if let Some(posted) = state.as_ref().and_then(NotifierState::message) {
            match bot.update(posted, slack(message)).await {
                // Told below by a new one.
                Err(NotUpdated::Gone) => {}
                updated => {
                    if let Err(NotUpdated::Failed(reason)) = updated {
                        lost.push(reason);
                    }
                    if message.event.kind.is_loud() {
                        lost.extend(bot.reply(posted, slack_reply(message)).await.err());
                    }
                    return lost;
                }
            }
        }
        match bot.post(slack(message)).await {
            Ok(posted) => *lock(&self.state) = Some(NotifierState::new(release, Some(posted))),
            Err(reason) => lost.push(reason),
        }
        lost
    }

    /// Every event, signed at the time of each attempt.
    async fn event(&self, url: &Url, secret: Option<&SecretString>, message: &Message) -> Result<(), String> {
        let body = event_json(message).to_string();
        let delivery = uuid::Uuid::new_v4().to_string();
        let request = || {
            let timestamp = self.clock.now().as_second().to_string();
            let mut request = self
                .courier
                .http
                .post(url.clone())
                .header("content-type", "application/json")
                .header("x-event", message.event.kind.as_str())
                .header("x-delivery-id", &delivery)
                .header("x-timestamp", &timestamp);
            if let Some(signature) = secret.and_then(|secret| signature(secret, &timestamp, &body)) {
                request = request.header("x-signature-256", signature);
            }
            request.body(body.clone())
        };
        self.courier.deliver(request).await.map(drop)
    }

    /// Keeps a warning, or counts it.
    fn warn(&self, reason: &str) {
        let mut warnings = lock(&self.warnings);
        if let Some(warning) = warnings.iter_mut().find(|warning| warning.reason == reason) {
            warning.times += 1;
        } else if warnings.len() < WARNINGS {
            tracing::warn!(notifier = %self.name, reason, "a message could not be delivered");
            let (notifier, reason) = (self.name.clone(), reason.to_owned());
            warnings.push(Warning { notifier, reason, times: 1 });
        }
    }
}

/// `sha256=` and the HMAC of time and body, so that a delivery cannot be repeated by somebody else later.
fn signature(secret: &SecretString, timestamp: &str, body: &str) -> Option<String> {
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    let digest = mac.finalize().into_bytes();
    Some(digest.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}")))
}

/// A queue or state that a panic left is still one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` could not be told: {}", self.notifier, self.reason)?;
        if self.times > 1 { write!(f, " ({} messages)", self.times) } else { Ok(()) }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_an_hmac_of_time_and_body() {
        let signature = signature(&"key".into(), "1767323045", r#"{"a":1}"#);
        assert_eq!(signature.as_deref(), Some(EXPECTED));
    }

    /// By `printf '%s' '1767323045.{"a":1}' | openssl dgst -sha256 -hmac key`.
    const EXPECTED: &str = "sha256=7a74ddb6c5eee22d6198e210cf7a4aae6004fa7dc07f66752779c1d480cc319f";
}
