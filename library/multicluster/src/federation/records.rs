//! The federation's own objects on a member: a namespace, the inventory in it, and the lease beside that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use multicluster_core::digest::SecretDigest;
use multicluster_core::federation::identity::{
    FEDERATION_LABEL, FederationSet, GROUP_KINDS_ANNOTATION, ID_LABEL, NAMESPACES_ANNOTATION, RECORD_LABEL,
    TOOLING_ANNOTATION,
};
use multicluster_core::federation::inventory::{Inventory, State};
use multicluster_core::federation::observation::RecordedInventory;
use multicluster_core::object::text;
use serde_json::{Value, json};

use super::error::{FederationError, Reason};
use super::leftovers;
use super::run::Run;
use crate::failpoint;
use crate::lease::LeaseGuard;
use crate::member::{Member, MemberError, Propagation, ResourceType};

/// The key of the inventory in its ConfigMap.
const DATA_KEY: &str = "inventory.json";
/// The key of the key in its Secret.
const KEY_KEY: &str = "key";
/// What the ApplySet specification calls the tooling.
const TOOLING: &str = concat!("multicluster/v", env!("CARGO_PKG_VERSION"));

/// Reads the inventory.
pub(super) async fn read_inventory(
    member: &Member,
    set: &FederationSet,
) -> Result<Option<RecordedInventory>, FederationError> {
    let doing = "read the federation's record";
    let found = member
        .get(&ResourceType::config_map(), Some(&set.namespace), &set.inventory_name())
        .await
        .map_err(FederationError::while_(doing))?;
    let Some(object) = found else { return Ok(None) };
    let written = object.pointer("/data").and_then(|data| data.get(DATA_KEY)).and_then(|it| it.as_str());
    let inventory =
        Inventory::parse(set, written.unwrap_or_default()).map_err(FederationError::while_(doing))?;
    let resource_version = text(&object, "/metadata/resourceVersion").to_owned();
    Ok(Some(RecordedInventory { inventory, resource_version }))
}

/// Reads the record that a member has of a set, and nothing else.
///
/// # Errors
/// [`FederationError`] if it cannot be read, or is none.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn inventory(member: &Member, set: &FederationSet) -> Result<Option<Inventory>, FederationError> {
    Ok(read_inventory(member, set).await?.map(|recorded| recorded.inventory))
}

/// Writes the inventory in place of the revision that was read, and returns the new revision. That somebody else
/// wrote it meanwhile is [`MemberError::Changed`] or [`MemberError::AlreadyExists`].
pub(super) async fn write_inventory(
    member: &Member,
    set: &FederationSet,
    inventory: &Inventory,
    replaces: Option<&str>,
) -> Result<String, FederationError> {
    let doing = "write the federation's record";
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": set.inventory_name(),
            "namespace": set.namespace,
            "labels": {
                ID_LABEL: set.applyset_id(),
                RECORD_LABEL: "inventory",
                FEDERATION_LABEL: set.federation.as_str(),
            },
            "annotations": {
                TOOLING_ANNOTATION: TOOLING,
                GROUP_KINDS_ANNOTATION: inventory.group_kinds(),
                NAMESPACES_ANNOTATION: inventory.namespaces(&set.namespace),
            },
        },
        "data": { DATA_KEY: inventory.to_text().map_err(FederationError::while_(doing))? },
    });
    failpoint::hit("inventory-write-before");
    let manager = set.field_manager();
    let ty = ResourceType::config_map();
    let written = match replaces {
        Some(revision) => {
            object["metadata"]["resourceVersion"] = revision.into();
            member.replace(&ty, &object, &manager).await
        }
        None => member.create(&ty, &object, &manager).await,
    };
    let written = written.map_err(FederationError::while_(doing))?;
    failpoint::hit("inventory-write-after");
    Ok(text(&written, "/metadata/resourceVersion").to_owned())
}

/// Says in the record that an apply has not come to its end, and returns it.
pub(super) async fn reopen(
    member: &Member,
    set: &FederationSet,
) -> Result<Option<Inventory>, FederationError> {
    let Some(RecordedInventory { mut inventory, resource_version }) = read_inventory(member, set).await?
    else {
        return Ok(None);
    };
    inventory.state = State::Incomplete;
    write_inventory(member, set, &inventory, Some(&resource_version)).await?;
    Ok(Some(inventory))
}

/// The key for digests of secrets that the record of the set holds; `None` if none was needed so far.
pub(super) async fn read_key(
    member: &Member,
    set: &FederationSet,
) -> Result<Option<SecretDigest>, FederationError> {
    let found = member
        .get(&ResourceType::secret(), Some(&set.namespace), &set.inventory_name())
        .await
        .map_err(FederationError::while_("read the key for digests of secrets"))?;
    Ok(found.as_ref().and_then(key_of))
}

/// The same, and makes it first if there is none.
pub(super) async fn ensure_key(
    member: &Member,
    set: &FederationSet,
) -> Result<Option<SecretDigest>, FederationError> {
    if let Some(key) = read_key(member, set).await? {
        return Ok(Some(key));
    }
    // 244 random bits of the system's own generator.
    let random = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": set.inventory_name(),
            "namespace": set.namespace,
            "labels": { RECORD_LABEL: "key", FEDERATION_LABEL: set.federation.as_str() },
        },
        "data": { KEY_KEY: STANDARD.encode(random) },
    });
    failpoint::hit("key-create-before");
    let made = member.create(&ResourceType::secret(), &object, &set.field_manager()).await;
    failpoint::hit("key-create-after");
    match made {
        Ok(made) => Ok(key_of(&made)),
        Err(MemberError::AlreadyExists) => read_key(member, set).await,
        Err(error) => Err(FederationError::while_("make the key for digests of secrets")(error)),
    }
}

fn key_of(secret: &Value) -> Option<SecretDigest> {
    let encoded = secret.pointer("/data")?.get(KEY_KEY)?.as_str()?;
    Some(SecretDigest::new(&STANDARD.decode(encoded).ok()?))
}

/// Makes the namespace of the records, unless it is there.
pub(super) async fn ensure_namespace(
    member: &Member,
    set: &FederationSet,
    run: &Run,
) -> Result<(), FederationError> {
    let doing = format!("make namespace {}", set.namespace);
    let ty = ResourceType::namespace();
    let found =
        member.get(&ty, None, &set.namespace).await.map_err(FederationError::while_(doing.as_str()))?;
    if let Some(namespace) = found {
        if namespace.pointer("/metadata/deletionTimestamp").is_none() {
            return Ok(());
        }
        // The last federation has just left.
        let uid = text(&namespace, "/metadata/uid");
        member
            .wait_gone(&ty, None, &set.namespace, uid, &run.wait())
            .await
            .map_err(FederationError::while_(doing.as_str()))?;
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": set.namespace, "labels": { RECORD_LABEL: "namespace" } },
    });
    failpoint::hit("namespace-create-before");
    match member.create(&ty, &object, &set.field_manager()).await {
        Ok(_) | Err(MemberError::AlreadyExists) => {}
        Err(error) => return Err(FederationError::while_(doing)(error)),
    }
    failpoint::hit("namespace-create-after");
    Ok(())
}

/// Removes what the federation keeps on a member, when nothing else of it is left: the namespace with all that is in it,
/// if we made it and nobody else keeps anything there; otherwise the inventory, and the lease last. Either way the
/// inventory is there until one request removes it, so that a removal that is cut short is gone on with.
pub(super) async fn remove(
    member: &Member,
    set: &FederationSet,
    lease: LeaseGuard,
) -> Result<(), FederationError> {
    // Nobody in this process makes records in the namespace between the look and the deletion.
    let _gate = member.records_gate().await;
    match namespace_to_remove(member, set).await? {
        Some(uid) => {
            failpoint::hit("namespace-delete-before");
            member
                .delete(&ResourceType::namespace(), None, &set.namespace, &uid, Propagation::Background)
                .await
                .map_err(FederationError::while_(format!("remove namespace {}", set.namespace)))?;
            failpoint::hit("namespace-delete-after");
            // It goes with the namespace, but who looks before that would find a federation.
            delete_inventory(member, set).await?;
        }
        None => {
            match delete_own(member, set, &ResourceType::secret()).await {
                // Who may not see secrets here has never needed a key.
                Err(FederationError { reason: Reason::Member(MemberError::Forbidden { .. }), .. }) => {}
                deleted => deleted?,
            }
            delete_inventory(member, set).await?;
            lease.delete().await;
        }
    }
    Ok(())
}

/// The UID of the namespace of the records, if it can go: it is ours, and holds nothing but this federation's records.
async fn namespace_to_remove(
    member: &Member,
    set: &FederationSet,
) -> Result<Option<String>, FederationError> {
    let doing = format!("look into namespace {}", set.namespace);
    let found = member.get(&ResourceType::namespace(), None, &set.namespace).await;
    let found = found.map_err(FederationError::while_(doing.as_str()))?;
    let label =
        |object: &Value| object.pointer("/metadata/labels").and_then(|it| it.get(RECORD_LABEL)).is_some();
    let Some(namespace) = found.filter(label) else { return Ok(None) };
    let (inventory, lease) = (set.inventory_name(), set.lease_name());
    let ours = |object: &Value| {
        let named = (text(object, "/kind"), text(object, "/metadata/name"));
        named == ("ConfigMap", inventory.as_str())
            || named == ("Secret", inventory.as_str())
            || named == ("Lease", lease.as_str())
    };
    let others = match leftovers::in_namespace(member, &set.namespace, ours).await {
        // Who may not see all that is in it does not know that nobody needs it.
        Err(MemberError::Forbidden { .. }) => return Ok(None),
        others => others.map_err(FederationError::while_(doing.as_str()))?,
    };
    Ok(others.is_empty().then(|| text(&namespace, "/metadata/uid").to_owned()))
}

async fn delete_inventory(member: &Member, set: &FederationSet) -> Result<(), FederationError> {
    failpoint::hit("inventory-delete-before");
    delete_own(member, set, &ResourceType::config_map()).await?;
    failpoint::hit("inventory-delete-after");
    Ok(())
}

/// Deletes the record of this kind.
async fn delete_own(member: &Member, set: &FederationSet, ty: &ResourceType) -> Result<(), FederationError> {
    let doing = "remove the federation's record";
    let name = set.inventory_name();
    let found = member.get(ty, Some(&set.namespace), &name).await.map_err(FederationError::while_(doing))?;
    if let Some(object) = found {
        let uid = text(&object, "/metadata/uid");
        member
            .delete(ty, Some(&set.namespace), &name, uid, Propagation::Background)
            .await
            .map_err(FederationError::while_(doing))?;
    }
    Ok(())
}

/// The names of the other sets of the federation that have a record on the member.
///
/// # Errors
/// [`FederationError`] if they cannot be listed.
pub(super) async fn other_sets(member: &Member, set: &FederationSet) -> Result<Vec<String>, FederationError> {
    let records = member
        .list_namespace(&ResourceType::config_map(), &set.namespace)
        .await
        .map_err(FederationError::while_("list the federation's records"))?;
    let prefix = format!("federation.{}.", set.federation);
    let labels = |record: &Value, name: &str| {
        record.pointer("/metadata/labels").and_then(|it| it.get(name)?.as_str().map(str::to_owned))
    };
    Ok(records
        .iter()
        .filter(|record| labels(record, RECORD_LABEL).as_deref() == Some("inventory"))
        .filter(|record| labels(record, FEDERATION_LABEL).as_deref() == Some(set.federation.as_str()))
        .filter_map(|record| text(record, "/metadata/name").strip_prefix(&prefix))
        .filter(|name| *name != set.set)
        .map(str::to_owned)
        .collect())
}
