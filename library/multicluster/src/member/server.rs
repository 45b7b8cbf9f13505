//! What a server says of itself: version and clock, its nodes and networks, and all kinds that it serves.

use std::collections::BTreeSet;

use http::{HeaderValue, Method, header::ACCEPT};
use jiff::SignedDuration;
use multicluster_core::object::text;
use serde_json::Value;

use super::{
    Member, MemberError, ResourceType, ServerVersion,
    discovery::served,
    message::cut,
    refusal::Quoting,
    request::{Payload, request},
    resource_type::group_version_path,
    skew::skew,
};
use crate::clock::Clock;

/// Asks for all groups with their kinds at once; servers before Kubernetes 1.26 answer with the groups alone.
const AGGREGATED: HeaderValue = HeaderValue::from_static(
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
     application/json",
);

/// The kinds that a server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedKinds {
    /// All kinds in all versions, ordered by group, version and kind.
    pub kinds: BTreeSet<ResourceType>,
    /// API versions whose server did not answer the API server, so that their kinds may be missing here.
    pub stale: BTreeSet<String>,
}

impl Member {
    /// Reads which Kubernetes the server is, and how far its clock is ahead of `clock`; behind, if negative.
    ///
    /// The difference is what is certain: servers write whole seconds, and answers take their time. It is zero if the
    /// clocks may agree, and `None` if the answer carries no date.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn server_version(
        &self,
        clock: &Clock,
    ) -> Result<(ServerVersion, Option<SignedDuration>), MemberError> {
        let request = request(Method::GET, "/version", Payload::None)?;
        let asked = clock.now();
        let answer = self.exchange(request, Quoting::Allowed).await?;
        let skew = skew(asked, clock.now(), answer.headers());
        let version = ServerVersion::parse(answer.body()).ok_or_else(|| {
            MemberError::other("what answers is not a Kubernetes API server: it has no version")
        })?;
        Ok((version, skew))
    }

    /// Reads all nodes, without the parts of them that are large and of no use here.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn nodes(&self) -> Result<Vec<Value>, MemberError> {
        Ok(self.pages_of(&ResourceType::node(), None, "", slim).await?.items)
    }

    /// Reads the ranges of addresses from which Services get theirs; empty where the cluster does not publish them,
    /// which Kubernetes does from 1.33 on.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn service_cidrs(&self) -> Result<Vec<Value>, MemberError> {
        match self.list_all(&ResourceType::service_cidr()).await {
            Err(MemberError::UnknownKind) => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Reads all kinds that the server serves, in all versions: two requests, and one per group version for servers
    /// before Kubernetes 1.26.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn served_kinds(&self) -> Result<ServedKinds, MemberError> {
        let mut all = ServedKinds::default();
        for path in ["/api", "/apis"] {
            let mut request = request(Method::GET, path, Payload::None)?;
            request.headers_mut().insert(ACCEPT, AGGREGATED);
            let answer = self.exchange(request, Quoting::Allowed).await?.into_body();
            if text(&answer, "/kind") == "APIGroupDiscoveryList" {
                aggregated(&answer, &mut all);
            } else {
                for api_version in group_versions(&answer) {
                    self.add_kinds(&api_version, &mut all).await?;
                }
            }
        }
        Ok(all)
    }

    async fn add_kinds(&self, api_version: &str, all: &mut ServedKinds) -> Result<(), MemberError> {
        let path = group_version_path(api_version)?;
        match self.call(Method::GET, &path, Payload::None, Quoting::Allowed).await {
            Ok(list) => all.kinds.extend(served(api_version, &list)),
            // A group goes with its last definition, which may have been deleted a moment ago.
            Err(MemberError::UnknownKind | MemberError::NotFound { .. }) => {}
            // The server behind one group is away; the API server itself has answered.
            Err(MemberError::Unreachable { .. }) => {
                all.stale.insert(cut(api_version));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The kinds in an `APIGroupDiscoveryList`.
fn aggregated(list: &Value, all: &mut ServedKinds) {
    for group in elements(list, "/items") {
        for version in elements(group, "/versions") {
            let (group, name) = (text(group, "/metadata/name"), text(version, "/version"));
            if name.is_empty() {
                continue;
            }
            if text(version, "/freshness") == "Stale" {
                all.stale.insert(cut(&api_version(group, name)));
            }
            let ty = |resource: &Value| ResourceType {
                group: group.to_owned(),
                version: name.to_owned(),
                kind: text(resource, "/responseKind/kind").to_owned(),
                plural: text(resource, "/resource").to_owned(),
                namespaced: text(resource, "/scope") == "Namespaced",
            };
            let named = |ty: &ResourceType| !ty.kind.is_empty() && !ty.plural.is_empty();
            all.kinds.extend(elements(version, "/resources").map(ty).filter(named));
        }
    }
}

/// The group versions of an `APIVersions` or an `APIGroupList`.
fn group_versions(list: &Value) -> Vec<String> {
    let core = elements(list, "/versions").filter_map(Value::as_str);
    let groups = elements(list, "/groups").flat_map(|group| elements(group, "/versions"));
    let named = groups.map(|version| text(version, "/groupVersion"));
    core.chain(named).filter(|version| !version.is_empty()).map(str::to_owned).collect()
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn elements<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A node without its list of images and its managed fields, which are nine tenths of it.
fn slim(mut node: Value) -> Value {
    for (part, field) in [("/metadata", "managedFields"), ("/status", "images"), ("/status", "volumesInUse")]
    {
        if let Some(fields) = node.pointer_mut(part).and_then(Value::as_object_mut) {
            fields.remove(field);
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::nothing(json!(null))]
    #[case::a_list(json!([1, 2]))]
    #[case::strange_items(json!({ "items": [7, { "versions": [{}, 7, { "version": "v1", "resources": [7, {}, { "resource": "x" }] }] }] }))]
    fn strange_lists_hold_no_kinds(#[case] list: Value) {
        let mut all = ServedKinds::default();
        aggregated(&list, &mut all);
        assert_eq!(all, ServedKinds::default());
        assert!(group_versions(&list).is_empty());
    }

    #[test]
    fn a_node_keeps_what_is_looked_at() {
        let node = json!({
            "metadata": { "name": "a", "managedFields": [1] },
            "status": { "images": [1], "allocatable": { "cpu": "1" } },
        });
        let kept = json!({ "metadata": { "name": "a" }, "status": { "allocatable": { "cpu": "1" } } });
        assert_eq!(slim(node), kept);
        assert_eq!(slim(json!(7)), json!(7));
    }
}
