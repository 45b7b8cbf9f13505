//! Objects of one member that are kept on others.

use multicluster_core::copies::portable;
use multicluster_core::federation::spec::CopyFrom;
use serde_json::Value;

use super::error::{FederationError, Reason};
use crate::member::{Member, MemberError};

/// Reads what is to be copied from the member that has it, without what is specific to that member.
///
/// # Errors
/// [`FederationError`] if it cannot be read, is not there, or is nothing that other members could have.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn copied(member: &Member, copy: &CopyFrom) -> Result<Value, FederationError> {
    let key = &copy.key;
    let doing = || format!("copy {key} of `{}`", member.name);
    let ty = member
        .resource_type(&copy.api_version, &key.kind.kind)
        .await
        .map_err(FederationError::while_(doing()))?
        .ok_or_else(|| FederationError {
            doing: doing(),
            reason: Reason::NoSuchKind { api_version: copy.api_version.clone(), kind: key.kind.kind.clone() },
        })?;
    let found = member.get(&ty, key.namespace.as_deref(), &key.name).await;
    let missing = || MemberError::NotFound { kind: ty.plural.clone(), name: key.name.clone() };
    let live = found.and_then(|live| live.ok_or_else(missing)).map_err(FederationError::while_(doing()))?;
    portable(&live).map_err(|why| FederationError { doing: doing(), reason: Reason::NotPortable(why) })
}
