//! Who writes against us: a controller that still runs and puts back its own.
//!
//! Two that both correct never come to rest, and a plan that shows the same drift for ever does not tell why.

use std::collections::BTreeMap;

use serde_json::Value;

use super::managers::{entries, owners_of};
use super::{Owner, owners};
use crate::managed_fields::lost;

/// A controller that changed, after our last apply, what we want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fight {
    /// Who.
    pub owner: Owner,
    /// Which of our fields it has taken, in words: `spec.replicas`.
    pub fields: Vec<String>,
}

/// The controller that writes against the field manager `ours`, if there is one: it took fields of `desired` over (the
/// object as it was applied, our own labels included) no earlier than our last apply changed something. With several,
/// the one that took most.
///
/// Only controllers count, which will do it again: see [`Owner::is_controller`]. A person's edit is drift and no fight.
///
/// # Examples
/// ```
/// use multicluster_core::provenance::fights;
/// use serde_json::json;
///
/// let live = json!({
///     "metadata": { "managedFields": [
///         { "manager": "us", "operation": "Apply", "time": "2026-03-01T10:00:00Z",
///           "fieldsV1": { "f:spec": { "f:paused": {} } } },
///         { "manager": "argocd-controller", "operation": "Apply", "time": "2026-03-01T10:03:00Z",
///           "fieldsV1": { "f:spec": { "f:replicas": {} } } }
///     ] },
///     "spec": { "replicas": 5, "paused": false }
/// });
/// let desired = json!({ "spec": { "replicas": 3, "paused": false } });
/// let fight = fights(&live, "us", &desired).unwrap();
/// assert_eq!((fight.owner.to_string().as_str(), fight.fields), ("Argo CD", vec!["spec.replicas".to_owned()]));
/// ```
#[must_use]
pub fn fights(live: &Value, ours: &str, desired: &Value) -> Option<Fight> {
    // API servers write all times alike, so that comparing text is comparing times.
    let applied = entries(live).filter(|entry| entry.is_apply && entry.manager == ours);
    let applied = applied.map(|entry| entry.time).filter(|time| !time.is_empty()).max()?;
    let known = owners(live);
    let detailed = |owner: Owner| {
        let same = known.iter().find(|known| owner.is_vague() && known.is_same_system(&owner));
        same.cloned().unwrap_or(owner)
    };
    let later: BTreeMap<&str, Owner> = entries(live)
        .filter(|entry| entry.manager != ours && entry.time >= applied)
        .filter_map(|entry| {
            let owner = owners_of(entry.manager, &known).into_iter().find(Owner::is_controller)?;
            Some((entry.manager, detailed(owner)))
        })
        .collect();
    let has_kubefed = known.contains(&Owner::KubeFed);
    let mut taken: BTreeMap<Owner, Vec<String>> = BTreeMap::new();
    for field in lost(desired, live, ours) {
        let owner = if field.live.is_some() {
            field.owners.iter().find_map(|manager| later.get(manager.as_str()).cloned())
        } else {
            // Who removes a field leaves no trace. KubeFed replaces whole objects, and so removes our labels.
            (has_kubefed && field.path.starts_with("metadata.labels")).then_some(Owner::KubeFed)
        };
        if let Some(owner) = owner {
            taken.entry(owner).or_default().push(field.path);
        }
    }
    let most = taken.into_iter().max_by_key(|(_, fields)| fields.len());
    most.map(|(owner, fields)| Fight { owner, fields })
}
