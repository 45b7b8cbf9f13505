//! A collection with versions, as an API server keeps one: for what depends on the order of reads, writes and watches.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::StreamExt;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use multicluster::member::Member;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::answers::{self, Asked, Log, Reply, status};

/// The store; clones share it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    /// Every change, in order; its index plus one is its version.
    history: Mutex<Vec<(String, Value)>>,
    /// How many changes there were, and how often all watches were cut.
    changed: watch::Sender<(usize, usize)>,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    /// How many requests from now on fail as if the server were away.
    away: usize,
    /// How many watches find their version forgotten.
    forgotten: usize,
    /// How many watches never say anything, as on a connection that died unnoticed.
    deaf: usize,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            history: Mutex::default(),
            changed: watch::Sender::new((0, 0)),
            faults: Mutex::default(),
        }))
    }

    /// A member whose server has this collection, under its plural, in every namespace.
    pub(crate) fn member(&self, plural: &'static str) -> (Member, Log) {
        Self::member_of([(plural, self.clone())])
    }

    /// A member with several collections.
    pub(crate) fn member_of<const N: usize>(stores: [(&'static str, Self); N]) -> (Member, Log) {
        answers::member(move |asked| {
            let collection =
                asked.path.split('/').position(|part| stores.iter().any(|(plural, _)| *plural == part));
            let parts: Vec<_> = asked.path.split('/').collect();
            let Some(position) = collection else {
                return answers::text(404, "404 page not found");
            };
            let store = &stores.iter().find(|(plural, _)| *plural == parts[position]).unwrap().1;
            store.answer(asked, parts.get(position + 1).copied())
        })
    }

    /// Adds or changes an object.
    pub(crate) fn put(&self, object: Value) -> Value {
        let kind = if self.get(name(&object)).is_some() { "MODIFIED" } else { "ADDED" };
        self.append(kind, object)
    }

    pub(crate) fn delete(&self, name: &str) {
        let object = self.get(name).unwrap();
        self.append("DELETED", object);
    }

    pub(crate) fn get(&self, wanted: &str) -> Option<Value> {
        let history = self.0.history.lock().unwrap();
        let (kind, object) = history.iter().rev().find(|(_, object)| name(object) == wanted)?;
        (kind != "DELETED").then(|| object.clone())
    }

    /// Lets the next requests fail.
    pub(crate) fn away(&self, requests: usize) {
        self.0.faults.lock().unwrap().away = requests;
    }

    /// Lets the next watches find their version forgotten.
    pub(crate) fn forget(&self, watches: usize) {
        self.0.faults.lock().unwrap().forgotten = watches;
    }

    /// Lets the next watches stay silent whatever happens.
    pub(crate) fn deafen(&self, watches: usize) {
        self.0.faults.lock().unwrap().deaf = watches;
    }

    /// Ends all watches, as a server does that is restarted.
    pub(crate) fn cut(&self) {
        self.0.changed.send_modify(|(_, cuts)| *cuts += 1);
    }

    fn append(&self, kind: &str, mut object: Value) -> Value {
        let mut history = self.0.history.lock().unwrap();
        object["metadata"]["resourceVersion"] = (history.len() + 1).to_string().into();
        history.push((kind.to_owned(), object.clone()));
        self.0.changed.send_modify(|(length, _)| *length = history.len());
        object
    }

    fn answer(&self, asked: &Asked, name: Option<&str>) -> Reply {
        {
            let mut faults = self.0.faults.lock().unwrap();
            if faults.away > 0 {
                faults.away -= 1;
                return status(503, "ServiceUnavailable", "away", json!({}));
            }
        }
        let field = |key: &str| {
            let found = asked.query.split('&').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            found.unwrap_or("").to_owned()
        };
        match (asked.method.as_str(), name) {
            ("GET", Some(name)) => match self.get(name) {
                Some(object) => answers::json(200, &object),
                None => missing(name),
            },
            ("GET", None) if field("watch") == "true" => {
                self.watch(&field("resourceVersion"), &field("fieldSelector"))
            }
            ("GET", None) => self.list(&field("fieldSelector")),
            ("POST", _) => self.create(&asked.body),
            ("PUT", Some(name)) => self.replace(name, &asked.body),
            ("DELETE", Some(name)) => self.remove(name, &asked.body),
            (method, _) => panic!("{method} {}", asked.path),
        }
    }

    fn list(&self, selector: &str) -> Reply {
        let mut names: Vec<String> =
            self.0.history.lock().unwrap().iter().map(|(_, object)| name(object).to_owned()).collect();
        names.sort();
        names.dedup();
        let items: Vec<_> =
            names.iter().filter_map(|name| self.get(name)).filter(|it| selected(it, selector)).collect();
        let version = self.0.history.lock().unwrap().len().to_string();
        answers::json(200, &json!({ "metadata": { "resourceVersion": version }, "items": items }))
    }

    fn watch(&self, version: &str, selector: &str) -> Reply {
        {
            let mut faults = self.0.faults.lock().unwrap();
            if faults.forgotten > 0 {
                faults.forgotten -= 1;
                return status(410, "Expired", "too old resource version", json!({}));
            }
            if faults.deaf > 0 {
                faults.deaf -= 1;
                let silence = futures::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>();
                return Response::new(StreamBody::new(silence).boxed_unsync());
            }
        }
        let selector = selector.to_owned();
        let from: usize = version.parse().unwrap();
        let changed = self.0.changed.subscribe();
        let cuts = changed.borrow().1;
        let state = (self.clone(), changed, from);
        let events = futures::stream::unfold(state, move |(store, mut changed, next)| async move {
            loop {
                let event = store.0.history.lock().unwrap().get(next).cloned();
                if let Some((kind, object)) = event {
                    return Some(((kind, object), (store, changed, next + 1)));
                }
                if changed.borrow_and_update().1 != cuts {
                    return None;
                }
                changed.changed().await.ok()?;
            }
        });
        let lines = events.filter_map(move |(kind, object)| {
            let line = selected(&object, &selector).then(|| {
                let line = format!("{}\n", json!({ "type": kind, "object": object }));
                Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(line)))
            });
            async move { line }
        });
        Response::new(StreamBody::new(lines.boxed()).boxed_unsync())
    }

    fn create(&self, body: &Value) -> Reply {
        if self.get(name(body)).is_some() {
            return status(409, "AlreadyExists", "there", json!({ "name": name(body) }));
        }
        let mut object = body.clone();
        object["metadata"]["uid"] = format!("u-{}", self.0.history.lock().unwrap().len()).into();
        answers::json(201, &self.append("ADDED", object))
    }

    fn replace(&self, name: &str, body: &Value) -> Reply {
        let Some(live) = self.get(name) else {
            return missing(name);
        };
        if live["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
            return status(409, "Conflict", "changed", json!({ "name": name }));
        }
        answers::json(200, &self.append("MODIFIED", body.clone()))
    }

    fn remove(&self, name: &str, options: &Value) -> Reply {
        let Some(live) = self.get(name) else {
            return missing(name);
        };
        if options["preconditions"]["uid"] != live["metadata"]["uid"] {
            return status(409, "Conflict", "another uid", json!({ "name": name }));
        }
        self.append("DELETED", live);
        answers::json(200, &json!({ "kind": "Status", "status": "Success" }))
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn selected(object: &Value, selector: &str) -> bool {
    selector.strip_prefix("metadata.name%3D").is_none_or(|wanted| wanted == name(object))
}

fn missing(name: &str) -> Reply {
    status(404, "NotFound", "not found", json!({ "name": name, "kind": "things" }))
}
