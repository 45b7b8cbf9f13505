//! Places of geolocation routing.

/// Country code, continent code.
const COUNTRIES: &str = include_str!("../../data/geolocations.csv");

/// Country code, English name.
const COUNTRY_NAMES: &str = include_str!("../../data/country_names.csv");

/// The continents with their names.
const CONTINENTS: [(&str, &str); 7] = [
    ("AF", "Africa"),
    ("AN", "Antarctica"),
    ("AS", "Asia"),
    ("EU", "Europe"),
    ("NA", "North America"),
    ("OC", "Oceania"),
    ("SA", "South America"),
];

/// Subdivisions by country. US: the states and the District of Columbia. UA: numbers; the documentation does
/// not list them, so the two-digit codes 01 to 27 of the 27 regions are taken (11, Crimea, was seen in use).
const SUBDIVISIONS: [(&str, &str); 2] = [
    ("UA", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27"),
    (
        "US",
        "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY \
         OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY",
    ),
];

/// One line of `ListGeoLocations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A continent.
    Continent {
        /// Such as `EU`.
        code: &'static str,
        /// Such as `Europe`.
        name: &'static str,
    },
    /// `*`.
    Default,
    /// A country.
    Country(&'static str),
    /// A part of a country.
    Subdivision {
        /// `UA` or `US`.
        country: &'static str,
        /// Such as `TX`.
        code: &'static str,
    },
}

impl Place {
    /// Continent, country and subdivision code, as the API names a place.
    pub fn codes(self) -> (Option<&'static str>, Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Continent { code, .. } => (Some(code), None, None),
            Self::Default => (None, Some("*"), None),
            Self::Country(country) => (None, Some(country), None),
            Self::Subdivision { country, code } => (None, Some(country), Some(code)),
        }
    }
}

/// All places in the order of `ListGeoLocations`: continents, then the default, then countries, each followed
/// by its subdivisions.
pub fn places() -> impl Iterator<Item = Place> {
    let continents = CONTINENTS.into_iter().map(|(code, name)| Place::Continent { code, name });
    let countries = countries().flat_map(|(country, _)| {
        let parts = SUBDIVISIONS.into_iter().filter(move |(of, _)| *of == country);
        let parts = parts.flat_map(|(_, codes)| codes.split_ascii_whitespace());
        std::iter::once(Place::Country(country))
            .chain(parts.map(move |code| Place::Subdivision { country, code }))
    });
    continents.chain([Place::Default]).chain(countries)
}

/// The continent of a supported country.
pub fn continent_of(country: &str) -> Option<&'static str> {
    countries().find(|(code, _)| *code == country).map(|(_, continent)| continent)
}

/// The English name of a supported country.
pub(crate) fn country_name(country: &str) -> Option<&'static str> {
    let rows = COUNTRY_NAMES.lines().filter_map(|line| line.split_once(','));
    rows.into_iter().find(|(code, _)| *code == country).map(|(_, name)| name)
}

fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    COUNTRIES.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(|line| line.split_once(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_lies_on_a_known_continent() {
        assert_eq!(countries().count(), 246);
        assert!(countries().all(|(_, continent)| CONTINENTS.iter().any(|(code, _)| *code == continent)));
        assert_eq!(continent_of("TR"), Some("EU"));
        assert_eq!(continent_of("BV"), None);
        assert!(countries().all(|(country, _)| country_name(country).is_some()));
    }

    #[test]
    fn places_come_in_the_order_of_the_listing() {
        let all: Vec<Place> = places().collect();
        assert_eq!(all[0], Place::Continent { code: "AF", name: "Africa" });
        assert_eq!(all[7], Place::Default);
        assert_eq!(all[8], Place::Country("AD"));
        let states = all.iter().filter(|place| matches!(place, Place::Subdivision { country: "US", .. }));
        assert_eq!(states.count(), 51);
        assert_eq!(all.len(), 7 + 1 + 246 + 27 + 51);
    }
}
