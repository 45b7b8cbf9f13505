//! The table of who answers where, which a plan shows and configurations ask.
//!
//! A row stands only where it differs from that of the next larger place; [`resolve`] walks up. Where latency or
//! distance decides, nothing can be said of continents as a whole: there a continent's row is that of most of its
//! countries, and the one for everywhere else that of most countries of the world, so that few rows are left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::dns::answer::{Answer, Client, answer};
use crate::dns::intent::EndpointName;
use crate::dns::place::{Continent, Country, Place, Subdivision, UnknownPlace};
use crate::dns::share::Share;
use crate::dns::tree::Node;

/// Who answers in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Who answers while all are healthy, the largest share first. Empty: there is no answer.
    pub endpoints: Vec<Portion>,
    /// Who answers once all of these have failed, then who does once those have, and so on. Those who take over
    /// together stand in order of their shares.
    pub fallback: Vec<EndpointName>,
}

/// One endpoint's part of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Portion {
    /// The endpoint.
    pub name: EndpointName,
    /// Its part, above zero; all parts of a row add up to one.
    pub share: Share,
}

/// Rows by their keys: `*`, `continent/EU`, `DE`, `US-TX`.
pub type Rows = BTreeMap<String, Row>;

/// The rows of a tree that differ from their parents. There is always one for `*`.
///
/// # Examples
/// ```
/// use multicluster_core::dns::{EndpointName, Node, routing};
///
/// let tree = Node::Endpoint(EndpointName::new("aws").unwrap());
/// let rows = routing::routing(&tree);
/// assert!(rows.keys().eq(["*"]));
/// assert_eq!(routing::resolve(&rows, "DE").unwrap().unwrap().endpoints[0].share.to_string(), "1");
/// ```
#[must_use]
pub fn routing(tree: &Node) -> Rows {
    differing(&survey(tree))
}

/// The row that holds for a key: its own, or that of the next larger place that has one. None only if there is none for
/// `*` either.
///
/// # Errors
/// [`UnknownPlace`] if the key is that of no place.
pub fn resolve<'a, R>(rows: &'a BTreeMap<String, R>, key: &str) -> Result<Option<&'a R>, UnknownPlace> {
    Ok(Place::parse_key(key)?.ancestry().find_map(|place| rows.get(&place.to_string())))
}

/// Who answers in every place of the world: everywhere else, all continents, all countries, and those parts of
/// countries that the tree may tell apart.
#[must_use]
pub fn survey(tree: &Node) -> BTreeMap<Place, Row> {
    survey_by(tree, &mut |client, down| answer(tree, client, down))
}

/// Who answers one client, whatever place it is in.
///
/// # Examples
/// ```
/// use multicluster_core::dns::{Client, EndpointName, Node, Place, routing};
///
/// let tree = Node::Endpoint(EndpointName::new("aws").unwrap());
/// assert_eq!(routing::row_of(&tree, &Client::at(Place::Everywhere)).to_string(), "aws");
/// ```
#[must_use]
pub fn row_of(tree: &Node, client: &Client) -> Row {
    row(client, &mut |client, down| answer(tree, client, down))
}

/// The rows that differ from those of their parents.
#[must_use]
pub fn differing(survey: &BTreeMap<Place, Row>) -> Rows {
    let mut rows = Rows::new();
    for (place, row) in survey {
        let inherited = place.ancestry().skip(1).find_map(|parent| survey.get(&parent));
        if inherited != Some(row) {
            rows.insert(place.to_string(), row.clone());
        }
    }
    rows
}

/// Places smaller than countries that a tree may tell apart.
#[must_use]
pub fn subdivisions(tree: &Node) -> BTreeSet<Subdivision> {
    if tree.depends_on_position() {
        return Subdivision::all().collect();
    }
    let named = tree.places().into_iter().filter_map(|place| match place {
        Place::Subdivision(subdivision) => Some(subdivision.clone()),
        _ => None,
    });
    named.collect()
}

/// `azure, then aws`; `aws 70 %, azure 30 %, then gcp`; `no answer`
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self.endpoints.as_slice() {
            [] => return f.write_str("no answer"),
            [only] => vec![only.name.to_string()],
            several => several.iter().map(|it| format!("{} {} %", it.name, it.share.percent())).collect(),
        };
        f.write_str(&words.join(", "))?;
        for name in &self.fallback {
            write!(f, ", then {name}")?;
        }
        Ok(())
    }
}

type Ask<'a> = dyn FnMut(&Client, &BTreeSet<EndpointName>) -> Answer + 'a;

fn survey_by(tree: &Node, ask: &mut Ask<'_>) -> BTreeMap<Place, Row> {
    let mut found = BTreeMap::new();
    let small = subdivisions(tree).into_iter().map(Place::Subdivision);
    for place in Country::all().map(Place::Country).chain(small) {
        let row = row(&Client::at(place.clone()), ask);
        found.insert(place, row);
    }
    let by_distance = tree.depends_on_position();
    let larger = Continent::ALL.into_iter().map(Place::Continent).chain([Place::Everywhere]);
    let larger: Vec<(Place, Row)> = larger
        .map(|place| {
            let row =
                if by_distance { commonest(&found, &place) } else { row(&Client::at(place.clone()), ask) };
            (place, row)
        })
        .collect();
    found.extend(larger);
    found
}

/// The row that most countries of a place have; of equally common ones the least in order.
fn commonest(found: &BTreeMap<Place, Row>, place: &Place) -> Row {
    let mut counts: BTreeMap<&Row, usize> = BTreeMap::new();
    let countries = found.iter().filter(|(it, _)| matches!(it, Place::Country(_)) && place.contains(it));
    for (_, row) in countries {
        *counts.entry(row).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(row, _)| row.clone()).unwrap_or_default()
}

fn row(client: &Client, ask: &mut Ask<'_>) -> Row {
    let mut down = BTreeSet::new();
    let endpoints = portions(ask(client, &down));
    let mut fallback: Vec<EndpointName> = Vec::new();
    let mut answering: Vec<EndpointName> = endpoints.iter().map(|it| it.name.clone()).collect();
    // Each turn puts at least one more endpoint down, so that there are at most as many turns as endpoints.
    while !answering.is_empty() {
        down.extend(answering);
        let next = portions(ask(client, &down)).into_iter().map(|it| it.name);
        // When none is left, the first ones answer again although they are down.
        answering = next.filter(|name| !down.contains(name)).collect();
        fallback.extend(answering.iter().cloned());
    }
    Row { endpoints, fallback }
}

/// The largest share first, then by name.
pub(crate) fn portions(answer: Answer) -> Vec<Portion> {
    let mut portions: Vec<Portion> =
        answer.shares.into_iter().map(|(name, share)| Portion { name, share }).collect();
    portions.sort_by(|a, b| b.share.cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    portions
}

#[cfg(test)]
mod tests;
