use super::*;
use crate::dns::intent::{Endpoint, Policy};
use crate::dns::testing::{grown, intent, main_case, name, names};

fn texts(intent: &Intent, facts: &Facts, kind: FindingKind) -> Vec<String> {
    let found = findings(intent, &grown(intent), facts);
    found.into_iter().filter(|finding| finding.kind == kind).map(|finding| finding.text).collect()
}

fn one(intent: &Intent, kind: FindingKind) -> String {
    let mut texts = texts(intent, &Facts::default(), kind);
    assert_eq!(texts.len(), 1, "{texts:?}");
    texts.pop().unwrap()
}

#[test]
fn what_the_main_case_should_know() {
    let kinds: Vec<FindingKind> =
        findings(&main_case(), &grown(&main_case()), &Facts { ttl: 60, ..Facts::default() })
            .into_iter()
            .map(|finding| finding.kind)
            .collect();
    assert_eq!(kinds, [FindingKind::LeavesContinent, FindingKind::SinglePoint, FindingKind::FailoverLoad]);
}

#[test]
fn answers_that_leave_a_continent() {
    let text = one(&main_case(), FindingKind::LeavesContinent);
    assert!(
        text.contains("Asia by `aws` while `gcp` is unhealthy; Europe by `aws` while `azure` is unhealthy"),
        "{text}"
    );
    // North America's own endpoint is the default, so that nothing leaves.
    assert!(!text.contains("North America"), "{text}");
    let mut inside = main_case();
    inside.endpoints.insert(name("azure2"), Endpoint::of(&["continent/EU"]));
    let text = one(&inside, FindingKind::LeavesContinent);
    assert!(!text.contains("Europe"), "{text}");
}

#[test]
fn single_points_of_failure() {
    let text = one(&main_case(), FindingKind::SinglePoint);
    assert!(text.contains("`aws` in Africa, Antarctica, North America, Oceania and South America"), "{text}");
    let pair = [("a", Endpoint::any()), ("b", Endpoint::any().priority(1))];
    assert_eq!(texts(&intent(Policy::Failover, &pair), &Facts::default(), FindingKind::SinglePoint), [""; 0]);
    let alone = one(&intent(Policy::Simple, &[("a", Endpoint::any())]), FindingKind::SinglePoint);
    assert!(alone.contains("`a` in the whole world"), "{alone}");
}

#[test]
fn the_load_of_failing_over() {
    let text = one(&main_case(), FindingKind::FailoverLoad);
    // Of 246 countries 54 are in Europe and 50 in Asia.
    assert!(text.contains("when `gcp` is down, `aws` serves"), "{text}");
    assert!(text.contains("when `azure` is down, `aws` serves"), "{text}");
    assert!(!text.contains("when `aws` is down"), "{text}");
}

#[test]
fn load_that_does_not_grow_is_not_told() {
    let mut intent = main_case();
    intent.endpoints.insert(name("spare"), Endpoint::any());
    intent.endpoints.insert(name("gcp"), Endpoint::of(&["continent/AS"]).then(&["spare"]));
    let text = one(&intent, FindingKind::FailoverLoad);
    assert!(text.contains("when `azure` is down") && !text.contains("`spare`"), "{text}");
}

#[test]
fn clients_outside_of_all_ranges() {
    let ranges = intent(Policy::IpBased, &[("a", Endpoint::any().cidrs(&["192.0.2.0/24"]))]);
    let text = one(&ranges, FindingKind::NoAnswer);
    assert!(text.contains("clients whose address is in no range get no answer"), "{text}");
}

#[test]
fn places_without_answer() {
    let tree = Node::Geolocation(
        [(Place::Continent(Continent::Europe), Node::Endpoint(name("a")))].into_iter().collect(),
    );
    let text = findings(&main_case(), &tree, &Facts::default())
        .into_iter()
        .find(|finding| finding.kind == FindingKind::NoAnswer)
        .map(|finding| finding.text);
    assert_eq!(
        text.as_deref(),
        Some(
            "there is no answer for Africa, Antarctica, Asia, North America, Oceania and South America and clients whose place is not known: set `default`"
        )
    );
}

#[test]
fn weight_zero_is_a_standby() {
    let endpoints = [("a", Endpoint::any()), ("b", Endpoint::any().weight(0))];
    let text = one(&intent(Policy::Weighted, &endpoints), FindingKind::ZeroWeight);
    assert!(text.starts_with("`b` has weight 0: for the name it answers only while"), "{text}");
}

#[test]
fn times_to_live() {
    let weighted = intent(Policy::Weighted, &[("a", Endpoint::any()), ("b", Endpoint::any())]);
    let facts = |ttl| Facts { ttl, health_checked: names(&["a"]), ..Facts::default() };
    let ttl = |facts: &Facts| texts(&weighted, facts, FindingKind::Ttl);
    assert_eq!(ttl(&facts(60)), [""; 0]);
    assert!(ttl(&facts(300))[0].starts_with("clients keep an answer for 300 s"));
    assert_eq!(ttl(&Facts { ttl: 300, ..Facts::default() }), [""; 0]);
    let balanced = Facts { ttl: 30, load_balancers: names(&["b"]), ..Facts::default() };
    assert!(ttl(&balanced)[0].contains("weights hold only if `ttl` is 60 too, and it is 30"));
    assert_eq!(ttl(&Facts { ttl: 60, ..balanced }), [""; 0]);
}

#[test]
fn latency_is_an_estimate() {
    let endpoints = [("a", Endpoint::region("eu-west-2")), ("b", Endpoint::region("eu-central-1"))];
    let text = one(&intent(Policy::Latency, &endpoints), FindingKind::LatencyEstimate);
    assert!(
        text.contains("is an estimate by distance") && text.contains("Two are about equally far from"),
        "{text}"
    );
}
