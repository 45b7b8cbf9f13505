//! The order in which a routing policy considers the sets of a group for one client. Pure, without health.
//!
//! Every policy but multivalue is the same procedure: sets form tiers, the best first; the first tier with a
//! healthy set answers, each of its healthy sets with its weight. When no set of any tier is healthy, all count as
//! healthy and the first tier answers. Sets that cannot serve the client at all, such as those of another country,
//! are in no tier.

use std::cmp::Ordering;

use crate::model::{CidrBlock, FailoverRole, GeoproximityPlace, Location, Policy, RecordSet, Snapshot};

use super::{
    client::Client,
    places::{self, Point},
};

/// Sets that are considered at the same time, with their weights.
pub(super) type Tier<'a> = Vec<(usize, &'a RecordSet)>;

/// How far two distances or latencies may differ, as a part of them, and still be the same: the errors of
/// floating point, not of geography.
const SAME: f64 = 1e-9;

/// The tiers of a group, which shares one policy. Within a tier the order is that of the group.
pub(super) fn of<'a>(group: &[&'a RecordSet], client: &Client, snapshot: &Snapshot) -> Vec<Tier<'a>> {
    let ranked = group.iter().filter_map(|set| Some((rank(&set.policy, client, snapshot)?, *set)));
    let mut ranked: Vec<(Rank, &RecordSet)> = ranked.collect();
    ranked.sort_by(|(one, _), (other, _)| one.order(*other));
    let mut tiers: Vec<(Rank, Tier<'a>)> = Vec::new();
    for (rank, set) in ranked {
        // Weights of zero count only among themselves, where they are equal.
        let weight = match set.policy {
            Policy::Weighted { weight } => usize::from(weight).max(1),
            _ => 1,
        };
        match tiers.last_mut() {
            Some((last, tier)) if last.is_same(rank) => tier.push((weight, set)),
            _ => tiers.push((rank, vec![(weight, set)])),
        }
    }
    tiers.into_iter().map(|(_, tier)| tier).collect()
}

/// How early a set is considered: first by class, then by measure; lower is earlier.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    class: u8,
    measure: f64,
}

impl Rank {
    fn class(class: u8) -> Self {
        Self { class, measure: 0.0 }
    }

    fn order(self, other: Self) -> Ordering {
        self.class.cmp(&other.class).then(self.measure.total_cmp(&other.measure))
    }

    fn is_same(self, other: Self) -> bool {
        let larger = self.measure.abs().max(other.measure.abs());
        self.class == other.class && (self.measure - other.measure).abs() <= larger * SAME
    }
}

/// The rank of a set for a client; none when it does not serve the client.
fn rank(policy: &Policy, client: &Client, snapshot: &Snapshot) -> Option<Rank> {
    match policy {
        Policy::Simple | Policy::Multivalue => Some(Rank::class(0)),
        Policy::Weighted { weight } => Some(Rank::class(u8::from(*weight == 0))),
        Policy::Failover(FailoverRole::Primary) => Some(Rank::class(0)),
        Policy::Failover(FailoverRole::Secondary) => Some(Rank::class(1)),
        Policy::Latency { region } => Some(latency(region, client)),
        Policy::Geolocation(location) => geolocation(location, client).map(Rank::class),
        Policy::Geoproximity { place, bias } => Some(proximity(place, *bias, client)),
        Policy::Cidr { collection_id, location_name } => {
            cidr(collection_id, location_name, client.network, snapshot).map(Rank::class)
        }
    }
}

/// By the client's table; Regions that it does not have come after those, by distance; and when the distance is
/// unknown as well, all alike at the end.
fn latency(region: &str, client: &Client) -> Rank {
    match (client.latency_ms.get(region), places::region(region), client.point()) {
        (Some(measure), ..) => Rank { class: 0, measure: *measure },
        (None, Some(there), Some(here)) => Rank { class: 1, measure: places::distance(here, there) },
        _ => Rank::class(2),
    }
}

/// By the distance after the bias. Where it is unknown, because the client's or the resource's place is, all alike
/// at the end.
fn proximity(place: &GeoproximityPlace, bias: i8, client: &Client) -> Rank {
    let there = match place {
        GeoproximityPlace::Region(region) => places::region(region),
        GeoproximityPlace::LocalZoneGroup(group) => places::local_zone_group(group),
        GeoproximityPlace::Coordinates { latitude, longitude } => {
            Some(Point { latitude: latitude.degrees(), longitude: longitude.degrees() })
        }
    };
    match (client.point(), there) {
        (Some(here), Some(there)) => {
            Rank { class: 0, measure: places::biased(places::distance(here, there), bias) }
        }
        _ => Rank::class(1),
    }
}

/// The smallest location first: subdivision, country, continent, default.
fn geolocation(location: &Location, client: &Client) -> Option<u8> {
    let is = |value: Option<&str>, code: &str| value == Some(code);
    let (fits, class) = match location {
        Location::Subdivision { country, subdivision } => {
            (is(client.country.as_deref(), country) && is(client.subdivision.as_deref(), subdivision), 0)
        }
        Location::Country(code) => (is(client.country.as_deref(), code), 1),
        Location::Continent(code) => (is(client.continent(), code), 2),
        Location::Default => (true, 3),
    };
    fits.then_some(class)
}

/// The longest block first that holds the whole network of the client; then the default location. A network that
/// is larger than a block is not in it.
fn cidr(collection: &str, location: &str, network: Option<CidrBlock>, snapshot: &Snapshot) -> Option<u8> {
    const DEFAULT: u8 = u8::MAX;
    if location == "*" {
        return Some(DEFAULT);
    }
    let network = network?;
    let blocks = snapshot.collections.get(collection)?.locations.get(location)?;
    let longest = blocks.iter().filter(|block| block.contains(&network)).map(CidrBlock::prefix).max()?;
    // At most 128, so that the default stays behind.
    Some(128_u8.saturating_sub(longest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;
    use crate::model::{Data, Name, RecordType};

    fn tiers(policies: Vec<Policy>, client: &Client) -> Vec<Vec<usize>> {
        let set = |(position, policy): (usize, Policy)| RecordSet {
            name: Name::parse("www.example.com").unwrap(),
            record_type: RecordType::A,
            set_identifier: Some(position.to_string()),
            policy,
            data: Data::Records { ttl: 60, values: Vec::new() },
            health_check_id: None,
        };
        let sets: Vec<RecordSet> = policies.into_iter().enumerate().map(set).collect();
        let group: Vec<&RecordSet> = sets.iter().collect();
        let position = |set: &RecordSet| set.set_identifier.as_deref().unwrap().parse().unwrap();
        let tiers = of(&group, client, &Snapshot::default());
        tiers.iter().map(|tier| tier.iter().map(|(_, set)| position(set)).collect()).collect()
    }

    fn latency(regions: &[&str]) -> Vec<Policy> {
        regions.iter().map(|region| Policy::Latency { region: (*region).to_owned() }).collect()
    }

    fn bias(region: &str, bias: i8) -> Policy {
        Policy::Geoproximity { place: GeoproximityPlace::Region(region.to_owned()), bias }
    }

    #[rstest]
    #[case::measured_before_estimated(&[("us-east-1", 200.0)], Some("DE"), vec![vec![1], vec![0], vec![2], vec![3]])]
    #[case::estimated_by_distance(&[], Some("DE"), vec![vec![0], vec![1], vec![2], vec![3]])]
    #[case::of_nowhere_all_alike(&[], None, vec![vec![0, 1, 2, 3]])]
    #[case::equal_latencies_share(&[("us-east-1", 9.0), ("ap-northeast-1", 9.0)], None, vec![vec![1, 2], vec![0, 3]])]
    fn latency_is_measured_or_estimated(
        #[case] table: &[(&str, f64)],
        #[case] country: Option<&str>,
        #[case] expected: Vec<Vec<usize>>,
    ) {
        let client = Client {
            country: country.map(str::to_owned),
            latency_ms: table
                .iter()
                .map(|(region, time)| ((*region).to_owned(), *time))
                .collect::<BTreeMap<_, _>>(),
            ..Client::default()
        };
        let found = tiers(latency(&["eu-central-1", "us-east-1", "ap-northeast-1", "moon-1"]), &client);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_same_distance_is_one_tier_and_bias_parts_it() {
        let ohio = Client::of("US", Some("OH"));
        // Both are taken to be in the same city.
        assert_eq!(tiers(vec![bias("us-east-2", 0), bias("us-gov-east-1", 0)], &ohio), [[0, 1]]);
        assert_eq!(tiers(vec![bias("us-east-2", -1), bias("us-gov-east-1", 0)], &ohio), [[1], [0]]);
        assert_eq!(tiers(vec![bias("us-east-2", 0), bias("eu-west-1", 99)], &ohio), [[0], [1]]);
    }

    #[test]
    fn codes_of_continents_countries_and_states_are_not_mixed_up() {
        let location = |location| Policy::Geolocation(location);
        let policies = || {
            vec![
                location(Location::Continent("NA".to_owned())),
                location(Location::Country("NA".to_owned())),
                location(Location::Country("CA".to_owned())),
                location(Location::Subdivision { country: "US".to_owned(), subdivision: "CA".to_owned() }),
                location(Location::Continent("SA".to_owned())),
                location(Location::Country("SA".to_owned())),
                location(Location::Default),
            ]
        };
        let order = |client: &Client| tiers(policies(), client).concat();
        assert_eq!(order(&Client::of("NA", None)), [1, 6]);
        assert_eq!(order(&Client::of("CA", None)), [2, 0, 6]);
        assert_eq!(order(&Client::of("US", Some("CA"))), [3, 0, 6]);
        assert_eq!(order(&Client::of("SA", None)), [5, 6]);
        assert_eq!(order(&Client::of("BR", None)), [4, 6]);
        assert_eq!(order(&Client::of("ZZ", None)), [6]);
        assert_eq!(order(&Client::default()), [6]);
    }

    #[test]
    fn weights_of_zero_stand_by() {
        let weighted = |weight| Policy::Weighted { weight };
        assert_eq!(
            tiers(vec![weighted(0), weighted(5), weighted(0), weighted(1)], &Client::default()),
            [[1, 3], [0, 2]]
        );
    }
}
