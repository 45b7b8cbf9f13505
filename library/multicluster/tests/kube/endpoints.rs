//! Where objects are reached, and whether something answers there.

use std::{sync::Arc, time::Duration};

use multicluster::{
    endpoints::{
        DiscoverError, Exposed, ExposedKind, Found, Probe, ProbeError, ProbeKind, ProbeTarget, Seen,
        discover, look, probe,
    },
    member::MemberError,
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{
    answers,
    cluster::forbidden,
    server::{Authority, Say, Server},
    store::Store,
    waits_gone::within,
};

fn exposed(kind: ExposedKind) -> Exposed {
    Exposed { kind, namespace: "shop".to_owned(), name: "web".to_owned() }
}

fn service(ingress: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "web", "namespace": "shop", "uid": "s-1" },
        "spec": { "type": "LoadBalancer" },
        "status": { "loadBalancer": { "ingress": ingress } },
    })
}

fn at(address: &str) -> Found {
    Found { addresses: [address.parse().unwrap()].into(), ..Found::default() }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_there_is_found_at_once() {
    let store = Store::new();
    store.put(service(&json!([{ "ip": "203.0.113.7" }])));
    let (member, _) = store.member("services");
    let service = exposed(ExposedKind::Service);
    assert_eq!(discover(&member, &service, &within(60)).await, Ok(at("203.0.113.7")));
    assert_eq!(look(&member, &service).await, Ok(Seen::Found(at("203.0.113.7"))));
}

#[tokio::test(start_paused = true)]
async fn an_address_is_waited_for() {
    let store = Store::new();
    store.put(service(&json!([])));
    let (member, _) = store.member("services");
    let object = exposed(ExposedKind::Service);
    assert!(matches!(look(&member, &object).await, Ok(Seen::Waiting(_))));
    let start = Instant::now();
    let given = async {
        sleep(Duration::from_secs(40)).await;
        store.put(service(&json!([{ "hostname": "a.elb.us-east-1.amazonaws.com" }])));
    };
    let limits = within(300);
    let (found, ()) = tokio::join!(discover(&member, &object, &limits), given);
    assert_eq!(Vec::from_iter(found.unwrap().hostnames), ["a.elb.us-east-1.amazonaws.com"]);
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_last_events_are_told() {
    let (services, events) = (Store::new(), Store::new());
    services.put(service(&json!([])));
    for number in 0..7 {
        events.put(json!({
            "metadata": { "name": format!("e{number}") }, "reason": "SyncLoadBalancerFailed",
            "message": format!("quota {number}"), "lastTimestamp": format!("2026-01-01T00:00:{:02}Z", 30 - number),
        }));
    }
    let (member, _) = Store::member_of([("services", services), ("events", events)]);
    let error = discover(&member, &exposed(ExposedKind::Service), &within(60)).await.unwrap_err();
    let text = error.to_string();
    let DiscoverError::NotYet { events, .. } = error else { panic!("{text}") };
    let expected: Vec<_> =
        (0..5).rev().map(|number| format!("SyncLoadBalancerFailed: quota {number}")).collect();
    assert_eq!(events, expected, "the latest five, the latest last");
    assert!(text.starts_with("Service `shop/web` has no address in the time allowed: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn events_that_may_not_be_read_hide_nothing_else() {
    let (member, _) = answers::member(|asked| match asked.path.rsplit('/').next() {
        Some("events") => forbidden(),
        _ if asked.query.contains("watch=true") => answers::pieces(Vec::new()),
        _ => answers::json(
            200,
            &json!({ "metadata": { "resourceVersion": "1" }, "items": [service(&json!([]))] }),
        ),
    });
    let error = discover(&member, &exposed(ExposedKind::Service), &within(20)).await.unwrap_err();
    assert!(matches!(&error, DiscoverError::NotYet { events, .. } if events.is_empty()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_goes_is_not_waited_for() {
    let store = Store::new();
    let (member, _) = store.member("services");
    let object = exposed(ExposedKind::Service);
    assert_eq!(look(&member, &object).await, Ok(Seen::Missing));
    let missing = Err(DiscoverError::Missing { object: object.clone() });
    assert_eq!(discover(&member, &object, &within(60)).await, missing);

    store.put(service(&json!([])));
    let gone = async {
        sleep(Duration::from_secs(5)).await;
        store.delete("web");
    };
    let limits = within(60);
    assert_eq!(tokio::join!(discover(&member, &object, &limits), gone).0, missing);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_gateway_api_has_no_gateways() {
    let (member, _) = answers::member(|asked| match asked.path.as_str() {
        "/api" | "/apis" => answers::json(
            200,
            &json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [] }),
        ),
        _ => answers::text(404, "404 page not found"),
    });
    let object = exposed(ExposedKind::Gateway);
    assert_eq!(look(&member, &object).await, Ok(Seen::Missing));
    let error = discover(&member, &object, &within(60)).await.unwrap_err();
    assert!(error.to_string().contains("Gateway API are not installed"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_and_a_missing_permission_end_the_wait() {
    let store = Store::new();
    store.put(service(&json!([])));
    let (member, _) = store.member("services");
    let object = exposed(ExposedKind::Service);
    let limits = within(60);
    limits.cancelled.cancel();
    assert_eq!(discover(&member, &object, &limits).await, Err(DiscoverError::Cancelled));

    let (member, _) = answers::member(|_| forbidden());
    let error = discover(&member, &object, &within(60)).await.unwrap_err();
    assert!(matches!(error, DiscoverError::Member { error: MemberError::Forbidden { .. }, .. }), "{error}");
}

fn asked(kind: ProbeKind, server: &Server, host: &str) -> (ProbeTarget, Probe) {
    let probe = Probe { kind, port: server.address.port(), host: host.to_owned() };
    (ProbeTarget::Address(server.address.ip()), probe)
}

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

#[tokio::test]
async fn an_endpoint_answers_by_the_name_that_clients_use() {
    let server = Server::plain(|_, _| Say::Answer(204, "")).await;
    let (target, question) = asked(ProbeKind::Http { path: "/healthz".into() }, &server, "app.example.com.");
    probe(&target, &question, &within(5)).await.unwrap();
    let head = server.asked().remove(0);
    assert_eq!((head.line.as_str(), head.header("host")), ("GET /healthz HTTP/1.1", "app.example.com"));

    let (target, question) = asked(ProbeKind::Tcp, &server, "app.example.com");
    probe(&target, &question, &within(5)).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_still_starting_is_asked_again() {
    let server = Server::plain(|count, _| Say::Answer(if count == 0 { 503 } else { 200 }, "")).await;
    let (target, question) = asked(ProbeKind::Http { path: "/".into() }, &server, "app.example.com");
    probe(&target, &question, &within(30)).await.unwrap();
    assert_eq!(server.asked().len(), 2);
}

#[rstest]
#[case::an_error(Say::Answer(503, ""), "answers 503")]
#[case::a_connection_that_ends(Say::HangUp, "is not HTTP")]
#[tokio::test]
async fn an_endpoint_that_fails_is_told(#[case] say: Say, #[case] expected: &str) {
    let say = std::sync::Mutex::new(Some(say));
    let server = Server::plain(move |_, _| say.lock().unwrap().take().unwrap_or(Say::HangUp)).await;
    let (target, question) = asked(ProbeKind::Http { path: "/".into() }, &server, "app.example.com");
    let error = probe(&target, &question, &within(1)).await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn the_certificate_has_to_be_for_the_name_and_from_somebody_trusted() {
    let authority = Authority::new();
    let server = Server::tls(&authority).await;
    let https = |roots| ProbeKind::Https { path: "/".into(), roots };
    let (target, question) = asked(https(roots(&authority)), &server, "api.example.com");
    probe(&target, &question, &within(5)).await.unwrap();

    let (target, question) = asked(https(roots(&authority)), &server, "app.example.com");
    let error = probe(&target, &question, &within(1)).await.unwrap_err();
    assert!(matches!(&error, ProbeError::Certificate { host, .. } if host == "app.example.com"), "{error}");

    let (target, question) = asked(https(roots(&Authority::new())), &server, "api.example.com");
    let error = probe(&target, &question, &within(1)).await.unwrap_err();
    assert!(matches!(error, ProbeError::Certificate { .. }), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_nobody_answers() {
    let address = Server::plain(|_, _| Say::HangUp).await.address;
    let question = Probe { kind: ProbeKind::Tcp, port: address.port(), host: "app.example.com".into() };
    // The server ended with its handle.
    let error = probe(&ProbeTarget::Address(address.ip()), &question, &within(1)).await.unwrap_err();
    assert!(matches!(error, ProbeError::Silent { .. }), "{error}");

    let limits = within(60);
    limits.cancelled.cancel();
    let cancelled = probe(&ProbeTarget::Address(address.ip()), &question, &limits).await;
    assert_eq!(cancelled, Err(ProbeError::Cancelled));
}
