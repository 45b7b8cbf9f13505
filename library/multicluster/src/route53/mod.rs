//! Route 53 as it is: zones are read, batches are written, and what became of them is told.
//!
//! ```text
//! Client ─ pace, repetitions, credentials ─┬─ Zone ── read ──▶ Listing ──▶ core: compile, plan ──▶ batches
//!                                          │    └─── apply ◀───────────────────────────────────────┘
//!                                          ├─ health checks, CIDR collections
//!                                          └─ changes: waiting until all servers know
//! ```
//!
//! `multicluster_core::route53` decides what a zone shall hold; here it is read and carried out. The invariant: no
//! write is ever carried out twice, and after each one it is known, or said, whether it took effect.
//!
//! All requests of a [`Client`] keep the pace of an account (five a second) and all writes to a zone go through one
//! queue, in which what arrives together travels in one request. So many names of a zone can be worked on at the same
//! time by callers that know nothing of each other.
//!
//! ```no_run
//! use std::{collections::{BTreeMap, BTreeSet}, error::Error, time::Duration};
//!
//! use multicluster::core::dns::{EndpointName, Node};
//! use multicluster::core::route53::{HealthChecks, Naming, OwnerId, RecordName, Target, Wanted, compile, plan};
//! use multicluster::route53::{Client, Freshness, Run, Settings};
//!
//! async fn publish(tree: &Node, targets: &BTreeMap<EndpointName, Target>) -> Result<(), Box<dyn Error>> {
//!     let client = Client::new(&Settings::default()).await;
//!     let (zone, run) = (client.zone("Z123"), Run::within(Duration::from_secs(300)));
//!     let name = RecordName::new("app.example.com")?;
//!     let around = zone.around(&name, Freshness::Cached, &run).await?;
//!     let naming =
//!         Naming { zone_id: "Z123".into(), zone: around.zone, name: name.clone(), ttl: 60, cidr_collection: None };
//!     let sets = compile(tree, &naming, targets, &HealthChecks::default()).map_err(|problems| format!("{problems:?}"))?;
//!     let (owner, takeover) = (OwnerId::new("shop")?, BTreeSet::new());
//!     let wanted = Wanted { name: &name, sets: &sets, owner: &owner, renamed_from: None, takeover: &takeover };
//!     let plan = plan(&around.listing.sets, &wanted)?;
//!     plan.changes.iter().for_each(|change| println!("{change:?}"));
//!     match zone.apply(&plan.batches, &run).await.error {
//!         Some(error) => Err(error.into()),
//!         None => Ok(()),
//!     }
//! }
//! ```
//!
//! Absent on purpose: any decision about what a zone shall hold, and a cache beyond the life of a client.

mod answer;
mod apply;
mod cache;
mod call;
mod cidr;
mod client;
mod convert;
mod delegation;
mod error;
mod health_checks;
mod insync;
mod listing;
mod messages;
mod pacer;
mod read;
mod retry;
mod run;
mod send;
mod settings;
mod submit;
mod unit;
mod zone;

pub use self::{
    answer::{ClientSubnet, TestAnswer},
    apply::{Applied, ApplyError, Effect},
    cache::Freshness,
    cidr::CidrCollection,
    client::Client,
    convert::OpaqueSet,
    delegation::{DelegationWarning, NameServers, check_delegation},
    error::{CallError, CallFailure},
    health_checks::{ChecksError, HealthCheck, HealthCheckCount, PreparedChecks},
    insync::ChangeId,
    listing::{Listing, Range},
    read::Around,
    run::Run,
    settings::{AssumeRole, Keys, Settings},
    zone::{Zone, ZoneInfo},
};
