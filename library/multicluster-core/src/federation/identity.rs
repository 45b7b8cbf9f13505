//! What marks objects as ours. Everything is derived from the federation's name, so that whoever knows the name
//! finds the objects again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::names::FederationName;

/// Label of every object that an ApplySet holds
/// ([specification](https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-part-of)).
pub const PART_OF_LABEL: &str = "applyset.kubernetes.io/part-of";
/// Label of an ApplySet's parent, here the inventory.
pub const ID_LABEL: &str = "applyset.kubernetes.io/id";
/// Annotation of an ApplySet's parent: who manages it.
pub const TOOLING_ANNOTATION: &str = "applyset.kubernetes.io/tooling";
/// Annotation of an ApplySet's parent: the kinds that it holds.
pub const GROUP_KINDS_ANNOTATION: &str = "applyset.kubernetes.io/contains-group-kinds";
/// Annotation of an ApplySet's parent: namespaces other than its own in which it holds objects.
pub const NAMESPACES_ANNOTATION: &str = "applyset.kubernetes.io/additional-namespaces";
/// Label of objects and records with the federation's name, for people: `kubectl get all -l …`.
pub const FEDERATION_LABEL: &str = "multicluster.dev/federation";
/// Label of what this project made for its own records: inventories, leases and their namespace.
pub const RECORD_LABEL: &str = "multicluster.dev/record";
/// The namespace of our records unless the user chooses another.
pub const DEFAULT_NAMESPACE: &str = "multicluster-system";
/// The set of the objects that stand in the federation's own configuration.
pub const DEFAULT_SET: &str = "default";

/// A federation's set of objects: the unit that has an inventory on every member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederationSet {
    /// The federation.
    pub federation: FederationName,
    /// The namespace of the records.
    pub namespace: String,
    /// `default`, or the name of a separate set.
    pub set: String,
}

impl FederationSet {
    /// The set of the federation's own configuration.
    #[must_use]
    pub fn default_of(federation: FederationName, namespace: impl Into<String>) -> Self {
        Self { federation, namespace: namespace.into(), set: DEFAULT_SET.to_owned() }
    }

    /// The name of the ConfigMap that holds the inventory.
    #[must_use]
    pub fn inventory_name(&self) -> String {
        format!("federation.{}.{}", self.federation, self.set)
    }

    /// The name of the Lease that keeps two applies of the set apart. Each set has its own, so that nobody waits for the
    /// rollouts of others.
    #[must_use]
    pub fn lease_name(&self) -> String {
        match self.set.as_str() {
            DEFAULT_SET => format!("federation.{}", self.federation),
            set => format!("federation.{}.{set}", self.federation),
        }
    }

    /// The field manager of server-side apply.
    #[must_use]
    pub fn field_manager(&self) -> String {
        match self.set.as_str() {
            DEFAULT_SET => format!("multicluster-{}", self.federation),
            // A name has no dot, so that no other federation is called so.
            set => format!("multicluster-{}.{set}", self.federation),
        }
    }

    /// The ApplySet's id: SHA-256 of the parent's name, namespace, kind and group, as KEP-3659 has it.
    #[must_use]
    pub fn applyset_id(&self) -> String {
        let parent = format!("{}.{}.ConfigMap.", self.inventory_name(), self.namespace);
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent.as_bytes())))
    }

    /// The selector of the objects of this set.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{PART_OF_LABEL}={}", self.applyset_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> FederationSet {
        FederationSet::default_of(FederationName::new("world").unwrap(), DEFAULT_NAMESPACE)
    }

    #[test]
    fn the_id_is_a_valid_label_value() {
        let id = world().applyset_id();
        assert_eq!(id.len(), "applyset-".len() + 43 + "-v1".len());
        assert!(id.len() <= 63);
    }

    #[test]
    fn the_longest_name_fits_everywhere() {
        let name = FederationName::new("a".repeat(FederationName::LIMIT)).unwrap();
        let set = FederationSet::default_of(name, DEFAULT_NAMESPACE);
        assert!(set.field_manager().len() <= 128);
        assert!(set.lease_name().len() <= 253);
        assert!(set.inventory_name().len() <= 253);
    }

    #[test]
    fn sets_do_not_wait_for_each_other() {
        let team = |set: &str| FederationSet { set: set.to_owned(), ..world() };
        assert_eq!(world().lease_name(), "federation.world");
        assert_eq!(team("shop").lease_name(), "federation.world.shop");
        assert_ne!(team("shop").lease_name(), team("web").lease_name());
    }

    #[test]
    fn another_namespace_is_another_set() {
        let other = FederationSet { namespace: "elsewhere".to_owned(), ..world() };
        assert_ne!(world().applyset_id(), other.applyset_id());
    }
}
