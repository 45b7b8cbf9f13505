//! Lists in sentences.

use std::collections::BTreeSet;

use crate::dns::place::{Continent, Country};

/// How many countries are called by name before the rest is counted.
const MOST_NAMES: usize = 6;

/// `a`, `a and b`, `a, b and c`
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Whole continents by their names, then single countries, then how many more there are.
pub(crate) fn countries_in_words(countries: &BTreeSet<Country>) -> String {
    let mut words = Vec::new();
    let mut single: BTreeSet<Country> = BTreeSet::new();
    let whole = |continent: Continent| continent.countries().all(|country| countries.contains(&country));
    if Continent::ALL.into_iter().all(whole) {
        return "the whole world".to_owned();
    }
    for continent in Continent::ALL {
        if whole(continent) {
            words.push(continent.name().to_owned());
        } else {
            single.extend(countries.iter().filter(|country| country.continent() == continent));
        }
    }
    words.extend(single.iter().take(MOST_NAMES).map(|country| country.name().to_owned()));
    match single.len().saturating_sub(MOST_NAMES) {
        0 => {}
        1 => words.push("one more country".to_owned()),
        more => words.push(format!("{more} more countries")),
    }
    list(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn countries(codes: &[&str]) -> BTreeSet<Country> {
        codes.iter().map(|code| Country::from_code(code).unwrap()).collect()
    }

    #[test]
    fn continents_are_called_by_their_names() {
        let europe: BTreeSet<Country> = Continent::Europe.countries().collect();
        assert_eq!(countries_in_words(&europe), "Europe");
        let mut more = europe.clone();
        more.extend(countries(&["JP", "US"]));
        assert_eq!(countries_in_words(&more), "Europe, Japan and United States");
        assert_eq!(countries_in_words(&Country::all().collect()), "the whole world");
    }

    #[test]
    fn many_countries_are_counted() {
        let text = countries_in_words(&countries(&["DE", "FR", "IT", "ES", "PT", "PL", "CZ", "AT"]));
        assert_eq!(text, "Austria, Czechia, Germany, Spain, France, Italy and 2 more countries");
    }
}
