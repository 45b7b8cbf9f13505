//! Who has a live object now: which tool made it or keeps it, in words for people, and who still writes it against us.
//!
//! What tools write on purpose, labels, annotations and owner references, tells most; the names of field managers tell
//! the rest. A name alone is weak evidence where several programs share it.
//!
//! Invariant: a foreign object, however malformed, never panics; what cannot be read tells nothing.

mod fights;
mod managers;
mod marks;

use std::fmt;

use serde_json::Value;

pub use self::fights::{Fight, fights};

/// Whoever has an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Owner {
    /// A federation of this project, by its name.
    Federation(String),
    /// KubeFed.
    KubeFed,
    /// Karmada, with its `Work` as `namespace/name` where known.
    Karmada(Option<String>),
    /// Open Cluster Management, with its `AppliedManifestWork` where known.
    Ocm(Option<String>),
    /// KubeFleet, with its `AppliedWork` where known.
    KubeFleet(Option<String>),
    /// Argo CD.
    ArgoCd {
        /// The application, with its namespace if it says one; absent where only the field manager tells.
        application: Option<String>,
    },
    /// Flux.
    Flux {
        /// `Kustomization`, `HelmRelease`; absent where only the field manager tells.
        kind: Option<&'static str>,
        /// `namespace/name` of that object.
        name: Option<String>,
    },
    /// Rancher's Fleet, with its bundle deployment where known.
    Fleet(Option<String>),
    /// Helm, with the release as `namespace/name` where known.
    Helm(Option<String>),
    /// Terraform or OpenTofu, by another provider than this one.
    Terraform,
    /// Another object of the same cluster, by an owner reference.
    Object {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Somebody with kubectl.
    Kubectl,
    /// A field manager that is nobody of the above.
    Other(String),
}

/// Who has an object, the most telling first; each system once. Empty if nobody left a trace.
///
/// Controllers of Kubernetes itself, which complete every object, are nobody; nor are those who wrote but annotations,
/// finalizers or the status.
///
/// # Examples
/// ```
/// use multicluster_core::provenance::owners;
/// use serde_json::json;
///
/// let live = json!({ "metadata": {
///     "annotations": { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" },
///     "managedFields": [
///         { "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": {} } },
///         { "manager": "kubectl-edit", "operation": "Update", "fieldsV1": { "f:data": { "f:a": {} } } }
///     ]
/// } });
/// let words: Vec<String> = owners(&live).iter().map(ToString::to_string).collect();
/// assert_eq!(words, ["Helm release shop/web", "kubectl"]);
/// ```
#[must_use]
pub fn owners(live: &Value) -> Vec<Owner> {
    let mut found: Vec<Owner> = Vec::new();
    for owner in marks::marks(live) {
        add(&mut found, owner);
    }
    let by_marks = found.clone();
    for entry in managers::entries(live).filter(managers::Entry::writes_substance) {
        add_all(&mut found, managers::owners_of(entry.manager, &by_marks));
    }
    if found.is_empty() && marks::was_applied_by_kubectl(live) {
        found.push(Owner::Kubectl);
    }
    found
}

fn add_all(found: &mut Vec<Owner>, owners: Vec<Owner>) {
    for owner in owners {
        add(found, owner);
    }
}

/// Adds an owner unless it is there, be it with more detail.
fn add(found: &mut Vec<Owner>, owner: Owner) {
    if !found.iter().any(|known| *known == owner || (owner.is_vague() && known.is_same_system(&owner))) {
        found.push(owner);
    }
}

impl Owner {
    /// Whether it puts back what others change, on its own and at any time.
    #[must_use]
    pub fn is_controller(&self) -> bool {
        match self {
            Self::Federation(_)
            | Self::Helm(_)
            | Self::Terraform
            | Self::Object { .. }
            | Self::Kubectl
            | Self::Other(_) => false,
            Self::KubeFed
            | Self::Karmada(_)
            | Self::Ocm(_)
            | Self::KubeFleet(_)
            | Self::ArgoCd { .. }
            | Self::Flux { .. }
            | Self::Fleet(_) => true,
        }
    }

    /// Whether it names a system without saying what of it.
    fn is_vague(&self) -> bool {
        match self {
            Self::Karmada(part)
            | Self::Ocm(part)
            | Self::KubeFleet(part)
            | Self::Fleet(part)
            | Self::Helm(part) => part.is_none(),
            Self::ArgoCd { application } => application.is_none(),
            Self::Flux { name, .. } => name.is_none(),
            _ => false,
        }
    }

    fn is_same_system(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// `Helm release shop/web`, `Argo CD application web`, `kubectl`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = |f: &mut fmt::Formatter<'_>, system: &str, what: &str, part: &Option<String>| match part
        {
            Some(part) => write!(f, "{system} {what} {part}"),
            None => f.write_str(system),
        };
        match self {
            Self::Federation(name) => write!(f, "federation `{name}`"),
            Self::KubeFed => f.write_str("KubeFed"),
            Self::Karmada(work) => system(f, "Karmada", "work", work),
            Self::Ocm(work) => system(f, "Open Cluster Management", "work", work),
            Self::KubeFleet(work) => system(f, "KubeFleet", "work", work),
            Self::ArgoCd { application } => system(f, "Argo CD", "application", application),
            Self::Flux { kind, name } => system(f, "Flux", kind.unwrap_or("object"), name),
            Self::Fleet(bundle) => system(f, "Rancher Fleet", "bundle", bundle),
            Self::Helm(release) => system(f, "Helm", "release", release),
            Self::Terraform => f.write_str("Terraform"),
            Self::Object { kind, name } => write!(f, "{kind} {name}"),
            Self::Kubectl => f.write_str("kubectl"),
            Self::Other(manager) => write!(f, "`{manager}`"),
        }
    }
}
