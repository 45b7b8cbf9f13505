//! Reading places as users write them.

use std::str::FromStr;

use crate::dns::place::table;
use crate::dns::place::{Continent, Country, Place, Subdivision};
use crate::dns::suggest::{fold, hint, nearest};

/// Codes of ISO 3166 that Route 53's location table does not have.
const UNSUPPORTED: [(&str, &str); 4] = [
    ("BV", "Bouvet Island"),
    ("CX", "Christmas Island"),
    ("EH", "Western Sahara"),
    ("HM", "Heard Island and McDonald Islands"),
];

/// Names of Canada's provinces and territories, which no set can be made for.
const PROVINCES: [&str; 13] = [
    "Alberta",
    "British Columbia",
    "Manitoba",
    "New Brunswick",
    "Newfoundland and Labrador",
    "Northwest Territories",
    "Nova Scotia",
    "Nunavut",
    "Ontario",
    "Prince Edward Island",
    "Quebec",
    "Saskatchewan",
    "Yukon",
];

/// A text that names no place, or none of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownPlace {
    /// No continent has this name or code.
    #[error(
        "`{text}` is not a continent: it must be Africa (AF), Antarctica (AN), Asia (AS), Europe (EU), North America (NA), Oceania (OC) or South America (SA){}",
        hint(suggestion.as_deref())
    )]
    Continent {
        /// What was given.
        text: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// No country has this name or code.
    #[error("`{text}` is not a country: it must be an ISO 3166-1 code such as `DE`, or an English name{}", hint(suggestion.as_deref()))]
    Country {
        /// What was given.
        text: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// It is a place of another kind.
    #[error("`{text}` is a {kind}: list it in `{attribute}`")]
    OtherKind {
        /// What was given.
        text: String,
        /// `continent`, `country` or `part of a country`.
        kind: &'static str,
        /// The attribute that takes it.
        attribute: &'static str,
    },
    /// A country that location policies leave out.
    #[error(
        "`{text}` ({name}) has no location of its own in Route 53: its clients are answered by the default"
    )]
    Unsupported {
        /// What was given.
        text: String,
        /// The English name.
        name: &'static str,
    },
    /// A province of Canada.
    #[error("`{text}` is a province of Canada, for which Route 53 has no location: list the country `CA`")]
    Province {
        /// What was given.
        text: String,
    },
    /// A part of a country whose parts are not told apart.
    #[error(
        "`{text}` cannot be told apart: only the United States (`US-TX`) and Ukraine (`UA-30`) are divided; list the country `{country}`"
    )]
    Undivided {
        /// What was given.
        text: String,
        /// The country's code.
        country: String,
    },
    /// No part of a country has this name or code.
    #[error("`{text}` is not a part of a country: it must be a code such as `US-TX`, or the name of a state of the US{}", hint(suggestion.as_deref()))]
    Subdivision {
        /// What was given.
        text: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// No row can have this key.
    #[error("`{text}` is not the key of a place: it must be `*`, `continent/EU`, a country such as `DE`, or a part of one such as `US-TX`{}", hint(suggestion.as_deref()))]
    Key {
        /// What was given.
        text: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
}

impl Continent {
    /// Reads a name or a code in any case: `Europe`, `north america`, `SA`.
    ///
    /// # Errors
    /// [`UnknownPlace`] says what it may be.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::dns::Continent;
    ///
    /// assert_eq!(Continent::parse("North America"), Ok(Continent::NorthAmerica));
    /// assert_eq!(Continent::parse("NA"), Ok(Continent::NorthAmerica));
    /// ```
    pub fn parse(text: &str) -> Result<Self, UnknownPlace> {
        if let Some(continent) = find_continent(text) {
            return Ok(continent);
        }
        if find_country(text).is_some() {
            return Err(other_kind(text, "country", "countries"));
        }
        let suggestion = nearest(text, Self::ALL.map(Self::name)).map(str::to_owned);
        Err(UnknownPlace::Continent { text: text.to_owned(), suggestion })
    }
}

impl Country {
    /// Reads an ISO 3166-1 alpha-2 code or an English name in any case: `DE`, `Germany`, `ivory coast`.
    ///
    /// # Errors
    /// [`UnknownPlace`] says what it may be, and which attribute takes it if it is a place of another kind.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::dns::Country;
    ///
    /// assert_eq!(Country::parse("Namibia"), Country::parse("NA"));
    /// assert!(Country::parse("Germny").unwrap_err().to_string().ends_with("did you mean `Germany`?"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, UnknownPlace> {
        if let Some(country) = find_country(text) {
            return Ok(country);
        }
        let folded = fold(text);
        if let Some((_, name)) =
            UNSUPPORTED.into_iter().find(|(code, name)| fold(code) == folded || fold(name) == folded)
        {
            return Err(UnknownPlace::Unsupported { text: text.to_owned(), name });
        }
        if find_continent(text).is_some() {
            return Err(other_kind(text, "continent", "continents"));
        }
        if find_subdivision(text).is_some() {
            return Err(other_kind(text, "part of a country", "subdivisions"));
        }
        let suggestion = suggest_country(text).map(str::to_owned);
        Err(UnknownPlace::Country { text: text.to_owned(), suggestion })
    }
}

impl Subdivision {
    /// Reads an ISO 3166-2 code or an English name in any case: `US-TX`, `Texas`, `UA-30`.
    ///
    /// # Errors
    /// [`UnknownPlace`] says what it may be, and why others cannot be told apart.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::dns::Subdivision;
    ///
    /// assert_eq!(Subdivision::parse("Texas").unwrap().to_string(), "US-TX");
    /// assert!(Subdivision::parse("CA-ON").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, UnknownPlace> {
        if let Some(subdivision) = find_subdivision(text) {
            return Ok(subdivision);
        }
        let folded = fold(text);
        if PROVINCES.into_iter().any(|name| fold(name) == folded) {
            return Err(UnknownPlace::Province { text: text.to_owned() });
        }
        if let Some((country, _)) = text.trim().split_once('-')
            && let Some(country) = Country::from_code(&country.to_ascii_uppercase())
        {
            match country.code() {
                "CA" => return Err(UnknownPlace::Province { text: text.to_owned() }),
                "US" | "UA" => {}
                code => {
                    return Err(UnknownPlace::Undivided { text: text.to_owned(), country: code.to_owned() });
                }
            }
        }
        // Two letters may be a state or a country, so that they are never taken for one of them by themselves.
        let state = find_subdivision(&format!("US-{}", text.trim())).map(|it| it.to_string());
        let suggestion = state.or_else(|| {
            nearest(text, table::subdivisions().iter().map(|entry| entry.name)).map(str::to_owned)
        });
        if suggestion.is_none() && find_country(text).is_some() {
            return Err(other_kind(text, "country", "countries"));
        }
        if suggestion.is_none() && find_continent(text).is_some() {
            return Err(other_kind(text, "continent", "continents"));
        }
        Err(UnknownPlace::Subdivision { text: text.to_owned(), suggestion })
    }
}

impl Place {
    /// Reads the key of a row of `routing`: `*`, `continent/EU`, `DE`, `US-TX`, in any case.
    ///
    /// # Errors
    /// [`UnknownPlace`] says what it may be.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::dns::{Country, Place};
    ///
    /// assert_eq!(Place::parse_key("SA"), Ok(Place::Country(Country::parse("Saudi Arabia")?)));
    /// assert_eq!(Place::parse_key("continent/SA")?.name(), "South America");
    /// # Ok::<(), multicluster_core::dns::UnknownPlace>(())
    /// ```
    pub fn parse_key(text: &str) -> Result<Self, UnknownPlace> {
        let unknown = |suggestion: Option<Self>| UnknownPlace::Key {
            text: text.to_owned(),
            suggestion: suggestion.map(|place| place.to_string()),
        };
        if text == "*" {
            return Ok(Self::Everywhere);
        }
        let upper = text.to_ascii_uppercase();
        if let Some(code) = upper.strip_prefix("CONTINENT/") {
            let continent = find_continent(code).map(Self::Continent);
            return match continent {
                Some(continent) if code.len() == 2 => Ok(continent),
                _ => Err(unknown(continent)),
            };
        }
        if let Some(country) = Country::from_code(&upper) {
            return Ok(Self::Country(country));
        }
        if let Some((country, _)) = upper.split_once('-')
            && Country::from_code(country).is_some()
        {
            return Subdivision::parse(text).map(Self::Subdivision);
        }
        if let Some((_, name)) = UNSUPPORTED.into_iter().find(|(code, _)| *code == upper) {
            return Err(UnknownPlace::Unsupported { text: text.to_owned(), name });
        }
        let by_name = find_country(text)
            .map(Self::Country)
            .or_else(|| find_continent(text).map(Self::Continent))
            .or_else(|| find_subdivision(text).map(Self::Subdivision))
            .or_else(|| suggest_country(text).and_then(find_country).map(Self::Country));
        Err(unknown(by_name))
    }
}

/// The key of a place, as [`Place::parse_key`] reads it.
impl FromStr for Place {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        Self::parse_key(text)
    }
}

fn find_continent(text: &str) -> Option<Continent> {
    let folded = fold(text);
    Continent::ALL
        .into_iter()
        .find(|it| fold(it.name()) == folded || it.code().eq_ignore_ascii_case(text.trim()))
}

fn find_country(text: &str) -> Option<Country> {
    let code = text.trim().to_ascii_uppercase();
    if let Some(country) = Country::from_code(&code) {
        return Some(country);
    }
    let folded = fold(text);
    let meant = |name: &str| fold(name) == folded;
    let entry = table::countries()
        .iter()
        .find(|entry| meant(entry.name) || entry.aliases.iter().copied().any(meant))?;
    Some(entry.country)
}

fn find_subdivision(text: &str) -> Option<Subdivision> {
    let code = text.trim().to_ascii_uppercase();
    let folded = fold(text);
    let entry = table::subdivisions()
        .iter()
        .find(|entry| entry.subdivision.to_string() == code || fold(entry.name) == folded)?;
    Some(entry.subdivision.clone())
}

fn suggest_country(text: &str) -> Option<&'static str> {
    // Codes are one letter apart from many others: only names are compared.
    let names = table::countries()
        .iter()
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()))
        .filter(|name| name.len() > 3);
    nearest(text, names)
}

fn other_kind(text: &str, kind: &'static str, attribute: &'static str) -> UnknownPlace {
    UnknownPlace::OtherKind { text: text.to_owned(), kind, attribute }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::name("Europe", "continent/EU")]
    #[case::two_words("north  america", "continent/NA")]
    #[case::code("sa", "continent/SA")]
    #[case::africa("AF", "continent/AF")]
    #[case::asia("AS", "continent/AS")]
    fn continents(#[case] text: &str, #[case] key: &str) {
        assert_eq!(Place::Continent(Continent::parse(text).unwrap()).to_string(), key);
    }

    #[rstest]
    #[case::code("DE", "DE")]
    #[case::lower_case("de", "DE")]
    #[case::name("Germany", "DE")]
    #[case::alias("USA", "US")]
    #[case::uk("UK", "GB")]
    #[case::accents("Côte d’Ivoire", "CI")]
    #[case::turkey("Türkiye", "TR")]
    #[case::saudi_arabia("SA", "SA")]
    #[case::namibia("NA", "NA")]
    #[case::afghanistan("AF", "AF")]
    #[case::american_samoa("AS", "AS")]
    #[case::kosovo("Kosovo", "XK")]
    #[case::georgia_is_the_country("Georgia", "GE")]
    #[case::saint("St. Lucia", "LC")]
    fn countries(#[case] text: &str, #[case] code: &str) {
        assert_eq!(Country::parse(text).unwrap().code(), code);
    }

    #[rstest]
    #[case::code("US-TX", "US-TX")]
    #[case::lower_case("us-ca", "US-CA")]
    #[case::name("Texas", "US-TX")]
    #[case::georgia_is_the_state("Georgia", "US-GA")]
    #[case::capital("District of Columbia", "US-DC")]
    #[case::ukraine("UA-30", "UA-30")]
    fn subdivisions(#[case] text: &str, #[case] code: &str) {
        assert_eq!(Subdivision::parse(text).unwrap().to_string(), code);
    }

    #[rstest]
    #[case::continent_by_near_miss(Continent::parse("Eurpoe").unwrap_err(), "did you mean `Europe`?")]
    #[case::country_among_continents(Continent::parse("DE").unwrap_err(), "list it in `countries`")]
    #[case::continent_among_countries(Country::parse("Europe").unwrap_err(), "list it in `continents`")]
    #[case::eu_among_countries(Country::parse("EU").unwrap_err(), "list it in `continents`")]
    #[case::state_among_countries(Country::parse("Texas").unwrap_err(), "list it in `subdivisions`")]
    #[case::country_by_near_miss(Country::parse("Brasil").unwrap_err(), "did you mean `Brazil`?")]
    #[case::unsupported(Country::parse("BV").unwrap_err(), "(Bouvet Island) has no location of its own")]
    #[case::unsupported_by_name(Country::parse("Western Sahara").unwrap_err(), "has no location of its own")]
    #[case::province(Subdivision::parse("CA-ON").unwrap_err(), "province of Canada")]
    #[case::province_by_name(Subdivision::parse("Québec").unwrap_err(), "province of Canada")]
    #[case::undivided(Subdivision::parse("DE-BY").unwrap_err(), "list the country `DE`")]
    #[case::state_without_country(Subdivision::parse("TX").unwrap_err(), "did you mean `US-TX`?")]
    #[case::no_such_state(Subdivision::parse("US-ZZ").unwrap_err(), "is not a part of a country")]
    #[case::state_by_near_miss(Subdivision::parse("Californa").unwrap_err(), "did you mean `California`?")]
    #[case::country_among_states(Subdivision::parse("France").unwrap_err(), "list it in `countries`")]
    fn what_is_no_such_place_is_told_why(#[case] error: UnknownPlace, #[case] part: &str) {
        assert!(error.to_string().contains(part), "{error}");
    }

    #[rstest]
    #[case::continent_without_prefix("EU", "`continent/EU`")]
    #[case::continent_by_name("continent/Europe", "`continent/EU`")]
    #[case::country_by_name("Germany", "`DE`")]
    #[case::state_by_name("Texas", "`US-TX`")]
    #[case::near_miss("Germny", "`DE`")]
    fn keys_are_codes(#[case] text: &str, #[case] suggestion: &str) {
        let error = Place::parse_key(text).unwrap_err().to_string();
        assert!(error.ends_with(&format!("did you mean {suggestion}?")), "{error}");
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let all = std::iter::once(Place::Everywhere)
            .chain(Continent::ALL.map(Place::Continent))
            .chain(Country::all().map(Place::Country))
            .chain(Subdivision::all().map(Place::Subdivision));
        for place in all {
            assert_eq!(Place::parse_key(&place.to_string()), Ok(place.clone()));
            assert!(Place::Everywhere.contains(&place));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_place_or_an_error(text in "\\PC{0,80}") {
            let _ = (Continent::parse(&text), Country::parse(&text), Subdivision::parse(&text));
            if let Ok(place) = Place::parse_key(&text) {
                proptest::prop_assert!(place.to_string().eq_ignore_ascii_case(&text));
            }
        }
    }
}
