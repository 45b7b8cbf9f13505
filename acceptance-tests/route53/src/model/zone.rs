//! Hosted zones.

use std::{collections::BTreeSet, sync::Arc};

use serde::Serialize;

use super::{Name, RecordSets};

/// A VPC that a private zone answers in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Vpc {
    /// The Region of the VPC.
    pub region: String,
    /// Such as `vpc-1a2b3c4d`.
    pub id: String,
}

/// A hosted zone with its record sets.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Without the `/hostedzone/` prefix.
    pub id: String,
    /// The apex.
    pub name: Name,
    /// Whether it answers inside VPCs only.
    pub private: bool,
    /// The reference that created it.
    pub caller_reference: String,
    /// Free text, up to 256 characters.
    pub comment: Option<String>,
    /// The VPCs of a private zone.
    pub vpcs: BTreeSet<Vpc>,
    /// The four name servers, as in the zone's NS set, without trailing dots.
    pub name_servers: Vec<String>,
    /// The sets as the API lists them, with changes that are still PENDING.
    pub record_sets: Arc<RecordSets>,
    /// The sets that DNS answers from: those of the last change that is INSYNC.
    pub published: Arc<RecordSets>,
}
