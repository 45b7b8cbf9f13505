//! Route 53: record sets, and the batches of changes that lead from some to others.
//!
//! [`crate::dns`] says who shall be answered by whom; here is what Route 53 must hold to answer so, what it answers
//! from what it holds, and how it is changed without a moment of wrong answers.

pub mod name;
pub mod record_set;
pub mod rules;
pub mod simulate;
#[cfg(test)]
mod testing;
pub mod txt;
mod zone;

pub use self::name::{InvalidRecordName, ListOrder, NameFault};
pub use self::record_set::{
    AliasTarget, Data, Failover, GeoProximity, HealthCheckId, Position, RecordName, RecordSet, RecordType,
    Routing, SetKey,
};
pub use self::rules::{Rule, Violation};
pub use self::simulate::{CidrCollections, Simulation};
pub use self::zone::ZoneFacts;
