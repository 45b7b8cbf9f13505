//! What may be answered, and how probable each answer is.
//!
//! A [`Distribution`] is a list of [`Outcome`]s whose probabilities sum up to exactly one: fractions are kept as
//! ratios of integers without a bound, because weights multiply along a tree of aliases. Equal outcomes are merged
//! at every level, so that a tree whose branches share their leaves stays small.

use std::collections::BTreeMap;

use num_rational::BigRational;

use crate::model::Name;

/// An exact probability, 0 to 1.
pub type Fraction = BigRational;

/// One value of an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Record data in the form in which the API lists it.
    Data(String),
    /// Whatever addresses a resource outside the zone has at the moment: the target of an alias.
    Outside(Name),
}

impl std::fmt::Display for Value {
    /// The data, or `alias:` and the name of the resource.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(text) => f.write_str(text),
            Self::Outside(name) => write!(f, "alias:{}", name.as_str()),
        }
    }
}

/// The values of one record set, which are answered together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Values {
    /// Seconds for which a resolver may keep the answer.
    pub ttl: u32,
    /// In the order in which they are stored.
    pub values: Vec<Value>,
}

/// What one response consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Response {
    /// The sets that the response is drawn from, each with the same chance. Empty when there is no data.
    pub sets: Vec<Values>,
    /// How many of them are in the response; all of them, except for more than eight multivalue sets.
    pub drawn: usize,
}

impl Response {
    /// A response of one set.
    pub(super) fn of(values: Values) -> Self {
        Self { sets: vec![values], drawn: 1 }
    }

    /// The probability that `value` is in the response. Where several sets hold it, the response lacks it only
    /// when none of them is drawn.
    pub fn chance_of(&self, value: &Value) -> Fraction {
        let total = self.sets.len();
        let holders = self.sets.iter().filter(|set| set.values.contains(value)).count();
        let mut lacking = whole();
        for step in 0..self.drawn.min(total) {
            lacking *= ratio((total - holders).saturating_sub(step), total - step);
        }
        whole() - lacking
    }
}

/// A response with its probability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Above zero.
    pub probability: Fraction,
    /// What is answered.
    pub response: Response,
}

/// All outcomes of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution(BTreeMap<Response, Fraction>);

impl Distribution {
    /// The one possible response.
    pub(super) fn certain(response: Response) -> Self {
        Self(BTreeMap::from([(response, whole())]))
    }

    /// No data, certainly.
    pub(super) fn nothing() -> Self {
        Self::certain(Response::default())
    }

    /// One of several distributions, each chosen with its weight over the sum of the weights. No weight above
    /// zero is nothing.
    pub(super) fn weighted(parts: impl IntoIterator<Item = (usize, Self)>) -> Self {
        let parts: Vec<_> = parts.into_iter().filter(|(weight, _)| *weight > 0).collect();
        let sum: usize = parts.iter().map(|(weight, _)| weight).sum();
        let mut all = BTreeMap::new();
        for (weight, part) in parts {
            for (response, probability) in part.0 {
                *all.entry(response).or_insert_with(none) += probability * ratio(weight, sum);
            }
        }
        if all.is_empty() { Self::nothing() } else { Self(all) }
    }

    /// The outcomes in a fixed order, each response once.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        self.0.iter().map(|(response, probability)| Outcome {
            probability: probability.clone(),
            response: response.clone(),
        })
    }

    /// For every possible value the probability that it is in the response. Values that are answered together
    /// add up to more than one.
    pub fn shares(&self) -> BTreeMap<Value, Fraction> {
        let mut shares: BTreeMap<Value, Fraction> = BTreeMap::new();
        for (response, probability) in &self.0 {
            let values: std::collections::BTreeSet<&Value> =
                response.sets.iter().flat_map(|set| &set.values).collect();
            for value in values {
                *shares.entry(value.clone()).or_insert_with(none) += response.chance_of(value) * probability;
            }
        }
        shares
    }
}

/// `part` of `total`; zero of nothing.
fn ratio(part: usize, total: usize) -> Fraction {
    Fraction::new(part.into(), total.max(1).into())
}

fn whole() -> Fraction {
    ratio(1, 1)
}

fn none() -> Fraction {
    ratio(0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> Values {
        Values { ttl: 60, values: values.iter().map(|value| Value::Data((*value).to_owned())).collect() }
    }

    #[test]
    fn eight_of_ten_hold_a_value_four_times_in_five() {
        let sets: Vec<Values> = (0..10).map(|number| set(&[&number.to_string()])).collect();
        let response = Response { sets, drawn: 8 };
        assert_eq!(response.chance_of(&Value::Data("3".to_owned())), ratio(4, 5));
        assert_eq!(response.chance_of(&Value::Data("x".to_owned())), none());
    }

    #[test]
    fn a_value_of_several_sets_is_missed_only_when_none_is_drawn() {
        let sets = vec![set(&["a"]), set(&["a"]), set(&["b"]), set(&["c"])];
        // Both draws miss: 2/4 · 1/3.
        let response = Response { sets, drawn: 2 };
        assert_eq!(response.chance_of(&Value::Data("a".to_owned())), ratio(5, 6));
    }

    #[test]
    fn equal_outcomes_are_one() {
        let same = || Distribution::certain(Response::of(set(&["a"])));
        let merged = Distribution::weighted([(3, same()), (0, Distribution::nothing()), (9, same())]);
        assert_eq!(merged, same());
        assert_eq!(Distribution::weighted([(0, same())]), Distribution::nothing());
    }
}
