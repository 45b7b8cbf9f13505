//! Health checks: what a user says of them, what Route 53 is given, and how they are replaced without a moment in which
//! an endpoint is judged by nothing.
//!
//! | endpoint | its health |
//! |---|---|
//! | one address | a check of that address, with the record's name as `Host` and SNI |
//! | several addresses | a check of each, and a calculated one above them |
//! | load balancer | what AWS knows of its targets; on request also a check of its own name |
//! | host name | a check of that name |
//! | anything, by a CloudWatch alarm | the alarm's state |
//!
//! A check is known by its tags: owner, name, endpoint and address. Its caller reference says the same in short, so that
//! one that was made without its tags, when a run was killed in between, is found again.

mod budget;
mod config;
mod identity;
mod plan;
mod spec;
#[cfg(test)]
mod tests;

pub use self::budget::Budget;
pub use self::config::{
    Alarm, DesiredCheck, HealthCheckConfig, HealthCheckType, InsufficientData, Wish, checks_of,
};
pub use self::identity::{CheckKey, CheckOwner, caller_reference, is_reference_of};
pub use self::plan::{CheckPlan, CheckUpdate, ChildCheck, CurrentCheck, NewCheck, plan_checks};
pub use self::spec::{HealthCheckSpec, Probe, Protocol};
