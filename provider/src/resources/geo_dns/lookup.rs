//! What others than the resource itself want to know of a zone.

use multicluster::route53::{CallError, Client, Freshness, Run};
use multicluster_core::dns::{Place, Shares};
use multicluster_core::route53::simulate::CidrCollections;
use multicluster_core::route53::{RecordName, RecordSet, Routing};
use tfplugin::{Diagnostics, Node, Value};

use super::state;
use super::zone::{self, View, Words};
use crate::validators::sentence;

pub(crate) use super::model::words;
pub(crate) use super::validators::record_name;
pub(crate) use super::zone::{cannot_read, run};

/// All that stands at a name and helps to answer for it, and the ranges that it names.
pub(crate) async fn everything(
    client: &Client,
    zone_id: &str,
    name: &RecordName,
    run: &Run,
) -> Result<(View, CidrCollections), CallError> {
    let zone = client.zone(zone_id);
    let view = zone::view(&zone, None, &[name], Words::All, Freshness::Cached, run).await?;
    let collections = collections(client, &view.sets, run).await?;
    Ok((view, collections))
}

/// The ranges of the CIDR collections that sets name.
pub(super) async fn collections(
    client: &Client,
    sets: &[RecordSet],
    run: &Run,
) -> Result<CidrCollections, CallError> {
    let mut collections = CidrCollections::new();
    for set in sets {
        let Routing::Cidr { collection, .. } = &set.routing else { continue };
        if !collections.contains_key(collection) {
            let blocks = client.cidr_blocks(collection, run).await?;
            let blocks = blocks.into_iter().map(|(location, it)| (location, it.into_iter().collect()));
            collections.insert(collection.clone(), blocks.collect());
        }
    }
    Ok(collections)
}

/// A place by its key.
pub(crate) fn place(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(Place::parse_key) {
        diagnostics.error_at(node.path(), "Unknown place", sentence(&error));
    }
}

/// Shares as `routing` has them.
pub(crate) fn portions(shares: Shares) -> Value {
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort_by(|(a, share), (b, other)| other.cmp(share).then_with(|| a.cmp(b)));
    let portion = |(name, share)| {
        Value::map([("name", Value::from(String::from(name))), ("share", state::share(share))])
    };
    Value::List(shares.into_iter().map(portion).collect())
}
