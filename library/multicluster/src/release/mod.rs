//! Releases over real clusters: observed, decided by `multicluster_core::release`, written down and carried out.
//!
//! ```text
//! take (leases, epoch) ──▶ begin ──▶ { observe ──▶ next ──▶ journal ──▶ actions } ──▶ leases given back
//! ```
//!
//! The journal stands on every cluster before what it says is done, so that whoever reads it goes on, whoever began. Every
//! action may be done twice. What leads traffic says the epoch of who wrote last, and takes no write of an earlier one.

mod act;
mod adopt;
mod apply;
mod engine;
mod error;
mod events;
mod journal;
mod layout;
mod marks;
mod measure;
mod observe;
mod patch;
mod ports;
mod preflight;
mod prepare;
mod progress;
mod read;
mod remove;
mod run;
mod sight;
mod take;
mod view;
mod write;

pub use self::apply::apply;
pub use self::engine::{Engine, Place};
pub use self::error::ReleaseError;
pub use self::journal::{JournalError, Stored, choose, read_one};
pub use self::layout::Layout;
pub use self::ports::{Dns, Metrics, NoMetrics, Progress, Question, Quiet};
pub use self::preflight::{Finding, Severity, preflight};
pub use self::progress::{Event, Kind, events};
pub use self::read::{ClusterReading, Reading, read};
pub use self::remove::{DeletionPolicy, RemoveJob, Removed, remove};
pub use self::run::Outcome;
