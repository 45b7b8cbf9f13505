use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use super::testing::{
    Targets, addresses, checks, endpoint, failover, geolocation, leaf, lines, load_balancer, naming, region,
    targets, tree, world,
};
use super::*;
use crate::dns::{At, Coordinates, Site};
use crate::route53::record_set::{Data, HealthCheckId, Routing};

/// Three clouds: a load balancer and two addresses.
fn clouds() -> Targets {
    targets([
        ("aws", load_balancer("aws")),
        ("azure", addresses(&["20.50.2.3"])),
        ("gcp", addresses(&["34.80.2.3"])),
    ])
}

/// Of an endpoint that is an alias the health check is left out, as the provider does by default.
fn compiled(tree: &Node, targets: &Targets) -> Vec<String> {
    let mut checks = checks(targets);
    checks.endpoints.retain(|name, _| !matches!(targets.get(name), Some(Target::Alias { .. })));
    lines(&compile(tree, &naming("app.example.com"), targets, &checks).expect("compiles"))
}

fn problems(tree: &Node, name: &str, targets: &Targets, checks: &HealthChecks) -> Vec<String> {
    let problems = compile(tree, &naming(name), targets, checks).expect_err("refused");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn continents_and_a_default_are_one_flat_group() {
    let tree = geolocation([
        ("continent/EU", leaf("azure")),
        ("continent/NA", leaf("aws")),
        ("continent/AS", leaf("gcp")),
        ("*", leaf("aws")),
    ]);
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "app A aws-default: location *; alias aws",
            "app A aws-na: location continent/NA; alias aws",
            "app A azure-eu: location continent/EU; values 20.50.2.3; health_check hc-azure",
            "app A gcp-as: location continent/AS; values 34.80.2.3; health_check hc-gcp",
            // Europe and Asia have no IPv6: a default would answer them with that of `aws`.
            "app AAAA aws-na: location continent/NA; alias aws",
        ]
    );
}

#[test]
fn a_chosen_peer_that_steps_in_is_a_failover_below() {
    let tree = geolocation([("continent/AS", failover(leaf("gcp"), leaf("aws"))), ("*", leaf("azure"))]);
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A aws: failover SECONDARY; alias aws",
            "_mc-1 A gcp: failover PRIMARY; values 34.80.2.3; health_check hc-gcp",
            "app A as: location continent/AS; alias _mc-1",
            "app A azure-default: location *; values 20.50.2.3; health_check hc-azure",
        ]
    );
}

#[test]
fn several_endpoints_of_one_continent_share_it_by_weight() {
    let shared = Node::Weighted(vec![(70, leaf("azure")), (20, leaf("gcp")), (10, leaf("aws"))]);
    let tree = geolocation([("continent/EU", shared), ("*", leaf("aws"))]);
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A aws: weight 10; alias aws",
            "_mc-1 A azure: weight 70; values 20.50.2.3; health_check hc-azure",
            "_mc-1 A gcp: weight 20; values 34.80.2.3; health_check hc-gcp",
            "app A aws-default: location *; alias aws",
            "app A eu: location continent/EU; alias _mc-1",
        ]
    );
}

#[test]
fn endpoints_of_one_latency_region_share_it() {
    let shared = Node::Weighted(vec![(1, leaf("azure")), (1, leaf("aws"))]);
    let tree = Node::Latency([(region("us-east-1"), shared), (region("eu-west-2"), leaf("gcp"))].into());
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A aws: weight 1; alias aws",
            "_mc-1 A azure: weight 1; values 20.50.2.3; health_check hc-azure",
            "app A gcp: region eu-west-2; values 34.80.2.3; health_check hc-gcp",
            "app A us-east-1: region us-east-1; alias _mc-1",
        ]
    );
}

#[test]
fn failover_over_three_is_a_chain() {
    let tree = failover(leaf("azure"), failover(leaf("gcp"), leaf("aws")));
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A aws: failover SECONDARY; alias aws",
            "_mc-1 A gcp: failover PRIMARY; values 34.80.2.3; health_check hc-gcp",
            "app A azure: failover PRIMARY; values 20.50.2.3; health_check hc-azure",
            "app A gcp: failover SECONDARY; alias _mc-1",
        ]
    );
}

#[test]
fn ranges_of_addresses_stand_above_places() {
    let ranges = [("gcp".to_owned(), (vec!["203.0.113.0/24".parse().unwrap()], leaf("gcp")))].into();
    let others = geolocation([("continent/EU", leaf("azure")), ("*", leaf("aws"))]);
    let tree = Node::IpBased { ranges, others: Some(Box::new(others)) };
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A aws-default: location *; alias aws",
            "_mc-1 A azure-eu: location continent/EU; values 20.50.2.3; health_check hc-azure",
            "app A default: cidr_collection collection-1; cidr_location *; alias _mc-1",
            "app A gcp: cidr_collection collection-1; cidr_location gcp; values 34.80.2.3; health_check hc-gcp",
        ]
    );
}

#[test]
fn positions_and_biases() {
    let site =
        |latitude, longitude, bias| Site { at: At::Coordinates(Coordinates { latitude, longitude }), bias };
    let tree =
        Node::Geoproximity(vec![(site(5237, 490, 20), leaf("azure")), (site(3890, -7703, 0), leaf("aws"))]);
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "app A aws: position 38.90, -77.03; alias aws",
            "app A azure: position 52.37, 4.90; bias 20; values 20.50.2.3; health_check hc-azure",
        ]
    );
}

#[test]
fn one_endpoint_needs_no_policy_and_no_check() {
    let dual = targets([("a", addresses(&["203.0.113.1", "203.0.113.2", "2001:db8::1"]))]);
    let lines = ["app A: values 203.0.113.1, 203.0.113.2", "app AAAA: values 2001:db8::1"];
    for tree in [leaf("a"), Node::Weighted(vec![(1, leaf("a"))]), Node::Simple(vec![endpoint("a")])] {
        assert_eq!(compiled(&tree, &dual), lines);
    }
    assert_eq!(compiled(&leaf("aws"), &clouds()), ["app A: alias aws", "app AAAA: alias aws"]);
}

#[test]
fn a_simple_policy_has_all_values_in_one_set() {
    let tree = Node::Simple(vec![endpoint("azure"), endpoint("gcp")]);
    assert_eq!(compiled(&tree, &clouds()), ["app A: values 20.50.2.3, 34.80.2.3"]);
}

#[test]
fn multivalue_has_a_set_and_a_check_for_each_address() {
    let targets =
        targets([("a", addresses(&["203.0.113.1"])), ("b", addresses(&["203.0.113.2", "203.0.113.3"]))]);
    let mut checks = checks(&targets);
    checks
        .addresses
        .insert((endpoint("b"), "203.0.113.3".parse().unwrap()), HealthCheckId("hc-b-3".to_owned()));
    let tree = Node::Multivalue(vec![endpoint("a"), endpoint("b")]);
    assert_eq!(
        lines(&compile(&tree, &naming("app.example.com"), &targets, &checks).unwrap()),
        [
            "app A a: multivalue true; values 203.0.113.1; health_check hc-a",
            "app A b-203.0.113.2: multivalue true; values 203.0.113.2; health_check hc-b",
            "app A b-203.0.113.3: multivalue true; values 203.0.113.3; health_check hc-b-3",
        ]
    );
}

#[test]
fn with_ipv6_everywhere_both_families_are_alike() {
    let targets = targets([("aws", load_balancer("aws")), ("azure", addresses(&["20.50.2.3", "2603::1"]))]);
    let tree = geolocation([("continent/EU", leaf("azure")), ("*", leaf("aws"))]);
    assert_eq!(
        compiled(&tree, &targets),
        [
            "app A aws-default: location *; alias aws",
            "app A azure-eu: location continent/EU; values 20.50.2.3; health_check hc-azure",
            "app AAAA aws-default: location *; alias aws",
            "app AAAA azure-eu: location continent/EU; values 2603::1; health_check hc-azure",
        ]
    );
}

#[test]
fn a_place_keeps_its_ipv6_by_a_failover_of_its_own_where_the_default_has_to_go() {
    let targets = targets([
        ("aws", load_balancer("aws")),
        ("azure", addresses(&["20.50.2.3", "2603::1"])),
        ("gcp", addresses(&["34.80.2.3"])),
    ]);
    let tree = geolocation([
        ("continent/EU", leaf("azure")),
        ("continent/NA", leaf("aws")),
        ("continent/AS", leaf("gcp")),
        ("*", leaf("aws")),
    ]);
    let of_v6: Vec<String> =
        compiled(&tree, &targets).into_iter().filter(|line| line.contains(" AAAA ")).collect();
    assert_eq!(
        of_v6,
        [
            "_mc-1 AAAA aws: failover SECONDARY; alias aws",
            "_mc-1 AAAA azure: failover PRIMARY; values 2603::1; health_check hc-azure",
            "app AAAA aws-na: location continent/NA; alias aws",
            "app AAAA eu: location continent/EU; alias _mc-1",
        ]
    );
    assert_eq!(family::lacking(&tree, Family::V6, &targets), [endpoint("gcp")].into());
}

#[test]
fn what_only_ipv6_reaches_is_left_out_of_ipv4_with_the_default() {
    let targets = targets([
        ("aws", addresses(&["203.0.113.1", "2001:db8::1"])),
        ("azure", addresses(&["2001:db8::2"])),
    ]);
    let tree =
        geolocation([("continent/EU", leaf("azure")), ("continent/NA", leaf("aws")), ("*", leaf("aws"))]);
    assert_eq!(
        compiled(&tree, &targets),
        [
            "app A aws-na: location continent/NA; values 203.0.113.1; health_check hc-aws",
            "app AAAA aws-default: location *; values 2001:db8::1; health_check hc-aws",
            "app AAAA aws-na: location continent/NA; values 2001:db8::1; health_check hc-aws",
            "app AAAA azure-eu: location continent/EU; values 2001:db8::2; health_check hc-azure",
        ]
    );
}

#[test]
fn a_host_name_makes_all_a_group_of_cnames() {
    let targets = targets([
        ("aws", load_balancer("aws")),
        ("azure", Target::of_hostname("shop.azurefd.net", None).unwrap()),
        ("gcp", addresses(&["34.80.2.3", "2600::1"])),
    ]);
    let tree = geolocation([
        ("continent/EU", failover(leaf("azure"), leaf("gcp"))),
        ("continent/AS", leaf("gcp")),
        ("*", leaf("aws")),
    ]);
    assert_eq!(
        compiled(&tree, &targets),
        [
            "_mc-1 CNAME azure: failover PRIMARY; values shop.azurefd.net.; health_check hc-azure",
            "_mc-1 CNAME gcp: failover SECONDARY; values _mc-2..; health_check hc-gcp",
            "_mc-2 A: values 34.80.2.3",
            "_mc-2 AAAA: values 2600::1",
            "app CNAME aws-default: location *; values aws.",
            "app CNAME eu: location continent/EU; alias _mc-1",
            "app CNAME gcp-as: location continent/AS; values _mc-2..; health_check hc-gcp",
        ]
        .map(|line| line.replace("..", "."))
    );
}

#[test]
fn equal_groups_share_a_helper() {
    let shared = || Node::Weighted(vec![(1, leaf("azure")), (2, leaf("gcp"))]);
    let tree = geolocation([("continent/EU", shared()), ("*", shared())]);
    assert_eq!(
        compiled(&tree, &clouds()),
        [
            "_mc-1 A azure: weight 1; values 20.50.2.3; health_check hc-azure",
            "_mc-1 A gcp: weight 2; values 34.80.2.3; health_check hc-gcp",
            "app A default: location *; alias _mc-1",
            "app A eu: location continent/EU; alias _mc-1",
        ]
    );
}

#[test]
fn the_same_letters_for_a_continent_and_a_country_are_told_apart() {
    let tree = geolocation([("continent/SA", leaf("gcp")), ("SA", leaf("gcp")), ("US-TX", leaf("gcp"))]);
    let identifiers: Vec<String> = compiled(&tree, &clouds())
        .iter()
        .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
        .collect();
    assert_eq!(identifiers, ["app A gcp-country-sa", "app A gcp-sa", "app A gcp-us-tx"]);
}

#[test]
fn helper_names_follow_from_roles_alone() {
    let tree = |weight, place: &str| {
        geolocation([
            (place, Node::Weighted(vec![(weight, leaf("azure")), (1, leaf("gcp"))])),
            ("*", leaf("azure")),
        ])
    };
    let helper = |tree: &Node, targets: &Targets, ttl: u32| -> RecordName {
        let naming = Naming { ttl, ..naming("app.example.com") };
        let sets = compile(tree, &naming, targets, &checks(targets)).unwrap();
        sets.into_iter().map(|set| set.key.name).find(|name| *name != naming.name).unwrap()
    };
    let first = helper(&tree(7, "continent/EU"), &clouds(), 60);
    let mut elsewhere = clouds();
    elsewhere.insert(endpoint("gcp"), addresses(&["34.80.9.9"]));
    assert_eq!(helper(&tree(9, "continent/EU"), &elsewhere, 30), first);
    assert_ne!(helper(&tree(7, "continent/AS"), &clouds(), 60), first);
}

#[rstest]
#[case::unknown_target(leaf("other"), "app.example.com", "endpoints.other: nothing is known of where")]
#[case::host_name_at_the_apex(
    leaf("host"),
    "example.com",
    "endpoints.host.hostname: endpoint `host` is a host name that no alias"
)]
#[case::alias_among_values(
    Node::Multivalue(vec![endpoint("azure"), endpoint("aws")]), "app.example.com", "endpoints.aws: endpoint `aws` is answered by an alias"
)]
#[case::alias_among_all_values(
    Node::Simple(vec![endpoint("azure"), endpoint("aws")]), "app.example.com", "a simple policy over several endpoints"
)]
#[case::host_name_among_values(
    Node::Weighted(vec![(1, Node::Multivalue(vec![endpoint("azure"), endpoint("gcp")])), (1, leaf("host"))]),
    "app.example.com",
    "endpoints.host: endpoint `host` is a host name, so the name is answered by CNAME"
)]
#[case::no_family_in_common(
    Node::Weighted(vec![(1, leaf("azure")), (1, leaf("six"))]), "app.example.com", "endpoints.six.values: endpoint `six` has no IPv4"
)]
#[case::itself(
    leaf("itself"),
    "app.example.com",
    "endpoints.itself: endpoint `itself` points at `app.example.com`"
)]
#[case::no_address(
    leaf("empty"),
    "app.example.com",
    "endpoints.empty.values: endpoint `empty` has no address"
)]
fn what_cannot_be_is_said(#[case] tree: Node, #[case] name: &str, #[case] text: &str) {
    let mut targets = clouds();
    targets.extend(testing::targets([
        ("host", Target::of_hostname("shop.azurefd.net", None).unwrap()),
        ("six", addresses(&["2001:db8::1"])),
        ("empty", addresses(&[])),
        ("itself", Target::of_hostname("app.example.com", Some("Z0EXAMPLE")).unwrap()),
    ]));
    let found = problems(&tree, name, &targets, &checks(&targets));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(text), "{found:?}");
}

#[test]
fn a_failover_that_nothing_begins_is_refused() {
    let tree = geolocation([
        ("continent/EU", failover(Node::Weighted(vec![(1, leaf("azure")), (1, leaf("aws"))]), leaf("gcp"))),
        ("*", leaf("gcp")),
    ]);
    let found = problems(&tree, "app.example.com", &clouds(), &HealthChecks::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("endpoints.azure.health_check: "), "{found:?}");
    // The load balancer's own health is enough, where it is answered by an alias.
    let of_aws = failover(leaf("aws"), leaf("gcp"));
    assert!(compile(&of_aws, &naming("app.example.com"), &clouds(), &HealthChecks::default()).is_ok());
    let mut targets = clouds();
    targets.insert(endpoint("gcp"), Target::of_hostname("shop.example.net", None).unwrap());
    let found = problems(&of_aws, "app.example.com", &targets, &HealthChecks::default());
    assert!(found[0].starts_with("endpoints.aws.health_check: "), "{found:?}");
}

#[test]
fn ranges_need_a_collection() {
    let ranges = [("isp".to_owned(), (vec![], leaf("gcp")))].into();
    let tree = Node::IpBased { ranges, others: None };
    let naming = Naming { cidr_collection: None, ..naming("app.example.com") };
    let found = compile(&tree, &naming, &clouds(), &checks(&clouds())).unwrap_err();
    assert!(found[0].text.contains("CIDR collection"), "{found:?}");
}

#[test]
fn a_name_without_room_for_helpers_is_refused_only_if_it_needs_one() {
    let label = "a".repeat(59);
    let long = format!("{label}.{label}.{label}.{label}.example.com");
    let helped = failover(leaf("azure"), failover(leaf("gcp"), leaf("aws")));
    let found = problems(&helped, &long, &clouds(), &checks(&clouds()));
    assert!(found[0].starts_with("name: "), "{found:?}");
    let flat = failover(leaf("azure"), leaf("gcp"));
    assert!(compile(&flat, &naming(&long), &clouds(), &checks(&clouds())).is_ok());
}

proptest! {
    #[test]
    fn groups_keep_to_the_rules(tree in tree()) {
        let targets = world();
        let sets = compile(&tree, &naming("app.example.com"), &targets, &checks(&targets)).unwrap();
        let mut groups: BTreeMap<_, Vec<&RecordSet>> = BTreeMap::new();
        for set in &sets {
            groups.entry((&set.key.name, &set.key.r#type)).or_default().push(set);
        }
        for (group, members) in &groups {
            for (index, a) in members.iter().enumerate() {
                for b in &members[index + 1..] {
                    prop_assert_ne!(&a.key, &b.key);
                    prop_assert_eq!(std::mem::discriminant(&a.routing), std::mem::discriminant(&b.routing));
                    let by_chance = matches!(a.routing, Routing::Weighted(_) | Routing::Multivalue);
                    prop_assert!(by_chance || a.routing != b.routing, "{:?}", group);
                }
                if let Data::Alias(alias) = &a.data && alias.hosted_zone_id == "Z0EXAMPLE" {
                    prop_assert!(groups.contains_key(&(&alias.dns_name, &a.key.r#type)));
                }
            }
        }
    }

    #[test]
    fn the_order_of_names_means_nothing_to_the_sets(tree in tree()) {
        let targets = world();
        let compiled = || compile(&tree, &naming("app.example.com"), &targets, &checks(&targets)).unwrap();
        prop_assert_eq!(compiled(), compiled());
    }
}
