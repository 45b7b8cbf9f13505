//! All there is of a kind or in a namespace: what has to be known before something that contains it is deleted.

use futures::{StreamExt, TryStreamExt, stream};
use http::Method;
use multicluster_core::object::text;
use serde_json::Value;

use super::{
    Member, MemberError, ResourceType, discovery::served, refusal::Quoting, request::Payload,
    resource_type::group_version_path,
};

/// Group versions that are asked for at a time.
const CONCURRENCY: usize = 8;

impl Member {
    /// Reads all kinds that live in namespaces and can be listed, each in its group's preferred version.
    ///
    /// # Errors
    /// [`MemberError`], also if only one group could not be asked: what is not known is not empty.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn namespaced_types(&self) -> Result<Vec<ResourceType>, MemberError> {
        let groups = self.call(Method::GET, "/apis", Payload::None, Quoting::Allowed).await?;
        let groups = groups.pointer("/groups").and_then(Value::as_array).cloned().unwrap_or_default();
        let preferred = groups.iter().map(|group| text(group, "/preferredVersion/groupVersion").to_owned());
        let versions: Vec<String> = std::iter::once("v1".to_owned()).chain(preferred).collect();
        let types: Vec<Vec<ResourceType>> = stream::iter(versions)
            .map(async |version| self.listable(&version).await)
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        Ok(types.into_iter().flatten().filter(|ty| ty.namespaced).collect())
    }

    async fn listable(&self, api_version: &str) -> Result<Vec<ResourceType>, MemberError> {
        let path = group_version_path(api_version)?;
        let mut list = self.call(Method::GET, &path, Payload::None, Quoting::Allowed).await?;
        if let Some(resources) = list.pointer_mut("/resources").and_then(Value::as_array_mut) {
            resources.retain(|resource| {
                let verbs = resource.pointer("/verbs").and_then(Value::as_array);
                verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"))
            });
        }
        Ok(served(api_version, &list))
    }

    /// Reads all objects of a kind in one namespace.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn list_namespace(
        &self,
        ty: &ResourceType,
        namespace: &str,
    ) -> Result<Vec<Value>, MemberError> {
        Ok(self.pages(ty, Some(namespace), "").await?.items)
    }

    /// Reads all objects of a kind, whoever they belong to. Never a basis for deleting them.
    ///
    /// # Errors
    /// [`MemberError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn list_all(&self, ty: &ResourceType) -> Result<Vec<Value>, MemberError> {
        Ok(self.pages(ty, None, "").await?.items)
    }
}
