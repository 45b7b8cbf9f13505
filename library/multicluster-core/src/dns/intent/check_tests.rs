use rstest::rstest;

use super::*;
use crate::dns::testing::{intent, main_case, name, place};

fn problems(intent: &Intent) -> Vec<String> {
    check(intent).into_iter().map(|problem| problem.to_string()).collect()
}

fn expect(intent: &Intent, parts: &[&str]) {
    let found = problems(intent);
    assert_eq!(found.len(), parts.len(), "{found:#?}");
    for (problem, part) in found.iter().zip(parts) {
        assert!(problem.contains(part), "`{problem}` should have `{part}`");
    }
}

#[test]
fn the_main_case_is_no_problem() {
    expect(&main_case(), &[]);
}

#[rstest]
#[case::default_unknown("gpc", &["default: there is no endpoint `gpc`; did you mean `gcp`?"])]
#[case::default_unlike_any("somewhere", &["default: there is no endpoint `somewhere`: `endpoints` has `aws`, `azure`, `gcp`"])]
fn defaults(#[case] default: &str, #[case] parts: &[&str]) {
    expect(&Intent { default: Some(name(default)), ..main_case() }, parts);
}

#[rstest]
#[case::simple(Policy::Simple)]
#[case::multivalue(Policy::Multivalue)]
#[case::weighted(Policy::Weighted)]
fn a_default_means_nothing_where_everybody_is_answered(#[case] policy: Policy) {
    let wrong = Intent { default: Some(name("a")), ..intent(policy, &[("a", Endpoint::any())]) };
    expect(&wrong, &["default: policy"]);
}

#[rstest]
#[case::continents(Policy::Weighted, Endpoint::of(&["continent/EU"]), "endpoints.a.continents")]
#[case::countries(Policy::Failover, Endpoint::of(&["DE"]), "endpoints.a.countries")]
#[case::subdivisions(Policy::Simple, Endpoint::of(&["US-TX"]), "endpoints.a.subdivisions")]
#[case::coordinates(Policy::Multivalue, Endpoint::stands(1, 1), "endpoints.a.coordinates")]
#[case::bias(Policy::Weighted, Endpoint { bias: 5, ..Endpoint::any() }, "endpoints.a.bias")]
#[case::latency_region(Policy::Weighted, Endpoint::region("eu-central-1"), "endpoints.a.latency_region")]
#[case::standby(Policy::Simple, Endpoint::any().standby(), "endpoints.a.state")]
#[case::on_unhealthy(Policy::Simple, Endpoint::any().then(&["b"]), "endpoints.a.on_unhealthy")]
fn what_the_policy_does_not_look_at(#[case] policy: Policy, #[case] endpoint: Endpoint, #[case] path: &str) {
    let b = Endpoint { priority: u32::from(policy == Policy::Failover), ..Endpoint::any() };
    let found = problems(&intent(policy, &[("a", endpoint), ("b", b)]));
    assert!(found.len() == 1 && found[0].starts_with(&format!("{path}: policy `")), "{found:?}");
}

#[test]
fn priorities_and_weights_count_only_where_they_decide() {
    expect(
        &intent(Policy::Weighted, &[("a", Endpoint::any()), ("b", Endpoint::any().priority(3))]),
        &["endpoints.b.priority: policy `weighted` does not look at priorities"],
    );
    expect(
        &intent(Policy::Multivalue, &[("a", Endpoint::any()), ("b", Endpoint::any().weight(3))]),
        &["endpoints.b.weight: nothing looks at weights"],
    );
    // Equal ones may be the default of whoever made the intent.
    expect(
        &intent(
            Policy::Multivalue,
            &[("a", Endpoint::any().weight(100)), ("b", Endpoint::any().weight(100))],
        ),
        &[],
    );
}

#[rstest]
#[case::geolocation(Policy::Geolocation, "endpoints.b: answers nobody")]
#[case::latency(Policy::Latency, "endpoints.b.latency_region: policy `latency` needs")]
#[case::geoproximity(Policy::Geoproximity, "endpoints.b.coordinates: policy `geoproximity` needs")]
#[case::ip_based(Policy::IpBased, "endpoints.b.cidrs: policy `ip_based` needs")]
fn what_the_policy_needs(#[case] policy: Policy, #[case] part: &str) {
    let a = match policy {
        Policy::Geolocation => Endpoint::of(&["DE"]),
        Policy::Latency => Endpoint::region("eu-central-1"),
        Policy::Geoproximity => Endpoint::stands(0, 0),
        _ => Endpoint::any().cidrs(&["192.0.2.0/24"]),
    };
    expect(&intent(policy, &[("a", a.clone()), ("b", Endpoint::any())]), &[part]);
    // One that somebody falls back to needs no place, nor does one that has ranges of its own.
    expect(&intent(policy, &[("a", a.clone().then(&["b"])), ("b", Endpoint::any())]), &[]);
    expect(&intent(policy, &[("a", a), ("b", Endpoint::any().cidrs(&["198.51.100.0/24"]))]), &[]);
}

#[rstest]
#[case::itself(&["a"], "endpoints.a.on_unhealthy: an endpoint cannot answer in its own place")]
#[case::unknown(&["x"], "endpoints.a.on_unhealthy: there is no endpoint `x`")]
#[case::twice(&["b", "b"], "endpoints.a.on_unhealthy: names `b` twice")]
fn fallbacks(#[case] others: &[&str], #[case] part: &str) {
    expect(
        &intent(Policy::Weighted, &[("a", Endpoint::any().then(others)), ("b", Endpoint::any())]),
        &[part],
    );
}

#[test]
fn two_may_fall_back_to_each_other() {
    let each = [("a", Endpoint::any().then(&["b"])), ("b", Endpoint::any().then(&["a"]))];
    expect(&intent(Policy::Weighted, &each), &[]);
}

#[rstest]
#[case::bias(Endpoint { bias: 100, ..Endpoint::stands(0, 0) }, "endpoints.a.bias: must be from -99 to 99, and is 100")]
#[case::latitude(Endpoint::stands(9001, 0), "endpoints.a.coordinates: latitude must be")]
#[case::longitude(Endpoint::stands(0, -18001), "endpoints.a.coordinates: latitude must be")]
#[case::region(Endpoint::region("eu-centrl-1"), "did you mean `eu-central-1`?")]
fn ranges(#[case] endpoint: Endpoint, #[case] part: &str) {
    expect(&intent(Policy::Geoproximity, &[("a", endpoint)]), &[part]);
}

#[rstest]
#[case::v4_longest("192.0.2.0/24", true)]
#[case::v4_too_long("192.0.2.0/25", false)]
#[case::v4_host("192.0.2.1/32", false)]
#[case::v4_all("0.0.0.0/0", false)]
#[case::v6_longest("2001:db8::/48", true)]
#[case::v6_too_long("2001:db8::/49", false)]
#[case::v6_all("::/0", false)]
fn sizes_of_ranges(#[case] cidr: &str, #[case] fits: bool) {
    let found = problems(&intent(Policy::IpBased, &[("a", Endpoint::any().cidrs(&[cidr]))]));
    assert_eq!(found.is_empty(), fits, "{found:?}");
}

#[test]
fn ranges_are_the_same_or_apart() {
    let with = |a: &[&str], b: &[&str]| {
        intent(Policy::IpBased, &[("a", Endpoint::any().cidrs(a)), ("b", Endpoint::any().cidrs(b))])
    };
    expect(&with(&["192.0.2.0/24"], &["192.0.2.0/24"]), &[]);
    expect(&with(&["10.0.0.0/16", "10.0.1.0/24"], &["10.0.0.0/16"]), &[]);
    expect(
        &with(&["10.0.0.0/16"], &["10.0.1.0/24"]),
        &["endpoints.b.cidrs: `10.0.1.0/24` overlaps `10.0.0.0/16` of endpoint `a`"],
    );
    expect(
        &with(&["10.0.0.0/16"], &["10.0.0.0/16", "192.0.2.0/24"]),
        &["endpoints.b.cidrs: `10.0.0.0/16` overlaps `10.0.0.0/16` of endpoint `a`"],
    );
}

#[test]
fn somebody_must_have_weight() {
    let zero = || Endpoint::any().weight(0);
    expect(
        &intent(Policy::Weighted, &[("a", zero()), ("b", zero())]),
        &["endpoints.a.weight: all endpoints for the name have weight 0"],
    );
    // Draining the only one that has some brings up no problem: those that are left share equally.
    expect(&intent(Policy::Weighted, &[("a", Endpoint::any().drained()), ("b", zero())]), &[]);
    expect(&intent(Policy::Weighted, &[("a", zero().drained()), ("b", zero().standby())]), &[]);
    expect(&intent(Policy::Geolocation, &[("a", Endpoint { weight: 0, ..Endpoint::of(&["DE"]) })]), &[]);
}

#[test]
fn several_values_at_once_have_one_way_to_fall_back() {
    let endpoints = [
        ("a", Endpoint::of(&["DE"]).then(&["c"])),
        ("b", Endpoint::of(&["DE"])),
        ("c", Endpoint::of(&["FR"])),
    ];
    let wrong = Intent { within: Within::Multivalue, ..intent(Policy::Geolocation, &endpoints) };
    expect(&wrong, &["endpoints.a.on_unhealthy: endpoints for Germany answer together"]);
}

#[test]
fn within_latency_needs_regions_only_where_endpoints_meet() {
    let endpoints = [
        ("a", Endpoint { places: [place("DE")].into(), ..Endpoint::region("eu-central-1") }),
        ("b", Endpoint::of(&["DE"])),
        ("c", Endpoint::of(&["FR"])),
    ];
    let wrong = Intent { within: Within::Latency, ..intent(Policy::Geolocation, &endpoints) };
    expect(&wrong, &["endpoints.b.latency_region: endpoints for Germany are told apart by latency"]);
}

#[test]
fn one_position_has_one_bias() {
    let a = Endpoint::stands(5000, 800);
    let b = Endpoint { bias: 10, ..a.clone() };
    expect(&intent(Policy::Geoproximity, &[("a", a), ("b", b)]), &["endpoints.b.bias: must be that of `a`"]);
}

#[test]
fn failover_needs_an_order() {
    let same = [("a", Endpoint::any()), ("b", Endpoint::any())];
    expect(
        &intent(Policy::Failover, &same),
        &["endpoints.a.priority: policy `failover` needs an order", "endpoints.b.priority"],
    );
    expect(&intent(Policy::Failover, &[("a", Endpoint::any()), ("b", Endpoint::any().standby())]), &[]);
    expect(&intent(Policy::Failover, &[("a", Endpoint::any())]), &[]);
    // The standby that gave the order may be drained.
    let drained = [("a", Endpoint::any()), ("b", Endpoint::any()), ("c", Endpoint::any().drained())];
    expect(&intent(Policy::Failover, &drained), &[]);
}

#[test]
fn the_last_one_is_not_drained() {
    let drained =
        intent(Policy::Weighted, &[("a", Endpoint::any().drained()), ("b", Endpoint::any().drained())]);
    expect(&drained, &["endpoints: all endpoints are drained"]);
    assert!(drained.is_drained());
}

#[test]
fn without_endpoints_there_is_nothing_to_do() {
    expect(&intent(Policy::Weighted, &[]), &["endpoints: at least one endpoint is needed"]);
}

#[test]
fn a_name_takes_only_so_many_sets() {
    let many = |policy, count: i32, endpoint: fn(i32) -> Endpoint| {
        let endpoints: Vec<(String, Endpoint)> =
            (0..count).map(|it| (format!("e{it}"), endpoint(it))).collect();
        let endpoints: Vec<(&str, Endpoint)> =
            endpoints.iter().map(|(key, it)| (key.as_str(), it.clone())).collect();
        problems(&intent(policy, &endpoints))
    };
    assert_eq!(many(Policy::Weighted, 100, |_| Endpoint::any()), [""; 0]);
    assert_eq!(many(Policy::Weighted, 101, |_| Endpoint::any()).len(), 1);
    assert_eq!(many(Policy::Geoproximity, 30, |it| Endpoint::stands(it, 0)), [""; 0]);
    assert_eq!(many(Policy::Geoproximity, 31, |it| Endpoint::stands(it, 0)).len(), 1);
}
