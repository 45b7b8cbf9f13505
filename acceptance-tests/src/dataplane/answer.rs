//! One request from its arrival to its answer.

use std::time::Duration;

use http::{Request, header};
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::Instant;

use super::{
    State,
    counters::Counted,
    plan::{Asked, Destination},
};
use crate::http_server::{Answer, answer};

const JSON: &str = "application/json";

/// What became of a request.
struct Outcome {
    service: String,
    version: String,
    color: String,
    status: u16,
    body: String,
}

/// Answers a request, and counts it.
pub(super) async fn request(state: State, request: Request<Incoming>) -> Answer {
    let (head, _) = request.into_parts();
    let started = Instant::now();
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default().split(':').next().unwrap_or_default().to_ascii_lowercase();
    let asked = Asked {
        host: &host,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        method: head.method.as_str(),
        headers: &head.headers,
    };
    let Some(plan) = state.plan(&asked) else {
        let outcome = Outcome::of_proxy(404, &format!("nobody here is {host}"));
        return finish(&state, outcome, started, false);
    };
    let number = state.number(&plan.rule);
    for mirror in plan.mirrors.iter().filter(|mirror| mirror.takes(number)) {
        // A copy is sent on its way, and nobody waits for what becomes of it.
        let outcome = serve(&state, &mirror.to, Delay::Skipped).await;
        count(&state, &outcome, Duration::ZERO, true);
    }
    let outcome = match plan.pick(number) {
        Some(destination) => serve(&state, destination, Delay::Taken).await,
        None => Outcome::of_proxy(500, "no destination has a weight"),
    };
    finish(&state, outcome, started, true)
}

/// Whether the time that a server takes is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delay {
    Taken,
    Skipped,
}

async fn serve(state: &State, destination: &Destination, delay: Delay) -> Outcome {
    let (name, port, subset) = match destination {
        Destination::Status(status) => return Outcome::of_proxy(*status, "a reference leads nowhere"),
        Destination::Service { name, port, subset } => (name, *port, subset),
    };
    let outcome =
        |status, body: String| Outcome { service: name.clone(), ..Outcome::of_proxy(status, &body) };
    let endpoints = state.endpoints(name, port, subset);
    let count = u64::try_from(endpoints.len()).unwrap_or(u64::MAX).max(1);
    let turn = usize::try_from(state.number(&format!("service {name}")) % count).unwrap_or_default();
    let Some(endpoint) = endpoints.get(turn) else {
        return outcome(503, format!("{name} has no ready endpoint"));
    };
    let refused = || outcome(502, format!("{} of {name} refuses connections", endpoint.address));
    let Some(process) = state.running(endpoint.pod.as_deref()) else { return refused() };
    let behavior = state.behavior(&process);
    if delay == Delay::Taken && !behavior.latency.is_zero() {
        tokio::time::sleep(behavior.latency).await;
        if state.running(endpoint.pod.as_deref()).is_none() {
            return refused();
        }
    }
    let number = state.number(&format!("version {} {}", process.version, process.color));
    let status = if behavior.fails(number) { behavior.status } else { 200 };
    let body = json!({
        "cluster": state.cluster,
        "namespace": state.namespace,
        "service": name,
        "pod": endpoint.pod,
        "version": process.version,
        "color": process.color,
        "image": process.image,
    });
    Outcome {
        service: name.clone(),
        version: process.version,
        color: process.color,
        status,
        body: body.to_string(),
    }
}

impl Outcome {
    /// What the proxy answers itself.
    fn of_proxy(status: u16, why: &str) -> Self {
        let body = json!({"error": why}).to_string();
        Self { service: String::new(), version: String::new(), color: String::new(), status, body }
    }
}

fn finish(state: &State, outcome: Outcome, started: Instant, known: bool) -> Answer {
    // Requests for hosts that nobody knows are mistakes of a test; counted, they would look like lost ones.
    if known {
        count(state, &outcome, started.elapsed(), false);
    }
    Ok(answer(outcome.status, JSON, outcome.body))
}

fn count(state: &State, outcome: &Outcome, took: Duration, mirrored: bool) {
    let counted = Counted {
        service: outcome.service.clone(),
        version: outcome.version.clone(),
        color: outcome.color.clone(),
        status: outcome.status,
        mirrored,
    };
    state.counters.add(counted, took);
}
