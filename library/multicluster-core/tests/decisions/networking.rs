use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use multicluster_core::names::ClusterName;
use multicluster_core::networking::{Cidr, Networks, Overlap, merged, networks_of, overlaps};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::values::value;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn cidrs(texts: &[&str]) -> BTreeSet<Cidr> {
    texts.iter().map(|text| cidr(text)).collect()
}

fn networks(pods: &[&str], services: &[&str], nodes: &[&str]) -> Networks {
    Networks { pods: cidrs(pods), services: cidrs(services), nodes: cidrs(nodes) }
}

fn found(members: &[(&str, Networks)]) -> Vec<Overlap> {
    let members: BTreeMap<ClusterName, Networks> =
        members.iter().map(|(name, networks)| (ClusterName::new(*name).unwrap(), networks.clone())).collect();
    overlaps(&members)
}

#[rstest]
#[case("10.0.0.0/8")]
#[case("0.0.0.0/0")]
#[case("192.168.1.255/32")]
#[case("::/0")]
#[case("fd00:10:96::/108")]
#[case("2001:db8::1/128")]
fn networks_are_read_and_written(#[case] text: &str) {
    assert_eq!(cidr(text).to_string(), text);
    assert_eq!(serde_json::to_value(cidr(text)).unwrap(), json!(text));
    assert_eq!(serde_json::from_value::<Cidr>(json!(text)).unwrap(), cidr(text));
}

#[rstest]
#[case::not_an_address(
    "ten/8",
    "`ten/8` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::no_prefix(
    "10.0.0.0",
    "`10.0.0.0` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::empty(
    "",
    "`` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::a_sign(
    "10.0.0.0/+8",
    "`10.0.0.0/+8` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::zeros(
    "10.0.0.0/08",
    "`10.0.0.0/08` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::octal(
    "010.0.0.0/8",
    "`010.0.0.0/8` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
)]
#[case::too_long("10.0.0.0/33", "`10.0.0.0/33` is not a network: the prefix length is at most 32")]
#[case::far_too_long("fd00::/300", "`fd00::/300` is not a network: the prefix length is at most 128")]
#[case::host_bits("10.0.7.1/16", "`10.0.7.1/16` is not the address of a network: did you mean `10.0.0.0/16`")]
#[case::mapped(
    "::ffff:10.0.0.0/104",
    "`::ffff:10.0.0.0/104` is an IPv4 network in the notation of IPv6: write it as IPv4"
)]
fn what_is_no_network(#[case] text: &str, #[case] message: &str) {
    assert_eq!(text.parse::<Cidr>().unwrap_err().to_string(), message);
}

#[rstest]
#[case::apart(&["10.0.0.0/24", "10.0.2.0/24"], &["10.0.0.0/24", "10.0.2.0/24"])]
#[case::neighbours_that_are_no_halves(&["10.0.1.0/24", "10.0.2.0/24"], &["10.0.1.0/24", "10.0.2.0/24"])]
#[case::halves(&["10.0.1.0/24", "10.0.0.0/24"], &["10.0.0.0/23"])]
#[case::halves_of_halves(&["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/23"], &["10.0.0.0/22"])]
#[case::within(&["10.0.0.0/8", "10.3.0.0/16", "10.3.0.0/24"], &["10.0.0.0/8"])]
#[case::both_halves_of_everything(&["0.0.0.0/1", "128.0.0.0/1"], &["0.0.0.0/0"])]
#[case::families_do_not_mix(&["0.0.0.0/0", "::/0"], &["0.0.0.0/0", "::/0"])]
#[case::two_of_ipv6(&["fd00::/64", "fd00:0:0:1::/64"], &["fd00::/63"])]
fn merging(#[case] given: &[&str], #[case] expect: &[&str]) {
    assert_eq!(merged(cidrs(given)), cidrs(expect));
}

#[rstest]
#[case::apart(networks(&["10.1.0.0/16"], &[], &[]), networks(&["10.2.0.0/16"], &[], &[]), &[])]
#[case::equal(
    networks(&["10.1.0.0/16"], &[], &[]), networks(&["10.1.0.0/16"], &[], &[]),
    &["pods of `aws` (10.1.0.0/16) overlap pods of `gcp` (10.1.0.0/16)"]
)]
#[case::within(
    networks(&[], &["10.96.0.0/12"], &[]), networks(&["10.100.0.0/24", "10.0.0.0/8"], &[], &[]),
    &["services of `aws` (10.96.0.0/12) overlap pods of `gcp` (10.0.0.0/8)",
      "services of `aws` (10.96.0.0/12) overlap pods of `gcp` (10.100.0.0/24)"]
)]
#[case::families_do_not_meet(networks(&["0.0.0.0/0"], &[], &[]), networks(&["::/0"], &[], &[]), &[])]
#[case::a_node_among_pods(
    networks(&["10.1.0.0/16"], &[], &[]), networks(&[], &[], &["10.1.2.3/32"]),
    &["pods of `aws` (10.1.0.0/16) overlap nodes of `gcp` (10.1.2.3/32)"]
)]
#[case::one_member_with_itself(
    networks(&["10.96.128.0/17"], &["10.96.0.0/16"], &["10.96.0.9/32"]), Networks::default(),
    &["pods (10.96.128.0/17) and services (10.96.0.0/16) of `aws` overlap",
      "services (10.96.0.0/16) and nodes (10.96.0.9/32) of `aws` overlap"]
)]
#[case::pods_in_the_network_of_their_nodes(networks(&["10.0.0.0/16"], &[], &["10.0.0.9/32"]), Networks::default(), &[])]
fn overlapping(#[case] aws: Networks, #[case] gcp: Networks, #[case] expect: &[&str]) {
    let words: Vec<String> = found(&[("gcp", gcp), ("aws", aws)]).iter().map(ToString::to_string).collect();
    assert_eq!(words, expect);
}

fn node(pods: &Value, address: &str) -> Value {
    json!({
        "spec": pods,
        "status": { "addresses": [
            { "type": "InternalIP", "address": address }, { "type": "ExternalIP", "address": "203.0.113.9" },
            { "type": "Hostname", "address": "node" },
        ] },
    })
}

#[test]
fn networks_are_read_off_nodes_and_service_cidrs() {
    let nodes = [
        node(&json!({ "podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24", "fd00::/64"] }), "10.9.0.4"),
        node(&json!({ "podCIDR": "10.1.1.0/24" }), "fd01::4"),
        node(&json!({ "podCIDRs": ["10.1.7.0/24", "none"] }), "10.9.0.9"),
        node(&json!({}), "unknown"),
    ];
    let services =
        [json!({ "spec": { "cidrs": ["10.96.0.0/16"] } }), json!({ "spec": { "cidrs": ["fd02::/112"] } })];
    let expect = networks(
        &["10.1.0.0/23", "10.1.7.0/24", "fd00::/64"],
        &["10.96.0.0/16", "fd02::/112"],
        &["10.9.0.4/32", "10.9.0.9/32", "fd01::4/128"],
    );
    let found = networks_of(&nodes, &services);
    assert_eq!(found, expect);
    let kept = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Networks>(&kept).unwrap(), found);
}

/// Networks of a small part of the address space, so that they meet.
fn any_network() -> impl Strategy<Value = Cidr> {
    (0_u8..64, 22_u8..=32, any::<bool>()).prop_map(|(byte, prefix, v6)| {
        let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
        let address = (u32::from(byte) << 4) & mask;
        if v6 {
            cidr(&format!("::{:x}:{:x}/{}", 1, address, prefix + 96))
        } else {
            cidr(&format!("{}/{prefix}", Ipv4Addr::from(address)))
        }
    })
}

fn any_networks() -> impl Strategy<Value = BTreeSet<Cidr>> {
    proptest::collection::btree_set(any_network(), 0..12)
}

fn hold(networks: &BTreeSet<Cidr>, address: u32) -> bool {
    let host = Cidr::host(IpAddr::V4(Ipv4Addr::from(address)));
    networks.iter().any(|network| network.overlaps(&host))
}

proptest! {
    #[test]
    fn merging_keeps_every_address_and_no_other(given in any_networks()) {
        let merged = merged(given.clone());
        for address in 0..=1030 {
            prop_assert_eq!(hold(&given, address), hold(&merged, address), "{}", address);
        }
        let list: Vec<&Cidr> = merged.iter().collect();
        prop_assert!(list.windows(2).all(|pair| !pair[0].overlaps(pair[1])));
        prop_assert_eq!(multicluster_core::networking::merged(merged.clone()), merged);
    }

    #[test]
    fn overlaps_are_those_of_all_pairs(
        (pods, services, nodes) in (any_networks(), any_networks(), any_networks()),
        (more_pods, more_services, more_nodes) in (any_networks(), any_networks(), any_networks()),
    ) {
        let one = Networks { pods, services, nodes };
        let two = Networks { pods: more_pods, services: more_services, nodes: more_nodes };
        let found = found(&[("a", one.clone()), ("b", two.clone())]);
        let between = |a: &[&BTreeSet<Cidr>], b: &[&BTreeSet<Cidr>]| -> usize {
            let all = |them: &[&BTreeSet<Cidr>]| them.iter().flat_map(|it| it.iter().copied()).collect::<Vec<Cidr>>();
            all(a).iter().map(|x| all(b).iter().filter(|y| x.overlaps(y)).count()).sum()
        };
        let within = |it: &Networks| between(&[&it.services], &[&it.pods, &it.nodes]);
        let across = between(&[&one.pods, &one.services, &one.nodes], &[&two.pods, &two.services, &two.nodes]);
        prop_assert_eq!(found.len(), across + within(&one) + within(&two));
        prop_assert!(found.iter().all(|it| it.cidr_a.overlaps(&it.cidr_b)));
        prop_assert!(found.is_sorted());
        prop_assert!(found.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn two_networks_overlap_if_they_share_an_address(a in any_network(), b in any_network()) {
        let (one, other) = (BTreeSet::from([a]), BTreeSet::from([b]));
        let shared = (0..=1030).any(|address| hold(&one, address) && hold(&other, address));
        let v4 = |it: Cidr| !it.to_string().contains(':');
        if v4(a) || v4(b) {
            prop_assert_eq!(a.overlaps(&b), shared);
        }
        prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
    }

    #[test]
    fn nothing_that_is_read_breaks_it(any in value(), text in ".{0,24}") {
        let _ = text.parse::<Cidr>();
        let _ = networks_of(&[json!({ "spec": any.clone(), "status": { "addresses": [any.clone()] } })], &[any]);
    }
}
