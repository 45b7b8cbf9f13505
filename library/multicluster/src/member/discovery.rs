//! Which kinds a cluster serves: one request per group version that is needed, kept until told otherwise.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use http::Method;
use multicluster_core::object::text;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    Member, MemberError, ResourceType, refusal::Quoting, request::Payload, resource_type::group_version_path,
};

type Served = Arc<OnceCell<Vec<ResourceType>>>;

/// What was found so far, by API version. A cell, so that several callers who need one group version ask once.
#[derive(Default)]
pub(super) struct Discovered(RwLock<BTreeMap<String, Served>>);

impl Discovered {
    fn cell(&self, api_version: &str) -> Served {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(api_version.to_owned()).or_default().clone()
    }

    fn forget(&self, api_version: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(api_version);
    }

    fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Member {
    /// Finds how a kind is served, or that it is not.
    ///
    /// Only the one group version is asked for, once. That a kind is absent is not remembered, since a definition may
    /// come at any time.
    ///
    /// # Errors
    /// [`MemberError`] if the server could not be asked.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn resource_type(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<ResourceType>, MemberError> {
        let cell = self.discovered.cell(api_version);
        let served = cell.get_or_try_init(|| self.discover(api_version)).await?;
        let found = served.iter().find(|ty| ty.kind == kind).cloned();
        if found.is_none() {
            self.discovered.forget(api_version);
        }
        Ok(found)
    }

    /// Forgets all that was discovered; for after a definition was created, changed or deleted.
    pub fn forget_discovery(&self) {
        self.discovered.clear();
    }

    async fn discover(&self, api_version: &str) -> Result<Vec<ResourceType>, MemberError> {
        let path = group_version_path(api_version)?;
        match self.call(Method::GET, &path, Payload::None, Quoting::Allowed).await {
            Ok(list) => Ok(served(api_version, &list)),
            Err(MemberError::UnknownKind | MemberError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The kinds in an `APIResourceList`, without subresources.
pub(super) fn served(api_version: &str, list: &Value) -> Vec<ResourceType> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resources = list.pointer("/resources").and_then(Value::as_array);
    resources
        .into_iter()
        .flatten()
        .filter(|resource| {
            let name = text(resource, "/name");
            !name.is_empty() && !name.contains('/') && !text(resource, "/kind").is_empty()
        })
        .map(|resource| ResourceType {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(resource, "/kind").to_owned(),
            plural: text(resource, "/name").to_owned(),
            namespaced: resource.pointer("/namespaced").and_then(Value::as_bool).unwrap_or(false),
        })
        .collect()
}
