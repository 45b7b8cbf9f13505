use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::dns::intent::{Endpoint, Intent, Policy};
use crate::dns::testing::{
    any_down, any_intent, any_place, failover, grown, intent, leaf, main_case, name, names, place,
};
use crate::dns::tree::grow;

/// `aws:1`, `a:1/2 b:1/2`, or nothing.
fn words(shares: &Shares) -> String {
    let words = shares.iter().map(|(name, share)| {
        let part = match (share.numerator(), share.denominator()) {
            (part, 1) => part.to_string(),
            (part, whole) => format!("{part}/{whole}"),
        };
        format!("{name}:{part}")
    });
    words.collect::<Vec<_>>().join(" ")
}

fn ask(tree: &Node, key: &str, down: &[&str]) -> String {
    words(&answer(tree, &Client::at(place(key)), &names(down)).shares)
}

#[rstest]
#[case::germany("DE", &[], "azure:1")]
#[case::canada("CA", &[], "aws:1")]
#[case::japan("JP", &[], "gcp:1")]
#[case::brazil("BR", &[], "aws:1")]
#[case::namibia_is_not_north_america("NA", &[], "aws:1")]
#[case::germany_without_azure("DE", &["azure"], "aws:1")]
#[case::japan_without_google("JP", &["gcp"], "aws:1")]
#[case::peers_are_not_visited("DE", &["azure", "aws"], "azure:1")]
#[case::nobody_is_healthy("JP", &["azure", "aws", "gcp"], "gcp:1")]
#[case::unknown_place("*", &[], "aws:1")]
#[case::unknown_place_fails_open("*", &["aws"], "aws:1")]
fn the_main_case(#[case] key: &str, #[case] down: &[&str], #[case] expect: &str) {
    assert_eq!(ask(&grown(&main_case()), key, down), expect);
}

#[rstest]
#[case::state("US-CA", &[], "ca:1")]
#[case::state_down("US-CA", &["ca"], "us:1")]
#[case::state_and_country_down("US-CA", &["ca", "us"], "na:1")]
#[case::all_down("US-CA", &["ca", "us", "na", "rest"], "ca:1")]
#[case::other_state("US-TX", &[], "us:1")]
#[case::country_without_state("US", &[], "us:1")]
#[case::canada_is_no_state("CA", &[], "na:1")]
fn the_smallest_healthy_place_answers(#[case] key: &str, #[case] down: &[&str], #[case] expect: &str) {
    let branches = [("US-CA", "ca"), ("US", "us"), ("continent/NA", "na"), ("*", "rest")];
    let tree = Node::Geolocation(branches.iter().map(|(key, name)| (place(key), leaf(name))).collect());
    assert_eq!(ask(&tree, key, down), expect);
}

#[test]
fn without_a_branch_there_is_no_answer() {
    let tree = Node::Geolocation([(place("continent/EU"), leaf("a"))].into());
    assert_eq!(ask(&tree, "JP", &[]), "");
    assert_eq!(ask(&tree, "*", &[]), "");
}

#[rstest]
#[case::by_weight(&[70, 20, 10], &[], "a:7/10 b:1/5 c:1/10")]
#[case::among_the_healthy(&[10, 20, 20], &["c"], "a:1/3 b:2/3")]
#[case::all_down(&[1, 2, 2], &["a", "b", "c"], "a:1/5 b:2/5 c:2/5")]
#[case::zero_gets_nothing(&[0, 5, 5], &["b"], "c:1")]
#[case::zero_stands_by(&[0, 5, 5], &["b", "c"], "a:1")]
#[case::zero_gets_nothing_when_all_are_down(&[0, 5, 5], &["a", "b", "c"], "b:1/2 c:1/2")]
#[case::zeros_share(&[0, 0, 5], &["c"], "a:1/2 b:1/2")]
#[case::all_zero(&[0, 0, 0], &["a"], "b:1/2 c:1/2")]
#[case::all_zero_all_down(&[0, 0, 0], &["a", "b", "c"], "a:1/3 b:1/3 c:1/3")]
fn weights_decide(#[case] weights: &[u8], #[case] down: &[&str], #[case] expect: &str) {
    let tree = Node::Weighted(weights.iter().copied().zip(["a", "b", "c"].map(leaf)).collect());
    assert_eq!(ask(&tree, "DE", down), expect);
}

#[rstest]
#[case::first(&[], "a:1")]
#[case::second(&["a"], "b:1")]
#[case::third(&["a", "b"], "c:1")]
#[case::second_of_two_left(&["a", "c"], "b:1")]
#[case::all_down(&["a", "b", "c"], "a:1")]
fn failover_over_three(#[case] down: &[&str], #[case] expect: &str) {
    assert_eq!(ask(&failover(leaf("a"), failover(leaf("b"), leaf("c"))), "DE", down), expect);
}

#[rstest]
#[case::some(3, &["e1"], "e0:1/2 e2:1/2", "e0:1 e2:1")]
#[case::none_healthy(2, &["e0", "e1"], "e0:1/2 e1:1/2", "e0:1 e1:1")]
fn several_values(#[case] count: usize, #[case] down: &[&str], #[case] share: &str, #[case] present: &str) {
    let tree = Node::Multivalue((0..count).map(|index| name(&format!("e{index}"))).collect());
    assert_eq!(ask(&tree, "DE", down), share);
    assert_eq!(words(&presence(&tree, &Client::at(place("DE")), &names(down))), present);
}

#[test]
fn beyond_eight_values_each_is_as_likely_as_the_others() {
    let tree = Node::Multivalue((0..10).map(|index| name(&format!("e{index}"))).collect());
    let shares = presence(&tree, &Client::at(place("DE")), &BTreeSet::new());
    assert!(shares.len() == 10 && shares.values().all(|share| *share == Share::of(4, 5)));
}

#[test]
fn simple_values_are_answered_healthy_or_not() {
    let tree = Node::Simple(vec![name("a"), name("b")]);
    assert_eq!(ask(&tree, "DE", &["a"]), "a:1/2 b:1/2");
}

#[rstest]
#[case::within("203.0.113.7/32", &[], "isp:1")]
#[case::equal("203.0.113.0/24", &[], "isp:1")]
#[case::query_is_wider("203.0.0.0/16", &[], "rest:1")]
#[case::elsewhere("192.0.2.1/32", &[], "rest:1")]
#[case::other_family("2001:db8::1/128", &[], "rest:1")]
#[case::unhealthy("203.0.113.7/32", &["isp"], "rest:1")]
#[case::all_unhealthy("203.0.113.7/32", &["isp", "rest"], "isp:1")]
fn ranges_decide(#[case] address: &str, #[case] down: &[&str], #[case] expect: &str) {
    let tree = Node::IpBased {
        ranges: [("isp".to_owned(), (vec!["203.0.113.0/24".parse().unwrap()], leaf("isp")))].into(),
        others: Some(Box::new(leaf("rest"))),
    };
    let client = Client { address: Some(address.parse().unwrap()), ..Client::at(place("DE")) };
    assert_eq!(words(&answer(&tree, &client, &names(down)).shares), expect);
}

#[test]
fn the_smallest_range_around_an_address_answers() {
    let range = |name: &str, cidr: &str| (name.to_owned(), (vec![cidr.parse().unwrap()], leaf(name)));
    let tree = Node::IpBased {
        ranges: [range("a", "10.0.0.0/8"), range("b", "10.1.0.0/16"), range("c", "10.0.0.0/12")].into(),
        others: None,
    };
    let ask = |address: &str| {
        let client = Client { address: Some(address.parse().unwrap()), ..Client::at(place("DE")) };
        words(&answer(&tree, &client, &BTreeSet::new()).shares)
    };
    assert_eq!(ask("10.1.2.3/32"), "b:1");
    assert_eq!(ask("10.2.0.0/16"), "c:1");
    assert_eq!(ask("10.200.0.0/16"), "a:1");
    assert_eq!(ask("192.0.2.1/32"), "");
}

#[rstest]
#[case::japan("JP", &[], "syd:1")]
#[case::next("JP", &["syd"], "fra:1")]
#[case::all_down("JP", &["syd", "fra", "nyc"], "syd:1")]
#[case::states_are_told_apart("US-WA", &[], "nyc:1")]
fn the_nearest_answers(#[case] key: &str, #[case] down: &[&str], #[case] expect: &str) {
    let endpoints = [
        ("fra", Endpoint::stands(5011, 868)),
        ("nyc", Endpoint::stands(4071, -7401)),
        ("syd", Endpoint::stands(-3387, 15121)),
    ];
    let answer_to = |key, down| ask(&grown(&intent(Policy::Geoproximity, &endpoints)), key, down);
    assert_eq!(answer_to(key, down), expect);
}

#[test]
fn bias_widens_and_narrows() {
    // 150 and 100 km to the west and east of the client, on the equator.
    let tree = |bias| {
        let west = Endpoint { bias, ..Endpoint::stands(0, -135) };
        grown(&intent(Policy::Geoproximity, &[("west", west), ("east", Endpoint::stands(0, 90))]))
    };
    let client =
        Client { position: Some(Coordinates { latitude: 0, longitude: 0 }), ..Client::at(Place::Everywhere) };
    for (bias, expect) in [(0, "east:1"), (30, "east:1"), (50, "west:1"), (-50, "east:1")] {
        let found = answer(&tree(bias), &client, &BTreeSet::new());
        assert_eq!(words(&found.shares), expect, "bias {bias}");
        assert!(!found.estimate);
    }
}

#[test]
fn equally_near_ones_share() {
    let endpoints = [("west", Endpoint::stands(0, -100)), ("east", Endpoint::stands(0, 100))];
    let tree = grown(&intent(Policy::Geoproximity, &endpoints));
    let at = |longitude| Client {
        position: Some(Coordinates { latitude: 0, longitude }),
        ..Client::at(Place::Everywhere)
    };
    let between = answer(&tree, &at(0), &BTreeSet::new());
    assert_eq!((words(&between.shares).as_str(), between.near_tie), ("east:1/2 west:1/2", true));
    assert_eq!(words(&answer(&tree, &at(1), &BTreeSet::new()).shares), "east:1");
    assert_eq!(words(&answer(&tree, &at(0), &names(&["east"])).shares), "west:1");
    // Of a client whose position is not known, nothing is nearer.
    assert_eq!(ask(&tree, "*", &[]), "east:1/2 west:1/2");
}

#[test]
fn latency_is_an_estimate_and_near_ties_are_told() {
    let endpoints =
        [("london", Endpoint::region("eu-west-2")), ("frankfurt", Endpoint::region("eu-central-1"))];
    let tree = grown(&intent(Policy::Latency, &endpoints));
    let ask = |key| answer(&tree, &Client::at(place(key)), &BTreeSet::new());
    assert_eq!(words(&ask("AT").shares), "frankfurt:1");
    assert!(ask("AT").estimate && !ask("AT").near_tie);
    assert!(ask("NL").near_tie);
}

#[test]
fn an_unhealthy_branch_is_backed_out_of() {
    let tree = Node::Weighted(vec![
        (3, Node::Multivalue(vec![name("a"), name("b")])),
        (1, failover(leaf("c"), leaf("d"))),
    ]);
    assert_eq!(ask(&tree, "DE", &["a", "b", "c"]), "d:1");
    assert_eq!(ask(&tree, "DE", &["a"]), "b:3/4 c:1/4");
}

/// The most that one more failure may take from the others: nothing that is up may lose by it.
fn loses_nobody(before: &Shares, after: &Shares, failed: &EndpointName) -> bool {
    let share = |shares: &Shares, name: &EndpointName| shares.get(name).copied().unwrap_or(Share::ZERO);
    share(after, failed) <= share(before, failed)
}

fn clients(intent: &Intent, place: &Place) -> Vec<Client> {
    let ranges = intent.endpoints.values().flat_map(|it| it.cidrs.clone());
    let clients = ranges.map(|cidr| Client { address: Some(cidr), ..Client::at(place.clone()) });
    clients.chain([Client::at(place.clone())]).collect()
}

proptest! {
    #[test]
    fn shares_add_up_to_one(intent in any_intent(), place in any_place(), down in any_down()) {
        if let Ok(made) = grow(&intent) {
            for client in clients(&intent, &place) {
                let shares = answer(&made.node, &client, &down).shares;
                let sum = shares.values().fold(Share::ZERO, |sum, share| sum.plus(*share));
                prop_assert_eq!(sum, if shares.is_empty() { Share::ZERO } else { Share::ONE });
            }
        }
    }

    #[test]
    fn failing_never_brings_more(intent in any_intent(), place in any_place(), down in any_down(), index in 0_usize..5) {
        if let (Ok(made), Some(failed)) = (grow(&intent), intent.endpoints.keys().nth(index)) {
            let mut more = down.clone();
            more.insert(failed.clone());
            // When nobody is healthy any more, all count as healthy: only before that can failing bring nothing.
            prop_assume!(is_healthy(&made.node, &more));
            for client in clients(&intent, &place) {
                let (before, after) = (answer(&made.node, &client, &down), answer(&made.node, &client, &more));
                let somebody_else = after.shares.keys().any(|name| !more.contains(name));
                if somebody_else {
                    prop_assert!(loses_nobody(&before.shares, &after.shares, failed));
                }
            }
        }
    }

    #[test]
    fn an_answer_does_not_depend_on_who_is_down_elsewhere(place in any_place()) {
        let tree = grown(&main_case());
        let client = Client::at(place);
        let healthy = answer(&tree, &client, &BTreeSet::new());
        for name in tree.endpoints() {
            if !healthy.shares.contains_key(name) {
                prop_assert_eq!(&answer(&tree, &client, &BTreeSet::from([name.clone()])), &healthy);
            }
        }
    }
}
