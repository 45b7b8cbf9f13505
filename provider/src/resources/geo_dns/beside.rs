//! What a name needs beside its records: health checks and the ranges of a CIDR collection.

use std::collections::BTreeMap;

use multicluster::route53::{CallError, Run};
use multicluster_core::dns::{EndpointName, Problem};
use multicluster_core::route53::cidr::{Blocks, CollectionPlan, CollectionWay};
use multicluster_core::route53::health_check::{CheckKey, CheckOwner, CheckPlan, CurrentCheck};
use multicluster_core::route53::{HealthCheckId, HealthChecks, OwnerId, RecordName, RecordSet, Target};
use tokio::time::Instant;

use super::GeoDns;
use super::collection;
use super::health_checks::{self, Desired};
use super::model::Model;
use super::state::{self, NEW_COLLECTION};

/// What there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    pub(super) checks: Vec<CurrentCheck>,
    pub(super) collection: collection::Current,
}

/// What there is, what shall be, and the way there.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    pub(super) standing: Standing,
    pub(super) owner: CheckOwner,
    pub(super) desired: Desired,
    pub(super) checks: CheckPlan,
    pub(super) blocks: Blocks,
    pub(super) ranges: CollectionPlan,
}

impl Beside {
    /// Decides. `generation` is that which the name will have.
    pub(super) fn decide(
        model: &Model,
        name: &RecordName,
        targets: &BTreeMap<EndpointName, Target>,
        standing: Standing,
        generation: u64,
    ) -> Result<Self, Vec<Problem>> {
        let owner = health_checks::owner(model, name);
        let desired = health_checks::desired(model, name, targets)?;
        let checks = health_checks::way(&standing.checks, &desired, &owner, generation);
        let blocks = collection::desired(model);
        let ranges = collection::way(&standing.collection, &blocks).map_err(|problem| vec![problem])?;
        Ok(Self { standing, owner, desired, checks, blocks, ranges })
    }

    /// The ids of the health checks, with stand-ins for what is not in `made`.
    pub(super) fn ids(&self, made: &BTreeMap<CheckKey, HealthCheckId>) -> HealthChecks {
        self.checks.health_checks(made)
    }

    /// The id of the CIDR collection that records name, or its stand-in; none if none is needed.
    pub(super) fn collection(&self) -> Option<String> {
        let kept = self.standing.collection.id.clone().filter(|_| self.ranges.way == CollectionWay::InPlace);
        (!self.blocks.is_empty()).then(|| kept.unwrap_or_else(|| NEW_COLLECTION.to_owned()))
    }

    /// The collections that no record names once it names `named`: that which was replaced or is not needed any more, and
    /// one that was left.
    pub(super) fn collections_to_go(&self, named: Option<&str>) -> Vec<String> {
        let collection::Current { id, left, .. } = &self.standing.collection;
        id.iter().chain(left).filter(|it| Some(it.as_str()) != named).cloned().collect()
    }

    /// What becomes of all this, in words.
    pub(super) fn forecast(&self) -> BTreeMap<String, String> {
        let mut forecast = health_checks::forecast(&self.standing.checks, &self.checks);
        forecast.extend(collection::forecast(&self.standing.collection, &self.ranges, &self.blocks));
        forecast
    }

    /// The digest of what will be there.
    pub(super) fn sync(&self, sets: &[RecordSet]) -> String {
        let checks = health_checks::digest_of_desired(&self.desired);
        state::sync(sets, &checks, &collection::digest(&self.blocks))
    }
}

impl Standing {
    /// The digest of what is there.
    pub(super) fn sync(&self, sets: &[RecordSet]) -> String {
        let checks = health_checks::digest_of_current(&self.checks);
        state::sync(sets, &checks, &collection::digest_of_current(&self.collection))
    }
}

/// What is to be looked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) checks: bool,
    pub(super) ranges: bool,
    /// The collection that records name.
    pub(super) named: Option<String>,
}

impl Asked {
    /// What record sets point at.
    pub(super) fn of(sets: &[RecordSet]) -> Self {
        let named = collection::named(sets).map(str::to_owned);
        let checks = sets.iter().any(|set| set.health_check_id.is_some());
        Self { checks, ranges: named.is_some(), named }
    }
}

/// What there is beside the records of a name, as it is now.
pub(super) async fn read(
    shared: &GeoDns,
    owner: &OwnerId,
    name: &RecordName,
    asked: Asked,
    run: &Run,
) -> Result<Standing, CallError> {
    let mut standing = Standing::default();
    let Some(client) = shared.route53.client().await else { return Ok(standing) };
    if asked.checks {
        let owner = CheckOwner { owner: owner.clone(), name: name.clone() };
        standing.checks = health_checks::read(&shared.route53, &owner, Some(Instant::now()), run).await?;
    }
    if asked.ranges {
        let names = collection::Names::of(owner, name);
        standing.collection = collection::read(&client, &names, asked.named.as_deref(), run).await?;
    }
    Ok(standing)
}
