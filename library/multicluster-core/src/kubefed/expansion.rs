//! From documents to objects per member.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{At, Findings, Reader, name};
use super::federated::{self, Federated};
use super::known::{Known, Role};
use super::nowhere::Nowhere;
use super::overrides;
use super::preference::{self, Preference, PreferenceTarget};
use super::types;
use super::{Context, Expanded, Problem};
use crate::names::ClusterName;
use crate::object::{Manifest, ObjectKey};
use crate::path::FieldPath;
use crate::replicas::kubefed::ALL_OTHERS;

/// Namespaces that KubeFed does not propagate, its own among them.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-federation-system", "kube-public", "kube-system"];

type Counts = BTreeMap<ClusterName, u64>;

/// Carries out KubeFed's documents: gives each member the objects that KubeFed would have written to it.
///
/// # Errors
/// All problems of all documents at once.
///
/// # Examples
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use multicluster_core::kubefed::{Context, expand};
/// use multicluster_core::{manifest::parse, names::ClusterName};
///
/// let manifests = parse("
/// apiVersion: types.kubefed.io/v1beta1
/// kind: FederatedClusterRole
/// metadata: { name: reader }
/// spec:
///   template: { rules: [{ apiGroups: [''], resources: [pods], verbs: [get] }] }
///   placement: { clusters: [{ name: aws }] }
/// ").unwrap();
/// let aws = ClusterName::new("aws").unwrap();
/// let gcp = ClusterName::new("gcp").unwrap();
/// let context = Context {
///     members: &BTreeMap::from([(aws.clone(), BTreeMap::new()), (gcp.clone(), BTreeMap::new())]),
///     unready: &BTreeSet::new(),
///     federation: &manifests.iter().collect::<Vec<_>>(),
///     live: &BTreeMap::new(),
/// };
/// let expanded = expand(&manifests, &context).unwrap();
/// let (key, objects) = expanded.objects.first_key_value().unwrap();
/// assert_eq!(key.to_string(), "ClusterRole reader");
/// assert!(objects.contains_key(&aws) && !objects.contains_key(&gcp));
/// ```
pub fn expand(manifests: &[Manifest], context: &Context<'_>) -> Result<Expanded, Vec<Problem>> {
    let known = Known::of(manifests.iter().chain(context.federation.iter().copied()));
    let mut expansion =
        Expansion { context, known: &known, made: BTreeMap::new(), result: Expanded::default() };
    let mut findings = Findings::default();
    for manifest in manifests {
        expansion.document(manifest, &mut Reader::new(manifest, &mut findings));
    }
    if !findings.problems.is_empty() {
        return Err(findings.problems);
    }
    let mut expanded = expansion.result;
    expanded.warnings = findings.warnings;
    Ok(expanded)
}

struct Expansion<'a> {
    context: &'a Context<'a>,
    known: &'a Known,
    /// Which document makes which object.
    made: BTreeMap<ObjectKey, &'a Manifest>,
    result: Expanded,
}

impl<'a> Expansion<'a> {
    fn document(&mut self, manifest: &'a Manifest, reader: &mut Reader<'_>) {
        let root = FieldPath::default();
        match self.known.role(manifest) {
            Role::Federated => self.federated(manifest, reader),
            Role::Preference => self.preference(manifest, reader),
            Role::TypeConfig => drop(types::read_config(manifest, reader)),
            Role::Cluster => self.cluster(manifest, reader),
            Role::Machinery => reader.warn(&root, "it runs KubeFed and is left out: nothing here needs it"),
            Role::Plain if self.is_host_namespace(manifest) => {
                let message =
                    "it is left out: its FederatedNamespace says where it is. KubeFed's host cluster had it";
                reader.warn(&root, message);
            }
            Role::Plain => self.result.plain.push(manifest.clone()),
        }
    }

    /// Whether a plain document is the namespace, in KubeFed's host cluster, that a federated one stands in.
    fn is_host_namespace(&self, manifest: &Manifest) -> bool {
        crate::scope::is_namespace(&manifest.key().kind)
            && self.known.namespaces.contains_key(manifest.name())
    }

    /// A cluster is registered as a member; only its labels matter, to selectors.
    fn cluster(&self, manifest: &Manifest, reader: &mut Reader<'_>) {
        let at = At::root(manifest.value()).field("metadata");
        let member = self.context.members.iter().find(|(member, _)| member.as_str() == manifest.name());
        let Some((member, has)) = member else {
            let message =
                format!("`{}` is no member of the federation: add it to the members", manifest.name());
            return reader.warn(&at.field("name").path, message);
        };
        for (key, value) in reader.fields(&at.field("labels")) {
            if reader.text(&value).is_some_and(|value| has.get(key).is_none_or(|has| has != value)) {
                let message = format!("member `{member}` has no such label, so that selectors do not see it");
                reader.warn(&value.path, message);
            }
        }
    }

    fn preference(&self, manifest: &Manifest, reader: &mut Reader<'_>) {
        let Some(preference) = preference::read(manifest, reader) else { return };
        let spec = At::root(manifest.value()).field("spec");
        for cluster in preference.clusters.keys().filter(|name| *name != ALL_OTHERS && !self.is_member(name))
        {
            let path = spec.field("clusters").field(cluster).path;
            reader.warn(&path, format!("`{cluster}` is no member of the federation, so it gets nothing"));
        }
        if !self.known.targets.contains(&preference.target) {
            let PreferenceTarget { kind, namespace, name } = &preference.target;
            let message =
                format!("there is no {kind} `{name}` in namespace `{namespace}`, so it divides nothing");
            reader.warn(&spec.field("targetKind").path, message);
        }
    }

    fn federated(&mut self, manifest: &'a Manifest, reader: &mut Reader<'_>) {
        let Some(federated) = federated::read(manifest, &self.known.configs, reader) else { return };
        let preference = self.known.preferences.get(&PreferenceTarget::new(manifest.kind(), manifest));
        self.warn_of_names(&federated, preference, reader);
        if federated.is_orphaned {
            self.result.orphan.insert(federated.key.clone());
        }
        if federated.target.is_namespace() && SYSTEM_NAMESPACES.contains(&federated.key.name.as_str()) {
            self.result.nowhere.insert(federated.key, Nowhere::SystemNamespace);
            return;
        }
        let counts = preference.and_then(|preference| self.divide(preference, &federated, reader));
        let selected = match &counts {
            Some(counts) => counts.keys().cloned().collect(),
            None => federated.placement.select(self.context.members),
        };
        let placed = match self.place(&federated, selected) {
            Ok(placed) => placed,
            Err(reason) => {
                self.result.nowhere.insert(federated.key, reason);
                return;
            }
        };
        if let Some(counts) = counts {
            warn_of_lost(&counts, &placed, &federated, reader);
            let counts_here = counts.iter().filter(|(member, _)| placed.contains(*member));
            let counts_here: Counts = counts_here.map(|(member, count)| (member.clone(), *count)).collect();
            self.result.divided.insert(federated.key.clone(), counts_here);
        }
        for member in placed {
            // The same for every member, and so said once.
            if !self.object(manifest, &federated, &member, reader) {
                return;
            }
        }
    }

    /// Makes the object of one member; `false` if another document makes it too.
    fn object(
        &mut self,
        manifest: &'a Manifest,
        federated: &Federated,
        member: &ClusterName,
        reader: &mut Reader<'_>,
    ) -> bool {
        let mut operations = federated.overrides.of(member.as_str()).to_vec();
        let count = self.result.divided.get(&federated.key).and_then(|counts| counts.get(member));
        if let Some(count) = count {
            overrides::set_replicas(&mut operations, *count, &FieldPath::fields(["spec", "template"]));
        }
        let Some((key, object)) = federated.object(&operations, member.as_str(), reader) else {
            return true;
        };
        let maker = *self.made.entry(key.clone()).or_insert(manifest);
        if !std::ptr::eq(maker, manifest) {
            reader.problem(&FieldPath::default(), format!("{key} is made by {} already", name(maker)));
            return false;
        }
        let retained: BTreeSet<String> = federated.retained(&object, &operations).into_iter().collect();
        if !retained.is_empty() {
            self.result.retained.entry(key.clone()).or_default().insert(member.clone(), retained);
        }
        if federated.is_orphaned {
            self.result.orphan.insert(key.clone());
        }
        self.result.objects.entry(key).or_default().insert(member.clone(), object);
        true
    }

    /// The members that have the object: those selected for it that also have its namespace.
    fn place(
        &self,
        federated: &Federated,
        selected: BTreeSet<ClusterName>,
    ) -> Result<BTreeSet<ClusterName>, Nowhere> {
        let Some(namespace) = federated.namespace() else {
            return if selected.is_empty() { Err(federated.placement.emptiness()) } else { Ok(selected) };
        };
        let name = || namespace.to_owned();
        let around = match self.known.namespaces.get(namespace) {
            Some(placement) => Some((placement, placement.select(self.context.members))),
            None if self.known.is_confined => None,
            None => return Err(Nowhere::NamespaceNotFederated { namespace: name() }),
        };
        if selected.is_empty() {
            return Err(federated.placement.emptiness());
        }
        let Some((placement, around)) = around else { return Ok(selected) };
        if around.is_empty() {
            let reason = Box::new(placement.emptiness());
            return Err(Nowhere::NamespaceNowhere { namespace: name(), reason });
        }
        let both: BTreeSet<ClusterName> = selected.intersection(&around).cloned().collect();
        if both.is_empty() { Err(Nowhere::Disjoint { namespace: name() }) } else { Ok(both) }
    }

    /// What a preference makes of the replicas; `None` where KubeFed's scheduler would not act.
    fn divide(
        &self,
        preference: &Preference,
        federated: &Federated,
        reader: &mut Reader<'_>,
    ) -> Option<Counts> {
        let members = self.context.members;
        let mut available: BTreeSet<ClusterName> =
            members.keys().filter(|member| !self.context.unready.contains(*member)).cloned().collect();
        if available.is_empty() {
            return None;
        }
        if preference.intersects {
            let mut selected = federated.placement.select_by_labels(members);
            match federated.namespace().and_then(|namespace| self.known.namespaces.get(namespace)) {
                Some(around) => {
                    let around = around.select_by_labels(members);
                    selected.retain(|member| around.contains(member));
                }
                None if self.known.is_confined => {}
                None => selected.clear(),
            }
            available.retain(|member| selected.contains(member));
            if available.is_empty() {
                let path = FieldPath::fields(["spec", "placement", "clusterSelector"]);
                let message = "with `intersectWithClusterSelector` the selectors of the document and of its \
                               FederatedNamespace leave no member that is ready, so that its \
                               ReplicaSchedulingPreference has no effect";
                reader.warn(&path, message);
                return None;
            }
        }
        let nothing = BTreeMap::new();
        let live = self.context.live.get(&federated.key).unwrap_or(&nothing);
        preference
            .divide(&available, live)
            .map_err(|error| reader.problem(&FieldPath::default(), error.to_string()))
            .ok()
    }

    fn is_member(&self, name: &str) -> bool {
        self.context.members.keys().any(|member| member.as_str() == name)
    }

    /// Names that KubeFed would pass over in silence.
    fn warn_of_names(&self, federated: &Federated, preference: Option<&Preference>, reader: &mut Reader<'_>) {
        let placement = FieldPath::fields(["spec", "placement", "clusters"]);
        // A preference writes the list anew.
        let listed = federated.placement.clusters.iter().flatten().filter(|_| preference.is_none());
        for name in listed.filter(|name| !self.is_member(name)) {
            reader
                .warn(&placement, format!("`{name}` is no member of the federation, so nothing goes there"));
        }
        if federated.placement.ignores_selector() && preference.is_none() {
            let selector = FieldPath::fields(["spec", "placement", "clusterSelector"]);
            reader.warn(&selector, "it has no effect, because `clusters` is given");
        }
        for name in federated.overrides.clusters().filter(|name| !self.is_member(name)) {
            let overrides = FieldPath::fields(["spec", "overrides"]);
            reader.warn(
                &overrides,
                format!("`{name}` is no member of the federation, so its overrides apply to nothing"),
            );
        }
    }
}

/// KubeFed's scheduler does not ask where the namespace is, so that replicas may be given to members without it.
fn warn_of_lost(
    counts: &Counts,
    placed: &BTreeSet<ClusterName>,
    federated: &Federated,
    reader: &mut Reader<'_>,
) {
    let outside = counts.iter().filter(|(member, count)| !placed.contains(*member) && **count > 0);
    let lost: Vec<String> = outside.map(|(member, count)| format!("`{member}` ({count})")).collect();
    if !lost.is_empty() {
        let message = format!(
            "its ReplicaSchedulingPreference gives replicas to members that do not have namespace `{}`, where they do \
             not run: {}",
            federated.namespace().unwrap_or_default(),
            lost.join(", ")
        );
        reader.warn(&FieldPath::default(), message);
    }
}
