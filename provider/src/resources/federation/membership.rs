//! Who the members of a federation are, for objects that stand alone: the federation's own records tell.

use std::collections::BTreeMap;

use futures::future::join_all;
use multicluster::federation::inventory;
use multicluster_core::federation::identity::FederationSet;
use multicluster_core::names::ClusterName;
use multicluster_core::placement::Labels;
use tfplugin::{Diagnostics, Node, Path, Value};

use super::model::{Shape, set_of};
use super::record::Record;
use crate::config::Clusters;
use crate::validators::sentence;

/// Enters into a plan who the members are: those of the last read, or if there was none, those that are found now.
/// They stay unknown as long as there is no such federation.
pub(super) async fn plan(
    clusters: &Clusters,
    record: &Record,
    prior: &Value,
    planned: &mut Value,
    diagnostics: &mut Diagnostics,
) {
    if Shape::of(planned) == Shape::Federation {
        return;
    }
    let known = prior.get("members").filter(|members| matches!(members, Value::Map(_)));
    let members = match known {
        Some(members) => members.clone(),
        None => {
            let found = find(clusters, record, planned, &BTreeMap::new()).await;
            found.warn(diagnostics);
            found.members
        }
    };
    planned.set("members", members);
}

/// Whether the members are known.
pub(super) fn is_found(value: &Value) -> bool {
    Shape::of(value) == Shape::Federation || matches!(value.get("members"), Some(Value::Map(_)))
}

/// Says, when objects are to be made, that there still is no federation for them.
pub(super) fn missing(value: &Value, diagnostics: &mut Diagnostics) {
    let Some(set) = set_of(value) else { return };
    diagnostics.error_at(
        Path::root().attribute("federation"),
        format!("There is no federation `{}`", set.federation),
        format!(
            "No cluster of the provider block has a record of it in namespace {}. Nothing was changed anywhere. If it \
             is made in the same configuration, refer to it: `federation = multicluster_federation.<its label>.name`.",
            set.namespace
        ),
    );
}

/// Brings the members in a state up to date.
pub(super) async fn refresh(clusters: &Clusters, record: &Record, state: &mut Value) {
    if Shape::of(state) == Shape::Object {
        let node = Node::root(state);
        let before = node.attribute("members").entries();
        let before: BTreeMap<&str, Value> =
            before.into_iter().map(|(name, member)| (name, member.value().clone())).collect();
        let members = find(clusters, record, state, &before).await.members;
        if matches!(members, Value::Map(_)) {
            state.set("members", members);
        }
    }
}

/// What the clusters of the provider block say.
struct Found {
    /// Unknown if none has a record of the federation.
    members: Value,
    /// Those that could not be asked, with the reason.
    silent: Vec<(ClusterName, String)>,
}

impl Found {
    /// Names those that may be members, and get nothing for now.
    fn warn(&self, diagnostics: &mut Diagnostics) {
        for (name, why) in &self.silent {
            let detail = format!(
                "{why} If it is a member of the federation, the first plan after it answers places objects on it."
            );
            let path = Path::root().attribute("federation");
            diagnostics.warning_at(path, format!("Cannot ask cluster `{name}` for the federation"), detail);
        }
    }
}

/// The members by the federation's records. One that does not answer is one if it was one before.
async fn find(clusters: &Clusters, record: &Record, value: &Value, before: &BTreeMap<&str, Value>) -> Found {
    let mut found = Found { members: Value::Unknown, silent: Vec::new() };
    let Some(set) = set_of(value) else { return found };
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
            Err(why) => {
                members.extend(before.get(name.as_str()).map(|it| (name.to_string(), it.clone())));
                found.silent.push((name, why));
            }
        }
    }
    if !(members.is_empty() && before.is_empty()) {
        found.members = Value::map(members);
    }
    found
}

/// The labels that a cluster has as a member; `Err` says why it cannot be asked.
async fn labels_of(
    clusters: &Clusters,
    record: &Record,
    federation: &FederationSet,
    name: &ClusterName,
) -> Result<Option<Labels>, String> {
    let member = clusters.member(name, record.reference(name)).await.map_err(|error| sentence(&error))?;
    let found = inventory(&member, federation).await.map_err(|error| sentence(&error))?;
    Ok(found.map(|inventory| inventory.labels))
}

fn member(labels: &Labels) -> Value {
    let labels = labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Value::map([("labels", Value::map(labels))])
}
