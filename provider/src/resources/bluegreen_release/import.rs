//! Finds a release by its namespace and name: its clusters carry the journal.

use std::collections::BTreeMap;

use futures::future::join_all;
use multicluster::release::{choose, read_one};
use multicluster_core::federation::identity::DEFAULT_NAMESPACE;
use multicluster_core::names::{ClusterName, ReleaseName};
use multicluster_core::release::identity::ReleaseIdentity;
use multicluster_core::release::journal::Journal;
use tfplugin::resource::Imported;
use tfplugin::{Diagnostics, Value};

use super::BluegreenRelease;
use crate::validators::sentence;

/// The import id is `[<inventory_namespace>/]<namespace>/<name>[:<cluster>,…]`. Where clusters are named, only they are asked.
pub(super) async fn import(
    shared: &BluegreenRelease,
    id: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Imported> {
    let Some((identity, named)) = parse(id) else {
        diagnostics.error(
            "Invalid import id",
            format!(
                "The id is `<namespace>/<name>`, `<inventory_namespace>/<namespace>/<name>` if the journal is not in \
                 {DEFAULT_NAMESPACE}, and `<namespace>/<name>:<cluster>,<cluster>` to name its clusters."
            ),
        );
        return None;
    };
    let mut names = shared.clusters.names();
    if let Some(named) = named {
        names.retain(|name| named.contains(&name.as_str()));
    }
    let looks = join_all(names.iter().map(async |name| (name, journal(shared, &identity, name).await))).await;
    let mut journals: BTreeMap<&ClusterName, Journal> = BTreeMap::new();
    for (name, look) in looks {
        match look {
            Ok(Some(journal)) => {
                journals.insert(name, journal);
            }
            Ok(None) => {}
            Err(why) => diagnostics.error(
                format!("Cannot look for the release on cluster `{name}`"),
                format!("{why} Every cluster of the provider block is asked; `{id}:<cluster>,<cluster>` asks only some."),
            ),
        }
    }
    if diagnostics.has_errors() {
        return None;
    }
    let Some(newest) = choose(journals.values(), None) else {
        let asked: Vec<&str> = names.iter().map(ClusterName::as_str).collect();
        diagnostics.error(
            format!("There is no release `{id}`"),
            format!(
                "None of the clusters ({}) holds a journal of it in namespace {}. A workload that no release has made yet is \
                 taken over without an import: with `adopt = \"always\"`.",
                asked.join(", "),
                identity.records
            ),
        );
        return None;
    };
    let clusters = journals.keys().map(|name| Value::from(name.as_str())).collect();
    let state = Value::map([
        ("id", Value::from(format!("{}/{}", identity.namespace, identity.name))),
        ("name", Value::from(identity.name.as_str())),
        ("namespace", Value::from(identity.namespace.as_str())),
        ("inventory_namespace", Value::from(identity.records.as_str())),
        ("clusters", Value::List(clusters)),
        ("uid", Value::from(newest.instance.as_str())),
        ("deletion_protection", Value::from(false)),
    ]);
    Some(Imported { state, private: Vec::new() })
}

fn parse(id: &str) -> Option<(ReleaseIdentity, Option<Vec<&str>>)> {
    let (whole, named) = id.split_once(':').map_or((id, None), |(id, named)| (id, Some(named)));
    let parts: Vec<&str> = whole.split('/').collect();
    let (records, namespace, name) = match parts.as_slice() {
        [namespace, name] => (DEFAULT_NAMESPACE, *namespace, *name),
        [records, namespace, name] => (*records, *namespace, *name),
        _ => return None,
    };
    if records.is_empty() || namespace.is_empty() {
        return None;
    }
    let identity = ReleaseIdentity {
        name: ReleaseName::new(name).ok()?,
        namespace: namespace.to_owned(),
        records: records.to_owned(),
    };
    Some((identity, named.map(|named| named.split(',').map(str::trim).collect())))
}

async fn journal(
    shared: &BluegreenRelease,
    identity: &ReleaseIdentity,
    name: &ClusterName,
) -> Result<Option<Journal>, String> {
    let member = shared.clusters.member(name, None).await.map_err(|error| sentence(&error))?;
    let stored = read_one(&member, identity).await.map_err(|error| sentence(&error))?;
    Ok(stored.map(|stored| stored.journal))
}
