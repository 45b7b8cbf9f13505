//! A federation over real members: observed, applied and removed as `multicluster_core::federation` decides.
//!
//! ```text
//! observe ──▶ core: plan ──▶ carry_out (record first, then objects wave by wave, then readiness, then deletions)
//! ```
//!
//! [`apply`] and [`remove`] work on all members at once. One bad member never holds up the others, and the report
//! says of each what is true now. Nothing here decides what to do; everything here may be cut short at any point,
//! and the record on the member then tells the next apply how far it came.

mod apply;
mod carry_out;
mod concurrent;
mod copies;
mod error;
mod foresee;
mod kinds;
mod leftovers;
mod live;
mod migrate;
mod observe;
mod planned;
mod probe;
mod records;
mod refusals;
mod remove;
mod run;
mod withdraw;

pub use apply::{ApplyJob, MemberJob, MemberReport, Report, apply, reopen_if_abandoned};
pub use copies::copied;
pub use error::{FederationError, Reason};
pub use foresee::{foresee, look_for_differences};
pub use live::live_replicas;
pub use migrate::{TakeOver, take_over};
pub use observe::{Observed, observe};
pub use planned::{Federation, FederationPlan, PlanError, Row, Sight, Survey, explain_all, look_at, survey};
pub use probe::{Before, Candidate, Probed, probe};
pub use records::inventory;
pub use remove::{RemoveJob, remove};
pub use run::{Mode, Run};
pub use withdraw::withdraw;

/// A new identity: of one creation of a federation, or of one holder of leases.
#[must_use]
pub fn new_instance() -> String {
    uuid::Uuid::new_v4().to_string()
}
