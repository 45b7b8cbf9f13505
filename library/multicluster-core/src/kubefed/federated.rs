//! One federated document, read: what it makes, where, and with which differences.

use serde_json::{Map, Value};

use super::document::{At, Reader};
use super::overrides::{self, Operation, Overrides};
use super::placement::{self, Placement};
use super::types::{self, Target, TypeConfig};
use super::{MANAGED_LABEL, ORPHAN_ANNOTATION};
use crate::federation::render::key_of;
use crate::object::{GroupKind, Manifest, ObjectKey, group_of, text};
use crate::path::FieldPath;

/// Fields of a Service that its cluster allocates, and KubeFed then leaves as they are.
const ALLOCATED: [&str; 3] = ["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"];

/// A federated document.
#[derive(Clone, Debug)]
pub(super) struct Federated {
    pub(super) target: Target,
    pub(super) key: ObjectKey,
    pub(super) placement: Placement,
    pub(super) overrides: Overrides,
    pub(super) is_orphaned: bool,
    template: Map<String, Value>,
    retains_replicas: bool,
}

pub(super) fn read(
    manifest: &Manifest,
    configs: &[TypeConfig],
    reader: &mut Reader<'_>,
) -> Option<Federated> {
    let root = At::root(manifest.value());
    let spec = root.field("spec");
    reader.fields(&spec);
    reader.knows(&spec, &["template", "placement", "overrides", "retainReplicas"]);
    let placement = placement::read(&spec.field("placement"), reader);
    let overrides = overrides::read(&spec.field("overrides"), reader);
    let retains_replicas = reader.flag(&spec.field("retainReplicas"));
    let template = read_template(&spec.field("template"), reader);
    if !text(manifest.value(), "/metadata/annotations/kubefed.io~1deleteoption").is_empty() {
        let path = root.field("metadata").field("annotations").field("kubefed.io/deleteoption").path;
        reader
            .warn(&path, "it is not carried out: objects are deleted with what they own, in the background");
    }
    let orphan = manifest.value().pointer("/metadata/annotations").and_then(|all| all.get(ORPHAN_ANNOTATION));
    let target = types::resolve(manifest, configs, reader)?;
    let namespace = target.namespace_of(manifest);
    if target.is_namespace() {
        let written = text(manifest.value(), "/metadata/namespace");
        if !written.is_empty() && written != manifest.name() {
            let message = format!(
                "a federated namespace has the name of the namespace it is in, which is `{written}` here: KubeFed \
                 does not propagate it (InvalidName)"
            );
            reader.problem(&root.field("metadata").field("name").path, message);
        }
    }
    let kind = GroupKind { group: group_of(&target.api_version).to_owned(), kind: target.kind.clone() };
    Some(Federated {
        key: ObjectKey { kind, namespace, name: manifest.name().to_owned() },
        target,
        placement,
        overrides,
        is_orphaned: orphan == Some(&Value::from("true")),
        template,
        retains_replicas,
    })
}

/// The template without what KubeFed drops from it.
fn read_template(at: &At<'_>, reader: &mut Reader<'_>) -> Map<String, Value> {
    reader.fields(at);
    let mut template = at.value().and_then(Value::as_object).cloned().unwrap_or_default();
    let metadata = at.field("metadata");
    reader.fields(&metadata);
    for name in ["annotations", "finalizers"] {
        let field = metadata.field(name);
        let is_filled = match field.value() {
            Some(Value::Object(fields)) => !fields.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            _ => false,
        };
        if is_filled {
            let message = format!(
                "KubeFed does not propagate `{name}` of a template, which controllers on the members write: add them \
                 by an override"
            );
            reader.warn(&field.path, message);
        }
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove(name);
        }
    }
    template
}

impl Federated {
    /// The namespace that it needs a `FederatedNamespace` for.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.key.namespace.as_deref()
    }

    /// The object as it should be on a member with these overrides, and which it is then: an override may change
    /// `apiVersion`, and so the group.
    pub(super) fn object(
        &self,
        operations: &[Operation],
        cluster: &str,
        reader: &mut Reader<'_>,
    ) -> Option<(ObjectKey, Value)> {
        let mut object = Value::Object(self.bare());
        if let Err((operation, failure)) = overrides::apply_all(&mut object, operations) {
            reader.problem(&operation.at, format!("on `{cluster}`: {failure}"));
            return None;
        }
        strip_label(&mut object);
        let path = operations.last().map(|operation| operation.at.clone());
        let path = path.unwrap_or_else(|| FieldPath::fields(["spec", "template"]));
        let manifest = match Manifest::new(object) {
            Ok(manifest) => manifest,
            Err(error) => {
                reader.problem(&path, format!("on `{cluster}` it makes no object: {error}"));
                return None;
            }
        };
        let key = key_of(&manifest);
        if (&key.kind.kind, &key.namespace, &key.name)
            != (&self.key.kind.kind, &self.key.namespace, &self.key.name)
        {
            reader.problem(
                &path,
                format!("on `{cluster}` the overrides turn {} into another object", self.key),
            );
            return None;
        }
        Some((key, manifest.into_value()))
    }

    /// The object before overrides: what it is comes from the document, whatever the template says.
    fn bare(&self) -> Map<String, Value> {
        let mut object = self.template.clone();
        object.insert("apiVersion".to_owned(), self.target.api_version.clone().into());
        object.insert("kind".to_owned(), self.target.kind.clone().into());
        let mut metadata = match object.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.remove("generateName");
        metadata.insert("name".to_owned(), self.key.name.clone().into());
        match self.namespace() {
            Some(namespace) => drop(metadata.insert("namespace".to_owned(), namespace.into())),
            None => drop(metadata.remove("namespace")),
        }
        object.insert("metadata".to_owned(), Value::Object(metadata));
        object
    }

    /// The fields of an object that KubeFed leaves as they are on the member once the object is there. What an
    /// override writes is not among them: overrides come after.
    pub(super) fn retained(&self, object: &Value, operations: &[Operation]) -> Vec<String> {
        let mut pointers: Vec<String> = Vec::new();
        match self.target.kind.as_str() {
            "Service" => {
                pointers.extend(ALLOCATED.map(str::to_owned));
                let ports = object.pointer("/spec/ports").and_then(Value::as_array).map_or(0, Vec::len);
                pointers.extend((0..ports).map(|port| format!("/spec/ports/{port}/nodePort")));
            }
            "ServiceAccount" => {}
            _ if self.retains_replicas => pointers.push(overrides::REPLICAS.to_owned()),
            _ => {}
        }
        pointers
            .into_iter()
            .filter(|pointer| object.pointer(pointer).is_some_and(|value| !value.is_null()))
            .filter(|pointer| !overrides::touch(operations, pointer))
            .collect()
    }
}

/// Takes KubeFed's own label away, and the labels with it if there are no others.
fn strip_label(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) else { return };
    if labels.remove(MANAGED_LABEL).is_some() && labels.is_empty() {
        metadata.remove("labels");
    }
}
