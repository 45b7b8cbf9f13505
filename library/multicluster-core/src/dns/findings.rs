//! What a user should know about answers before it happens: warnings of a plan.
//!
//! Nothing here is an error. Each kind is said once, for all places and endpoints together, so that a plan has few
//! warnings however large the world is.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::answer::{Client, Shares, answer};
use crate::dns::intent::{EndpointName, Intent};
use crate::dns::place::{Continent, Country, Place};
use crate::dns::routing::{Row, survey};
use crate::dns::share::Share;
use crate::dns::tree::Node;

mod advice;
mod words;

pub(crate) use self::words::{countries_in_words, list};

/// Something worth knowing, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// The attribute, from the resource down; empty for the resource as a whole.
    pub path: Vec<String>,
    /// What is so, and what could be done, in a sentence or two.
    pub text: String,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// The default was not given and has been chosen.
    DefaultChosen,
    /// Weights were rounded.
    Rounding,
    /// Some places get no answer.
    NoAnswer,
    /// While an endpoint is unhealthy, answers come from outside a continent.
    LeavesContinent,
    /// Nothing answers instead of an endpoint.
    SinglePoint,
    /// An endpoint answers only while all others are unhealthy.
    ZeroWeight,
    /// The time to live does not fit.
    Ttl,
    /// Latency is known as an estimate only.
    LatencyEstimate,
    /// One endpoint would serve most of the world.
    FailoverLoad,
}

/// What findings need to know besides the intent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The time to live of the records, in seconds.
    pub ttl: u32,
    /// Endpoints whose health is checked, in whatever way.
    pub health_checked: BTreeSet<EndpointName>,
    /// Endpoints that are aliases of load balancers of AWS, whose time to live is 60 s whatever is asked for.
    pub load_balancers: BTreeSet<EndpointName>,
}

/// All findings about a tree that was grown from an intent, in order; those of growing it are not among them.
#[must_use]
pub fn findings(intent: &Intent, tree: &Node, facts: &Facts) -> Vec<Finding> {
    let world = World { tree, healthy: survey(tree) };
    let mut found = Vec::new();
    found.extend(world.no_answer());
    found.extend(world.leaves_continent(intent));
    found.extend(world.single_points());
    found.extend(world.failover_load());
    found.extend(advice::zero_weights(intent));
    found.extend(advice::ttl(tree, facts));
    found.extend(advice::latency(tree));
    found.sort();
    found
}

struct World<'a> {
    tree: &'a Node,
    healthy: BTreeMap<Place, Row>,
}

impl World<'_> {
    fn countries(&self) -> impl Iterator<Item = (Country, &Row)> {
        self.healthy.iter().filter_map(|(place, row)| match place {
            Place::Country(country) => Some((*country, row)),
            _ => None,
        })
    }

    fn shares(&self, country: Country, down: &BTreeSet<EndpointName>) -> Shares {
        answer(self.tree, &Client::at(Place::Country(country)), down).shares
    }

    fn no_answer(&self) -> Option<Finding> {
        let silent: BTreeSet<Country> = self
            .countries()
            .filter(|(_, row)| row.endpoints.is_empty())
            .map(|(country, _)| country)
            .collect();
        let elsewhere = self.healthy.get(&Place::Everywhere).is_some_and(|row| row.endpoints.is_empty());
        if silent.is_empty() && !elsewhere {
            return None;
        }
        let text = if let Node::IpBased { others: None, .. } = self.tree {
            "clients whose address is in no range get no answer: set `default`".to_owned()
        } else {
            let unknown = elsewhere.then_some("clients whose place is not known");
            let countries = (!silent.is_empty()).then(|| countries_in_words(&silent));
            let who: Vec<String> = countries.into_iter().chain(unknown.map(str::to_owned)).collect();
            format!("there is no answer for {}: set `default`", list(&who))
        };
        Some(Finding { kind: FindingKind::NoAnswer, path: vec!["default".to_owned()], text })
    }

    /// Endpoints that were given for a place within a continent are at home there; when one fails, do others from
    /// elsewhere answer?
    fn leaves_continent(&self, intent: &Intent) -> Option<Finding> {
        let mut cases = Vec::new();
        for continent in Continent::ALL {
            let here = Place::Continent(continent);
            let at_home: BTreeSet<&EndpointName> = intent
                .endpoints
                .iter()
                .filter(|(_, endpoint)| endpoint.places.iter().any(|place| here.contains(place)))
                .map(|(name, _)| name)
                .collect();
            for name in &at_home {
                let down = BTreeSet::from([(*name).clone()]);
                let mut instead: BTreeSet<EndpointName> = BTreeSet::new();
                for (country, row) in self.countries().filter(|(country, _)| country.continent() == continent)
                {
                    let stays = row.endpoints.iter().all(|it| at_home.contains(&it.name));
                    if stays && row.endpoints.iter().any(|it| it.name == **name) {
                        let after = self.shares(country, &down);
                        instead.extend(after.into_keys().filter(|other| !at_home.contains(other)));
                    }
                }
                if !instead.is_empty() {
                    let others: Vec<String> = instead.iter().map(|name| format!("`{name}`")).collect();
                    cases.push(format!(
                        "{} by {} while `{name}` is unhealthy",
                        continent.name(),
                        list(&others)
                    ));
                }
            }
        }
        let text = format!(
            "clients are answered from outside their continent: {}. Where data must not leave, name others in `on_unhealthy`, and hold it with `must_answer`",
            cases.join("; ")
        );
        (!cases.is_empty()).then(|| Finding {
            kind: FindingKind::LeavesContinent,
            path: vec!["endpoints".to_owned()],
            text,
        })
    }

    fn single_points(&self) -> Option<Finding> {
        let mut alone: BTreeMap<&EndpointName, BTreeSet<Country>> = BTreeMap::new();
        for (country, row) in self.countries() {
            if let ([only], []) = (row.endpoints.as_slice(), row.fallback.as_slice()) {
                alone.entry(&only.name).or_default().insert(country);
            }
        }
        let cases: Vec<String> = alone
            .iter()
            .map(|(name, countries)| format!("`{name}` in {}", countries_in_words(countries)))
            .collect();
        let text = format!(
            "nothing answers instead of {}: while it is unhealthy it is answered nevertheless. Name others in `on_unhealthy`",
            cases.join("; instead of ")
        );
        (!cases.is_empty()).then(|| Finding {
            kind: FindingKind::SinglePoint,
            path: vec!["endpoints".to_owned()],
            text,
        })
    }

    /// Whether one endpoint would serve more than half of the places when another one fails. With two endpoints that
    /// goes without saying.
    fn failover_load(&self) -> Option<Finding> {
        let names = self.tree.endpoints();
        if names.len() < 3 {
            return None;
        }
        let count = u64::try_from(Country::all().count()).unwrap_or(u64::MAX);
        let load = |down: &BTreeSet<EndpointName>| {
            let mut load: BTreeMap<EndpointName, Share> = BTreeMap::new();
            for country in Country::all() {
                for (name, share) in self.shares(country, down) {
                    let sum = load.entry(name).or_insert(Share::ZERO);
                    *sum = sum.plus(share.times(Share::of(1, count)));
                }
            }
            load
        };
        let before = load(&BTreeSet::new());
        let mut cases = Vec::new();
        for name in names {
            let after = load(&BTreeSet::from([name.clone()]));
            for (other, share) in after.into_iter().filter(|(other, _)| other != name) {
                let usual = before.get(&other).copied().unwrap_or(Share::ZERO);
                if share > usual && share > Share::of(1, 2) {
                    cases.push(format!(
                        "when `{name}` is down, `{other}` serves {} % of the places, instead of {} %",
                        share.percent(),
                        usual.percent()
                    ));
                }
            }
        }
        (!cases.is_empty()).then(|| Finding {
            kind: FindingKind::FailoverLoad,
            path: vec!["endpoints".to_owned()],
            text: cases.join("; "),
        })
    }
}

#[cfg(test)]
mod tests;
