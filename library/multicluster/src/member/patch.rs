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
        let path = ty.object(namespace, name)?;
        // What was valid when it was written is not judged again by the strict rules of an apply.
        let query = format!("fieldManager={}", percent_encode(field_manager));
        self.call(Method::PATCH, &format!("{path}?{query}"), Payload::Patch(patch), quoting(ty)).await
    }
}
