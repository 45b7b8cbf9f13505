//! A cluster in memory: an API server with versions, watches and conditional writes, and the controllers that a release
//! waits for. Every write is followed at once by what the controllers make of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use multicluster::core::digest::digest;
use multicluster::core::names::ClusterName;
use multicluster::member::Member;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::service_fn;

type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;
/// Plural, namespace, name.
type Key = (String, String, String);

/// One write, as the server saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) method: String,
    pub(crate) plural: String,
    pub(crate) name: String,
    pub(crate) ok: bool,
}

/// A cluster; clones share it.
#[derive(Clone)]
pub(crate) struct World(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<usize>,
}

#[derive(Default)]
pub(crate) struct State {
    /// As many as there are in the history.
    revision: u64,
    objects: BTreeMap<Key, Value>,
    /// Every change in order, with its kind of event.
    history: Vec<(String, Key, Value)>,
    pub(crate) writes: Vec<Written>,
    /// Whether nothing answers.
    pub(crate) away: bool,
    /// Plurals that may not be written.
    pub(crate) forbidden: Vec<String>,
    /// Whether gateways say nothing.
    pub(crate) silent_gateway: bool,
    /// Images whose pods crash.
    pub(crate) broken: Vec<String>,
    /// Images whose pods do not become ready.
    pub(crate) slow: Vec<String>,
}

const KINDS: [(&str, &str, &str); 14] = [
    ("v1", "Namespace", "namespaces"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "Service", "services"),
    ("v1", "Pod", "pods"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("coordination.k8s.io/v1", "Lease", "leases"),
    ("events.k8s.io/v1", "Event", "events"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
];

impl World {
    pub(crate) fn new(name: &str) -> Self {
        let world = Self(Arc::new(Inner { state: Mutex::default(), changed: watch::Sender::new(0) }));
        for namespace in ["kube-system", "shop"] {
            world.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }));
        }
        world.edit("namespaces", "kube-system", |it| it["metadata"]["uid"] = format!("uid-{name}").into());
        world
    }

    pub(crate) fn member(&self, name: &str) -> Member {
        let world = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let world = world.clone();
            async move {
                let (parts, body) = request.into_parts();
                let bytes = body.collect_bytes().await.unwrap();
                let content =
                    parts.headers.get("content-type").map_or("", |it| it.to_str().unwrap()).to_owned();
                let body =
                    if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
                if world.state().away {
                    return Err::<Reply, tower::BoxError>("connection refused".into());
                }
                let query = parts.uri.query().unwrap_or("").to_owned();
                Ok(world.answer(parts.method.as_str(), parts.uri.path(), &query, &content, body))
            }
        });
        Member::new(ClusterName::new(name).unwrap(), kube::Client::new(service, "default"))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Changes how the cluster behaves, and lets the controllers look again.
    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state();
            change(&mut state);
            state.reconcile();
        }
        self.tell();
    }

    fn tell(&self) {
        let length = self.state().history.len();
        // Watches that are open end when nothing answers.
        self.0.changed.send_modify(|changed| *changed = length);
    }

    /// Adds or replaces an object, as somebody else would.
    pub(crate) fn put(&self, object: Value) {
        let plural = plural_of(&object).to_owned();
        self.set(|state| drop(state.put(&plural, object)));
    }

    /// Changes an object in namespace `shop`, or one that is in none, as somebody else would.
    pub(crate) fn edit(&self, plural: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.set(|state| {
            let (key, mut object) = state.find(plural, name).unwrap_or_else(|| panic!("no {plural} {name}"));
            change(&mut object);
            state.put(&key.0, object);
        });
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.state().find(plural, name).map(|(_, object)| object)
    }

    pub(crate) fn remove(&self, plural: &str, name: &str) {
        self.set(|state| {
            if let Some((key, _)) = state.find(plural, name) {
                state.delete(&key);
            }
        });
    }

    /// Names of all objects of a kind.
    pub(crate) fn names(&self, plural: &str) -> Vec<String> {
        self.state().objects.keys().filter(|key| key.0 == plural).map(|key| key.2.clone()).collect()
    }

    /// Waits until the cluster looks as asked; a test that waits for ever has failed.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let mut changed = self.0.changed.subscribe();
        let wait = async {
            while !is_so(self) {
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(900), wait).await;
        assert!(waited.is_ok(), "waited in vain until {what}");
    }

    fn answer(&self, method: &str, path: &str, query: &str, content: &str, body: Value) -> Reply {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let rest = if parts[0] == "api" { &parts[2..] } else { parts.get(3..).unwrap_or_default() };
        let api_version =
            if parts[0] == "api" { "v1".to_owned() } else { parts[1..parts.len().min(3)].join("/") };
        if rest.is_empty() {
            return discovery(&api_version);
        }
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => ((*namespace).to_owned(), rest),
            rest => (String::new(), rest),
        };
        let plural = rest[0].to_owned();
        if !KINDS.iter().any(|(version, _, known)| *known == plural && *version == api_version) {
            return text(404, "404 page not found");
        }
        let field = |key: &str| {
            let found = query.split('&').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            decode(found.unwrap_or(""))
        };
        let Some(name) = rest.get(1).map(|name| (*name).to_owned()) else {
            return match method {
                "GET" if field("watch") == "true" => self.watch(&plural, &namespace, &field),
                "GET" => self.list(&plural, &namespace, &field),
                "POST" => {
                    let key = (plural, namespace, name_of(&body));
                    self.write(method, &key, content, body, &field)
                }
                method => panic!("{method} {path}"),
            };
        };
        let key = (plural, namespace, name);
        match method {
            "GET" => match self.state().objects.get(&key) {
                Some(object) => reply(200, object),
                None => missing(&key),
            },
            _ => self.write(method, &key, content, body, &field),
        }
    }

    fn write(
        &self,
        method: &str,
        key: &Key,
        content: &str,
        body: Value,
        field: &dyn Fn(&str) -> String,
    ) -> Reply {
        let dry = field("dryRun") == "All";
        let reply = {
            let mut state = self.state();
            if state.forbidden.contains(&key.0) {
                let name = key.2.clone();
                status(403, "Forbidden", &format!("User \"me\" cannot write {} {name}", key.0), &json!({}))
            } else {
                let reply = state.write(method, key, content, body, dry);
                if !dry {
                    let written = Written {
                        method: method.to_owned(),
                        plural: key.0.clone(),
                        name: key.2.clone(),
                        ok: reply.status().is_success(),
                    };
                    state.writes.push(written);
                    state.reconcile();
                }
                reply
            }
        };
        self.tell();
        reply
    }

    fn list(&self, plural: &str, namespace: &str, field: &dyn Fn(&str) -> String) -> Reply {
        let state = self.state();
        let fits = |(key, object): &(&Key, &Value)| {
            key.0 == plural
                && (namespace.is_empty() || key.1 == namespace)
                && selected(object, &field("labelSelector"), &field("fieldSelector"))
        };
        let items: Vec<&Value> = state.objects.iter().filter(fits).map(|(_, object)| object).collect();
        let revision = state.history.len().to_string();
        reply(200, &json!({ "metadata": { "resourceVersion": revision }, "items": items }))
    }

    fn watch(&self, plural: &str, namespace: &str, field: &dyn Fn(&str) -> String) -> Reply {
        let from: usize = field("resourceVersion").parse().unwrap_or(0);
        let (labels, fields) = (field("labelSelector"), field("fieldSelector"));
        let (plural, namespace) = (plural.to_owned(), namespace.to_owned());
        let state = (self.clone(), self.0.changed.subscribe(), from);
        let events = futures::stream::unfold(state, move |(world, mut changed, next)| async move {
            loop {
                let event = {
                    let state = world.state();
                    if state.away {
                        return None;
                    }
                    state.history.get(next).cloned()
                };
                if let Some(event) = event {
                    return Some((event, (world, changed, next + 1)));
                }
                changed.changed().await.ok()?;
            }
        });
        let lines = events.filter_map(move |(kind, key, object)| {
            let fits = key.0 == plural
                && (namespace.is_empty() || key.1 == namespace)
                && selected(&object, &labels, &fields);
            let line = fits.then(|| {
                let line = format!("{}\n", json!({ "type": kind, "object": object }));
                Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(line)))
            });
            async move { line }
        });
        Response::new(StreamBody::new(lines.boxed()).boxed_unsync())
    }
}

impl State {
    fn find(&self, plural: &str, name: &str) -> Option<(Key, Value)> {
        let found = self.objects.iter().find(|(key, _)| key.0 == plural && key.2 == name)?;
        Some((found.0.clone(), found.1.clone()))
    }

    fn put(&mut self, plural: &str, mut object: Value) -> Value {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("").to_owned();
        let key = (plural.to_owned(), namespace, name_of(&object));
        let old = self.objects.get(&key);
        if let Some(old) = old {
            let mut same = object.clone();
            same["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            if same == *old {
                return old.clone();
            }
        }
        let kind = if old.is_some() { "MODIFIED" } else { "ADDED" };
        let spec_changed = old.is_none_or(|old| old["spec"] != object["spec"]);
        let generation = old.and_then(|old| old["metadata"]["generation"].as_i64()).unwrap_or(0);
        self.revision += 1;
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("u-{}", self.revision).into();
        }
        object["metadata"]["generation"] = (generation + i64::from(spec_changed)).into();
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        self.objects.insert(key.clone(), object.clone());
        self.history.push((kind.to_owned(), key, object.clone()));
        object
    }

    fn delete(&mut self, key: &Key) {
        if let Some(mut object) = self.objects.remove(key) {
            self.revision += 1;
            object["metadata"]["resourceVersion"] = self.revision.to_string().into();
            self.history.push(("DELETED".to_owned(), key.clone(), object));
        }
    }

    fn write(&mut self, method: &str, key: &Key, content: &str, body: Value, dry: bool) -> Reply {
        let live = self.objects.get(key).cloned();
        let conflict = || status(409, "Conflict", "the object has been modified", &json!({ "name": key.2 }));
        let object = match (method, live) {
            ("POST", Some(_)) => return status(409, "AlreadyExists", "there", &json!({ "name": key.2 })),
            ("POST", None) => body,
            ("PUT" | "DELETE", None) => return missing(key),
            ("PUT", Some(live)) => {
                if live["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
                    return conflict();
                }
                let mut body = body;
                body["metadata"]["uid"] = live["metadata"]["uid"].clone();
                body
            }
            ("DELETE", Some(live)) => {
                if body["preconditions"]["uid"] != live["metadata"]["uid"] {
                    return conflict();
                }
                self.delete(key);
                return reply(200, &json!({ "kind": "Status", "status": "Success" }));
            }
            ("PATCH", live) if content == "application/apply-patch+yaml" => {
                let mut object = live.unwrap_or_else(|| json!({}));
                merge(&mut object, &body);
                object
            }
            ("PATCH", None) => return missing(key),
            ("PATCH", Some(live)) => {
                let patch: json_patch::Patch = serde_json::from_value(body).unwrap();
                let mut object = live.clone();
                if let Err(error) = json_patch::patch(&mut object, &patch) {
                    return status(422, "Invalid", &error.to_string(), &json!({}));
                }
                if object["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"] {
                    return conflict();
                }
                object
            }
            (method, _) => panic!("{method}"),
        };
        if dry {
            return reply(200, &object);
        }
        let written = self.put(&key.0, object);
        reply(if method == "POST" { 201 } else { 200 }, &written)
    }

    /// What the controllers make of it all.
    fn reconcile(&mut self) {
        let of = |state: &Self, plural: &str| -> Vec<Value> {
            state
                .objects
                .iter()
                .filter(|(key, _)| key.0 == plural)
                .map(|(_, object)| object.clone())
                .collect()
        };
        let deployments = of(self, "deployments");
        let mut pods = Vec::new();
        for deployment in &deployments {
            pods.extend(self.roll_out(deployment));
        }
        let names: Vec<String> = pods.iter().map(name_of).collect();
        for pod in of(self, "pods") {
            if !names.contains(&name_of(&pod)) {
                self.delete(&("pods".to_owned(), "shop".to_owned(), name_of(&pod)));
            }
        }
        for pod in &pods {
            let old = self.find("pods", &name_of(pod)).map(|(_, pod)| pod["metadata"]["uid"].clone());
            let mut pod = pod.clone();
            if let Some(uid) = old {
                let live = self.find("pods", &name_of(&pod)).unwrap().1;
                pod["metadata"]["uid"] = uid;
                pod["metadata"]["generation"] = live["metadata"]["generation"].clone();
            }
            self.put("pods", pod);
        }
        for service in of(self, "services") {
            let Some(selector) = service["spec"]["selector"].as_object() else { continue };
            let selected = pods.iter().filter(|pod| {
                selector.iter().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
            });
            let endpoints: Vec<Value> = selected
                .map(|pod| {
                    json!({
                        "addresses": ["10.0.0.1"],
                        "conditions": { "ready": pod["status"]["ready"] },
                        "targetRef": { "kind": "Pod", "name": pod["metadata"]["name"] },
                    })
                })
                .collect();
            let name = name_of(&service);
            let mut slice = self.find("endpointslices", &name).map_or_else(|| json!({}), |(_, slice)| slice);
            merge(
                &mut slice,
                &json!({
                    "metadata": {
                        "name": name, "namespace": "shop", "labels": { "kubernetes.io/service-name": name },
                    },
                    "endpoints": endpoints,
                }),
            );
            self.put("endpointslices", slice);
        }
        if !self.silent_gateway {
            for mut route in of(self, "httproutes") {
                let generation = route["metadata"]["generation"].clone();
                let condition =
                    |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": generation });
                route["status"] = json!({ "parents": [{
                    "parentRef": { "name": "gateway" },
                    "conditions": [condition("Accepted"), condition("ResolvedRefs")],
                }] });
                self.put("httproutes", route);
            }
        }
    }

    /// The pods of a Deployment, and its status; its replica set is kept.
    fn roll_out(&mut self, deployment: &Value) -> Vec<Value> {
        let (name, spec) = (name_of(deployment), &deployment["spec"]);
        let hash = digest(&spec["template"])[..8].to_owned();
        let set = format!("{name}-{hash}");
        let replicas = spec["replicas"].as_u64().unwrap_or(1);
        let image = spec["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or("").to_owned();
        let (broken, slow) = (self.broken.contains(&image), self.slow.contains(&image));
        let mut labels = spec["template"]["metadata"]["labels"].clone();
        labels["pod-template-hash"] = hash.as_str().into();
        if self.find("replicasets", &set).is_none() {
            let count =
                self.objects.keys().filter(|key| key.0 == "replicasets" && key.2.starts_with(&name)).count();
            let revision = (count + 1).to_string();
            let owner = json!({
                "kind": "Deployment", "name": name, "uid": deployment["metadata"]["uid"], "controller": true,
            });
            self.put(
                "replicasets",
                json!({
                    "apiVersion": "apps/v1", "kind": "ReplicaSet",
                    "metadata": {
                        "name": set, "namespace": "shop", "labels": labels, "ownerReferences": [owner],
                        "annotations": { "deployment.kubernetes.io/revision": revision },
                    },
                }),
            );
        }
        let revision = self.find("replicasets", &set).unwrap().1["metadata"]["annotations"]
            ["deployment.kubernetes.io/revision"]
            .clone();
        let ready = if broken || slow { 0 } else { replicas };
        let mut after = deployment.clone();
        after["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = revision;
        after["spec"]["replicas"] = replicas.into();
        let key = ("deployments".to_owned(), "shop".to_owned(), name);
        if after["spec"] != deployment["spec"] {
            after = self.put("deployments", after);
        }
        after["status"] = json!({
            "observedGeneration": after["metadata"]["generation"], "replicas": replicas,
            "updatedReplicas": replicas, "readyReplicas": ready, "availableReplicas": ready,
            "conditions": [
                { "type": "Available", "status": "True" },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            ],
        });
        if self.objects.get(&key) != Some(&after) {
            self.put("deployments", after);
        }
        (0..replicas)
            .map(|number| {
                let mut status = json!({ "ready": !broken && !slow });
                if broken {
                    status["containerStatuses"] =
                        json!([{ "name": "web", "state": { "waiting": { "reason": "CrashLoopBackOff" } } }]);
                }
                json!({
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": { "name": format!("{set}-{number}"), "namespace": "shop", "labels": labels },
                    "status": status,
                })
            })
            .collect()
    }
}

fn plural_of(object: &Value) -> &'static str {
    let kind = object["kind"].as_str().unwrap();
    KINDS.iter().find(|(_, known, _)| *known == kind).unwrap_or_else(|| panic!("no kind {kind}")).2
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or("").to_owned()
}

/// A merge of mappings; lists are replaced.
fn merge(object: &mut Value, other: &Value) {
    match (object, other) {
        (Value::Object(object), Value::Object(other)) => {
            for (key, value) in other {
                merge(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (object, other) => *object = other.clone(),
    }
}

/// Understands `a=b`, `a`, `a in (b,c)` and `metadata.name=b`.
fn selected(object: &Value, labels: &str, fields: &str) -> bool {
    if let Some(name) = fields.strip_prefix("metadata.name=") {
        return name == name_of(object);
    }
    let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
    if let Some((key, values)) = labels.split_once(" in ") {
        let values = values.trim_matches(['(', ')']);
        return label(key).is_some_and(|label| values.split(',').any(|value| value == label));
    }
    labels.split(',').filter(|part| !part.is_empty()).all(|part| match part.split_once('=') {
        Some((key, value)) => label(key) == Some(value),
        None => label(part).is_some(),
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex: Vec<u8> = rest.by_ref().take(2).collect();
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn discovery(api_version: &str) -> Reply {
    let resources: Vec<Value> = KINDS
        .iter()
        .filter(|(version, ..)| *version == api_version)
        .map(|(_, kind, plural)| {
            json!({ "name": plural, "kind": kind, "namespaced": *kind != "Namespace", "verbs": ["list"] })
        })
        .collect();
    if resources.is_empty() {
        return text(404, "404 page not found");
    }
    reply(200, &json!({ "kind": "APIResourceList", "groupVersion": api_version, "resources": resources }))
}

fn reply(status: u16, body: &Value) -> Reply {
    text(status, &body.to_string())
}

fn text(status: u16, body: &str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body.to_owned())).boxed_unsync());
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    reply
}

fn missing(key: &Key) -> Reply {
    status(404, "NotFound", "not found", &json!({ "name": key.2, "kind": key.0 }))
}

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Reply {
    reply(
        code,
        &json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": message, "details": details,
        }),
    )
}
