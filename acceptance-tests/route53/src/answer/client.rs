//! Who asks, as far as Route 53 can tell.

use std::collections::BTreeMap;

use crate::model::CidrBlock;

use super::places::{self, Point};

/// A client of the DNS. Everything that is unknown is none; a client of whom nothing is known is served by
/// defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Client {
    /// The network it is in: the client subnet of the query, or the address of its resolver.
    pub network: Option<CidrBlock>,
    /// Two letters, as in `CountryCode`.
    pub country: Option<String>,
    /// As in `SubdivisionCode`, without the country.
    pub subdivision: Option<String>,
    /// As in `ContinentCode`; the country's own when none.
    pub continent: Option<String>,
    /// Where it is; the reference point of its state or country when none.
    pub point: Option<Point>,
    /// AWS Region → latency in milliseconds, in place of the table that Amazon keeps to itself.
    pub latency_ms: BTreeMap<String, f64>,
}

impl Client {
    /// A client of a country or of a state, at that place's reference point.
    pub fn of(country: &str, subdivision: Option<&str>) -> Self {
        Self {
            country: Some(country.to_owned()),
            subdivision: subdivision.map(str::to_owned),
            ..Self::default()
        }
    }

    /// The continent, from the country when it was not given.
    pub(super) fn continent(&self) -> Option<&str> {
        self.continent.as_deref().or_else(|| self.place().map(|place| place.continent))
    }

    /// The coordinates, from the state or the country when they were not given.
    pub(super) fn point(&self) -> Option<Point> {
        self.point.or_else(|| self.place().map(|place| place.point))
    }

    fn place(&self) -> Option<&'static places::Place> {
        places::place(self.country.as_deref()?, self.subdivision.as_deref())
    }
}
