//! What the emulator knows: zones, record sets, health checks, CIDR collections and the health of the world.
//!
//! Pure data. Everything in here is already normalised (names in the form in which the API lists them) and
//! already valid on its own; the rules between record sets live in `change`. Readers that answer queries get a
//! [`Snapshot`], which is cheap to take and never changes.

mod change_info;
mod cidr;
mod health;
mod health_check;
mod name;
mod raw;
mod record_set;
mod record_sets;
mod snapshot;
mod state;
mod zone;

pub use change_info::{ChangeInfo, ChangeStatus};
pub use cidr::{CidrBlock, CidrBlockError, CidrCollection};
pub use health::{Health, WorldHealth};
pub use health_check::{AlarmIdentifier, HealthCheck, HealthCheckConfig, HealthCheckType};
pub use name::{Name, NameError};
pub(crate) use raw::{DATA_FIELDS, POLICY_FIELDS, TTL_MAX};
pub use raw::{
    RawAliasTarget, RawCidrRoutingConfig, RawCoordinates, RawGeoLocation, RawGeoProximityLocation,
    RawRecordSet, RawResourceRecord, RawSetError,
};
pub use record_set::{
    AliasTarget, Coordinate, Data, FailoverRole, GeoproximityPlace, Location, Policy, RecordSet,
    RecordSetKey, RecordType,
};
pub use record_sets::RecordSets;
pub use snapshot::{ServedZone, Snapshot};
pub use state::{State, Store};
pub use zone::{Vpc, Zone};
