//! From what a user asks to the objects of each member.

mod divide;
mod legacy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use self::divide::{divide, override_target};
use crate::copies;
use crate::dependencies;
use crate::difference::is_secret;
use crate::digest::digest;
use crate::federation::facts::Facts;
use crate::federation::identity::FederationSet;
use crate::federation::policy::{Policy, REPLICAS};
use crate::federation::spec::{FederationSpec, ResourceSpec};
use crate::names::ClusterName;
use crate::object::{Manifest, ObjectKey};
use crate::overrides::{self, Change};
use crate::placement::{self, Labels, PlacementError, PlacementFacts};
use crate::scope;

/// One object as it should be on one member, without our own labels.
#[derive(Clone, PartialEq)]
pub struct Desired {
    /// The entry of `resources` that asks for it.
    pub resource: String,
    /// The object.
    pub object: Value,
    /// The digest of `object`, or of what stands for it if it is secret.
    pub digest: String,
    /// How it gets along with others who write to it.
    pub policy: Policy,
    /// Whether its content must not be shown.
    pub confidential: bool,
    /// Whether it is a copy, and `object` is what is to be copied now.
    pub copied: bool,
    /// Whether it is a copy, and what it is a copy of is not known: `object` says no more than which one it is. Such an
    /// object is never sent anywhere.
    pub blank: bool,
    /// Whether it is there already and is not to be touched: the placement does without the member for as long as that
    /// does not answer. `digest` is that of what is there.
    pub held: bool,
    /// The replicas that it gets, if they are divided.
    pub replicas: Option<u64>,
}

impl Desired {
    /// An object that is kept as it is.
    #[must_use]
    pub fn new(resource: &str, object: Value) -> Self {
        Self {
            resource: resource.to_owned(),
            digest: digest(&object),
            object,
            policy: Policy::default(),
            confidential: false,
            copied: false,
            blank: false,
            held: false,
            replicas: None,
        }
    }

    /// Whether digests of it need a key.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.confidential || is_secret(&self.object)
    }
}

impl fmt::Debug for Desired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The object may be a secret.
        f.debug_struct("Desired")
            .field("resource", &self.resource)
            .field("digest", &self.digest)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The objects of one member.
pub type MemberDesired = BTreeMap<ObjectKey, Desired>;

/// The objects of all members. Every member has an entry, if only an empty one.
pub type Rendered = BTreeMap<ClusterName, MemberDesired>;

/// Something in the configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry of `resources`.
    pub resource: String,
    /// Which part of that entry.
    pub field: Field,
    /// Why, in a sentence.
    pub message: String,
}

/// A part of an entry of `resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `manifest`
    Manifest,
    /// `copy_from`
    CopyFrom,
    /// `placement`
    Placement,
    /// An attribute of `placement`.
    PlacementAt(&'static str),
    /// `replicas`
    Replicas,
    /// An attribute of `replicas`.
    ReplicasAt(&'static str),
    /// `replicas.clusters["…"]`
    ReplicasOf(ClusterName),
    /// `overrides[…]`
    Override(usize),
    /// An attribute of `overrides[…]`.
    OverrideAt(usize, &'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resource `{}`: {}", self.resource, self.message)
    }
}

/// Renders every member's objects: placement, then replicas, then overrides.
///
/// What depends on `facts` that are not known yet is rendered as far as it can be checked.
///
/// # Errors
/// All problems of the configuration at once.
pub fn render(spec: &FederationSpec, facts: &Facts) -> Result<Rendered, Vec<Problem>> {
    render_all(spec, facts).map(|rendering| rendering.objects)
}

/// What a configuration comes to.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// The objects of each member.
    pub objects: Rendered,
    /// What is probably not meant.
    pub warnings: Vec<Problem>,
    /// Workloads of which it has to be known what runs of them, since preferences of KubeFed divide them.
    pub preferred: BTreeSet<ObjectKey>,
    /// Objects whose documents are there but do not select the member. They do not stay there, also if they would
    /// outlive their documents.
    pub unselected: BTreeMap<ClusterName, BTreeSet<ObjectKey>>,
}

/// The same as [`render`], with what is to be said about it.
///
/// # Errors
/// All problems of the configuration at once.
pub fn render_all(spec: &FederationSpec, facts: &Facts) -> Result<Rendering, Vec<Problem>> {
    let mut rendering = render_now(spec, facts)?;
    let silent = facts.unreachable();
    if silent.is_empty() {
        return Ok(rendering);
    }
    let mut answering = render_now(spec, &facts.as_if_all_answered())?;
    for name in &silent {
        let Some(objects) = rendering.objects.get_mut(name) else { continue };
        for (key, desired) in answering.objects.remove(name).unwrap_or_default() {
            if let Some(digest) = facts.digest(name, &key) {
                let held = Desired { held: true, digest: digest.clone(), ..desired };
                objects.entry(key).or_insert(held);
            }
        }
    }
    Ok(rendering)
}

/// Renders without regard to what is on members that placements do without for now.
fn render_now(spec: &FederationSpec, facts: &Facts) -> Result<Rendering, Vec<Problem>> {
    let mut rendered: Rendered = spec.members.keys().map(|name| (name.clone(), BTreeMap::new())).collect();
    let mut owners: BTreeMap<ObjectKey, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    // From here on the documents of KubeFed are apart from the others.
    let (plain, legacy) = legacy::take_out(spec, facts, &mut problems);
    let placements = place(&plain, facts, &mut problems);
    let common = Common {
        spec: &plain,
        facts,
        follow: follow(&plain, &placements),
        autoscaled: autoscaled_by(&plain),
    };
    for (name, resource) in &plain.resources {
        let mut report = |field, message: String| {
            problems.push(Problem { resource: name.clone(), field, message });
        };
        let federated =
            legacy.objects.iter().filter(|((of, _), _)| of == name).map(|((_, key), _)| key.clone());
        for key in resource.manifests.iter().map(key_of).chain(federated) {
            if let Some(other) = owners.insert(key.clone(), name) {
                report(
                    Field::Manifest,
                    format!("{key} stands in `{other}` as well; an object has one owner"),
                );
            }
        }
        if let Some(copy) = resource.copy.as_ref().filter(|it| !plain.members.contains_key(&it.cluster)) {
            let message = format!("`{}` is not a member of the federation", copy.cluster);
            report(Field::CopyFrom, message);
        }
        for manifest in &resource.manifests {
            if let Some(message) = refused(&key_of(manifest), manifest.value(), resource.is_hidden()) {
                report(Field::Manifest, message);
            }
        }
        if let Some(placed) = placements.get(name.as_str()) {
            render_resource(&common, name, resource, placed, &mut rendered, &mut report);
        }
        for ((_, key), federated) in legacy.objects.iter().filter(|((of, _), _)| of == name) {
            legacy::render(resource, name, key, federated, &mut rendered, &mut report);
        }
    }
    if problems.is_empty() {
        let unselected = unselected(&legacy.outliving, &rendered);
        let legacy::Legacy { warnings, preferred, .. } = legacy;
        Ok(Rendering { objects: rendered, warnings, preferred, unselected })
    } else {
        Err(problems)
    }
}

/// Of some objects, those that a member does not have.
fn unselected(
    outliving: &BTreeSet<ObjectKey>,
    rendered: &Rendered,
) -> BTreeMap<ClusterName, BTreeSet<ObjectKey>> {
    let missing = |objects: &MemberDesired| -> BTreeSet<ObjectKey> {
        outliving.iter().filter(|key| !objects.contains_key(*key)).cloned().collect()
    };
    rendered.iter().map(|(name, objects)| (name.clone(), missing(objects))).collect()
}

/// The objects that would be in the way of the federation's own records.
#[must_use]
pub fn in_the_way(spec: &FederationSpec, set: &FederationSet) -> Vec<Problem> {
    let hidden = |key: &ObjectKey| {
        let named = |group: &str, kind: &str, name: &str| {
            key.kind.group == group && key.kind.kind == kind && key.name == name
        };
        let inside = key.namespace.as_deref() == Some(set.namespace.as_str());
        named("", "Namespace", &set.namespace)
            || (inside && named("", "ConfigMap", &set.inventory_name()))
            || (inside && named("coordination.k8s.io", "Lease", &set.lease_name()))
    };
    let entries = spec
        .resources
        .iter()
        .flat_map(|(name, resource)| resource.manifests.iter().map(move |manifest| (name, key_of(manifest))));
    entries
        .filter(|(_, key)| hidden(key))
        .map(|(name, key)| Problem {
            resource: name.clone(),
            field: Field::Manifest,
            message: format!("{key} is where the federation keeps its own records (`inventory_namespace`)"),
        })
        .collect()
}

/// Which object a manifest is: as written, with namespace `default` where a built-in kind needs one and has none.
#[must_use]
pub fn key_of(manifest: &Manifest) -> ObjectKey {
    let mut key = manifest.key();
    match scope::scope(&key.kind) {
        Some(scope::Scope::Namespaced) if key.namespace.is_none() => {
            key.namespace = Some("default".to_owned());
        }
        Some(scope::Scope::Cluster) => key.namespace = None,
        _ => {}
    }
    key
}

/// The longest name of any kind (a DNS subdomain).
const LONGEST_NAME: usize = 253;

/// Why an object cannot be federated, if so.
fn refused(key: &ObjectKey, object: &Value, hidden: bool) -> Option<String> {
    let filled = |field: &str| match object.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::Object(data)) => !data.is_empty(),
        Some(_) => true,
    };
    if key.name.len() > LONGEST_NAME {
        let shown: String = key.name.chars().take(40).collect();
        return Some(format!(
            "`metadata.name` of a {} has {} characters, and Kubernetes allows {LONGEST_NAME}: it begins with `{shown}`",
            key.kind.kind,
            key.name.len()
        ));
    }
    let secret = key.kind.group.is_empty() && key.kind.kind == "Secret";
    if secret && !hidden && (filled("data") || filled("stringData")) {
        return Some(format!(
            "{key} holds data, and a manifest is stored in Terraform's state: use `manifest_wo` or `copy_from`, or set \
             `allow_plain_secrets`"
        ));
    }
    if object.get("status").is_some() && !key.kind.group.is_empty() {
        return Some(format!("{key} has a `status`, which only the cluster writes: remove it"));
    }
    let metadata = object.get("metadata");
    // As `kubectl get -o yaml` prints them. They belong to one object on one cluster.
    let own = ["managedFields", "resourceVersion", "uid"].into_iter().find(|field| {
        metadata.and_then(|metadata| metadata.get(*field)).is_some_and(|value| !value.is_null())
    });
    own.map(|field| format!("{key} has a `metadata.{field}`, which only the cluster writes: remove it"))
}

/// What the entries of a federation have in common.
struct Common<'a> {
    spec: &'a FederationSpec,
    facts: &'a Facts,
    /// Where objects go because something that refers to them goes there.
    follow: BTreeMap<ObjectKey, BTreeSet<ClusterName>>,
    /// Workloads that autoscalers of the federation scale.
    autoscaled: BTreeSet<ObjectKey>,
}

/// The members of each entry.
fn place<'a>(
    spec: &'a FederationSpec,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, BTreeSet<ClusterName>> {
    let unreachable = facts.unreachable();
    let mut placements = BTreeMap::new();
    for (name, resource) in &spec.resources {
        let keys: Vec<ObjectKey> = resource.manifests.iter().map(key_of).collect();
        let previous = facts.hosts_of(&keys);
        let placing = PlacementFacts { unreachable: &unreachable, previous: &previous };
        match placement::select(&resource.placement, &spec.members, &placing) {
            Ok(placed) => drop(placements.insert(name.as_str(), placed)),
            Err(error) => problems.push(Problem {
                resource: name.clone(),
                field: match error {
                    PlacementError::UnknownClusters { .. } => Field::PlacementAt("clusters"),
                    PlacementError::Spread(_) => Field::PlacementAt("spread"),
                },
                message: error.to_string(),
            }),
        }
    }
    placements
}

/// Where objects go because a workload that refers to them, maybe through others, goes there.
fn follow(
    spec: &FederationSpec,
    placements: &BTreeMap<&str, BTreeSet<ClusterName>>,
) -> BTreeMap<ObjectKey, BTreeSet<ClusterName>> {
    let mut follow: BTreeMap<ObjectKey, BTreeSet<ClusterName>> = BTreeMap::new();
    let leading = spec.resources.iter().filter(|(_, resource)| resource.propagate_dependencies);
    let mut leading = leading.peekable();
    if leading.peek().is_none() {
        return follow;
    }
    let placed = |manifest: &Manifest| {
        let mut object = manifest.value().clone();
        set_namespace(&mut object, &key_of(manifest));
        object
    };
    let all: BTreeMap<ObjectKey, Value> = spec
        .resources
        .values()
        .flat_map(|resource| &resource.manifests)
        .map(|manifest| (key_of(manifest), placed(manifest)))
        .collect();
    for (name, resource) in leading {
        let Some(members) = placements.get(name.as_str()) else { continue };
        let roots: Vec<Value> = resource.manifests.iter().map(placed).collect();
        for key in dependencies::closure(&roots, |key| all.get(key).cloned()).found.into_keys() {
            follow.entry(key).or_default().extend(members.iter().cloned());
        }
    }
    follow
}

fn render_resource(
    common: &Common<'_>,
    name: &str,
    resource: &ResourceSpec,
    placed: &BTreeSet<ClusterName>,
    rendered: &mut Rendered,
    report: &mut impl FnMut(Field, String),
) {
    let Common { spec, facts, follow, autoscaled } = common;
    if resource.confidential.is_some() && resource.manifests.is_empty() {
        // A state does not have them; nothing is wrong with that.
        return;
    }
    let keys: Vec<ObjectKey> = resource.manifests.iter().map(key_of).collect();
    let counts =
        match resource.replicas.as_ref().map(|it| divide(it, resource, &keys, placed, common)).transpose() {
            Ok(counts) => counts.flatten(),
            Err((field, message)) => return report(field, message),
        };
    let mut targets = Vec::new();
    for (position, over) in resource.overrides.iter().enumerate() {
        match override_target(over, &keys, &spec.members.keys().cloned().collect()) {
            Ok(target) => targets.push(target),
            Err((attribute, message)) => {
                report(
                    attribute.map_or(Field::Override(position), |it| Field::OverrideAt(position, it)),
                    message,
                );
            }
        }
    }
    if targets.len() != resource.overrides.len() {
        return;
    }
    let unlabelled = Labels::new();
    let mut unfit: BTreeMap<(usize, &ObjectKey, String), Vec<&ClusterName>> = BTreeMap::new();
    let has_it = |member: &ClusterName| resource.copy.as_ref().is_some_and(|it| it.cluster == *member);
    for member in spec.members.keys().filter(|member| !has_it(member)) {
        for (manifest, key) in resource.manifests.iter().zip(&keys) {
            let follows = follow.get(key).is_some_and(|members| members.contains(member));
            if !placed.contains(member) && !follows {
                continue;
            }
            let copied = facts.copies.get(name).filter(|_| resource.copy.is_some());
            let mut object = copied.unwrap_or_else(|| manifest.value()).clone();
            set_namespace(&mut object, key);
            let mut replicas = None;
            if let Some((target, counts)) = &counts
                && target == key
            {
                let count = counts.get(member).copied().unwrap_or(0);
                replicas = Some(count);
                if !set_replicas(&mut object, count) {
                    return report(Field::Manifest, format!("the `spec` of {key} is not a mapping"));
                }
            }
            let mut overridden = Vec::new();
            for (position, over) in resource.overrides.iter().enumerate() {
                let labels = spec.members.get(member).unwrap_or(&unlabelled);
                if !over.scope.concerns(member, labels) || targets.get(position) != Some(key) {
                    continue;
                }
                overridden.push(position);
                // Whether a change fits what is to be copied shows when that is known.
                let known = resource.copy.is_none() || copied.is_some();
                for change in over.changes.iter().filter(|_| known) {
                    if let Err(error) = overrides::apply_change(&mut object, change) {
                        unfit.entry((position, key, error.to_string())).or_default().push(member);
                    }
                }
            }
            // The manifest as written was looked at already.
            if let Some(position) = overridden.last()
                && refused(key, manifest.value(), resource.is_hidden()).is_none()
                && let Some(message) = refused(key, &object, resource.is_hidden())
            {
                report(Field::Override(*position), message);
            }
            copies::secret_data(&mut object);
            let mut policy = resource.policy.clone();
            if autoscaled.contains(key) || facts.is_autoscaled(member, key) {
                policy.ignore_fields.insert(REPLICAS.to_owned());
            }
            let digest = match stand_in(resource, key, &overridden, replicas) {
                Some(stand_in) => digest_of(&stand_in, &policy),
                None => digest_of(&object, &policy),
            };
            let desired = Desired {
                resource: name.to_owned(),
                confidential: resource.confidential.is_some() || resource.copy.is_some(),
                copied: copied.is_some(),
                blank: resource.copy.is_some() && copied.is_none(),
                held: false,
                object,
                digest,
                policy,
                replicas,
            };
            if let Some(objects) = rendered.get_mut(member) {
                objects.insert(key.clone(), desired);
            }
        }
    }
    for ((position, key, error), members) in unfit {
        let members: Vec<String> = members.iter().map(|member| format!("`{member}`")).collect();
        report(Field::Override(position), format!("{key} on {}: {error}", members.join(", ")));
    }
}

/// What stands in digests for content that must not be in them, or that is not known before the apply.
fn stand_in(
    resource: &ResourceSpec,
    key: &ObjectKey,
    overridden: &[usize],
    replicas: Option<u64>,
) -> Option<Value> {
    let overrides: Vec<Value> = overridden
        .iter()
        .filter_map(|position| resource.overrides.get(*position))
        .flat_map(|over| over.changes.iter().map(Change::to_value))
        .collect();
    let from = match (&resource.confidential, &resource.copy) {
        (Some(version), _) => format!("version {version}"),
        (None, Some(copy)) => format!("copy of {} of `{}`", copy.key, copy.cluster),
        (None, None) => return None,
    };
    Some(serde_json::json!({
        "from": from, "key": key.to_string(), "overrides": overrides, "replicas": replicas }))
}

/// Digest of an object and of those rules for it that change what is sent.
fn digest_of(object: &Value, policy: &Policy) -> String {
    // Autoscalers come and go without anything having to be applied.
    let left: Vec<&String> = policy.ignore_fields.iter().filter(|field| *field != REPLICAS).collect();
    if left.is_empty() {
        return digest(object);
    }
    digest(&serde_json::json!([object, left]))
}

/// The workloads that autoscalers of the federation itself scale.
fn autoscaled_by(spec: &FederationSpec) -> BTreeSet<ObjectKey> {
    let manifests = spec.resources.values().flat_map(|resource| &resource.manifests);
    manifests
        .filter_map(|manifest| {
            let mut object = manifest.value().clone();
            set_namespace(&mut object, &key_of(manifest));
            dependencies::scale_target(&object)
        })
        .collect()
}

/// Sets `spec.replicas`; `false` if there is no place for it.
fn set_replicas(object: &mut Value, count: u64) -> bool {
    let spec = object.as_object_mut().map(|fields| fields.entry("spec").or_insert(Value::Null));
    match spec {
        Some(spec @ Value::Null) => *spec = serde_json::json!({ "replicas": count }),
        Some(Value::Object(spec)) => drop(spec.insert("replicas".to_owned(), count.into())),
        _ => return false,
    }
    true
}

fn set_namespace(object: &mut Value, key: &ObjectKey) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        match &key.namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), namespace.clone().into()),
            None => metadata.remove("namespace"),
        };
    }
}

#[cfg(test)]
mod tests;
