//! What Route 53 answers from stored record sets, as a distribution.
//!
//! [`answer`] is pure: the same snapshot and query give the same [`Answer`]. Where chance decides (weights, more than
//! eight multivalue sets) the answer lists what may come with its exact probability; drawing from it is the business
//! of `dns`. Written from the Developer Guide alone:
//!
//! | rule | where |
//! |---|---|
//! | names, wildcards, delegations | `lookup` |
//! | the order of sets per routing policy and client | `tiers` |
//! | health of sets and aliases, "if none is healthy, all are" | `walk` |
//! | latencies and the client's place, which Amazon keeps to itself | [`places`], an estimate |
//!
//! What the guide leaves open: a client of unknown place is served by all latency or geoproximity sets alike, as are
//! sets at the same distance; the health of an alias does not depend on who asks; a branch without data for the
//! client is not left for another.

mod client;
mod distribution;
mod lookup;
pub mod places;
mod tiers;
mod walk;

#[cfg(test)]
mod properties;

use std::collections::BTreeMap;

pub use client::Client;
pub use distribution::{Distribution, Fraction, Outcome, Response, Value, Values};

use crate::model::{Name, RecordType, ServedZone, Snapshot};
use lookup::Found;
use walk::Walk;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is asked for.
    pub name: Name,
    /// The wanted type.
    pub record_type: RecordType,
    /// Who asks.
    pub client: Client,
}

/// The response code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rcode {
    /// The name exists, with or without data of the type.
    NoError,
    /// The name does not exist.
    NxDomain,
    /// No zone of ours has the name.
    Refused,
}

impl Rcode {
    /// As dig, and `TestDNSAnswer`, write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::NxDomain => "NXDOMAIN",
            Self::Refused => "REFUSED",
        }
    }
}

/// What may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response code, which chance does not change.
    pub rcode: Rcode,
    /// The type of the values: the one that was asked for, or CNAME.
    pub record_type: RecordType,
    /// The values.
    pub distribution: Distribution,
    /// The name from which on other name servers are responsible, if the question is theirs. The values are then
    /// those of its NS set if that was asked for, else none.
    pub delegation: Option<Name>,
}

impl Answer {
    fn without_data(rcode: Rcode, record_type: RecordType) -> Self {
        Self { rcode, record_type, distribution: Distribution::nothing(), delegation: None }
    }

    /// The same without values.
    pub(crate) fn emptied(self) -> Self {
        Self { distribution: Distribution::nothing(), ..self }
    }

    /// For every possible value the probability that a response holds it.
    pub fn shares(&self) -> BTreeMap<Value, Fraction> {
        self.distribution.shares()
    }

    /// How many sets are in a response where that is fewer than could be.
    pub fn drawn_at_most(&self) -> Option<usize> {
        let outcomes = self.distribution.outcomes();
        let partial = outcomes.filter(|outcome| outcome.response.drawn < outcome.response.sets.len());
        partial.map(|outcome| outcome.response.drawn).max()
    }

    /// A response without chance: the most probable outcome, of equal ones the first, and of it the first sets.
    pub fn most_likely(&self) -> Response {
        let mut best: Option<Outcome> = None;
        for outcome in self.distribution.outcomes() {
            if best.as_ref().is_none_or(|found| outcome.probability > found.probability) {
                best = Some(outcome);
            }
        }
        let mut response = best.map(|outcome| outcome.response).unwrap_or_default();
        response.sets.truncate(response.drawn);
        response
    }
}

/// What the zone that is responsible for the name answers.
pub fn answer(snapshot: &Snapshot, query: &Query) -> Answer {
    match snapshot.zone_of(&query.name) {
        Some(zone) => answer_in(snapshot, zone, query),
        None => Answer::without_data(Rcode::Refused, query.record_type),
    }
}

/// What one zone answers, for zones that share their name with others.
pub fn answer_in(snapshot: &Snapshot, zone: &ServedZone, query: &Query) -> Answer {
    if !query.name.is_within(&zone.name) {
        return Answer::without_data(Rcode::Refused, query.record_type);
    }
    let mut walk = Walk::new(snapshot, zone, &query.client);
    let mut answer = Answer::without_data(Rcode::NoError, query.record_type);
    match lookup::find(zone, &query.name, query.record_type) {
        Found::Missing => answer.rcode = Rcode::NxDomain,
        Found::Empty => {}
        Found::Delegated(cut) => {
            if cut == query.name && query.record_type == RecordType::Ns {
                answer.distribution = walk.group(&cut, RecordType::Ns);
            }
            answer.delegation = Some(cut);
        }
        Found::Node(node) => {
            // A CNAME has its name for itself and answers queries of every type.
            if zone.record_sets.group(&node, RecordType::Cname).next().is_some() {
                answer.record_type = RecordType::Cname;
            }
            answer.distribution = walk.group(&node, answer.record_type);
        }
    }
    answer
}
