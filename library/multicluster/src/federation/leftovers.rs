//! What would go with a namespace or a definition that is not ours to take.

use multicluster_core::object::text;
use serde_json::Value;

use super::concurrent::some_at_a_time;
use crate::member::{Member, MemberError, ResourceType};

/// Named in a message; the rest is counted.
const NAMED: usize = 5;

/// The objects in a namespace that are neither ours nor the cluster's own furniture.
pub(super) async fn in_namespace(
    member: &Member,
    namespace: &str,
    ours: impl Fn(&Value) -> bool,
) -> Result<Vec<String>, MemberError> {
    let types = member.namespaced_types().await?;
    let lists = types.iter().filter(|ty| !is_noise(ty)).map(|ty| member.list_namespace(ty, namespace));
    let lists: Vec<Vec<Value>> =
        some_at_a_time(lists.collect()).await.into_iter().collect::<Result<_, _>>()?;
    let mut names: Vec<String> = lists
        .iter()
        .flatten()
        .filter(|object| !is_furniture(object, &types) && !ours(object))
        .map(|object| format!("{} {}", text(object, "/kind"), text(object, "/metadata/name")))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The objects of the kind that a definition defines.
pub(super) async fn of_definition(member: &Member, definition: &str) -> Result<Vec<String>, MemberError> {
    let ty = ResourceType::custom_resource_definition();
    let Some(live) = member.get(&ty, None, definition).await? else { return Ok(Vec::new()) };
    let versions = live.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().find(|version| version["served"] == true);
    let Some(version) = served else { return Ok(Vec::new()) };
    let custom = ResourceType {
        group: text(&live, "/spec/group").to_owned(),
        version: text(version, "/name").to_owned(),
        kind: text(&live, "/spec/names/kind").to_owned(),
        plural: text(&live, "/spec/names/plural").to_owned(),
        namespaced: text(&live, "/spec/scope") == "Namespaced",
    };
    let objects = member.list_all(&custom).await?;
    let name = |object: &Value| match text(object, "/metadata/namespace") {
        "" => format!("{} {}", custom.kind, text(object, "/metadata/name")),
        namespace => format!("{} {namespace}/{}", custom.kind, text(object, "/metadata/name")),
    };
    Ok(objects.iter().map(name).collect())
}

/// Some names, for a sentence.
pub(super) fn list(names: &[String]) -> String {
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Kinds that come and go by themselves, or are other views of the same thing.
fn is_noise(ty: &ResourceType) -> bool {
    ty.group == "metrics.k8s.io"
        || ty.group == "events.k8s.io"
        || ty.group.ends_with(".metrics.k8s.io")
        || (ty.group.is_empty() && ["Event", "Endpoints"].contains(&ty.kind.as_str()))
}

/// What the cluster itself puts into every namespace, what belongs to another object in it, and what is on its way out.
/// What belongs to a cluster-scoped object does not go with the namespace's own.
fn is_furniture(object: &Value, namespaced: &[ResourceType]) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owned_here = owners.into_iter().flatten().any(|owner| {
        let group = multicluster_core::object::group_of(text(owner, "/apiVersion"));
        namespaced.iter().any(|ty| ty.group == group && ty.kind == text(owner, "/kind"))
    });
    let named = (text(object, "/kind"), text(object, "/metadata/name"));
    owned_here
        || object.pointer("/metadata/deletionTimestamp").is_some()
        || matches!(named, ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_pod_of_a_replica_set(json!({ "kind": "Pod", "metadata": { "name": "p", "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet" }] } }), true)]
    #[case::something_of_a_cluster_scoped_owner(json!({ "kind": "Pod", "metadata": { "name": "p", "ownerReferences": [{ "apiVersion": "example.com/v1", "kind": "Tenant" }] } }), false)]
    #[case::a_pod_of_nobody(json!({ "kind": "Pod", "metadata": { "name": "p" } }), false)]
    #[case::no_owners(json!({ "kind": "Pod", "metadata": { "name": "p", "ownerReferences": [] } }), false)]
    #[case::going(json!({ "kind": "Pod", "metadata": { "name": "p", "deletionTimestamp": "now" } }), true)]
    #[case::the_clusters_own(json!({ "kind": "ServiceAccount", "metadata": { "name": "default" } }), true)]
    #[case::of_that_name_only(json!({ "kind": "ConfigMap", "metadata": { "name": "default" } }), false)]
    fn furniture(#[case] object: Value, #[case] expected: bool) {
        assert_eq!(is_furniture(&object, &[ResourceType::replica_set(), ResourceType::pod()]), expected);
    }

    #[test]
    fn a_long_list_is_counted() {
        let names: Vec<String> = (0..7).map(|it| format!("Pod p{it}")).collect();
        assert_eq!(list(&names), "Pod p0, Pod p1, Pod p2, Pod p3, Pod p4 and 2 more");
    }
}
