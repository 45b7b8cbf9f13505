//! Reading, and waiting for, the address of an object.

use std::time::Duration;

use multicluster_core::object::text;
use serde_json::Value;
use tokio::time::timeout;

use super::{DiscoverError, Exposed, ExposedKind, Found, Seen, status::seen};
use crate::member::{Event, Member, MemberError, ResourceType, Scope, Wait, WaitError, Watch};

/// How long asking for the last events may take after the time is over.
const EVENTS_LIMIT: Duration = Duration::from_secs(5);

/// How many of the last events are told.
const EVENTS: usize = 5;

/// Versions of Gateway API, the best first.
const GATEWAYS: [&str; 2] = ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];

/// What the object says now. That it is missing, or has no address yet, is no error.
///
/// # Errors
/// [`DiscoverError`]: as [`discover`], without those of waiting.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn look(member: &Member, exposed: &Exposed) -> Result<Seen, DiscoverError> {
    let ty = match resource_type(member, exposed).await {
        Ok(ty) => ty,
        Err(DiscoverError::UnknownKind { .. }) => return Ok(Seen::Missing),
        Err(error) => return Err(error),
    };
    let object = member.get(&ty, Some(&exposed.namespace), &exposed.name).await;
    match object.map_err(|error| failed(exposed, error))? {
        Some(object) => seen(exposed, &object),
        None => Ok(Seen::Missing),
    }
}

/// Waits until the object has an address.
///
/// # Errors
/// [`DiscoverError::NotYet`] at the deadline, with what it was waiting for and what happened to it last;
/// [`DiscoverError::Missing`] if it is not there, or is deleted; [`DiscoverError::NeverExposed`];
/// [`DiscoverError::Cancelled`]; [`DiscoverError::Member`] where looking is not allowed.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn discover(member: &Member, exposed: &Exposed, wait: &Wait) -> Result<Found, DiscoverError> {
    let ty = resource_type(member, exposed).await?;
    let mut watch = Watch::new(member, ty, Scope::name(Some(&exposed.namespace), &exposed.name));
    let mut last: Option<(Value, String)> = None;
    let missing = || DiscoverError::Missing { object: exposed.clone() };
    loop {
        let object = match wait.next(&mut watch).await {
            Ok(Some(Event::Changed(object))) => object,
            Ok(Some(Event::Listed(objects))) => {
                let named = |object: &Value| text(object, "/metadata/name") == exposed.name;
                objects.into_iter().find(named).ok_or_else(missing)?
            }
            Ok(Some(Event::Deleted(_))) => return Err(missing()),
            Ok(None) => break,
            Err(WaitError::Cancelled) => return Err(DiscoverError::Cancelled),
            Err(WaitError::Member(error)) => return Err(failed(exposed, error)),
            Err(error) => {
                return Err(failed(exposed, MemberError::Other { message: error.to_string() }));
            }
        };
        match seen(exposed, &object)? {
            Seen::Found(found) => return Ok(found),
            Seen::Waiting(status) => last = Some((object, status)),
            Seen::Missing => return Err(missing()),
        }
    }
    Err(match (last, watch.trouble()) {
        (Some((object, status)), trouble) => {
            let status = match trouble {
                Some(trouble) => format!("{status}, when last seen; now {trouble}"),
                None => status,
            };
            let events = last_events(member, exposed, &object).await;
            DiscoverError::NotYet { object: exposed.clone(), status, events }
        }
        (None, Some(trouble)) => failed(exposed, trouble.clone()),
        (None, None) => DiscoverError::NotYet {
            object: exposed.clone(),
            status: "it has not been seen yet".to_owned(),
            events: Vec::new(),
        },
    })
}

/// What happened to the object last; nothing if that cannot be learned, since it only explains.
async fn last_events(member: &Member, exposed: &Exposed, object: &Value) -> Vec<String> {
    let uid = text(object, "/metadata/uid");
    match timeout(EVENTS_LIMIT, member.events(&exposed.namespace, uid)).await {
        Ok(Ok(mut events)) => {
            events.drain(..events.len().saturating_sub(EVENTS));
            events
        }
        Ok(Err(error)) => {
            tracing::debug!(cluster = %member.name, %error, "events cannot be read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

async fn resource_type(member: &Member, exposed: &Exposed) -> Result<ResourceType, DiscoverError> {
    let built_in = |group: &str, version: &str, kind: &str, plural: &str| ResourceType {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: true,
    };
    match exposed.kind {
        ExposedKind::Service => return Ok(built_in("", "v1", "Service", "services")),
        ExposedKind::Ingress => return Ok(built_in("networking.k8s.io", "v1", "Ingress", "ingresses")),
        ExposedKind::Gateway => {}
    }
    for version in GATEWAYS {
        let found = member.resource_type(version, "Gateway").await;
        if let Some(ty) = found.map_err(|error| failed(exposed, error))? {
            return Ok(ty);
        }
    }
    Err(DiscoverError::UnknownKind { object: exposed.clone() })
}

fn failed(exposed: &Exposed, error: MemberError) -> DiscoverError {
    match error {
        MemberError::UnknownKind => DiscoverError::UnknownKind { object: exposed.clone() },
        error => DiscoverError::Member { object: exposed.clone(), error },
    }
}
