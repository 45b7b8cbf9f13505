//! From a path to what it does.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{dump, seed};
use crate::{
    api::{Knobs, NewZone, Query, Served, Service, create_zone, no_such_zone, read_body},
    dns::Settings,
    model::{Health, Name, Vpc},
};

/// A failure that the caller of the control endpoint reads.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("there is no {0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
}

impl ControlError {
    pub(super) fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }
}

type Outcome = Result<Value, ControlError>;

/// The handler of the control endpoint.
pub(crate) fn handler(
    service: Arc<Service>,
    initial: Knobs,
) -> impl Fn(http::Request<Incoming>) -> Served + Clone + Send + Sync {
    let initial = Arc::new(initial);
    move |request| {
        let (service, initial) = (Arc::clone(&service), Arc::clone(&initial));
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let outcome = match read_body(body).await {
                Err(_) => Err(ControlError::Refused("the body is too long or broke off".to_owned())),
                Ok(body) => {
                    let query = Query::parse(head.uri.query().unwrap_or_default());
                    route(&service, &initial, (&head.method, head.uri.path()), &query, &body)
                }
            };
            Ok(respond(outcome))
        })
    }
}

fn respond(outcome: Outcome) -> Response<Full<Bytes>> {
    let (status, body) = match outcome {
        Ok(value) => (StatusCode::OK, value),
        Err(error @ ControlError::NotFound(_)) => {
            (StatusCode::NOT_FOUND, json!({"error": error.to_string()}))
        }
        Err(error) => (StatusCode::BAD_REQUEST, json!({"error": error.to_string()})),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn route(
    service: &Service,
    initial: &Knobs,
    (method, path): (&Method, &str),
    query: &Query,
    body: &[u8],
) -> Outcome {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method.as_str(), &segments[..]) {
        ("GET", ["state"]) => Ok(dump::state(service)),
        ("GET", ["health"]) => Ok(dump::health(service)),
        ("POST", ["health"]) => set_health(service, read(body)?),
        ("DELETE", ["health"]) => {
            service.store.write(|state| state.world = crate::model::WorldHealth::default());
            Ok(dump::health(service))
        }
        ("POST", ["insync"]) => {
            let now = service.store.now();
            service.store.write(|state| state.settle(now));
            Ok(json!({}))
        }
        ("GET", ["calls"]) => Ok(json!(service.log.calls())),
        ("DELETE", ["calls"]) => {
            service.log.reset();
            Ok(json!([]))
        }
        ("GET", ["knobs"]) => Ok(json!(*service.knobs())),
        ("POST", ["knobs"]) => turn(service, read(body)?),
        ("DELETE", ["knobs"]) => {
            *service.knobs() = initial.clone();
            Ok(json!(initial))
        }
        ("GET", ["dns"]) => Ok(json!(service.dns.settings())),
        ("PUT", ["dns"]) => set_dns(service, read(body)?),
        ("DELETE", ["dns"]) => set_dns(service, Settings::default()),
        ("POST", ["zones"]) => new_zone(service, read(body)?),
        ("DELETE", ["zones", id]) => remove_zone(service, id),
        ("GET", ["zones", id, "record-sets"]) => {
            dump::record_sets(service, id, query.get("published").is_some())
        }
        ("POST", ["zones", id, "record-sets"]) => seed::record_sets(service, id, read(body)?),
        _ => Err(ControlError::NotFound(format!("{method} {path} on the control endpoint"))),
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(ControlError::refused)
}

/// Health by id or name; null forgets what was said.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct HealthChange {
    checks: BTreeMap<String, Option<Health>>,
    targets: BTreeMap<Name, Option<Health>>,
}

fn set_health(service: &Service, change: HealthChange) -> Outcome {
    service.store.write(|state| {
        merge(&mut state.world.checks, change.checks);
        merge(&mut state.world.targets, change.targets);
    });
    Ok(dump::health(service))
}

fn merge<K: Ord, V>(known: &mut BTreeMap<K, V>, changes: BTreeMap<K, Option<V>>) {
    for (key, value) in changes {
        match value {
            Some(value) => known.insert(key, value),
            None => known.remove(&key),
        };
    }
}

/// Turns the knobs that are named and leaves the others.
fn turn(service: &Service, changes: serde_json::Map<String, Value>) -> Outcome {
    let mut knobs = service.knobs();
    let mut all = serde_json::to_value(&*knobs).map_err(ControlError::refused)?;
    if let Some(all) = all.as_object_mut() {
        all.extend(changes);
    }
    *knobs = serde_json::from_value(all).map_err(ControlError::refused)?;
    Ok(json!(*knobs))
}

fn set_dns(service: &Service, settings: Settings) -> Outcome {
    service.dns.set(settings).map_err(ControlError::refused)?;
    Ok(json!(service.dns.settings()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneRequest {
    name: Name,
    #[serde(default)]
    private: bool,
}

fn new_zone(service: &Service, request: ZoneRequest) -> Outcome {
    let change = service.new_change(None);
    let vpc =
        request.private.then(|| Vpc { region: "us-east-1".to_owned(), id: format!("vpc-{}", change.id) });
    let new = NewZone { name: request.name, caller_reference: change.id.clone(), comment: None, vpc };
    let zone =
        service.store.write(|state| create_zone(state, new, &change)).map_err(ControlError::refused)?;
    Ok(json!({"id": zone.id, "name": zone.name, "private": zone.private, "name_servers": zone.name_servers}))
}

fn remove_zone(service: &Service, id: &str) -> Outcome {
    service.store.write(|state| {
        state.zone(id).ok_or_else(|| ControlError::NotFound(no_such_zone(id).message))?;
        state.zones.retain(|zone| zone.id != id);
        state.tags.remove(&("hostedzone".to_owned(), id.to_owned()));
        Ok(json!({}))
    })
}
