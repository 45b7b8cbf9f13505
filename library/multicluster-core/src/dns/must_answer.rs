//! What a user wants held: which endpoints may answer a place, also when any one endpoint has failed.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::answer::{Client, answer};
use crate::dns::findings::list;
use crate::dns::intent::{EndpointName, Intent, no_such_endpoint};
use crate::dns::place::{Country, Place};
use crate::dns::problem::Problem;
use crate::dns::routing::subdivisions;
use crate::dns::tree::Node;

/// All places that others than the wanted endpoints would answer, or nobody, while all endpoints are healthy or while
/// any one of them is down.
///
/// A place holds with all that is in it: a continent with its countries, a country with the parts that the tree tells
/// apart. Where nothing is left, an endpoint that is down is answered nevertheless; that does not break the promise.
/// Clients whose address is in a range of its own are not looked at: their place does not decide.
/// Paths are `["must_answer", key]`.
///
/// # Examples
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use multicluster_core::dns::{Endpoint, EndpointName, Intent, Place, Policy, Within, must_answer, tree};
///
/// let aws = EndpointName::new("aws").unwrap();
/// let gcp = EndpointName::new("gcp").unwrap();
/// let intent = Intent {
///     policy: Policy::Failover,
///     within: Within::Weighted,
///     default: None,
///     endpoints: BTreeMap::from([
///         (aws.clone(), Endpoint::default()),
///         (gcp, Endpoint { priority: 1, ..Endpoint::default() }),
///     ]),
/// };
/// let node = tree::grow(&intent).unwrap().node;
/// let wanted = BTreeMap::from([(Place::parse_key("DE").unwrap(), BTreeSet::from([aws]))]);
/// let problems = must_answer::check(&intent, &node, &wanted);
/// assert_eq!(problems[0].to_string(), "must_answer.DE: while `aws` is unhealthy, `gcp` would answer");
/// ```
#[must_use]
pub fn check(intent: &Intent, tree: &Node, wanted: &BTreeMap<Place, BTreeSet<EndpointName>>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, allowed) in wanted {
        let key = place.to_string();
        let unknown: Vec<&EndpointName> =
            allowed.iter().filter(|name| !intent.endpoints.contains_key(*name)).collect();
        for name in &unknown {
            problems.push(Problem::at(["must_answer", &key], no_such_endpoint(intent, name)));
        }
        if allowed.is_empty() {
            problems.push(Problem::at(["must_answer", &key], "names no endpoint"));
        } else if unknown.is_empty() {
            problems
                .extend(broken(tree, place, allowed).map(|text| Problem::at(["must_answer", &key], text)));
        }
    }
    problems
}

/// How the promise for a place is broken: by others while all are healthy, else by each failure that breaks it.
fn broken(tree: &Node, place: &Place, allowed: &BTreeSet<EndpointName>) -> Option<String> {
    let places = within(tree, place);
    if let Some(who) = strangers(tree, place, &places, allowed, &BTreeSet::new()) {
        return Some(format!("also while all are healthy, {who}"));
    }
    let cases: Vec<String> = tree
        .endpoints()
        .into_iter()
        .filter_map(|name| {
            let who = strangers(tree, place, &places, allowed, &BTreeSet::from([name.clone()]))?;
            Some(format!("while `{name}` is unhealthy, {who}"))
        })
        .collect();
    (!cases.is_empty()).then(|| cases.join("; "))
}

/// Who would answer that may not, in the first place where somebody would.
fn strangers(
    tree: &Node,
    place: &Place,
    within: &[Place],
    allowed: &BTreeSet<EndpointName>,
    down: &BTreeSet<EndpointName>,
) -> Option<String> {
    within.iter().find_map(|smaller| {
        let shares = answer(tree, &Client::at(smaller.clone()), down).shares;
        let others: Vec<String> =
            shares.keys().filter(|name| !allowed.contains(*name)).map(|name| format!("`{name}`")).collect();
        let whom = if smaller == place { String::new() } else { format!(" {}", smaller.name()) };
        if shares.is_empty() {
            return Some(format!("nobody would answer{whom}"));
        }
        (!others.is_empty()).then(|| format!("{} would answer{whom}", list(&others)))
    })
}

/// The place, and all smaller ones in it that may be answered differently.
fn within(tree: &Node, place: &Place) -> Vec<Place> {
    // Of a place as large as a continent nothing can be said where distance decides, only of what is in it.
    let itself = (place.position().is_some() || !tree.depends_on_position()).then(|| place.clone());
    let countries = Country::all().map(Place::Country);
    let smaller = subdivisions(tree).into_iter().map(Place::Subdivision);
    let inside = countries.chain(smaller).filter(|it| it != place && place.contains(it));
    itself.into_iter().chain(inside).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::dns::intent::{Endpoint, Policy, Within};

    fn name(name: &str) -> EndpointName {
        EndpointName::new(name).unwrap()
    }

    /// Europe by azure, with fallbacks; Germany also by gcp; all others by aws.
    fn intent(on_unhealthy: &[&str]) -> Intent {
        let place = |key: &str| Place::parse_key(key).unwrap();
        let on_unhealthy = on_unhealthy.iter().copied().map(name).collect();
        Intent {
            policy: Policy::Geolocation,
            within: Within::Weighted,
            default: Some(name("aws")),
            endpoints: BTreeMap::from([
                (
                    name("azure"),
                    Endpoint {
                        places: BTreeSet::from([place("continent/EU")]),
                        on_unhealthy,
                        ..Endpoint::default()
                    },
                ),
                (name("gcp"), Endpoint { places: BTreeSet::from([place("FR")]), ..Endpoint::default() }),
                (name("aws"), Endpoint::default()),
            ]),
        }
    }

    fn check_one(on_unhealthy: &[&str], key: &str, allowed: &[&str]) -> Vec<String> {
        let intent = intent(on_unhealthy);
        let node = crate::dns::tree::grow(&intent).unwrap().node;
        let allowed = allowed.iter().copied().map(name).collect();
        let wanted = BTreeMap::from([(Place::parse_key(key).unwrap(), allowed)]);
        check(&intent, &node, &wanted).into_iter().map(|problem| problem.to_string()).collect()
    }

    #[rstest]
    #[case::default_takes_over(&[], "DE", &["azure"], &["must_answer.DE: while `azure` is unhealthy, `aws` would answer"])]
    #[case::default_is_allowed(&[], "DE", &["azure", "aws"], &[])]
    #[case::chain_holds(&["gcp"], "DE", &["azure", "gcp"], &[])]
    #[case::never(&[], "DE", &["gcp"], &["must_answer.DE: also while all are healthy, `azure` would answer"])]
    #[case::country_within(&["gcp"], "continent/EU", &["azure"], &["must_answer.continent/EU: also while all are healthy, `gcp` would answer France"])]
    #[case::larger_place_takes_over(&["gcp"], "continent/EU", &["azure", "gcp"], &[])]
    #[case::single_point_is_no_stranger(&[], "BR", &["aws"], &[])]
    #[case::typing_error(&[], "DE", &["azur"], &["must_answer.DE: there is no endpoint `azur`; did you mean `azure`?"])]
    #[case::nobody(&[], "DE", &[], &["must_answer.DE: names no endpoint"])]
    fn promises(
        #[case] on_unhealthy: &[&str],
        #[case] key: &str,
        #[case] allowed: &[&str],
        #[case] expect: &[&str],
    ) {
        assert_eq!(check_one(on_unhealthy, key, allowed), expect);
    }
}
