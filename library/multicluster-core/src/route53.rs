//! Route 53: record sets, and the batches of changes that lead from some to others.
//!
//! [`crate::dns`] says who shall be answered by whom; here is what Route 53 must hold to answer so, what it answers
//! from what it holds, and how it is changed without a moment of wrong answers.

pub mod alias_zones;
pub mod change;
pub mod cidr;
pub mod compile;
pub mod describe;
pub mod health_check;
pub mod import;
pub mod name;
pub mod owner;
pub mod plan;
pub mod record_set;
pub mod rules;
pub mod simulate;
pub mod target;
#[cfg(test)]
mod testing;
pub mod txt;
mod zone;

pub use self::change::{Action, Batch, Change, Size};
pub use self::compile::{HealthChecks, Naming, compile, is_helper_of};
pub use self::describe::{SetChange, SetChangeKind, digest_of_sets};
pub use self::import::{Difference, Imported, Obstacle, import};
pub use self::name::{InvalidRecordName, ListOrder, NameFault};
pub use self::owner::{OwnerId, OwnerMark};
pub use self::plan::{Plan, Refusal, Takeover, Wanted, plan};
pub use self::record_set::{
    AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet, RecordType,
    Routing, SetKey,
};
pub use self::rules::{Rule, Violation};
pub use self::simulate::{CidrCollections, Simulation};
pub use self::target::{Family, InvalidTarget, Target, is_public, not_public};
pub use self::zone::ZoneFacts;
