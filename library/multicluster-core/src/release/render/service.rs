//! The Services of a release.

use serde_json::{Map, Value, json};

use super::Colored;
use crate::object::text;
use crate::release::color::Color;
use crate::release::identity::{COLOR_LABEL, POD_TEMPLATE_HASH, ReleaseIdentity, colored};
use crate::release::traffic::service::{LED, open};

/// What a colour's Service has from the stable one. Not its type, nor anything that is there once (addresses, node
/// ports, load balancers).
const SHARED: [&str; 6] = [
    "ipFamilies",
    "ipFamilyPolicy",
    "internalTrafficPolicy",
    "sessionAffinity",
    "sessionAffinityConfig",
    "trafficDistribution",
];
/// What its ports have.
const OF_PORT: [&str; 5] = ["name", "port", "targetPort", "protocol", "appProtocol"];

/// The permanent Service of one colour, within the cluster only, made from the stable one. `hash` is that of the replica
/// set of a workload that was taken over, whose pods have no label of a colour.
///
/// It has none of the stable one's labels and annotations: whoever acts on those (load balancers, DNS, monitoring) would
/// act twice.
pub(in crate::release) fn color_service(
    release: &ReleaseIdentity,
    stable: &str,
    base: &Value,
    color: Color,
    hash: Option<&str>,
) -> Value {
    let mut spec = Map::new();
    spec.insert("type".to_owned(), "ClusterIP".into());
    for field in SHARED {
        if let Some(value) = base.pointer(&format!("/spec/{field}")) {
            spec.insert(field.to_owned(), value.clone());
        }
    }
    let ports = base.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    spec.insert("ports".to_owned(), ports.map(port).collect());
    let mut selector =
        base.pointer("/spec/selector").and_then(Value::as_object).map(open).unwrap_or_default();
    let (key, value) = hash.map_or((COLOR_LABEL, color.as_str()), |hash| (POD_TEMPLATE_HASH, hash));
    selector.insert(key.to_owned(), value.into());
    spec.insert("selector".to_owned(), selector.into());
    let mut metadata = json!({ "name": colored(stable, color), "namespace": release.namespace });
    super::set(&mut metadata, &["labels"], json!(release.color_labels(color)));
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec })
}

fn port(of: &Value) -> Value {
    let fields = OF_PORT.into_iter().filter_map(|field| Some((field.to_owned(), of.get(field)?.clone())));
    Value::Object(fields.collect())
}

/// The stable Service as written, leading to where it leads already.
///
/// Its selector is one field for the server, so that it must be applied whole: with what a switch has written into it. If
/// another switch comes between reading and applying, the server sees a conflict.
pub(super) fn stable_service(of: &Colored<'_>, written: &Value) -> Value {
    let mut object = written.clone();
    super::label(&mut object, &[], &of.release.labels());
    let mut selector =
        written.pointer("/spec/selector").and_then(Value::as_object).map(open).unwrap_or_default();
    let live = of.service.filter(|live| !text(live, "/metadata/name").is_empty());
    match live.map(|live| live.pointer("/spec/selector").and_then(Value::as_object)) {
        None => drop(selector.insert(COLOR_LABEL.to_owned(), of.serving.as_str().into())),
        Some(live) => {
            let led = LED.into_iter().filter_map(|key| Some((key.to_owned(), live?.get(key)?.clone())));
            selector.extend(led);
        }
    }
    super::set(&mut object, &["spec", "selector"], selector.into());
    object
}
