//! The tables of countries and their parts, read once.
//!
//! Rows that cannot be read are left out; a test counts them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::dns::intent::Coordinates;
use crate::dns::place::{Continent, Country, Subdivision};

/// What is known of a country.
pub(super) struct CountryEntry {
    pub(super) country: Country,
    pub(super) name: &'static str,
    /// Other English names of it.
    pub(super) aliases: Vec<&'static str>,
    pub(super) continent: Continent,
    pub(super) position: Coordinates,
}

/// What is known of a part of a country.
pub(super) struct SubdivisionEntry {
    pub(super) subdivision: Subdivision,
    pub(super) name: &'static str,
    pub(super) position: Coordinates,
}

static COUNTRIES: LazyLock<Vec<CountryEntry>> = LazyLock::new(|| {
    let continents: BTreeMap<&str, Continent> = rows(include_str!("../../../data/geolocations.csv"))
        .filter_map(|row| Some((*row.first()?, Continent::from_code(row.get(1)?)?)))
        .collect();
    let mut countries: Vec<CountryEntry> = rows(include_str!("../../../data/countries.csv"))
        .filter_map(|row| {
            let [code, name, aliases, latitude, longitude] = row.try_into().ok()?;
            Some(CountryEntry {
                country: Country(code.as_bytes().try_into().ok()?),
                name,
                aliases: aliases.split(';').filter(|alias| !alias.is_empty()).collect(),
                continent: *continents.get(code)?,
                position: Coordinates::from_degrees(latitude, longitude)?,
            })
        })
        .collect();
    countries.sort_by_key(|entry| entry.country);
    countries
});

static SUBDIVISIONS: LazyLock<Vec<SubdivisionEntry>> = LazyLock::new(|| {
    let mut subdivisions: Vec<SubdivisionEntry> = rows(include_str!("../../../data/subdivisions.csv"))
        .filter_map(|row| {
            let [code, name, latitude, longitude] = row.try_into().ok()?;
            let (country, code) = code.split_once('-')?;
            let country = Country::from_code(country)?;
            Some(SubdivisionEntry {
                subdivision: Subdivision { country, code: code.to_owned() },
                name,
                position: Coordinates::from_degrees(latitude, longitude)?,
            })
        })
        .collect();
    subdivisions.sort_by(|a, b| a.subdivision.cmp(&b.subdivision));
    subdivisions
});

/// The lines of a table, without comments and the heading, by their fields.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split(',').collect())
}

pub(super) fn countries() -> &'static [CountryEntry] {
    &COUNTRIES
}

pub(super) fn country(code: &[u8]) -> Option<&'static CountryEntry> {
    let at = COUNTRIES.binary_search_by(|entry| entry.country.0.as_slice().cmp(code)).ok()?;
    COUNTRIES.get(at)
}

pub(super) fn subdivisions() -> &'static [SubdivisionEntry] {
    &SUBDIVISIONS
}

pub(super) fn subdivision(subdivision: &Subdivision) -> Option<&'static SubdivisionEntry> {
    let at = SUBDIVISIONS.binary_search_by(|entry| entry.subdivision.cmp(subdivision)).ok()?;
    SUBDIVISIONS.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::suggest::fold;

    #[test]
    fn no_row_is_left_out() {
        assert_eq!(COUNTRIES.len(), 246);
        assert_eq!(SUBDIVISIONS.len(), 51 + 27);
        assert_eq!(rows(include_str!("../../../data/geolocations.csv")).count(), 246);
    }

    #[test]
    fn no_name_means_two_countries() {
        let mut seen = BTreeMap::new();
        for entry in countries() {
            for name in std::iter::once(&entry.name).chain(&entry.aliases) {
                let before = seen.insert(fold(name), entry.country);
                assert!(before.is_none(), "{name}: {before:?} and {:?}", entry.country);
            }
        }
    }

    #[test]
    fn a_country_stands_where_it_is() {
        for (code, latitude, longitude) in
            [("DE", 51, 10), ("JP", 35, 138), ("CL", -33, -70), ("FJ", -17, 178)]
        {
            let position = Country::from_code(code).unwrap().position();
            assert_eq!((position.latitude / 100, position.longitude / 100), (latitude, longitude), "{code}");
        }
    }
}
