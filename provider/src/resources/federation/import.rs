//! Finds a federation by its name: its members carry the records.

use futures::future::join_all;
use multicluster::federation::{inventory, new_instance};
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, DEFAULT_SET, FederationSet};
use multicluster_core::federation::inventory::Inventory;
use multicluster_core::names::{ClusterName, ClusterUid, FederationName};
use multicluster_core::placement::Labels;
use tfplugin::resource::Imported;
use tfplugin::{Diagnostics, Value};

use super::record::Record;
use crate::config::Clusters;
use crate::validators::sentence;

/// The id by which a set of objects is imported.
pub(super) fn id(set: &FederationSet) -> String {
    let name = match set.set.as_str() {
        DEFAULT_SET => set.federation.to_string(),
        name => format!("{}/{name}", set.federation),
    };
    match set.namespace.as_str() {
        DEFAULT_NAMESPACE => name,
        namespace => format!("{namespace}/{name}"),
    }
}

/// The import id is `[<inventory_namespace>/]<name>[:<cluster>,…]`. Where clusters are named, only they are asked, and each
/// must have a record.
pub(super) async fn import(clusters: &Clusters, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
    let (whole, named) = id.split_once(':').map_or((id, None), |(id, named)| (id, Some(named)));
    let (namespace, name) = whole.split_once('/').unwrap_or((DEFAULT_NAMESPACE, whole));
    let set = match FederationName::new(name) {
        Ok(name) if !namespace.is_empty() => FederationSet::default_of(name, namespace),
        other => {
            let why = other.err().map(|error| format!(" {}", sentence(&error))).unwrap_or_default();
            let detail = format!(
                "The id is the federation's name, `<inventory_namespace>/<name>` if its records are not in \
                 {DEFAULT_NAMESPACE}, and `<name>:<cluster>,<cluster>` to name its members.{why}"
            );
            diagnostics.error("Invalid import id", detail);
            return None;
        }
    };
    find(clusters, &set, named, diagnostics).await
}

/// The import id is `[<inventory_namespace>/]<federation>/<name>[:<cluster>,…]`.
pub(super) async fn of_object(
    clusters: &Clusters,
    id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Imported> {
    let (whole, named) = id.split_once(':').map_or((id, None), |(id, named)| (id, Some(named)));
    let parts: Vec<&str> = whole.split('/').collect();
    let (namespace, federation, name) = match parts.as_slice() {
        [federation, name] => (DEFAULT_NAMESPACE, *federation, *name),
        [namespace, federation, name] => (*namespace, *federation, *name),
        _ => ("", "", ""),
    };
    match (FederationName::new(federation), FederationName::new(name)) {
        (Ok(federation), Ok(name)) if !namespace.is_empty() && name.as_str() != DEFAULT_SET => {
            let set =
                FederationSet { set: name.to_string(), ..FederationSet::default_of(federation, namespace) };
            find(clusters, &set, named, diagnostics).await
        }
        _ => {
            let detail = format!(
                "The id is `<federation>/<name>`, or `<inventory_namespace>/<federation>/<name>` if the records are not \
                 in {DEFAULT_NAMESPACE}. What `{DEFAULT_SET}` stands for is imported as a `multicluster_federation`."
            );
            diagnostics.error("Invalid import id", detail);
            None
        }
    }
}

async fn find(
    clusters: &Clusters,
    set: &FederationSet,
    named: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<Imported> {
    let mut names = clusters.names();
    if let Some(named) = named {
        let wanted: Vec<&str> = named.split(',').map(str::trim).collect();
        if let Some(stranger) = wanted.iter().find(|name| !names.iter().any(|known| known.as_str() == **name))
        {
            let detail = format!("The provider block has no entry `{stranger}` in `clusters`.");
            diagnostics.error("Invalid import id", detail);
            return None;
        }
        names.retain(|name| wanted.contains(&name.as_str()));
    }
    let title = id(set);
    let looks =
        join_all(names.iter().map(async |cluster| (cluster, recorded(clusters, set, cluster).await))).await;
    let (mut members, mut without) = (Vec::new(), Vec::new());
    for (cluster, look) in looks {
        match look {
            Ok(Some(inventory)) => members.push((cluster, inventory)),
            Ok(None) => without.push(cluster),
            Err(why) => diagnostics.error(
                format!("Cannot look for the federation on cluster `{cluster}`"),
                format!(
                    "{why} Every cluster of the provider block is asked, since any of them may be a member; \
                     `{title}:<cluster>,<cluster>` asks only some."
                ),
            ),
        }
    }
    if diagnostics.has_errors() {
        return None;
    }
    if let (Some(_), Some(stranger), Some(_)) = (named, without.first(), members.first()) {
        diagnostics.error(
            format!("`{stranger}` is no member of `{title}`"),
            format!("It has no record of it in namespace {}, and others have.", set.namespace),
        );
        return None;
    }
    if named.is_some() && members.is_empty() && !without.is_empty() {
        return Some(without_records(set, &without));
    }
    let Some(instance) = members.first().map(|(_, inventory)| inventory.instance.clone()) else {
        let asked = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        diagnostics.error(
            format!("There is no federation `{title}`"),
            format!(
                "None of the clusters of the provider block ({asked}) holds a record of it in namespace {}. \
                 Another namespace is given by `<inventory_namespace>/<name>`. If it is kept by other means so far, name \
                 its members: `{title}:<cluster>,<cluster>`.",
                set.namespace
            ),
        );
        return None;
    };
    if let Some((other, _)) = members.iter().find(|(_, inventory)| inventory.instance != instance) {
        diagnostics.error(
            format!("There are two federations `{title}`"),
            format!("The record on `{other}` is of another creation than the first one found."),
        );
        return None;
    }
    Some(Imported { state: state(set, &instance, &members), private: Vec::new() })
}

/// A federation that is not one yet: its objects are on the named clusters, and whoever made them keeps no record. The
/// plan after the import then shows what is adopted.
fn without_records(set: &FederationSet, members: &[&ClusterName]) -> Imported {
    let instance = new_instance();
    let nothing = |name: &ClusterName| {
        let inventory = Inventory::new(set, &instance, ClusterUid(String::new()), Labels::new());
        (name.clone(), inventory)
    };
    let members: Vec<(ClusterName, Inventory)> = members.iter().map(|name| nothing(name)).collect();
    let members: Vec<(&ClusterName, Inventory)> =
        members.iter().map(|(name, inventory)| (name, inventory.clone())).collect();
    let mut record = Record::default();
    record.without_records = true;
    Imported { state: state(set, &instance, &members), private: record.to_private() }
}

async fn recorded(
    clusters: &Clusters,
    set: &FederationSet,
    name: &ClusterName,
) -> Result<Option<Inventory>, String> {
    let member = clusters.member(name, None).await.map_err(|error| sentence(&error))?;
    inventory(&member, set).await.map_err(|error| sentence(&error))
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
    let mut state = vec![
        ("id", text(&id_in_state(set))),
        ("uid", text(instance)),
        ("inventory_namespace", text(&set.namespace)),
        ("deletion_protection", Value::from(false)),
        ("members", Value::map(members.iter().map(entry))),
        ("member_names", Value::List(members.iter().map(|(name, _)| text(name.as_str())).collect())),
    ];
    match set.set.as_str() {
        DEFAULT_SET => state.push(("name", text(set.federation.as_str()))),
        name => state.extend([("federation", text(set.federation.as_str())), ("name", text(name))]),
    }
    Value::map(state)
}

fn id_in_state(set: &FederationSet) -> String {
    id(&FederationSet { namespace: DEFAULT_NAMESPACE.to_owned(), ..set.clone() })
}
