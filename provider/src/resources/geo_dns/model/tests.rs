use rstest::rstest;
use serde_json::{Value as Json, json};

use super::super::fixture::{UNKNOWN, said, shop};
use super::*;

/// The model, and the errors.
fn model_of(changes: &Json) -> (Option<Model>, Vec<String>) {
    let mut diagnostics = Diagnostics::new();
    let model = model(&shop(changes), &mut diagnostics);
    (model, said(&diagnostics))
}

#[test]
fn the_main_case_makes_sense() {
    let (model, found) = model_of(&json!({}));
    assert_eq!(found, Vec::<String>::new());
    let model = model.unwrap();
    assert!(matches!(model.tree, Some(Tree::Geolocation(_))));
    assert_eq!(model.name.unwrap().as_str(), "shop.example.com.");
    assert_eq!(model.sources.len(), 3);
}

#[rstest]
#[case::a_target(json!({ "endpoints": { "azure": { "values": UNKNOWN } } }))]
#[case::an_address(json!({ "endpoints": { "azure": { "values": [UNKNOWN] } } }))]
#[case::a_reference(json!({ "endpoints": { "azure": { "values": null, "service": UNKNOWN } } }))]
#[case::the_zone(json!({ "zone_id": UNKNOWN }))]
#[case::the_name(json!({ "name": UNKNOWN }))]
#[case::the_health_check(json!({ "health_check": UNKNOWN }))]
fn who_answers_is_known_before_addresses_are(#[case] changes: Json) {
    let (model, found) = model_of(&changes);
    assert_eq!(found, Vec::<String>::new());
    assert!(model.is_some());
}

#[rstest]
#[case::the_policy(json!({ "policy": UNKNOWN }))]
#[case::endpoints(json!({ "endpoints": UNKNOWN }))]
#[case::an_endpoint(json!({ "endpoints": { "gcp": UNKNOWN } }))]
#[case::a_place(json!({ "endpoints": { "gcp": { "continents": [UNKNOWN] } } }))]
#[case::a_state(json!({ "endpoints": { "gcp": { "state": UNKNOWN } } }))]
fn what_decides_has_to_be_known(#[case] changes: Json) {
    let (model, found) = model_of(&changes);
    assert_eq!(found, Vec::<String>::new());
    assert!(model.is_none());
}

#[rstest]
#[case::a_stranger_by_default(json!({ "default": "mars" }), "default", "mars")]
#[case::a_stranger_instead(json!({ "endpoints": { "gcp": { "on_unhealthy": ["mars"] } } }), "endpoints[\"gcp\"].on_unhealthy", "mars")]
#[case::nobody_left(
    json!({ "endpoints": { "gcp": { "state": "drained" }, "aws": { "state": "drained" }, "azure": { "state": "drained" } } }),
    "endpoints",
    "allow_empty"
)]
#[case::an_alias_of_nobody_knows(
    json!({ "endpoints": { "aws": { "hostname": null, "alias": { "dns_name": "shop.example.net" } } } }),
    "endpoints[\"aws\"].alias.dns_name",
    "hosted_zone_id"
)]
#[case::tcp_without_a_port(json!({ "health_check": { "protocol": "TCP" } }), "health_check.port", "set `port`")]
#[case::a_check_of_nothing(json!({ "health_check": { "interval": 10 } }), "health_check.protocol", "`alarm`")]
#[case::a_path_without_a_slash(
    json!({ "endpoints": { "gcp": { "health_check": { "protocol": "HTTP", "path": "health" } } } }),
    "endpoints[\"gcp\"].health_check.path",
    "begins with `/`"
)]
#[case::two_regions(
    json!({ "health_check": { "protocol": "HTTP", "regions": ["us-east-1", "eu-west-1"] } }),
    "health_check.regions",
    "three"
)]
#[case::a_promise_that_a_failure_breaks(json!({ "must_answer": { "DE": ["azure"] } }), "must_answer[\"DE\"]", "While `azure` is unhealthy")]
#[case::a_promise_that_is_broken(json!({ "must_answer": { "JP": ["azure"] } }), "must_answer[\"JP\"]", "gcp")]
fn what_cannot_be_is_said_at_its_attribute(#[case] changes: Json, #[case] path: &str, #[case] words: &str) {
    let (model, found) = model_of(&changes);
    assert!(model.is_none());
    let named = found.iter().any(|it| it.starts_with(&format!("{path}: ")) && it.contains(words));
    assert!(named, "{found:#?}");
}

#[test]
fn nobody_may_be_left_if_that_is_allowed() {
    let drained = json!({ "state": "drained" });
    let all = json!({
        "allow_empty": true,
        "endpoints": { "gcp": drained, "aws": drained, "azure": drained },
    });
    let (model, found) = model_of(&all);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(model.unwrap().tree, None);
}

#[rstest]
#[case::for_all(json!({ "health_check": { "protocol": "HTTP" } }), &["aws", "azure", "gcp"])]
#[case::for_one(json!({ "endpoints": { "gcp": { "health_check": { "protocol": "TCP", "port": 443 } } } }), &["gcp"])]
#[case::not_for_one(
    json!({ "health_check": { "protocol": "HTTP" }, "endpoints": { "gcp": { "health_check": { "enabled": false } } } }),
    &["aws", "azure"]
)]
#[case::not_for_the_drained(
    json!({ "health_check": { "protocol": "HTTP" }, "endpoints": { "gcp": { "state": "drained" } } }),
    &["aws", "azure"]
)]
#[case::none(json!({}), &[])]
fn endpoints_have_health_checks(#[case] changes: Json, #[case] expected: &[&str]) {
    let (model, found) = model_of(&changes);
    assert_eq!(found, Vec::<String>::new());
    let checks = model.unwrap().checks.unwrap();
    assert_eq!(checks.keys().map(EndpointName::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn the_nearest_region_of_aws_stands_for_another_cloud_and_that_is_said() {
    let changes = json!({
        "policy": "latency",
        "default": null,
        "endpoints": {
            "azure": { "continents": null, "location": { "cloud": "azure", "region": "westeurope" } },
            "aws": { "continents": null, "location": { "cloud": "aws", "region": "sa-east-1" } },
            "gcp": { "continents": null, "on_unhealthy": null, "latency_region": "ap-southeast-2" },
        },
    });
    let (model, found) = model_of(&changes);
    assert_eq!(found, Vec::<String>::new());
    let model = model.unwrap();
    let Some(Tree::Latency(branches)) = &model.tree else { panic!("{:?}", model.tree) };
    let regions: Vec<&str> = branches.keys().map(|region| region.0.as_str()).collect();
    assert_eq!(regions, ["ap-southeast-2", "eu-west-2", "sa-east-1"]);
    let said = model.nearest.unwrap();
    assert!(said.contains("`azure`") && said.contains("eu-west-2") && !said.contains("`aws`:"), "{said}");
}

#[test]
fn a_service_is_looked_up_where_it_is() {
    let service = json!({ "cluster": "azure", "namespace": "shop", "name": "frontend" });
    let (model, _) = model_of(&json!({ "endpoints": { "azure": { "values": null, "service": service } } }));
    let model = model.unwrap();
    let name = EndpointName::new("azure").unwrap();
    let Some(Source::Lookup(reference)) = model.sources.get(&name) else { panic!("not looked up") };
    assert_eq!(reference.to_string(), "azure: Service `shop/frontend`");
}
