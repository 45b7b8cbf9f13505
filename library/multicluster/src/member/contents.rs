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

    /// Finds how a kind is served in any version of its group, the preferred one before others; `None` if it is in none.
    ///
    /// # Errors
    /// [`MemberError`] if the server could not be asked.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn served_as(&self, group: &str, kind: &str) -> Result<Option<ResourceType>, MemberError> {
        if group.is_empty() {
            return self.resource_type("v1", kind).await;
        }
        // The path of a group is that of a group version without the version.
        let path = group_version_path(&format!("{group}/v1"))?;
        let path = path.trim_end_matches("/v1");
        let served = match self.call(Method::GET, path, Payload::None, Quoting::Allowed).await {
            Err(MemberError::UnknownKind | MemberError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let versions = served.pointer("/versions").and_then(Value::as_array);
        let versions = versions.into_iter().flatten().map(|version| text(version, "/groupVersion"));
        for api_version in std::iter::once(text(&served, "/preferredVersion/groupVersion")).chain(versions) {
            if let Some(ty) = self.resource_type(api_version, kind).await? {
                return Ok(Some(ty));
            }
        }
        Ok(None)
    }

    async fn listable(&self, api_version: &str) -> Result<Vec<ResourceType>, MemberError> {
        let path = group_version_path(api_version)?;
        let mut list = match self.call(Method::GET, &path, Payload::None, Quoting::Allowed).await {
            // A group goes with its last definition, which may have been deleted a moment ago.
            Err(MemberError::UnknownKind | MemberError::NotFound { .. }) => return Ok(Vec::new()),
            answer => answer?,
        };
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
        match self.pages(ty, Some(namespace), "").await {
            // A kind that was served a moment ago and is not any more has no objects.
            Err(MemberError::UnknownKind) => Ok(Vec::new()),
            answer => Ok(answer?.items),
        }
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
