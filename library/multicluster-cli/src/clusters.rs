//! The clusters that a command looks at, and the manifests that it knows.

use anyhow::Context as _;
use futures::future::join_all;
use multicluster::clock::Clock;
use multicluster::connection::{Connection, ConnectionKind};
use multicluster::core::federation::render::{Desired, MemberDesired, key_of};
use multicluster::core::manifest;
use multicluster::core::names::ClusterName;
use multicluster::member::Member;

use crate::arguments::Place;

/// One context, and the way to its cluster or why there is none.
pub(crate) struct Cluster {
    pub(crate) context: String,
    pub(crate) member: anyhow::Result<Member>,
}

/// The time, by which credentials expire.
pub(crate) fn clock() -> Clock {
    Clock::new(jiff::Timestamp::now)
}

/// The clusters, in the order of their contexts; one that is named twice is looked at once. Connects nowhere.
pub(crate) async fn clusters(place: &Place) -> Vec<Cluster> {
    let mut contexts = place.context.clone();
    let mut seen = std::collections::BTreeSet::new();
    contexts.retain(|context| seen.insert(context.clone()));
    join_all(contexts.into_iter().map(async |context| {
        let member = member(place, &context).await;
        Cluster { context, member }
    }))
    .await
}

async fn member(place: &Place, context: &str) -> anyhow::Result<Member> {
    let kind =
        ConnectionKind::KubeconfigPath { path: place.kubeconfig.clone(), context: Some(context.to_owned()) };
    let client = Connection::new(kind, clock()).client().await?;
    // The name is for messages only; a context need not be a valid one.
    let name = ClusterName::new(context).or_else(|_| ClusterName::new("member"));
    Ok(Member::new(name.context("a constant")?, client))
}

/// The objects of the manifests that were given. Which cluster each belongs on is not in them, so that they tell only
/// what fields an object has where it is.
pub(crate) fn manifests(place: &Place) -> anyhow::Result<MemberDesired> {
    let mut known = MemberDesired::new();
    for path in &place.manifest {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let objects = manifest::parse(&text).with_context(|| format!("cannot use {}", path.display()))?;
        for object in objects {
            let key = key_of(&object);
            let mut value = object.into_value();
            if let (Some(namespace), Some(metadata)) = (&key.namespace, value.get_mut("metadata")) {
                metadata["namespace"] = namespace.as_str().into();
            }
            known.insert(key, Desired::new("", value));
        }
    }
    Ok(known)
}
