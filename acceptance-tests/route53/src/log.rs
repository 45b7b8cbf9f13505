//! The log of calls.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// The oldest calls are forgotten beyond this many, so that an emulator that runs for days stays small.
const KEPT: usize = 100_000;

/// One call of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// When it arrived, in milliseconds since the start.
    pub at_ms: u64,
    /// How long the emulator worked on it, in milliseconds, without delays that a test asked for.
    pub took_ms: u64,
    /// The operation; method and path where there is none.
    pub operation: String,
    /// The hosted zone that it names.
    pub zone: Option<String>,
    /// The HTTP status of the reply.
    pub status: u16,
    /// For ChangeResourceRecordSets that was accepted: the number of changes.
    pub changes: Option<usize>,
    /// Whether the reply was dropped.
    pub dropped: bool,
}

/// The calls since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<VecDeque<Call>>);

impl CallLog {
    pub(crate) fn push(&self, call: Call) {
        let mut calls = self.lock();
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
