//! The decisions of multicluster.
//!
//! Everything here is a function of its arguments: no I/O, clock, randomness, environment or files. The same input
//! gives the same answer everywhere, so that a plan shown to a human is the plan that is carried out.

pub mod analysis;
pub mod capacity;
pub mod copies;
pub mod dependencies;
pub mod difference;
pub mod digest;
pub mod dns;
pub mod federation;
pub mod freeze;
pub mod kubefed;
pub mod managed_fields;
pub mod manifest;
pub mod names;
pub mod networking;
pub mod notify;
pub mod object;
pub mod overrides;
pub mod path;
pub mod placement;
pub mod probe;
pub mod provenance;
pub mod rbac;
pub mod readiness;
pub mod release;
pub mod replicas;
pub mod route53;
pub mod scope;
pub mod selector;
pub mod waves;
