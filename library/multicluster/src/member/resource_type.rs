//! What an object is served as: group, version, kind, plural and scope, and the path that follows from them.

use serde::{Deserialize, Serialize};

use super::MemberError;

/// A kind as an API server serves it. Usually discovered ([`Member::resource_type`](super::Member::resource_type)),
/// and written down without discovery for kinds that every cluster has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceType {
    /// Empty for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`, as in paths.
    pub plural: String,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
}

impl ResourceType {
    fn built_in(api_version: &str, kind: &str, plural: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
        }
    }

    /// `v1` `Namespace`.
    #[must_use]
    pub fn namespace() -> Self {
        Self { namespaced: false, ..Self::built_in("v1", "Namespace", "namespaces") }
    }

    /// `v1` `ConfigMap`.
    #[must_use]
    pub fn config_map() -> Self {
        Self::built_in("v1", "ConfigMap", "configmaps")
    }

    /// `v1` `Secret`.
    #[must_use]
    pub fn secret() -> Self {
        Self::built_in("v1", "Secret", "secrets")
    }

    /// `v1` `Pod`.
    #[must_use]
    pub fn pod() -> Self {
        Self::built_in("v1", "Pod", "pods")
    }

    /// `v1` `Node`.
    #[must_use]
    pub fn node() -> Self {
        Self { namespaced: false, ..Self::built_in("v1", "Node", "nodes") }
    }

    /// `networking.k8s.io/v1` `ServiceCIDR`.
    #[must_use]
    pub fn service_cidr() -> Self {
        Self { namespaced: false, ..Self::built_in("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs") }
    }

    /// `apps/v1` `ReplicaSet`.
    #[must_use]
    pub fn replica_set() -> Self {
        Self::built_in("apps/v1", "ReplicaSet", "replicasets")
    }

    /// `coordination.k8s.io/v1` `Lease`.
    #[must_use]
    pub fn lease() -> Self {
        Self::built_in("coordination.k8s.io/v1", "Lease", "leases")
    }

    /// `apiextensions.k8s.io/v1` `CustomResourceDefinition`.
    #[must_use]
    pub fn custom_resource_definition() -> Self {
        Self {
            namespaced: false,
            ..Self::built_in(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "customresourcedefinitions",
            )
        }
    }

    /// `apps/v1`, or `v1` for the core group.
    ///
    /// ```
    /// # use multicluster::member::ResourceType;
    /// assert_eq!(ResourceType::replica_set().api_version(), "apps/v1");
    /// assert_eq!(ResourceType::pod().api_version(), "v1");
    /// ```
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether its objects hold data that may not be quoted in messages.
    pub(super) fn is_secret(&self) -> bool {
        self.group.is_empty() && self.kind == "Secret"
    }

    /// The path of all objects, or of those of one namespace.
    pub(super) fn collection(&self, namespace: Option<&str>) -> Result<String, MemberError> {
        let base = group_version_path(&self.api_version())?;
        let plural = segment("kind", &self.plural)?;
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => {
                Ok(format!("{base}/namespaces/{}/{plural}", segment("metadata.namespace", namespace)?))
            }
            None => Ok(format!("{base}/{plural}")),
        }
    }

    /// The path of one object.
    pub(super) fn object(&self, namespace: Option<&str>, name: &str) -> Result<String, MemberError> {
        if self.namespaced && namespace.is_none_or(str::is_empty) {
            return Err(MemberError::invalid("metadata.namespace", "the kind lives in a namespace"));
        }
        Ok(format!("{}/{}", self.collection(namespace)?, segment("metadata.name", name)?))
    }
}

/// `/api/v1` or `/apis/apps/v1`.
pub(super) fn group_version_path(api_version: &str) -> Result<String, MemberError> {
    match api_version.split_once('/') {
        Some((group, version)) => {
            Ok(format!("/apis/{}/{}", segment("apiVersion", group)?, segment("apiVersion", version)?))
        }
        None => Ok(format!("/api/{}", segment("apiVersion", api_version)?)),
    }
}

/// One segment of a path. Names come from users' manifests: one that is not a plain segment would address something
/// else, so it is refused here as the API server would refuse it.
fn segment(field: &str, text: &str) -> Result<String, MemberError> {
    if text.is_empty() || text == "." || text == ".." || text.contains(['/', '%']) {
        return Err(MemberError::invalid(field, "it must not be empty, `.` or `..`, nor hold `/` or `%`"));
    }
    Ok(percent_encode(text))
}

/// Encodes everything but what RFC 3986 calls unreserved, and `:`, which names of RBAC objects hold.
pub(super) fn percent_encode(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            encoded.push(char::from(byte));
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            encoded.extend(['%', HEX[high], HEX[low]]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::core_namespaced(
        ResourceType::config_map(),
        Some("shop"),
        "web",
        "/api/v1/namespaces/shop/configmaps/web"
    )]
    #[case::group(
        ResourceType::replica_set(),
        Some("shop"),
        "web",
        "/apis/apps/v1/namespaces/shop/replicasets/web"
    )]
    #[case::cluster_scoped(ResourceType::namespace(), None, "shop", "/api/v1/namespaces/shop")]
    #[case::namespace_of_a_cluster_scoped_kind_is_ignored(
        ResourceType::namespace(),
        Some("x"),
        "shop",
        "/api/v1/namespaces/shop"
    )]
    #[case::colons_stay(ResourceType::namespace(), None, "system:node", "/api/v1/namespaces/system:node")]
    #[case::a_query_is_only_a_name(
        ResourceType::namespace(),
        None,
        "a?dryRun=All",
        "/api/v1/namespaces/a%3FdryRun%3DAll"
    )]
    #[case::umlauts(ResourceType::namespace(), None, "ä", "/api/v1/namespaces/%C3%A4")]
    fn paths(
        #[case] ty: ResourceType,
        #[case] namespace: Option<&str>,
        #[case] name: &str,
        #[case] path: &str,
    ) {
        assert_eq!(ty.object(namespace, name), Ok(path.to_owned()));
    }

    #[rstest]
    #[case::climbing("..", "web")]
    #[case::here(".", "web")]
    #[case::slash("a/b", "web")]
    #[case::encoded("a%2fb", "web")]
    #[case::empty_namespace("", "web")]
    #[case::name_climbs("shop", "../x")]
    #[case::no_name("shop", "")]
    fn what_would_address_something_else_is_refused(#[case] namespace: &str, #[case] name: &str) {
        assert!(matches!(
            ResourceType::config_map().object(Some(namespace), name),
            Err(MemberError::Invalid { .. })
        ));
    }

    #[test]
    fn a_namespaced_object_needs_a_namespace() {
        assert!(ResourceType::config_map().object(None, "web").is_err());
        assert_eq!(ResourceType::config_map().collection(None), Ok("/api/v1/configmaps".to_owned()));
    }
}
