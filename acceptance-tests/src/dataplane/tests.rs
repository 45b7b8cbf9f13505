//! Where requests go, by objects as users write them.

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::{
    collection::Turn,
    http_route::{HttpRoute, Unresolved},
    plan::{Asked, Destination, Mirror, Plan},
    table::{Change, Table},
    virtual_service::VirtualService,
};

/// A namespace `shop` with the Services `web`, `blue` and `green`, all with port 80.
fn table(routes: &[(&str, Value)], virtual_services: &[(&str, Value)], rules: &[Value]) -> Table {
    let mut table = Table::new("shop");
    let service: Service = serde_json::from_value(json!({"spec": {"ports": [{"port": 80}]}})).unwrap();
    for name in ["web", "blue", "green"] {
        table.apply(Change::Service(Turn::Applied(name.to_owned(), Arc::new(service.clone()))));
    }
    for (name, spec) in routes {
        table.apply(Change::Route(Turn::Applied((*name).to_owned(), route(name, spec))));
    }
    for (name, spec) in virtual_services {
        let one = VirtualService {
            name: (*name).to_owned(),
            created: String::new(),
            spec: serde_json::from_value(spec.clone()).unwrap(),
        };
        table.apply(Change::VirtualService(Turn::Applied((*name).to_owned(), one)));
    }
    for (index, rule) in rules.iter().enumerate() {
        let rule = serde_json::from_value(rule.clone()).unwrap();
        table.apply(Change::DestinationRule(Turn::Applied(index.to_string(), rule)));
    }
    table
}

fn route(name: &str, spec: &Value) -> HttpRoute {
    HttpRoute {
        name: name.to_owned(),
        namespace: "shop".to_owned(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        generation: 1,
        resource_version: String::new(),
        spec: serde_json::from_value(spec.clone()).unwrap(),
        parents: Vec::new(),
    }
}

fn ask(table: &Table, host: &str, target: &str, headers: &[(&'static str, &'static str)]) -> Option<Plan> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    table.plan(&Asked { host, path, query, method: "GET", headers: &headers })
}

fn to(name: &str) -> Destination {
    Destination::service(name, Some(80))
}

fn backend(name: &str, weight: u64) -> Value {
    json!({"name": name, "port": 80, "weight": weight})
}

/// A route of a Gateway with one rule per entry.
fn gateway(hostnames: &[&str], rules: &Value) -> Value {
    json!({"parentRefs": [{"name": "edge"}], "hostnames": hostnames, "rules": rules})
}

#[track_caller]
fn goes(table: &Table, host: &str, target: &str, headers: &[(&'static str, &'static str)], expected: &str) {
    let plan = ask(table, host, target, headers).unwrap();
    assert_eq!(plan.destinations, [(1, to(expected))], "{host} {target} {headers:?}");
}

#[test]
fn a_service_without_a_route_goes_to_its_pods() {
    let table = table(&[], &[], &[]);
    for host in ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local"] {
        let plan = ask(&table, host, "/", &[]).unwrap();
        assert_eq!(plan.destinations, [(1, Destination::service("web", None))], "{host}");
    }
    for host in ["web.other", "nobody", "web.shop.example.com", ""] {
        assert_eq!(ask(&table, host, "/", &[]), None, "{host}");
    }
}

#[test]
fn weights_and_references_that_lead_nowhere() {
    let rules = json!([{"backendRefs": [
        backend("blue", 80),
        {"name": "green", "port": 80},
        backend("missing", 5),
        {"name": "blue", "port": 81, "weight": 6},
        {"name": "blue", "weight": 7},
        {"name": "blue", "namespace": "other", "port": 80, "weight": 8},
        {"group": "example.com", "kind": "Bucket", "name": "blue", "port": 80, "weight": 9},
    ]}]);
    let table = table(&[("shop", gateway(&["shop.example.com"], &rules))], &[], &[]);
    let plan = ask(&table, "shop.example.com", "/", &[]).unwrap();
    let nowhere = || Destination::Status(500);
    assert_eq!(
        plan.destinations,
        [
            (80, to("blue")),
            (1, to("green")),
            (5, nowhere()),
            (6, nowhere()),
            (7, nowhere()),
            (8, nowhere()),
            (9, nowhere()),
        ]
    );
    let unresolved = |backend: Value| {
        let route = route("r", &gateway(&[], &json!([{"backendRefs": [backend]}])));
        route.unresolved(|backend| table.resolve(&route, backend)).map(|(_, why)| why)
    };
    assert_eq!(unresolved(backend("blue", 0)), None);
    assert_eq!(unresolved(backend("missing", 0)), Some(Unresolved::BackendNotFound));
    assert_eq!(
        unresolved(json!({"name": "blue", "namespace": "x", "port": 80})),
        Some(Unresolved::RefNotPermitted)
    );
    assert_eq!(unresolved(json!({"kind": "Pod", "name": "blue", "port": 80})), Some(Unresolved::InvalidKind));
}

#[test]
fn the_most_specific_rule_counts() {
    let rules = json!([
        {"backendRefs": [backend("web", 1)]},
        {"matches": [{"headers": [{"name": "X-Canary", "value": "yes"}]}], "backendRefs": [backend("green", 1)]},
        {"matches": [{"path": {"type": "PathPrefix", "value": "/api"}}], "backendRefs": [backend("blue", 1)]},
        {"matches": [{"path": {"type": "Exact", "value": "/api/x"}}], "backendRefs": [backend("green", 1)]},
        {"matches": [{"queryParams": [{"name": "v", "value": "2"}]}], "backendRefs": [backend("green", 1)]},
        {
            "matches": [{"headers": [{"type": "RegularExpression", "name": "user", "value": "test-.*"}]}],
            "backendRefs": [backend("blue", 1)],
        },
    ]);
    let table = table(&[("shop", gateway(&[], &rules))], &[], &[]);
    goes(&table, "any.example.com", "/", &[], "web");
    goes(&table, "any.example.com", "/", &[("x-canary", "yes")], "green");
    goes(&table, "any.example.com", "/", &[("x-canary", "no")], "web");
    goes(&table, "any.example.com", "/api", &[("x-canary", "yes")], "blue");
    goes(&table, "any.example.com", "/apis", &[], "web");
    goes(&table, "any.example.com", "/api/x", &[], "green");
    goes(&table, "any.example.com", "/?v=2", &[], "green");
    goes(&table, "any.example.com", "/", &[("user", "test-7")], "blue");
}

#[test]
fn the_most_specific_host_counts_and_then_the_first_name() {
    let one = |name: &str| json!([{"backendRefs": [backend(name, 1)]}]);
    let table = table(
        &[
            ("b", gateway(&["*.example.com"], &one("blue"))),
            ("c", gateway(&["shop.example.com"], &one("green"))),
            ("d", gateway(&["shop.example.com"], &one("blue"))),
            ("e", gateway(&[], &one("web"))),
        ],
        &[],
        &[],
    );
    goes(&table, "shop.example.com", "/", &[], "green");
    goes(&table, "other.example.com", "/", &[], "blue");
    goes(&table, "example.org", "/", &[], "web");
}

#[test]
fn a_route_of_a_service_leads_what_is_sent_to_it() {
    let rules = json!([{
        "matches": [{"path": {"value": "/shop"}}],
        "backendRefs": [backend("green", 1)],
    }]);
    let spec = json!({"parentRefs": [{"group": "", "kind": "Service", "name": "web"}], "rules": rules});
    let table = table(&[("mesh", spec)], &[], &[]);
    goes(&table, "web.shop", "/shop/1", &[], "green");
    let plan = ask(&table, "web", "/", &[]).unwrap();
    assert_eq!(plan.destinations, [(1, Destination::Status(404))], "its rules fit nothing else");
    assert_eq!(ask(&table, "shop.example.com", "/shop", &[]), None, "it is no route of a Gateway");
    assert_eq!(
        ask(&table, "blue", "/", &[]).unwrap().destinations,
        [(1, Destination::service("blue", None))]
    );
}

#[test]
fn mirrors_of_a_route() {
    let filter = |more: Value| {
        let mut mirror = json!({"backendRef": {"name": "green", "port": 80}});
        mirror.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "RequestMirror", "requestMirror": mirror})
    };
    let filters =
        [json!({}), json!({"percent": 25}), json!({"fraction": {"numerator": 1, "denominator": 8}})]
            .map(filter);
    let rules = json!([{"filters": filters, "backendRefs": [backend("blue", 1)]}]);
    let plan = ask(&table(&[("shop", gateway(&[], &rules))], &[], &[]), "a.example", "/", &[]).unwrap();
    let shares: Vec<_> = plan.mirrors.iter().map(|Mirror { share, of, .. }| (*share, *of)).collect();
    assert_eq!((shares, &plan.mirrors[0].to), (vec![(1, 1), (25, 100), (1, 8)], &to("green")));
}

#[test]
fn a_virtual_service_leads_by_weight_subset_and_header() {
    let spec = json!({
        "hosts": ["web", "shop.example.com"],
        "http": [
            {
                "match": [{"headers": {"x-canary": {"exact": "yes"}}, "uri": {"prefix": "/"}}],
                "route": [{"destination": {"host": "green", "port": {"number": 80}}, "weight": 0}],
            },
            {
                "route": [
                    {"destination": {"host": "web.shop.svc.cluster.local", "subset": "v1"}, "weight": 90},
                    {"destination": {"host": "web", "subset": "v3"}, "weight": 10},
                    {"destination": {"host": "nobody"}},
                ],
                "mirror": {"host": "green"},
                "mirrorPercentage": {"value": 12.5},
            },
        ],
    });
    let rule = json!({"host": "web", "subsets": [{"name": "v1", "labels": {"version": "1"}}]});
    let table = table(&[], &[("web", spec)], &[rule]);
    for host in ["web.shop", "shop.example.com"] {
        let plan = ask(&table, host, "/", &[("x-canary", "yes")]).unwrap();
        assert_eq!(plan.destinations, [(1, to("green"))], "a single destination gets everything");
        let plan = ask(&table, host, "/", &[]).unwrap();
        let subset = BTreeMap::from([("version".to_owned(), "1".to_owned())]);
        let first = Destination::Service { name: "web".to_owned(), port: None, subset };
        assert_eq!(
            plan.destinations,
            [(90, first), (10, Destination::Status(503)), (0, Destination::Status(503))]
        );
        assert_eq!((plan.mirrors[0].share, plan.mirrors[0].of), (125_000, 1_000_000));
    }
}

#[test]
fn a_virtual_service_without_a_rule_that_fits_is_an_error() {
    let spec = json!({"hosts": ["*.example.com"], "http": [{
        "match": [{"withoutHeaders": {"x": {}}, "queryParams": {"v": {"regex": "[0-9]"}}}],
        "route": [{"destination": {"host": "blue"}}],
    }]});
    let table = table(&[], &[("any", spec)], &[]);
    let found = |target, headers: &[(&'static str, &'static str)]| {
        ask(&table, "a.example.com", target, headers).unwrap().destinations
    };
    assert_eq!(found("/?v=3", &[]), [(1, Destination::service("blue", None))]);
    assert_eq!(found("/?v=33", &[]), [(1, Destination::Status(404))]);
    assert_eq!(found("/?v=3", &[("x", "")]), [(1, Destination::Status(404))]);
}
