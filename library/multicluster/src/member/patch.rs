//! Changes to an object that an apply cannot make, such as to the records of who owns its fields.

use http::Method;
use serde_json::Value;

use super::{
    Member, MemberError, ResourceType, objects::quoting, request::Payload, resource_type::percent_encode,
};

impl Member {
    /// Patches an object (RFC 6902), and returns it.
    ///
    /// A patch that must meet the version it was made for replaces `/metadata/resourceVersion` by that version. It is
    /// no use to `test` it: a server answers a test that fails as it answers a patch that is wrong.
    ///
    /// # Errors
    /// [`MemberError::Changed`] if it is in another version; [`NotFound`](MemberError::NotFound) if there is none;
    /// others as for [`Member::apply`].
    ///
    /// # Cancel safety
    /// When the future is dropped the object may or may not have been changed.
    pub async fn patch_json(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        field_manager: &str,
    ) -> Result<Value, MemberError> {
        self.patch(ty, namespace, name, patch, &format!("fieldManager={}", percent_encode(field_manager)))
            .await
    }

    /// What [`Member::patch_json`] would make of an object, by a dry run. Nothing is written.
    ///
    /// # Errors
    /// As for that.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn try_patch_json(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        field_manager: &str,
    ) -> Result<Value, MemberError> {
        let query = format!("fieldManager={}&dryRun=All", percent_encode(field_manager));
        self.patch(ty, namespace, name, patch, &query).await
    }

    async fn patch(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        query: &str,
    ) -> Result<Value, MemberError> {
        let path = ty.object(namespace, name)?;
        // What was valid when it was written is not judged again by the strict rules of an apply.
        self.call(Method::PATCH, &format!("{path}?{query}"), Payload::Patch(patch), quoting(ty)).await
    }
}
