//! Where endpoints are: as configured, or as the objects say that they are at.
//!
//! What was found is kept in the record, so that both plans of a run say the same of it. Only endpoints that answer
//! somebody are looked up: the cluster of a drained one may be gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use multicluster::endpoints::{DiscoverError, Found, Seen, discover, look};
use multicluster::member::Wait;
use multicluster_core::dns::EndpointName;
use multicluster_core::route53::Target;
use tfplugin::{Diagnostics, Path};
use tokio::time::timeout;

use super::model::{Model, Reference, Source};
use super::record::Record;
use crate::config::{Clusters, NoMember};
use crate::validators::sentence;

/// How long a read or a plan looks at one cluster.
const PATIENCE: Duration = Duration::from_secs(20);

/// The targets of the endpoints that answer; none where it is known only after apply.
pub(super) type Targets = BTreeMap<EndpointName, Option<Target>>;

/// How the record is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// All objects are looked at.
    All,
    /// Only those of which nothing is known.
    Unknown,
}

/// What could not be learned.
#[derive(Debug, thiserror::Error)]
enum CannotLook {
    #[error(transparent)]
    NoMember(#[from] NoMember),
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error("the cluster did not answer within {} s", PATIENCE.as_secs())]
    OutOfTime,
}

/// The objects that endpoints are at which answer somebody.
pub(super) fn references(model: &Model) -> Vec<(&EndpointName, &Reference)> {
    let answering = answering(model);
    let references = model.sources.iter().filter_map(|(name, source)| match source {
        Source::Lookup(reference) if answering.contains(name) => Some((name, reference)),
        _ => None,
    });
    references.collect()
}

/// The endpoints that answer somebody.
pub(super) fn answering(model: &Model) -> BTreeSet<EndpointName> {
    model.tree.iter().flat_map(|tree| tree.endpoints()).cloned().collect()
}

/// Looks at objects and notes in the record where they are reached. What cannot be looked at stays as it was, with a
/// warning.
pub(super) async fn refresh(
    clusters: &Clusters,
    model: &Model,
    ask: Ask,
    record: &mut Record,
    diagnostics: &mut Diagnostics,
) {
    let all = references(model);
    let keys = all.iter().map(|(_, reference)| reference.to_string()).collect();
    if ask == Ask::All {
        record.keep_only(&keys);
    }
    let asked = all.iter().filter(|(_, it)| ask == Ask::All || record.found(it).is_none());
    let looks = join_all(asked.map(async |(name, reference)| {
        let look = timeout(PATIENCE, look_at(clusters, reference)).await;
        (*name, *reference, look.unwrap_or(Err(CannotLook::OutOfTime)))
    }));
    for (name, reference, look) in looks.await {
        match look {
            Ok(Seen::Found(found)) => record.find(reference, Some(&found)),
            Ok(Seen::Waiting(_) | Seen::Missing) => record.find(reference, None),
            Err(CannotLook::NoMember(error)) if error.may_come() => {}
            Err(CannotLook::Discover(error @ DiscoverError::NeverExposed { .. })) => {
                record.find(reference, None);
                let title = format!("Endpoint `{name}` has no address");
                diagnostics.error_at(path(name), title, sentence(&error));
            }
            Err(error) => {
                let detail = format!("{} What was last known of it is kept.", sentence(&error));
                diagnostics.warning_at(path(name), format!("Cannot look at endpoint `{name}`"), detail);
            }
        }
    }
}

async fn look_at(clusters: &Clusters, reference: &Reference) -> Result<Seen, CannotLook> {
    let member = clusters.member(&reference.cluster, None).await?;
    Ok(look(&member, &reference.object).await?)
}

/// The targets by what is configured and what is in the record.
pub(super) fn targets(model: &Model, record: &Record, diagnostics: &mut Diagnostics) -> Targets {
    let mut targets = Targets::new();
    for name in answering(model) {
        let target = match model.sources.get(&name) {
            Some(Source::Target(target)) => Some(target.clone()),
            Some(Source::Lookup(reference)) => {
                record.found(reference).and_then(|found| of_found(&name, &found, diagnostics))
            }
            Some(Source::Unknown) | None => None,
        };
        targets.insert(name, target);
    }
    targets
}

/// Waits until all objects have an address. Where one is known from the plan it must be the same still; if its cluster
/// does not answer, it is taken to be.
pub(super) async fn wait(
    clusters: &Clusters,
    model: &Model,
    record: &mut Record,
    wait: &Wait,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<EndpointName, Target> {
    let found = join_all(references(model).into_iter().map(async |(name, reference)| {
        let found = wait_for(clusters, reference, wait).await;
        (name, reference, found)
    }));
    for (name, reference, found) in found.await {
        let before = record.found(reference);
        match (found, before) {
            (Ok(found), Some(before)) if found != before => diagnostics.error_at(
                path(name),
                format!("Endpoint `{name}` has moved since the plan"),
                format!(
                    "{} on cluster `{}` is now at {}, and was at {}. Plan again; nothing was changed.",
                    reference.object,
                    reference.cluster,
                    in_words(&found),
                    in_words(&before)
                ),
            ),
            (Ok(found), _) => record.find(reference, Some(&found)),
            (Err(CannotLook::Discover(DiscoverError::Cancelled)), _) => {
                diagnostics.error("Interrupted", "Nothing was changed.");
            }
            (Err(error), Some(before))
                if !matches!(error, CannotLook::Discover(DiscoverError::Missing { .. })) =>
            {
                let detail =
                    format!("{} It is taken to be at {} still.", sentence(&error), in_words(&before));
                diagnostics.warning_at(path(name), format!("Cannot look at endpoint `{name}`"), detail);
            }
            (Err(error), _) => diagnostics.error_at(
                path(name),
                format!("Endpoint `{name}` has no address"),
                format!("{} Nothing was changed.", sentence(&error)),
            ),
        }
    }
    let mut targets = BTreeMap::new();
    for (name, target) in self::targets(model, record, diagnostics) {
        match target {
            Some(target) => drop(targets.insert(name, target)),
            None if diagnostics.has_errors() => {}
            None => diagnostics.error_at(
                path(&name),
                format!("Endpoint `{name}` has no address"),
                "It is not known even now. Nothing was changed.",
            ),
        }
    }
    targets
}

async fn wait_for(clusters: &Clusters, reference: &Reference, wait: &Wait) -> Result<Found, CannotLook> {
    let member = clusters.member(&reference.cluster, None).await?;
    Ok(discover(&member, &reference.object, wait).await?)
}

/// What an object that is reached there is to a record: a name before addresses, since those of a load balancer with a
/// name change.
fn of_found(name: &EndpointName, found: &Found, diagnostics: &mut Diagnostics) -> Option<Target> {
    let Some(hostname) = found.hostnames.first() else {
        return Some(Target::of_addresses(found.addresses.iter().copied()));
    };
    match Target::of_hostname(hostname, None) {
        Ok(target) => Some(target),
        Err(error) => {
            let title = format!("Endpoint `{name}` is at a name that cannot be used");
            diagnostics.error_at(path(name), title, sentence(&error));
            None
        }
    }
}

fn in_words(found: &Found) -> String {
    let addresses = found.addresses.iter().map(ToString::to_string);
    found.hostnames.iter().cloned().chain(addresses).collect::<Vec<_>>().join(", ")
}

/// The path of an endpoint.
pub(super) fn path(name: &EndpointName) -> Path {
    Path::root().attribute("endpoints").key(name.as_str())
}
