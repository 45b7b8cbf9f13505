//! Finds a federation by its name: its members carry the records.

use futures::future::join_all;
use multicluster::federation::observe;
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster_core::federation::inventory::Inventory;
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::{ClusterName, FederationName};
use tfplugin::resource::Imported;
use tfplugin::{Diagnostics, Value};

use crate::config::Clusters;
use crate::validators::sentence;

/// The id by which a federation is imported.
pub(super) fn id(set: &FederationSet) -> String {
    match set.namespace.as_str() {
        DEFAULT_NAMESPACE => set.federation.to_string(),
        namespace => format!("{namespace}/{}", set.federation),
    }
}

/// The import id is the federation's name, after the namespace of its records and a `/` if that is not the default one.
pub(super) async fn import(clusters: &Clusters, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
    let (namespace, name) = id.split_once('/').unwrap_or((DEFAULT_NAMESPACE, id));
    let name = match FederationName::new(name) {
        Ok(name) if !namespace.is_empty() => name,
        other => {
            let why = other.err().map(|error| format!(" {}", sentence(&error))).unwrap_or_default();
            let detail = format!(
                "The id is the federation's name, or `<inventory_namespace>/<name>` if its records are not in \
                 {DEFAULT_NAMESPACE}.{why}"
            );
            diagnostics.error("Invalid import id", detail);
            return None;
        }
    };
    let set = FederationSet::default_of(name.clone(), namespace);
    let names = clusters.names();
    let looks =
        join_all(names.iter().map(async |cluster| (cluster, inventory(clusters, &set, cluster).await))).await;
    let mut members = Vec::new();
    for (cluster, look) in looks {
        match look {
            Ok(Some(inventory)) => members.push((cluster, inventory)),
            Ok(None) => {}
            Err(why) => diagnostics.error(
                format!("Cannot look for the federation on cluster `{cluster}`"),
                format!(
                    "{why} Every cluster of the provider block is asked, since any of them may be a member."
                ),
            ),
        }
    }
    if diagnostics.has_errors() {
        return None;
    }
    let Some(instance) = members.first().map(|(_, inventory)| inventory.instance.clone()) else {
        let asked = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        diagnostics.error(
            format!("There is no federation `{name}`"),
            format!(
                "None of the clusters of the provider block ({asked}) holds a record of it in namespace {namespace}. \
                 Another namespace is given by `<inventory_namespace>/<name>`."
            ),
        );
        return None;
    };
    if let Some((other, _)) = members.iter().find(|(_, inventory)| inventory.instance != instance) {
        diagnostics.error(
            format!("There are two federations `{name}`"),
            format!("The record on `{other}` is of another creation than the first one found."),
        );
        return None;
    }
    Some(Imported { state: state(&set, &instance, &members), private: Vec::new() })
}

async fn inventory(
    clusters: &Clusters,
    set: &FederationSet,
    name: &ClusterName,
) -> Result<Option<Inventory>, String> {
    let member = clusters.member(name, None).await.map_err(|error| sentence(&error))?;
    let observed = observe(&member, set, &MemberDesired::new()).await.map_err(|error| sentence(&error))?;
    Ok(observed.observation.inventory.map(|recorded| recorded.inventory))
}

/// What the records tell. The manifests are not in them: the configuration brings them, and the plan then shows that
/// nothing on the clusters differs.
fn state(set: &FederationSet, instance: &str, members: &[(&ClusterName, Inventory)]) -> Value {
    let text = |text: &str| Value::from(text);
    let labels = |inventory: &Inventory| {
        if inventory.labels.is_empty() {
            return Value::Null;
        }
        Value::map(inventory.labels.iter().map(|(key, value)| (key.clone(), text(value))))
    };
    let entry = |(name, inventory): &(&ClusterName, Inventory)| {
        (name.to_string(), Value::map([("labels", labels(inventory))]))
    };
    Value::map([
        ("name", text(set.federation.as_str())),
        ("id", text(set.federation.as_str())),
        ("uid", text(instance)),
        ("inventory_namespace", text(&set.namespace)),
        ("deletion_protection", Value::from(false)),
        ("members", Value::map(members.iter().map(entry))),
        ("member_names", Value::List(members.iter().map(|(name, _)| text(name.as_str())).collect())),
    ])
}
