//! A strict emulator of Amazon Route 53.
//!
//! It keeps hosted zones, record sets, health checks and CIDR collections in memory, refuses what the service
//! refuses, and answers DNS queries from what was stored. The invariant: a batch of changes is applied whole or
//! not at all, and whatever a client can read back satisfied every rule when it was written.
//!
//! ```text
//! HTTP ──> api ──> change (pure) ──> model::State ──> model::Snapshot ──> answer (pure) ──> dns, TestDNSAnswer
//!                                        ^
//! control ───────────────────────────────┘   health, log of calls, faults
//! ```
//!
//! It depends on no library crate of the workspace, so that an error of theirs cannot hide in here.

pub mod answer;
mod api;
pub mod change;
mod checks;
mod control;
pub mod dns;
mod emulator;
mod error;
mod facets;
mod log;
pub mod model;
mod tables;
mod xml;

pub use api::{Dropped, Failure, Knobs, Operation};
pub use emulator::{Emulator, Options, StartError};
pub use error::{ErrorCode, ServiceError};
pub use log::Call;
pub use tables::{Place, continent_of, places};
