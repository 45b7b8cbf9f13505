//! What holds for every zone, client and health, sensible or not.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Answer, Client, Fraction, Query, Rcode, Value, answer};
use crate::model::{
    AliasTarget, CidrBlock, CidrCollection, Data, FailoverRole, GeoproximityPlace, Health, Location, Name,
    Policy, RecordSet, RecordType, ServedZone, Snapshot, WorldHealth,
};

const ZONE_ID: &str = "Z1";
const COLLECTION: &str = "c";
/// Names of groups, health checks, load balancers, and sets of a group at most.
const NAMES: usize = 6;
const CHECKS: usize = 6;
const BALANCERS: usize = 3;
const SETS: usize = 4;

/// One set, before it gets the policy of its group.
#[derive(Debug, Clone)]
struct Leaf {
    weight: u8,
    check: Option<usize>,
    target: Target,
}

#[derive(Debug, Clone)]
enum Target {
    Value,
    Inside { name: usize, evaluate: bool },
    Outside { balancer: usize, evaluate: bool },
}

#[derive(Debug, Clone)]
struct Group {
    /// Which of the eight policies.
    policy: usize,
    leaves: Vec<Leaf>,
}

/// Whether zones are built so that everybody gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// Location groups have a default, aliases lead to groups further on.
    Complete,
    /// Anything.
    Any,
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let target = prop_oneof![
        2 => Just(Target::Value),
        2 => (0..NAMES, any::<bool>()).prop_map(|(name, evaluate)| Target::Inside { name, evaluate }),
        1 => (0..BALANCERS, any::<bool>()).prop_map(|(balancer, evaluate)| Target::Outside { balancer, evaluate }),
    ];
    (select(vec![0, 1, 3, 255]), proptest::option::of(0..CHECKS), target)
        .prop_map(|(weight, check, target)| Leaf { weight, check, target })
}

fn groups() -> impl Strategy<Value = Vec<Group>> {
    let group = (0..8_usize, vec(leaf(), 1..=SETS)).prop_map(|(policy, leaves)| Group { policy, leaves });
    vec(group, NAMES)
}

fn world() -> impl Strategy<Value = WorldHealth> {
    let health = || any::<bool>().prop_map(Health::from_bool);
    (vec(health(), CHECKS), vec(health(), BALANCERS)).prop_map(|(checks, targets)| WorldHealth {
        checks: checks.into_iter().enumerate().map(|(number, health)| (check_id(number), health)).collect(),
        targets: targets.into_iter().enumerate().map(|(number, health)| (balancer(number), health)).collect(),
    })
}

fn client() -> impl Strategy<Value = Client> {
    let place = select(vec![
        None,
        Some(("DE", None)),
        Some(("US", Some("CA"))),
        Some(("NA", None)),
        Some(("JP", None)),
    ]);
    let network = select(vec![
        None,
        Some("203.0.113.0/24"),
        Some("10.1.2.0/24"),
        Some("10.0.0.0/7"),
        Some("2001:db8::/48"),
    ]);
    (place, network, any::<bool>()).prop_map(|(place, network, measured)| {
        let mut client = place.map(|(country, part)| Client::of(country, part)).unwrap_or_default();
        client.network = network.map(|text| CidrBlock::parse(text).unwrap());
        if measured {
            client.latency_ms =
                BTreeMap::from([("us-east-1".to_owned(), 20.0), ("eu-west-1".to_owned(), 20.0)]);
        }
        client
    })
}

fn name(number: usize) -> Name {
    Name::parse(&format!("n{number}.example.com")).unwrap()
}

fn balancer(number: usize) -> Name {
    Name::parse(&format!("lb-{number}.us-east-1.elb.amazonaws.com")).unwrap()
}

fn check_id(number: usize) -> String {
    format!("check-{number}")
}

fn value(group: usize, position: usize) -> String {
    format!("192.0.{group}.{position}")
}

/// The policy of a set by its position; none when the policy has no place for it.
fn policy(kind: usize, position: usize, last: bool, weight: u8, sense: Sense) -> Option<Policy> {
    let default = last && sense == Sense::Complete;
    let locations = [
        Location::Continent("EU".to_owned()),
        Location::Continent("NA".to_owned()),
        Location::Country("NA".to_owned()),
        Location::Subdivision { country: "US".to_owned(), subdivision: "CA".to_owned() },
    ];
    let regions = ["us-east-1", "eu-west-1", "ap-south-2", "moon-1"];
    Some(match kind {
        0 => Policy::Weighted { weight },
        1 => Policy::Latency { region: (*regions.get(position)?).to_owned() },
        2 if default => Policy::Geolocation(Location::Default),
        2 => Policy::Geolocation(locations.get(position)?.clone()),
        3 => Policy::Failover(*[FailoverRole::Primary, FailoverRole::Secondary].get(position)?),
        4 => Policy::Multivalue,
        5 => Policy::Geoproximity {
            place: GeoproximityPlace::Region((*regions.get(position)?).to_owned()),
            bias: [99, -99, 0, 30][position % 4],
        },
        6 => Policy::Cidr {
            collection_id: COLLECTION.to_owned(),
            location_name: if default { "*".to_owned() } else { format!("l{position}") },
        },
        _ => (position == 0).then_some(Policy::Simple)?,
    })
}

fn sets(groups: &[Group], sense: Sense) -> Vec<RecordSet> {
    let mut all = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        for (position, leaf) in group.leaves.iter().enumerate() {
            let last = position + 1 == group.leaves.len();
            let Some(policy) = policy(group.policy, position, last, leaf.weight, sense) else { continue };
            let alias = |hosted_zone_id: &str, dns_name, evaluate_target_health| {
                let hosted_zone_id = hosted_zone_id.to_owned();
                Data::Alias(AliasTarget { hosted_zone_id, dns_name, evaluate_target_health })
            };
            let data = match leaf.target {
                Target::Inside { name: target, evaluate }
                    if policy != Policy::Multivalue && (sense == Sense::Any || target > number) =>
                {
                    alias(ZONE_ID, name(target), evaluate)
                }
                Target::Outside { balancer: number, evaluate } if policy != Policy::Multivalue => {
                    alias("Z35SXDOTRQ7X7K", balancer(number), evaluate)
                }
                _ => Data::Records { ttl: 60, values: vec![value(number, position)] },
            };
            all.push(RecordSet {
                name: name(number),
                record_type: RecordType::A,
                set_identifier: (policy != Policy::Simple).then(|| position.to_string()),
                policy,
                data,
                health_check_id: leaf.check.map(check_id),
            });
        }
    }
    all
}

fn snapshot(sets: Vec<RecordSet>, world: WorldHealth) -> Snapshot {
    let zone = ServedZone {
        id: ZONE_ID.to_owned(),
        name: Name::parse("example.com").unwrap(),
        private: false,
        record_sets: Arc::new(sets.into_iter().collect()),
    };
    let block = |text| CidrBlock::parse(text).unwrap();
    let collection = CidrCollection {
        id: COLLECTION.to_owned(),
        name: COLLECTION.to_owned(),
        version: 1,
        caller_reference: COLLECTION.to_owned(),
        locations: BTreeMap::from([
            ("l0".to_owned(), [block("203.0.113.0/24"), block("2001:db8::/32")].into()),
            ("l1".to_owned(), [block("10.0.0.0/8")].into()),
            ("l2".to_owned(), [block("10.1.0.0/16")].into()),
        ]),
    };
    Snapshot {
        zones: vec![zone],
        collections: BTreeMap::from([(COLLECTION.to_owned(), Arc::new(collection))]),
        world,
        ..Snapshot::default()
    }
}

fn ask(snapshot: &Snapshot, number: usize, client: &Client) -> Answer {
    answer(snapshot, &Query { name: name(number), record_type: RecordType::A, client: client.clone() })
}

fn sum(answer: &Answer) -> Fraction {
    answer.distribution.outcomes().map(|outcome| outcome.probability).sum()
}

fn one() -> Fraction {
    Fraction::from_integer(1.into())
}

/// What follows from the rules for a group without aliases, said by another way: the sets that can serve the client
/// at all, and of them the healthy ones if there are any.
fn may_answer(group: &[RecordSet], client: &Client, world: &WorldHealth) -> Vec<String> {
    let serves = |set: &RecordSet| match &set.policy {
        Policy::Geolocation(Location::Continent(code)) => client.continent() == Some(code),
        Policy::Geolocation(Location::Country(code)) => client.country.as_ref() == Some(code),
        Policy::Geolocation(Location::Subdivision { country, subdivision }) => {
            client.country.as_ref() == Some(country) && client.subdivision.as_ref() == Some(subdivision)
        }
        _ => true,
    };
    let healthy = |set: &RecordSet| {
        set.health_check_id.as_ref().is_none_or(|id| world.checks.get(id) != Some(&Health::Unhealthy))
    };
    let serving: Vec<&RecordSet> = group.iter().filter(|set| serves(set)).collect();
    let any_healthy = serving.iter().any(|set| healthy(set));
    let remaining = serving.into_iter().filter(|set| !any_healthy || healthy(set));
    let values = remaining.filter_map(|set| match &set.data {
        Data::Records { values, .. } => Some(values.clone()),
        Data::Alias(_) => None,
    });
    values.flatten().collect()
}

proptest! {
    #[test]
    fn probabilities_are_whole(groups in groups(), world in world(), client in client(), asked in 0..NAMES) {
        let snapshot = snapshot(sets(&groups, Sense::Any), world);
        let answer = ask(&snapshot, asked, &client);
        prop_assert_eq!(sum(&answer), one());
        for share in answer.shares().into_values() {
            prop_assert!(share > Fraction::from_integer(0.into()) && share <= one());
        }
        let together: Fraction = answer.shares().into_values().sum();
        let drawn: Fraction = answer
            .distribution
            .outcomes()
            .map(|outcome| outcome.probability * Fraction::from_integer(outcome.response.drawn.into()))
            .sum();
        // Each set has one value here, and no value is in two sets of one response.
        prop_assert_eq!(together, drawn);
    }

    #[test]
    fn who_has_a_default_is_answered(groups in groups(), world in world(), client in client(), asked in 0..NAMES) {
        let snapshot = snapshot(sets(&groups, Sense::Complete), world);
        let answer = ask(&snapshot, asked, &client);
        prop_assert_eq!(answer.rcode, Rcode::NoError);
        for outcome in answer.distribution.outcomes() {
            prop_assert!(outcome.response.drawn > 0, "{:?}", answer);
        }
    }

    #[test]
    fn health_of_what_is_elsewhere_changes_nothing(
        groups in groups(), world in world(), client in client(), asked in 0..NAMES, healthy in any::<bool>(),
    ) {
        let ours = sets(&groups, Sense::Any);
        let with = |health| {
            let mut sets = ours.clone();
            let other = RecordSet {
                name: Name::parse("other.example.com").unwrap(),
                record_type: RecordType::A,
                set_identifier: None,
                policy: Policy::Simple,
                data: Data::Alias(AliasTarget {
                    hosted_zone_id: ZONE_ID.to_owned(),
                    dns_name: name(asked),
                    evaluate_target_health: true,
                }),
                health_check_id: Some("elsewhere".to_owned()),
            };
            sets.push(RecordSet { record_type: RecordType::Aaaa, name: name(asked), ..other.clone() });
            sets.push(other);
            let mut world = world.clone();
            world.checks.insert("elsewhere".to_owned(), health);
            ask(&snapshot(sets, world), asked, &client)
        };
        let plain = ask(&snapshot(ours.clone(), world.clone()), asked, &client);
        prop_assert_eq!(with(Health::from_bool(healthy)), plain);
    }

    #[test]
    fn only_healthy_sets_answer_while_there_are_any(
        policy in select(vec![0, 1, 2, 3, 4, 5, 7]), mut leaves in vec(leaf(), 1..=SETS), world in world(), client in client(),
    ) {
        for leaf in &mut leaves {
            leaf.target = Target::Value;
        }
        let group = sets(&[Group { policy, leaves }], Sense::Complete);
        let allowed = may_answer(&group, &client, &world);
        let answer = ask(&snapshot(group, world), 0, &client);
        for value in answer.shares().into_keys() {
            let Value::Data(text) = &value else { panic!("no alias was made") };
            prop_assert!(allowed.contains(text), "{text} of {allowed:?}");
        }
    }

    #[test]
    fn evaluating_or_not_is_the_same_while_all_is_healthy(
        groups in groups(), client in client(), asked in 0..NAMES,
    ) {
        let healthy = WorldHealth::default();
        let evaluated = ask(&snapshot(sets(&groups, Sense::Complete), healthy.clone()), asked, &client);
        let mut plain = groups.clone();
        for leaf in plain.iter_mut().flat_map(|group| &mut group.leaves) {
            leaf.check = None;
            match &mut leaf.target {
                Target::Inside { evaluate, .. } | Target::Outside { evaluate, .. } => *evaluate = false,
                Target::Value => {}
            }
        }
        prop_assert_eq!(evaluated, ask(&snapshot(sets(&plain, Sense::Complete), healthy), asked, &client));
    }
}

#[test]
fn a_long_chain_of_aliases_ends_without_data() {
    let link = |number: usize, target: usize| RecordSet {
        name: name(number),
        record_type: RecordType::A,
        set_identifier: None,
        policy: Policy::Simple,
        data: Data::Alias(AliasTarget {
            hosted_zone_id: ZONE_ID.to_owned(),
            dns_name: name(target),
            evaluate_target_health: true,
        }),
        health_check_id: None,
    };
    let chain = (0..10_000).map(|number| link(number, number + 1)).collect();
    let answer = ask(&snapshot(chain, WorldHealth::default()), 0, &Client::default());
    assert!(answer.shares().is_empty());
    let circle = vec![link(0, 1), link(1, 0)];
    assert!(ask(&snapshot(circle, WorldHealth::default()), 0, &Client::default()).shares().is_empty());
}
