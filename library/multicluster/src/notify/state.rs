//! What a notifier remembers from one apply to the next.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the form that this code writes. Others are taken for nothing: then a message is sent anew.
const VERSION: u32 = 1;

/// Which message of which release a notifier keeps up to date. Holds no secret and can be kept with the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifierState {
    version: u32,
    /// The release that was told of.
    release: String,
    /// The message that is edited; none where the service cannot edit.
    message: Option<PostedMessage>,
}

/// A message of Slack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PostedMessage {
    pub(super) channel: String,
    pub(super) ts: String,
}

impl NotifierState {
    pub(super) fn new(release: &str, message: Option<PostedMessage>) -> Self {
        Self { version: VERSION, release: release.to_owned(), message }
    }

    /// Reads what was kept; nothing if it is of another form.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        Self::deserialize(value).ok().filter(|state| state.version == VERSION)
    }

    /// What is to be kept.
    #[must_use]
    pub fn write(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    pub(super) fn is_of(&self, release: &str) -> bool {
        self.release == release
    }

    pub(super) fn message(&self) -> Option<&PostedMessage> {
        self.message.as_ref()
    }
}
