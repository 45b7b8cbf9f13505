//! The least permissions with which a federation can be kept on a member, as a role and as questions to a server.
//!
//! Invariant: the role and the questions come from one list, so that who has the role is denied nothing, and nothing
//! stands in the role that is not asked for. There are no wildcards.
//!
//! | what is done | verbs |
//! |---|---|
//! | find the objects, by label over all namespaces | `list` |
//! | look at one, plan | `get` |
//! | server-side apply, and its dry run | `patch`, and `create` for what is not there yet |
//! | wait until it is ready or gone | `watch` |
//! | delete | `delete` |
//!
//! Absent on purpose: whose the role is. Bindings name users, and those are the administrator's business.

mod grants;
mod policy_rule;
mod roles;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub use self::grants::checks;
pub use self::policy_rule::PolicyRule;
pub use self::roles::required_role;
pub use self::yaml::to_yaml;
use crate::names::FederationName;
use crate::object::{Manifest, group_of, text};
use crate::scope::is_namespace;

/// The API group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

/// What a federation does on one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Which federation; the roles are named after it.
    pub federation: FederationName,
    /// Which set of it, if it is not the federation's own one; then the roles are named after that as well.
    pub set: Option<String>,
    /// How far it goes.
    pub work: Work,
    /// The namespace of its records. The administrator makes it, together with the role in it.
    pub records_namespace: String,
    /// The kinds of its objects, and where those are.
    pub kinds: BTreeMap<Resource, BTreeSet<Place>>,
    /// The API versions of its objects (`apps/v1`), which are looked up.
    pub api_versions: BTreeSet<String>,
    /// Namespaces that are among its objects. A role cannot stand in them before they are there.
    pub created_namespaces: BTreeSet<String>,
    /// The roles that its bindings give to somebody.
    pub bound_roles: BTreeSet<BoundRole>,
    /// Objects that are copied from this member to others.
    pub copy_sources: BTreeSet<CopySource>,
    /// What else is read.
    pub features: BTreeSet<Feature>,
}

/// How far the work on a member goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A plan that only reads.
    Read,
    /// A plan that asks the server what would change. A server allows that to those who may write.
    DryRun,
    /// A plan and its apply.
    Apply,
}

/// A kind as RBAC names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// `deployments`.
    pub plural: String,
}

/// Where objects of a kind are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Anywhere, under any name.
    Cluster,
    /// In no namespace, under this name.
    Named(String),
    /// In this namespace, under any name.
    Namespace(String),
}

/// A role that a binding gives to somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundRole {
    /// `roles` or `clusterroles`.
    pub plural: &'static str,
    /// The name of the role.
    pub name: String,
    /// The namespace of the binding; absent for a ClusterRoleBinding.
    pub namespace: Option<String>,
}

/// An object that is copied to other members.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopySource {
    /// Its kind.
    pub resource: Resource,
    /// Absent for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Something that is read beside the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// What the nodes offer, to divide replicas by it.
    Capacity,
    /// The networks of nodes, pods and services, to find overlaps.
    Networks,
    /// A key for digests of content that is secret whatever its kind: of copies, and of what is write-only.
    Confidential,
    /// Events, to say why a workload does not become ready.
    Events,
}

/// A question to a server, as a `SelfSubjectAccessReview` asks it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessCheck {
    /// Empty for the core group.
    pub group: String,
    /// `deployments`.
    pub resource: String,
    /// `get`, `list`, …
    pub verb: String,
    /// Absent: in all namespaces, or of a kind without namespaces.
    pub namespace: Option<String>,
    /// Absent: under any name.
    pub name: Option<String>,
}

impl Needs {
    /// The needs of a federation without objects.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::{names::FederationName, rbac::{checks, Needs, Work}};
    /// use serde_json::json;
    ///
    /// let mut needs = Needs::new(FederationName::new("world").unwrap(), Work::Read, "multicluster-system");
    /// let settings = json!({
    ///     "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "shop" }
    /// });
    /// needs.add(&settings, "configmaps");
    /// let asked: Vec<String> = checks(&needs).iter().map(ToString::to_string).collect();
    /// assert!(asked.contains(&"list configmaps in all namespaces".to_owned()));
    /// assert!(asked.contains(&"get configmaps in namespace `shop`".to_owned()));
    /// ```
    #[must_use]
    pub fn new(federation: FederationName, work: Work, records_namespace: impl Into<String>) -> Self {
        Self {
            federation,
            set: None,
            work,
            records_namespace: records_namespace.into(),
            kinds: BTreeMap::new(),
            api_versions: BTreeSet::new(),
            created_namespaces: BTreeSet::new(),
            bound_roles: BTreeSet::new(),
            copy_sources: BTreeSet::new(),
            features: BTreeSet::new(),
        }
    }

    /// Adds what one object needs. It is namespaced if it says a namespace; `plural` is what its kind is served as.
    /// What is no object needs nothing.
    pub fn add(&mut self, object: &Value, plural: &str) {
        let Ok(manifest) = Manifest::new(object.clone()) else { return };
        let key = manifest.key();
        let resource = Resource { group: key.kind.group.clone(), plural: plural.to_owned() };
        let place = match &key.namespace {
            Some(namespace) => Place::Namespace(namespace.clone()),
            None => Place::Named(key.name.clone()),
        };
        self.kinds.entry(resource).or_default().insert(place);
        self.api_versions.insert(manifest.api_version().to_owned());
        if is_namespace(&key.kind) {
            self.created_namespaces.insert(key.name.clone());
        }
        let plural = match text(object, "/roleRef/kind") {
            "Role" => "roles",
            "ClusterRole" => "clusterroles",
            _ => return,
        };
        let name = text(object, "/roleRef/name");
        let binds = ["RoleBinding", "ClusterRoleBinding"].contains(&manifest.kind())
            && group_of(manifest.api_version()) == RBAC;
        if binds && !name.is_empty() {
            let bound = BoundRole { plural, name: name.to_owned(), namespace: key.namespace };
            self.bound_roles.insert(bound);
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plural)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

/// ``patch deployments.apps in namespace `shop` ``, ``get namespaces `kube-system` ``.
impl fmt::Display for AccessCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = Resource { group: self.group.clone(), plural: self.resource.clone() };
        write!(f, "{} {resource}", self.verb)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match (&self.namespace, &self.name) {
            (Some(namespace), _) => write!(f, " in namespace `{namespace}`"),
            (None, Some(_)) => Ok(()),
            (None, None) => f.write_str(" in all namespaces"),
        }
    }
}
