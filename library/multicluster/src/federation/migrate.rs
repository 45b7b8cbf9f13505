//! Makes an adopted object ours alone, so that a field that leaves the manifest leaves the object; and lets go of one
//! that stays, so that nobody meets a trace of us in it.

use multicluster_core::federation::identity::{FEDERATION_LABEL, FederationSet, PART_OF_LABEL};
use multicluster_core::managed_fields::{self, Owners, Rest, migration};
use multicluster_core::object::{ObjectKey, text};
use serde_json::Value;

use super::error::FederationError;
use crate::failpoint;
use crate::member::{Member, MemberError, ResourceType};

/// How often it is tried while others change the object. Controllers write a status now and then, not all the time.
const TRIES: usize = 5;

/// Whose object is to become ours, and in which way.
#[derive(Clone, Copy, Debug)]
pub struct TakeOver<'a> {
    /// The object.
    pub key: &'a ObjectKey,
    /// The UID that it must have.
    pub uid: &'a str,
    /// How its kind is served.
    pub ty: &'a ResourceType,
    /// Whose records are taken over.
    pub from: &'a Owners,
    /// What becomes of the fields that only they own.
    pub rest: Rest,
}

/// Takes over the records of those who wrote an object before us, see [`migration`], and returns the object as it is
/// then: what we own of it has changed. `None` if the object with this UID is gone.
///
/// With [`Rest::Ours`] before the apply that adopts, so that this apply removes what the manifest does not have; with
/// [`Rest::Nobodys`] after it. No field changes but `metadata.managedFields` and, with [`Rest::Ours`], kubectl's
/// last-applied annotation. It may be repeated: where nothing is left to be taken over nothing is written.
///
/// # Errors
/// [`FederationError`]; also if others change the object without a pause.
///
/// # Cancel safety
/// When the future is dropped the records may or may not have been taken over.
pub async fn take_over(
    member: &Member,
    set: &FederationSet,
    what: TakeOver<'_>,
) -> Result<Option<Value>, FederationError> {
    let TakeOver { key, uid, ty, from, rest } = what;
    let doing = || FederationError::with("take over the fields of", key);
    let (namespace, manager) = (key.namespace.as_deref(), set.field_manager());
    let mut tries = 1;
    loop {
        let live = member.get(ty, namespace, &key.name).await.map_err(doing())?;
        let Some(live) = live.filter(|live| text(live, "/metadata/uid") == uid) else { return Ok(None) };
        let Some(patch) = migration(&live, &manager, from, rest) else { return Ok(Some(live)) };
        // It is made of JSON values only.
        let patch = serde_json::to_value(patch).unwrap_or_default();
        failpoint::hit("object-take-over-before");
        match member.patch_json(ty, namespace, &key.name, &patch, &manager).await {
            Ok(object) => {
                failpoint::hit("object-take-over-after");
                return Ok(Some(object));
            }
            Err(MemberError::NotFound { .. }) => return Ok(None),
            Err(MemberError::Changed) if tries < TRIES => tries += 1,
            Err(error) => return Err(doing()(error)),
        }
    }
}

/// Lets go of an object that stays: it keeps what we set, which is nobody's then, and loses our labels. Nothing is done
/// if it is gone.
///
/// # Errors
/// [`FederationError`]; also if others change the object without a pause.
///
/// # Cancel safety
/// When the future is dropped the object may or may not have been let go of.
pub(super) async fn release(
    member: &Member,
    set: &FederationSet,
    ty: &ResourceType,
    key: &ObjectKey,
) -> Result<(), FederationError> {
    let doing = || FederationError::with("release", key);
    let (namespace, manager) = (key.namespace.as_deref(), set.field_manager());
    let mut tries = 1;
    loop {
        let Some(live) = member.get(ty, namespace, &key.name).await.map_err(doing())? else { return Ok(()) };
        let patch = managed_fields::release(&live, &manager, &[PART_OF_LABEL, FEDERATION_LABEL]);
        let Some(patch) = patch else { return Ok(()) };
        // It is made of JSON values only.
        let patch = serde_json::to_value(patch).unwrap_or_default();
        failpoint::hit("object-release-before");
        match member.patch_json(ty, namespace, &key.name, &patch, &manager).await {
            Ok(_) => {
                failpoint::hit("object-release-after");
                return Ok(());
            }
            Err(MemberError::NotFound { .. }) => return Ok(()),
            Err(MemberError::Changed) if tries < TRIES => tries += 1,
            Err(error) => return Err(doing()(error)),
        }
    }
}
