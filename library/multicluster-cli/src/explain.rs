//! `multicluster explain`: why an object is, or is not, on each cluster.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, anyhow};
use futures::future::{join_all, try_join};
use multicluster::core::federation::identity::FederationSet;
use multicluster::core::federation::inventory::Inventory;
use multicluster::core::federation::render::MemberDesired;
use multicluster::core::object::{GroupKind, ObjectKey};
use multicluster::federation::{FederationError, explain_all, inventory, look_at};
use multicluster::member::{Member, ResourceType};

use crate::Said;
use crate::arguments::ExplainArguments;
use crate::clusters::{Cluster, clusters, manifests};
use crate::kind;

pub(crate) async fn explain(arguments: ExplainArguments) -> anyhow::Result<Said> {
    let ExplainArguments { object, namespace, federation, place } = arguments;
    let set = FederationSet::default_of(federation.0, place.inventory_namespace.clone());
    let known = manifests(&place)?;
    let clusters = clusters(&place).await;
    let served = join_all(clusters.iter().map(async |cluster| served(cluster, &set).await)).await;
    let all: BTreeSet<ResourceType> = served.iter().flatten().flatten().cloned().collect();
    if all.is_empty() {
        let why = served.into_iter().find_map(Result::err);
        return Err(why.unwrap_or_else(|| anyhow!("no cluster serves anything")));
    }
    let meant = kind::find(&object.kind, &all).map_err(|words| anyhow!(words))?;
    let key = key(meant, &object.name, namespace)?;

    let looks = clusters.iter().zip(served).map(async |(cluster, served)| {
        (cluster.context.clone(), look(cluster, served, &set, &key, meant, &known).await)
    });
    let mut answers: BTreeMap<String, Result<_, String>> = BTreeMap::new();
    let mut sights = BTreeMap::new();
    for (context, look) in join_all(looks).await {
        match look {
            Ok(sight) => drop(sights.insert(context, Ok(sight))),
            Err(error) => drop(answers.insert(context, Err(format!("{error:#}")))),
        }
    }
    let explained = explain_all(&set, &key, sights, |_: &String| None);
    answers
        .extend(explained.into_iter().map(|(context, it)| (context, it.map_err(|error| error.to_string()))));

    let mut text = format!("{key}\n");
    let mut well = true;
    for cluster in &clusters {
        let said = match answers.remove(&cluster.context) {
            Some(Ok(explanation)) => {
                well &= explanation.is_well();
                explanation.to_string()
            }
            answer => {
                well = false;
                answer.and_then(Result::err).unwrap_or_default()
            }
        };
        text += &["\n", &cluster.context, ": ", &said, "\n"].concat();
    }
    Ok(Said { text, well })
}

/// The kinds that a cluster serves, and those that a record of the federation on it names.
async fn served(cluster: &Cluster, set: &FederationSet) -> anyhow::Result<BTreeSet<ResourceType>> {
    let member = reached(cluster)?;
    let kinds = async { member.served_kinds().await.context("cannot ask for the kinds that it serves") };
    let record = async { inventory(member, set).await.map_err(anyhow::Error::from) };
    let (kinds, record) = try_join(kinds, record).await?;
    let mut all = kinds.kinds;
    all.extend(record.iter().flat_map(recorded));
    Ok(all)
}

fn recorded(record: &Inventory) -> impl Iterator<Item = ResourceType> {
    record.objects.iter().map(|entry| ResourceType {
        group: entry.group.clone(),
        version: entry.version.clone(),
        kind: entry.kind.clone(),
        plural: entry.plural.clone(),
        namespaced: entry.namespace.is_some(),
    })
}

fn reached(cluster: &Cluster) -> anyhow::Result<&Member> {
    cluster.member.as_ref().map_err(|error| anyhow!("{error:#}"))
}

async fn look(
    cluster: &Cluster,
    served: anyhow::Result<BTreeSet<ResourceType>>,
    set: &FederationSet,
    key: &ObjectKey,
    meant: &ResourceType,
    known: &MemberDesired,
) -> anyhow::Result<multicluster::federation::Sight> {
    let (member, served) = (reached(cluster)?, served?);
    // Each cluster may serve it in versions of its own.
    let here: BTreeSet<ResourceType> =
        served.into_iter().filter(|ty| ty.group == meant.group && ty.kind == meant.kind).collect();
    let ty = kind::most_stable(&here).unwrap_or(meant);
    look_at(member, set, key, &ty.api_version(), known).await.map_err(FederationError::into)
}

fn key(ty: &ResourceType, name: &str, namespace: Option<String>) -> anyhow::Result<ObjectKey> {
    let namespace = match namespace {
        Some(namespace) if !ty.namespaced => {
            return Err(anyhow!("a {} lives in no namespace: leave out `--namespace {namespace}`", ty.kind));
        }
        namespace => ty.namespaced.then(|| namespace.unwrap_or_else(|| "default".to_owned())),
    };
    let kind = GroupKind { group: ty.group.clone(), kind: ty.kind.clone() };
    Ok(ObjectKey { kind, namespace, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_for_kinds_that_live_in_one() {
        let key_of = |ty: &ResourceType, namespace: Option<&str>| {
            key(ty, "web", namespace.map(str::to_owned)).map(|key| key.to_string())
        };
        assert_eq!(key_of(&ResourceType::config_map(), Some("shop")).unwrap(), "ConfigMap shop/web");
        assert_eq!(key_of(&ResourceType::config_map(), None).unwrap(), "ConfigMap default/web");
        assert_eq!(key_of(&ResourceType::namespace(), None).unwrap(), "Namespace web");
        let refused = key_of(&ResourceType::namespace(), Some("shop")).unwrap_err();
        assert_eq!(refused.to_string(), "a Namespace lives in no namespace: leave out `--namespace shop`");
    }
}
