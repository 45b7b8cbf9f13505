//! What a member remembers of a federation's set: written before the objects, so that nothing made is ever lost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::federation::identity::FederationSet;
use crate::names::{ClusterUid, FederationName};
use crate::object::{GroupKind, ObjectKey};
use crate::placement::Labels;

/// The version that this code writes. A higher one is refused, since an old writer would drop what it does not know.
pub const VERSION: u32 = 1;

/// The record of one set on one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Shape of this record.
    pub version: u32,
    /// Whose it is.
    pub federation: FederationName,
    /// Which set of it.
    pub set: String,
    /// Minted by the create that made it. A delete that knows another one does nothing.
    pub instance: String,
    /// The cluster that it was written on.
    pub cluster_uid: ClusterUid,
    /// Whether the last apply came to its end here.
    pub state: State,
    /// Whether the federation was changed since it was made. Then there is a state of it somewhere, and no create may
    /// take it for one that was cut short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
    /// The member's labels, so that an import can tell them.
    pub labels: Labels,
    /// The objects.
    pub objects: Vec<Entry>,
}

/// Whether everything that was intended has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// An apply is running, or ended before its end.
    Incomplete,
    /// All objects are there and were ready.
    Complete,
}

/// One object of an inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Empty for the core group.
    pub group: String,
    /// The version in which it was applied.
    pub version: String,
    /// `Deployment`
    pub kind: String,
    /// `deployments`: what stands in the URL.
    pub plural: String,
    /// Absent for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The entry of `resources` that asked for it.
    pub resource: String,
    /// Absent until the object was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Digest of the object as rendered.
    pub desired: String,
    /// Digest of the fields that we owned right after the last apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned: Option<String>,
    /// Whether the digests of it are made with the member's key, although its kind is not Secret: the user keeps its
    /// content out of the configuration's state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// For a copy: digest of what was copied, with the member's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The replicas that it was given when it was divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// Fields that are left to others, as JSON pointers: `owned` is made without them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignore_fields: BTreeSet<String>,
    /// How it became ours.
    #[serde(default, skip_serializing_if = "Origin::is_made")]
    pub origin: Origin,
    /// How far it is.
    pub phase: Phase,
}

/// How an object became ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// We made it.
    #[default]
    Made,
    /// It was there before us, and the apply that adopts it has not come to its end.
    Adopting,
    /// It was there before us.
    Adopted,
    /// However it became ours, it is to stay when it is not wanted any more.
    Orphan,
}

impl Origin {
    fn is_made(&self) -> bool {
        *self == Self::Made
    }
}

/// How far an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// About to be applied; it may exist or not.
    Pending,
    /// Applied.
    Applied,
    /// About to be deleted; it may be gone or not.
    Removing,
}

/// An inventory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// Not what we write.
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// Written by a later version of this project.
    #[error("it was written by a newer version of the provider (record version {0}); use that version")]
    Newer(u32),
    /// Another federation's record under this name.
    #[error("it belongs to federation `{0}`")]
    Foreign(FederationName),
}

#[derive(Deserialize)]
struct OnlyVersion {
    version: u32,
}

impl Inventory {
    /// An inventory of nothing yet.
    #[must_use]
    pub fn new(set: &FederationSet, instance: &str, cluster_uid: ClusterUid, labels: Labels) -> Self {
        Self {
            version: VERSION,
            federation: set.federation.clone(),
            set: set.set.clone(),
            instance: instance.to_owned(),
            cluster_uid,
            state: State::Incomplete,
            changed: false,
            labels,
            objects: Vec::new(),
        }
    }

    /// Reads the record of `set`.
    ///
    /// # Errors
    /// [`InventoryError`] if it is not one, or not one for this code.
    pub fn parse(set: &FederationSet, text: &str) -> Result<Self, InventoryError> {
        let OnlyVersion { version } = serde_json::from_str(text)?;
        if version > VERSION {
            return Err(InventoryError::Newer(version));
        }
        let inventory: Self = serde_json::from_str(text)?;
        if inventory.federation != set.federation || inventory.set != set.set {
            return Err(InventoryError::Foreign(inventory.federation));
        }
        Ok(inventory)
    }

    /// The record as text.
    ///
    /// # Errors
    /// None in practice: the shape has no maps with other keys than text.
    pub fn to_text(&self) -> Result<String, InventoryError> {
        Ok(serde_json::to_string(self)?)
    }

    /// The entry of an object.
    #[must_use]
    pub fn entry(&self, key: &ObjectKey) -> Option<&Entry> {
        self.objects.iter().find(|entry| entry.is(key))
    }

    /// Adds an entry, in place of one of the same object.
    pub fn put(&mut self, entry: Entry) {
        let key = entry.key();
        match self.objects.iter_mut().find(|other| other.is(&key)) {
            Some(place) => *place = entry,
            None => self.objects.push(entry),
        }
    }

    /// Notes that everything intended has been done; what was being adopted is ours now.
    pub fn complete(&mut self) {
        self.state = State::Complete;
        for entry in self.objects.iter_mut().filter(|entry| entry.origin == Origin::Adopting) {
            entry.origin = Origin::Adopted;
        }
    }

    /// Removes the entry of an object.
    pub fn remove(&mut self, key: &ObjectKey) {
        self.objects.retain(|entry| !entry.is(key));
    }

    /// The kinds it holds as `Kind.group`, sorted: the ApplySet's annotation.
    #[must_use]
    pub fn group_kinds(&self) -> String {
        let mut kinds: Vec<String> = self
            .objects
            .iter()
            .map(|entry| match entry.group.as_str() {
                "" => entry.kind.clone(),
                group => format!("{}.{group}", entry.kind),
            })
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds.join(",")
    }

    /// The namespaces it holds objects in, other than `own`, sorted: the ApplySet's annotation.
    #[must_use]
    pub fn namespaces(&self, own: &str) -> String {
        let mut namespaces: Vec<&str> = self
            .objects
            .iter()
            .filter_map(|entry| entry.namespace.as_deref())
            .filter(|namespace| *namespace != own)
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        namespaces.join(",")
    }
}

impl Entry {
    /// Which object it is.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            kind: GroupKind { group: self.group.clone(), kind: self.kind.clone() },
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether it is this object; cheaper than comparing keys, which matters where thousands are looked through.
    #[must_use]
    pub fn is(&self, key: &ObjectKey) -> bool {
        self.name == key.name
            && self.namespace == key.namespace
            && self.kind == key.kind.kind
            && self.group == key.kind.group
    }

    /// `apps/v1`
    #[must_use]
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::federation::identity::DEFAULT_NAMESPACE;

    pub(crate) fn set() -> FederationSet {
        FederationSet::default_of(FederationName::new("world").unwrap(), DEFAULT_NAMESPACE)
    }

    pub(crate) fn entry(kind: &str, name: &str, desired: &str) -> Entry {
        let (group, plural) = match kind {
            "Deployment" => ("apps", "deployments"),
            "Service" => ("", "services"),
            "Namespace" => ("", "namespaces"),
            _ => ("", "configmaps"),
        };
        Entry {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespace: (kind != "Namespace").then(|| "shop".to_owned()),
            name: name.to_owned(),
            resource: "shop".to_owned(),
            uid: Some(format!("uid-{name}")),
            desired: desired.to_owned(),
            owned: Some(format!("owned-{name}")),
            hidden: false,
            content: None,
            replicas: None,
            ignore_fields: BTreeSet::new(),
            origin: Origin::Made,
            phase: Phase::Applied,
        }
    }

    pub(crate) fn inventory(state: State, objects: Vec<Entry>) -> Inventory {
        let mut inventory = Inventory::new(&set(), "i-1", ClusterUid("u-1".to_owned()), Labels::new());
        inventory.state = state;
        inventory.objects = objects;
        inventory
    }

    #[test]
    fn comes_back_as_it_was_written() {
        let inventory = inventory(State::Complete, vec![entry("Deployment", "web", "d")]);
        let text = inventory.to_text().unwrap();
        assert_eq!(Inventory::parse(&set(), &text).unwrap(), inventory);
    }

    #[test]
    fn a_newer_record_is_refused_even_if_its_shape_is_unknown() {
        let error = Inventory::parse(&set(), r#"{"version":2,"everything":"else"}"#).unwrap_err();
        assert!(matches!(error, InventoryError::Newer(2)), "{error}");
    }

    #[test]
    fn another_federations_record_is_refused() {
        let mut other = inventory(State::Complete, vec![]);
        other.federation = FederationName::new("other").unwrap();
        let error = Inventory::parse(&set(), &other.to_text().unwrap()).unwrap_err();
        assert!(matches!(error, InventoryError::Foreign(_)), "{error}");
    }

    #[test]
    fn the_annotations_name_kinds_and_namespaces_once() {
        let objects =
            vec![entry("Service", "a", "d"), entry("Deployment", "a", "d"), entry("Service", "b", "d")];
        let inventory = inventory(State::Complete, objects);
        assert_eq!(inventory.group_kinds(), "Deployment.apps,Service");
        assert_eq!(inventory.namespaces(DEFAULT_NAMESPACE), "shop");
    }
}
