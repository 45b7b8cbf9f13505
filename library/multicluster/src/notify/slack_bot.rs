//! Slack's API: a message is posted, changed, and replied to. Every answer is HTTP 200; whether it went well stands in
//! the JSON.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{deliver::Courier, state::PostedMessage};

/// Errors by which a message is not there any more, or can no longer be changed.
const GONE: [&str; 4] =
    ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"];

/// One channel, as a bot sees it.
pub(super) struct SlackBot<'a> {
    pub(super) courier: &'a Courier,
    pub(super) token: &'a SecretString,
    pub(super) channel: &'a str,
    pub(super) post: &'a Url,
    pub(super) update: &'a Url,
}

/// Why a message could not be changed.
pub(super) enum NotUpdated {
    /// It is not there any more.
    Gone,
    /// In words.
    Failed(String),
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
}

impl SlackBot<'_> {
    /// Posts a message.
    pub(super) async fn post(&self, mut payload: Value) -> Result<PostedMessage, String> {
        set(&mut payload, "channel", self.channel);
        let said = self.call(self.post, &payload).await?;
        match (said.channel, said.ts) {
            (Some(channel), Some(ts)) => Ok(PostedMessage { channel, ts }),
            _ => Err("Slack does not say which message it made".to_owned()),
        }
    }

    /// Replies to a message, and shows the reply in the channel too.
    pub(super) async fn reply(&self, to: &PostedMessage, mut payload: Value) -> Result<(), String> {
        set(&mut payload, "channel", to.channel.as_str());
        set(&mut payload, "thread_ts", to.ts.as_str());
        set(&mut payload, "reply_broadcast", true);
        self.call(self.post, &payload).await.map(drop)
    }

    /// Changes a message.
    pub(super) async fn update(&self, message: &PostedMessage, mut payload: Value) -> Result<(), NotUpdated> {
        set(&mut payload, "channel", message.channel.as_str());
        set(&mut payload, "ts", message.ts.as_str());
        match self.call(self.update, &payload).await {
            Ok(_) => Ok(()),
            Err(word) if GONE.contains(&word.as_str()) => Err(NotUpdated::Gone),
            Err(reason) => Err(NotUpdated::Failed(reason)),
        }
    }

    /// What Slack says, or its word for what is wrong.
    async fn call(&self, url: &Url, payload: &Value) -> Result<Said, String> {
        let body = payload.to_string();
        let request = || {
            let request = self.courier.http.post(url.clone()).bearer_auth(self.token.expose_secret());
            request.header("content-type", "application/json; charset=utf-8").body(body.clone())
        };
        let answer = self.courier.deliver(request).await?;
        let said: Said =
            serde_json::from_slice(&answer).map_err(|_| "what answers is not Slack's API".to_owned())?;
        if said.ok {
            return Ok(said);
        }
        Err(self.courier.scrub.line(said.error.as_deref().unwrap_or("Slack refuses without a word")))
    }
}

fn set(payload: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = payload.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}
