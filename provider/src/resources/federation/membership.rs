//! Who the members of a federation are, for objects that stand alone: the federation's own records tell.

use std::collections::BTreeMap;

use futures::future::join_all;
use multicluster::federation::inventory;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::names::ClusterName;
use multicluster_core::placement::Labels;
use tfplugin::{Node, Value};

use super::model::{Shape, set_of};
use super::record::Record;
use crate::config::Clusters;

/// Enters into a plan who the members are: those of the last read, or if there was none, those that are found now.
/// They stay unknown as long as there is no such federation.
pub(super) async fn plan(clusters: &Clusters, record: &Record, prior: &Value, planned: &mut Value) {
    if Shape::of(planned) == Shape::Federation {
        return;
    }
    let known = prior.get("members").filter(|members| matches!(members, Value::Map(_)));
    let members = match known {
        Some(members) => members.clone(),
        None => find(clusters, record, planned, &BTreeMap::new()).await,
    };
    planned.set("members", members);
}

/// Brings the members in a state up to date.
pub(super) async fn refresh(clusters: &Clusters, record: &Record, state: &mut Value) {
    if Shape::of(state) == Shape::Object {
        let node = Node::root(state);
        let before = node.attribute("members").entries();
        let before: BTreeMap<&str, Value> =
            before.into_iter().map(|(name, member)| (name, member.value().clone())).collect();
        let members = find(clusters, record, state, &before).await;
        if matches!(members, Value::Map(_)) {
            state.set("members", members);
        }
    }
}

/// The members by the federation's records. One that does not answer is one if it was one before.
async fn find(clusters: &Clusters, record: &Record, value: &Value, before: &BTreeMap<&str, Value>) -> Value {
    let Some(set) = set_of(value) else { return Value::Unknown };
    let federation = FederationSet::default_of(set.federation, set.namespace);
    let mut names = clusters.names();
    names.extend(record.members.keys().cloned());
    names.sort();
    names.dedup();
    let looks = join_all(names.into_iter().map(async |name| {
        let labels = labels_of(clusters, record, &federation, &name).await;
        (name, labels)
    }));
    let mut members = BTreeMap::new();
    for (name, labels) in looks.await {
        match labels {
            Ok(Some(labels)) => drop(members.insert(name.to_string(), member(&labels))),
            Ok(None) => {}
            Err(()) => members.extend(before.get(name.as_str()).map(|it| (name.to_string(), it.clone()))),
        }
    }
    if members.is_empty() && before.is_empty() { Value::Unknown } else { Value::map(members) }
}

/// The labels that a cluster has as a member; `Err` if it cannot be asked.
async fn labels_of(
    clusters: &Clusters,
    record: &Record,
    federation: &FederationSet,
    name: &ClusterName,
) -> Result<Option<Labels>, ()> {
    let member = clusters.member(name, record.reference(name)).await.map_err(drop)?;
    let found = inventory(&member, federation).await.map_err(drop)?;
    Ok(found.map(|inventory| inventory.labels))
}

fn member(labels: &Labels) -> Value {
    let labels = labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Value::map([("labels", Value::map(labels))])
}
