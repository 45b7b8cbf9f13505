//! Places that clients are in, by codes that are never ambiguous.

use std::fmt;

/// A continent as Route 53 divides the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Continent {
    /// Africa, `AF`.
    Africa,
    /// Antarctica, `AN`.
    Antarctica,
    /// Asia, `AS`.
    Asia,
    /// Europe, `EU`.
    Europe,
    /// North America, `NA`.
    NorthAmerica,
    /// Oceania, `OC`.
    Oceania,
    /// South America, `SA`.
    SouthAmerica,
}

/// A country by its ISO 3166-1 alpha-2 code, such as `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(pub(crate) [u8; 2]);

/// A part of a country by its ISO 3166-2 code, such as `US-TX`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subdivision {
    /// The country.
    pub country: Country,
    /// The code without the country: `TX`.
    pub code: String,
}

/// A place that a set of clients is in. Ordered from the largest to the smallest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Everywhere: those whom no other place names.
    Everywhere,
    /// A continent.
    Continent(Continent),
    /// A country.
    Country(Country),
    /// A part of a country.
    Subdivision(Subdivision),
}

impl Continent {
    /// Its two letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::Antarctica => "AN",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::SouthAmerica => "SA",
        }
    }
}

impl Country {
    /// Its two letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The key of a row of `routing`: `*`, `continent/EU`, `DE`, `US-TX`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*"),
            Self::Continent(continent) => write!(f, "continent/{}", continent.code()),
            Self::Country(country) => f.write_str(country.code()),
            Self::Subdivision(Subdivision { country, code }) => write!(f, "{}-{code}", country.code()),
        }
    }
}
