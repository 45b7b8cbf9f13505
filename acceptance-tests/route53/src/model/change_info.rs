//! Changes that travel to the name servers.

use std::time::Duration;

/// Whether all name servers answer from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeStatus {
    /// Not yet.
    Pending,
    /// They do.
    Insync,
}

impl ChangeStatus {
    /// `PENDING` or `INSYNC`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Insync => "INSYNC",
        }
    }
}

/// One accepted change. Times count from the start of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeInfo {
    /// Without the `/change/` prefix.
    pub id: String,
    /// When it was accepted.
    pub submitted: Duration,
    /// When it is INSYNC.
    pub insync: Duration,
    /// The comment of the batch.
    pub comment: Option<String>,
}

impl ChangeInfo {
    /// The status at a time since the start.
    pub fn status(&self, now: Duration) -> ChangeStatus {
        if now < self.insync { ChangeStatus::Pending } else { ChangeStatus::Insync }
    }
}
