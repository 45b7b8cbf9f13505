//! From a request to a reply.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::Method;
use jiff::{SignedDuration, Timestamp};

use super::{
    cidr,
    gate::{Bucket, Knobs, signed},
    geo, health_checks, ids,
    operation::{Operation, Route, route},
    query::Query,
    record_sets,
    reply::Reply,
    tags, test_answer, zones,
};
use crate::{
    checks::Addresses,
    dns,
    error::{ErrorCode, ServiceError},
    log::{Call, CallLog},
    model::{ChangeInfo, State, Store},
};

/// The emulated service: the account and everything that decides how it answers.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) dns: Arc<dns::Control>,
    pub(crate) log: CallLog,
    knobs: Mutex<Knobs>,
    bucket: Mutex<Bucket>,
    /// Zone id → when it was last changed.
    changed: Mutex<BTreeMap<String, Duration>>,
    started: Timestamp,
}

/// A request without its connection.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    pub(crate) request_id: String,
    /// How long the reply waits.
    pub(crate) delay: Duration,
    /// Whether the connection ends without the reply.
    pub(crate) dropped: bool,
}

impl Service {
    pub(crate) fn new(store: Arc<Store>, dns: Arc<dns::Control>, knobs: Knobs, started: Timestamp) -> Self {
        Self {
            store,
            dns,
            log: CallLog::default(),
            knobs: Mutex::new(knobs),
            bucket: Mutex::default(),
            changed: Mutex::default(),
            started,
        }
    }

    /// Carries a request out.
    pub(crate) fn handle(&self, request: &Request) -> Outcome {
        let request_id = ids::uuid();
        let at = self.store.now();
        let route = route(&request.method, &request.path);
        let done = match &route {
            Err(error) => Reply::error(error, &request_id),
            Ok(route) => self.pass(route, request, &request_id).unwrap_or_else(|| {
                match self.carry_out(route, request) {
                    Ok(reply) => reply,
                    Err(error) => Reply::error(&error, &request_id),
                }
            }),
        };
        let operation = route.as_ref().ok().map(|route| route.operation);
        let dropped =
            done.status < 300 && operation.is_some_and(|operation| self.knobs().take_drop(operation));
        self.log.push(Call {
            at_ms: milliseconds(at),
            took_ms: milliseconds(self.store.now().saturating_sub(at)),
            operation: operation.map_or_else(
                || format!("{} {}", request.method, request.path),
                |each| each.as_str().to_owned(),
            ),
            zone: route.ok().and_then(|route| zone_of(&route, &request.query)),
            status: done.status,
            changes: done.changes,
            dropped,
        });
        let delay = Duration::from_millis(self.knobs().delay_ms);
        Outcome { reply: done, request_id, delay, dropped }
    }

    /// The reply of a request that does not get to its operation.
    fn pass(&self, route: &Route, request: &Request, request_id: &str) -> Option<Reply> {
        let refused = |error: &ServiceError| Some(Reply::error(error, request_id));
        if !route.operation.is_public()
            && let Err(error) = signed(request.authorization.as_deref(), request.date.as_deref())
        {
            return refused(&error);
        }
        if let Some(failure) = self.knobs().take_failure(route.operation) {
            return Some(Reply::failure(failure.status, &failure.code, &failure.message, request_id));
        }
        let now = self.store.now();
        let rate = self.knobs().requests_per_second;
        if let Err(error) = lock(&self.bucket).take(now, rate) {
            return refused(&error);
        }
        let busy = Duration::from_millis(self.knobs().prior_request_ms);
        if route.operation.changes_zone() && !busy.is_zero() {
            let zone = route.parameters.first()?;
            let last = lock(&self.changed).get(zone).copied();
            if last.is_some_and(|last| now.saturating_sub(last) < busy) {
                return refused(&ServiceError::new(
                    ErrorCode::PriorRequestNotComplete,
                    "The request was rejected because Route 53 was still processing a prior request.",
                ));
            }
        }
        None
    }

    fn carry_out(&self, route: &Route, request: &Request) -> Result<Reply, ServiceError> {
        let query = Query::parse(&request.query);
        let body = request.body.as_slice();
        let reply = match route.operation {
            Operation::CreateHostedZone => zones::create(self, body),
            Operation::GetHostedZone => zones::get(self, route),
            Operation::ListHostedZones => zones::list(self, &query),
            Operation::ListHostedZonesByName => zones::list_by_name(self, &query),
            Operation::DeleteHostedZone => zones::delete(self, route),
            Operation::UpdateHostedZoneComment => zones::update_comment(self, route, body),
            Operation::GetHostedZoneCount => zones::count(self),
            Operation::GetDNSSEC => zones::dnssec(self, route),
            Operation::GetHostedZoneLimit => zones::limit(self, route),
            Operation::GetAccountLimit => zones::account_limit(self, route),
            Operation::ListResourceRecordSets => record_sets::list(self, route, &query),
            Operation::ChangeResourceRecordSets => record_sets::change(self, route, body),
            Operation::GetChange => record_sets::get_change(self, route),
            Operation::CreateHealthCheck => health_checks::create(self, body),
            Operation::GetHealthCheck => health_checks::get(self, route),
            Operation::ListHealthChecks => health_checks::list(self, &query),
            Operation::UpdateHealthCheck => health_checks::update(self, route, body),
            Operation::DeleteHealthCheck => health_checks::delete(self, route),
            Operation::GetHealthCheckStatus => health_checks::status(self, route),
            Operation::GetHealthCheckLastFailureReason => health_checks::last_failure(self, route),
            Operation::GetHealthCheckCount => health_checks::count(self),
            Operation::GetCheckerIpRanges => Ok(health_checks::checker_ranges()),
            Operation::ChangeTagsForResource => tags::change(self, route, body),
            Operation::ListTagsForResource => tags::list(self, route),
            Operation::ListTagsForResources => tags::list_many(self, route, body),
            Operation::CreateCidrCollection => cidr::create(self, body),
            Operation::ChangeCidrCollection => cidr::change(self, route, body),
            Operation::DeleteCidrCollection => cidr::delete(self, route),
            Operation::ListCidrCollections => cidr::list(self, &query),
            Operation::ListCidrLocations => cidr::list_locations(self, route, &query),
            Operation::ListCidrBlocks => cidr::list_blocks(self, route, &query),
            Operation::ListGeoLocations => geo::list(self, &query),
            Operation::GetGeoLocation => geo::get(&query),
            Operation::TestDNSAnswer => test_answer::test(self, &query),
        }?;
        if route.operation.changes_zone()
            && let Some(zone) = route.parameters.first()
        {
            lock(&self.changed).insert(zone.clone(), self.store.now());
        }
        Ok(reply)
    }

    /// The knobs, to read or to turn.
    pub(crate) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        lock(&self.knobs)
    }

    /// Which addresses health checks may have.
    pub(crate) fn addresses(&self) -> Addresses {
        if self.knobs().strict_addresses { Addresses::Routable } else { Addresses::RoutableOrDocumentation }
    }

    /// The most items of a page, if a test has set it.
    pub(crate) fn page_limit(&self) -> Option<usize> {
        self.knobs().page_size
    }

    /// A new change that is accepted now.
    pub(crate) fn new_change(&self, comment: Option<String>) -> ChangeInfo {
        let submitted = self.store.now();
        let insync = submitted + Duration::from_millis(self.knobs().insync_after_ms);
        ChangeInfo { id: ids::change(), submitted, insync, comment }
    }

    /// A moment of the emulator's clock as the API writes it.
    pub(crate) fn time(&self, since_start: Duration) -> String {
        let moment =
            SignedDuration::try_from(since_start).ok().and_then(|since| self.started.checked_add(since).ok());
        moment.unwrap_or(self.started).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// The error for a zone that is not there.
pub(crate) fn no_such_zone(id: &str) -> ServiceError {
    ServiceError::new(ErrorCode::NoSuchHostedZone, format!("No hosted zone found with ID: {id}"))
}

/// Whether a zone exists, as a check before something else.
///
/// # Errors
/// `NoSuchHostedZone`.
pub(crate) fn zone_exists(state: &State, id: &str) -> Result<(), ServiceError> {
    state.zone(id).map(|_| ()).ok_or_else(|| no_such_zone(id))
}

fn zone_of(route: &Route, query: &str) -> Option<String> {
    match route.operation {
        Operation::GetHostedZone
        | Operation::DeleteHostedZone
        | Operation::UpdateHostedZoneComment
        | Operation::GetDNSSEC
        | Operation::GetHostedZoneLimit
        | Operation::ListResourceRecordSets
        | Operation::ChangeResourceRecordSets => route.parameters.first().cloned(),
        Operation::TestDNSAnswer => Query::parse(query).get("hostedzoneid").map(str::to_owned),
        Operation::ChangeTagsForResource | Operation::ListTagsForResource => match &route.parameters[..] {
            [kind, id] if kind == "hostedzone" => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is valid after every single statement under its lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
