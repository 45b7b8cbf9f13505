use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::dns::answer::{Client, answer};
use crate::dns::findings::FindingKind;
use crate::dns::intent::{Endpoint, EndpointState, Intent, Policy, Within};
use crate::dns::testing::{any_intent, failover, grown, intent, leaf, main_case, name, place};

fn geolocation(branches: &[(&str, Node)]) -> Node {
    Node::Geolocation(branches.iter().map(|(key, node)| (place(key), node.clone())).collect())
}

fn latency(branches: &[(&str, Node)]) -> Node {
    Node::Latency(
        branches.iter().map(|(key, node)| (LatencyRegion((*key).to_owned()), node.clone())).collect(),
    )
}

#[test]
fn the_main_case_is_flat() {
    let expect = [("continent/EU", "azure"), ("continent/NA", "aws"), ("continent/AS", "gcp"), ("*", "aws")];
    assert_eq!(grown(&main_case()), geolocation(&expect.map(|(key, name)| (key, leaf(name)))));
}

#[test]
fn a_chosen_peer_answers_before_the_default() {
    let mut intent = main_case();
    intent.endpoints.insert(name("gcp"), Endpoint::of(&["continent/AS"]).then(&["aws", "azure"]));
    let asia = failover(leaf("gcp"), failover(leaf("aws"), leaf("azure")));
    let expect = [
        ("continent/EU", leaf("azure")),
        ("continent/NA", leaf("aws")),
        ("continent/AS", asia),
        ("*", leaf("aws")),
    ];
    assert_eq!(grown(&intent), geolocation(&expect));
}

#[test]
fn endpoints_in_one_place_share_it() {
    let europe = |weight| Endpoint::of(&["continent/EU"]).weight(weight);
    let endpoints =
        [("a", europe(70)), ("b", europe(20)), ("c", europe(10)), ("d", Endpoint::of(&["continent/NA"]))];
    let intent = Intent { default: Some(name("d")), ..intent(Policy::Geolocation, &endpoints) };
    let shared = Node::Weighted(vec![(70, leaf("a")), (20, leaf("b")), (10, leaf("c"))]);
    let expect = geolocation(&[("continent/EU", shared), ("continent/NA", leaf("d")), ("*", leaf("d"))]);
    assert_eq!(grown(&intent), expect);
}

#[test]
fn endpoints_of_one_latency_region_share_it() {
    let endpoints = [
        ("aks", Endpoint::region("us-east-1")),
        ("eks", Endpoint::region("us-east-1")),
        ("west", Endpoint::region("eu-west-2")),
    ];
    let shared = Node::Weighted(vec![(1, leaf("aks")), (1, leaf("eks"))]);
    assert_eq!(
        grown(&intent(Policy::Latency, &endpoints)),
        latency(&[("us-east-1", shared), ("eu-west-2", leaf("west"))])
    );
}

#[test]
fn failover_over_three_is_nested() {
    let endpoints = [
        ("c1", Endpoint::any().priority(1)),
        ("c2", Endpoint::any().priority(2)),
        ("c3", Endpoint::any().priority(3)),
    ];
    assert_eq!(
        grown(&intent(Policy::Failover, &endpoints)),
        failover(leaf("c1"), failover(leaf("c2"), leaf("c3")))
    );
}

#[test]
fn ranges_stand_before_places() {
    let mut intent = main_case();
    intent.endpoints.insert(name("isp"), Endpoint::any().cidrs(&["203.0.113.0/24"]));
    let Node::IpBased { ranges, others } = grown(&intent) else { panic!("ranges first") };
    assert_eq!(ranges.get("isp"), Some(&(vec!["203.0.113.0/24".parse().unwrap()], leaf("isp"))));
    assert_eq!(others.as_deref(), Some(&grown(&main_case())));
}

#[test]
fn a_canary_has_its_part_of_a_continent() {
    let blue = Endpoint::of(&["continent/EU"]).weight(95);
    let green = Endpoint::of(&["continent/EU"]).weight(5);
    let endpoints = [("blue", blue), ("green", green), ("us", Endpoint::of(&["continent/NA"]))];
    let Node::Geolocation(branches) = grown(&intent(Policy::Geolocation, &endpoints)) else {
        panic!("places")
    };
    let shared = Node::Weighted(vec![(95, leaf("blue")), (5, leaf("green"))]);
    assert_eq!(branches.get(&place("continent/EU")), Some(&shared));
}

#[rstest]
#[case::simple(Policy::Simple)]
#[case::multivalue(Policy::Multivalue)]
#[case::weighted(Policy::Weighted)]
#[case::failover(Policy::Failover)]
fn one_endpoint_is_no_group(#[case] policy: Policy) {
    assert_eq!(grown(&intent(policy, &[("a", Endpoint::any())])), leaf("a"));
}

#[rstest]
#[case::latency(Policy::Latency, Endpoint::region("eu-central-1"))]
#[case::geoproximity(Policy::Geoproximity, Endpoint::stands(0, 0))]
fn one_region_or_position_is_no_group(#[case] policy: Policy, #[case] endpoint: Endpoint) {
    assert_eq!(grown(&intent(policy, &[("a", endpoint.clone())])), leaf("a"));
    let shared = Node::Weighted(vec![(1, leaf("a")), (1, leaf("b"))]);
    assert_eq!(grown(&intent(policy, &[("a", endpoint.clone()), ("b", endpoint)])), shared);
}

#[test]
fn several_values_at_once() {
    let both = [("a", Endpoint::any()), ("b", Endpoint::any())];
    assert_eq!(grown(&intent(Policy::Simple, &both)), Node::Simple(vec![name("a"), name("b")]));
    assert_eq!(grown(&intent(Policy::Multivalue, &both)), Node::Multivalue(vec![name("a"), name("b")]));
}

#[test]
fn a_standby_has_weight_zero_or_the_second_turn() {
    let endpoints = [("a", Endpoint::any().weight(3)), ("b", Endpoint::any().standby())];
    assert_eq!(
        grown(&intent(Policy::Weighted, &endpoints)),
        Node::Weighted(vec![(3, leaf("a")), (0, leaf("b"))])
    );
    let endpoints = [("a", Endpoint::any()), ("b", Endpoint::any()), ("c", Endpoint::any().standby())];
    assert_eq!(
        grown(&intent(Policy::Multivalue, &endpoints)),
        failover(Node::Multivalue(vec![name("a"), name("b")]), leaf("c"))
    );
    let endpoints = [("a", Endpoint::any()), ("b", Endpoint::any().standby())];
    assert_eq!(grown(&intent(Policy::Failover, &endpoints)), failover(leaf("a"), leaf("b")));
    // The standby beside it comes before those elsewhere.
    let endpoints = [
        ("a", Endpoint::of(&["DE"]).then(&["c"])),
        ("b", Endpoint::of(&["DE"]).standby()),
        ("c", Endpoint::of(&["FR"])),
    ];
    let Node::Geolocation(branches) = grown(&intent(Policy::Geolocation, &endpoints)) else {
        panic!("places")
    };
    assert_eq!(branches.get(&place("DE")), Some(&failover(leaf("a"), failover(leaf("b"), leaf("c")))));
}

#[test]
fn standbys_alone_answer() {
    let endpoints = [("a", Endpoint::any().standby()), ("b", Endpoint::any().drained())];
    assert_eq!(grown(&intent(Policy::Weighted, &endpoints)), leaf("a"));
}

#[test]
fn the_places_of_a_drained_endpoint_fall_to_those_it_names_or_to_larger_ones() {
    let mut intent = main_case();
    intent.endpoints.insert(name("gcp"), Endpoint::of(&["continent/AS"]).drained());
    let larger = [("continent/EU", leaf("azure")), ("continent/NA", leaf("aws")), ("*", leaf("aws"))];
    assert_eq!(grown(&intent), geolocation(&larger));
    intent.endpoints.insert(name("gcp"), Endpoint::of(&["continent/AS"]).then(&["azure"]).drained());
    let named = [
        ("continent/EU", leaf("azure")),
        ("continent/NA", leaf("aws")),
        ("continent/AS", leaf("azure")),
        ("*", leaf("aws")),
    ];
    assert_eq!(grown(&intent), geolocation(&named));
    // Whom it names is drained too, and names somebody.
    intent.endpoints.insert(name("azure"), Endpoint::of(&["continent/EU"]).then(&["gcp", "aws"]).drained());
    let named = ["continent/EU", "continent/NA", "continent/AS", "*"].map(|key| (key, leaf("aws")));
    assert_eq!(grown(&intent), geolocation(&named));
}

#[test]
fn a_drained_default_is_replaced_and_said() {
    let mut intent = main_case();
    intent.endpoints.insert(name("aws"), Endpoint::of(&["continent/NA"]).drained());
    let made = grow(&intent).unwrap();
    assert_eq!(made.node.places().len(), 3);
    assert_eq!(made.findings.len(), 1);
    assert_eq!(made.findings[0].kind, FindingKind::DefaultChosen);
    assert!(made.findings[0].text.starts_with("`aws` is drained; "), "{}", made.findings[0].text);
}

#[test]
fn without_a_default_the_widest_endpoint_is_chosen_and_said() {
    let endpoints = [("a", Endpoint::of(&["DE", "FR"])), ("b", Endpoint::of(&["continent/AF"]))];
    let made = grow(&intent(Policy::Geolocation, &endpoints)).unwrap();
    let Node::Geolocation(branches) = &made.node else { panic!("places") };
    assert_eq!(branches.get(&place("*")), Some(&leaf("b")));
    assert!(made.findings[0].text.contains("`b` answers where no endpoint is named"));
}

#[test]
fn a_standby_is_the_default_only_if_nobody_else_is_left() {
    let endpoints = [("a", Endpoint::of(&["DE"])), ("b", Endpoint::of(&["continent/AF"]).standby())];
    let mut intent = intent(Policy::Geolocation, &endpoints);
    let default = |intent: &Intent| match grown(intent) {
        Node::Geolocation(branches) => branches.get(&place("*")).cloned(),
        other => Some(other),
    };
    assert_eq!(default(&intent), Some(leaf("a")));
    intent.endpoints.get_mut(&name("a")).unwrap().state = EndpointState::Drained;
    assert_eq!(default(&intent), Some(leaf("b")));
}

#[test]
fn weights_that_do_not_fit_are_rounded_and_said() {
    let endpoints = [("a", Endpoint::any().weight(9999)), ("b", Endpoint::any().weight(1))];
    let made = grow(&intent(Policy::Weighted, &endpoints)).unwrap();
    assert_eq!(made.node, Node::Weighted(vec![(255, leaf("a")), (1, leaf("b"))]));
    assert_eq!(
        made.findings[0].text,
        "weights are rounded to 0 to 255: `a` 255 (0.996094 instead of 0.9999), `b` 1 (0.003906 instead of 0.0001)"
    );
}

#[test]
fn everybody_in_the_default_place_alone_is_no_geolocation() {
    let intent = Intent {
        default: Some(name("a")),
        ..intent(Policy::Geolocation, &[("a", Endpoint::any()), ("b", Endpoint::of(&["DE"]).drained())])
    };
    assert_eq!(grown(&intent), leaf("a"));
}

#[test]
fn ranges_without_anybody_left_are_a_problem_not_a_tree() {
    let endpoints = [
        ("a", Endpoint::any().cidrs(&["192.0.2.0/24"]).drained()),
        ("b", Endpoint::any().cidrs(&["198.51.100.0/24"]).drained().then(&["a"])),
        ("c", Endpoint::any().cidrs(&["203.0.113.0/24"])),
    ];
    let mut intent = intent(Policy::IpBased, &endpoints);
    assert!(matches!(grown(&intent), Node::IpBased { others: None, .. }));
    assert!(!answers_nobody(&intent));
    intent.endpoints.get_mut(&name("c")).unwrap().state = EndpointState::Drained;
    assert!(grow(&intent).is_err() && answers_nobody(&intent));
}

#[test]
fn location_names_fit() {
    let long = "a-very-long-name-of-a-cluster";
    let other = "a-very-long-name-of-another";
    let endpoints = [
        (long, Endpoint::any().cidrs(&["192.0.2.0/24"])),
        (other, Endpoint::any().cidrs(&["198.51.100.0/24"])),
    ];
    let Node::IpBased { ranges, .. } = grown(&intent(Policy::IpBased, &endpoints)) else { panic!("ranges") };
    assert_eq!(ranges.len(), 2);
    assert!(ranges.keys().all(|key| key.len() == 16 && key.starts_with("a-very-lo-")), "{ranges:?}");
}

#[test]
fn within_latency_and_multivalue() {
    let with = |region| Endpoint { places: [place("DE")].into(), ..Endpoint::region(region) };
    let endpoints = [("a", with("eu-central-1")), ("b", with("eu-west-1")), ("c", Endpoint::of(&["FR"]))];
    let by_latency = Intent { within: Within::Latency, ..intent(Policy::Geolocation, &endpoints) };
    let Node::Geolocation(branches) = grown(&by_latency) else { panic!("places") };
    assert_eq!(
        branches.get(&place("DE")),
        Some(&latency(&[("eu-central-1", leaf("a")), ("eu-west-1", leaf("b"))]))
    );
    let endpoints =
        [("a", Endpoint::of(&["DE"])), ("b", Endpoint::of(&["DE"])), ("c", Endpoint::of(&["FR"]))];
    let together = Intent { within: Within::Multivalue, ..intent(Policy::Geolocation, &endpoints) };
    let Node::Geolocation(branches) = grown(&together) else { panic!("places") };
    assert_eq!(branches.get(&place("DE")), Some(&Node::Multivalue(vec![name("a"), name("b")])));
}

/// The rules that the type cannot say.
fn well_formed(node: &Node) -> bool {
    let here = match node {
        Node::Endpoint(_) | Node::Failover(_) => true,
        Node::Weighted(branches) => branches.len() > 1 && branches.iter().any(|(weight, _)| *weight > 0),
        Node::Multivalue(names) | Node::Simple(names) => names.len() > 1,
        Node::Latency(branches) => branches.len() > 1,
        Node::Geoproximity(branches) => branches.len() > 1,
        Node::Geolocation(branches) => branches.len() > 1 && branches.contains_key(&Place::Everywhere),
        Node::IpBased { ranges, .. } => !ranges.is_empty(),
    };
    let first_is_flat = !matches!(node, Node::Failover(branches) if matches!(branches[0], Node::Failover(_)));
    here && first_is_flat && node.children().into_iter().all(well_formed)
}

proptest! {
    #[test]
    fn trees_are_well_formed_and_drained_endpoints_are_in_none(intent in any_intent()) {
        if let Ok(made) = grow(&intent) {
            prop_assert!(well_formed(&made.node), "{:?}", made.node);
            for name in made.node.endpoints() {
                prop_assert_ne!(intent.endpoints[name].state, EndpointState::Drained);
            }
        }
    }

    #[test]
    fn whoever_answers_somebody_answers(intent in any_intent()) {
        let ranges = intent.endpoints.values().flat_map(|it| it.cidrs.clone());
        let clients = ranges.map(|cidr| Client { address: Some(cidr), ..Client::at(Place::Everywhere) });
        let clients: Vec<Client> = clients.chain([Client::at(Place::Everywhere)]).collect();
        match grow(&intent) {
            Ok(made) => {
                let answered =
                    clients.iter().any(|it| !answer(&made.node, it, &BTreeSet::new()).shares.is_empty());
                prop_assert!(answered);
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn draining_is_never_a_new_problem_but_for_the_last(intent in any_intent(), index in 0_usize..5) {
        prop_assume!(grow(&intent).is_ok());
        let mut drained = intent.clone();
        if let Some(endpoint) = drained.endpoints.values_mut().nth(index) {
            endpoint.state = EndpointState::Drained;
        }
        if let Err(problems) = grow(&drained) {
            prop_assert!(problems.iter().all(|it| it.path == ["endpoints"]), "{problems:?}");
        }
    }
}
