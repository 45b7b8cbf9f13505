//! Places that clients are in, by codes that are never ambiguous.
//!
//! `SA`, `AF`, `AS` and `NA` are continents and countries, `CA` is a country and a state: so a text is read as one kind
//! of place only, by whoever knows which kind is meant, and a [key](Place::parse_key) tells continents by a prefix.
//!
//! Invariant: a [`Country`] is one of the table; it has a name, a continent and a position.

use std::fmt;

use crate::dns::intent::Coordinates;

mod parse;
mod table;

pub use self::parse::UnknownPlace;

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
pub struct Country([u8; 2]);

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
    /// All of them, by their codes.
    pub const ALL: [Self; 7] = [
        Self::Africa,
        Self::Antarctica,
        Self::Asia,
        Self::Europe,
        Self::NorthAmerica,
        Self::Oceania,
        Self::SouthAmerica,
    ];

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

    /// Its English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Africa => "Africa",
            Self::Antarctica => "Antarctica",
            Self::Asia => "Asia",
            Self::Europe => "Europe",
            Self::NorthAmerica => "North America",
            Self::Oceania => "Oceania",
            Self::SouthAmerica => "South America",
        }
    }

    /// The continent with a code, in upper case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// Its countries, by their codes.
    pub fn countries(self) -> impl Iterator<Item = Country> {
        Country::all().filter(move |it| it.continent() == self)
    }
}

impl Country {
    /// All countries that location policies know, by their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        table::countries().iter().map(|entry| entry.country)
    }

    /// The country with a code, in upper case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        table::country(code.as_bytes()).map(|entry| entry.country)
    }

    /// Its two letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The continent that it is on as Route 53 has it: Turkey, Cyprus and Russia are in Europe, Egypt is in Africa.
    #[must_use]
    pub fn continent(self) -> Continent {
        self.entry().continent
    }

    /// Where most of it is: what stands for its clients where distance decides.
    #[must_use]
    pub fn position(self) -> Coordinates {
        self.entry().position
    }

    fn entry(self) -> &'static table::CountryEntry {
        table::country(&self.0).expect("a country is made from the table only")
    }
}

impl Subdivision {
    /// All that location policies know: the states of the US, and the regions of Ukraine.
    pub fn all() -> impl Iterator<Item = Self> {
        table::subdivisions().iter().map(|entry| entry.subdivision.clone())
    }

    /// Its English name, or its code if it is not one that is known here.
    #[must_use]
    pub fn name(&self) -> String {
        table::subdivision(self).map_or_else(|| self.to_string(), |entry| entry.name.to_owned())
    }

    /// Where most of its people are; for one that is not known here, that of its country.
    #[must_use]
    pub fn position(&self) -> Coordinates {
        table::subdivision(self).map_or_else(|| self.country.position(), |entry| entry.position)
    }
}

impl Place {
    /// The next larger place, which answers where this one does not. None for everywhere.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Everywhere => None,
            Self::Continent(_) => Some(Self::Everywhere),
            Self::Country(country) => Some(Self::Continent(country.continent())),
            Self::Subdivision(subdivision) => Some(Self::Country(subdivision.country)),
        }
    }

    /// This place and all larger ones, this one first.
    pub fn ancestry(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// Whether clients of `other` are all in this place.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.ancestry().any(|it| it == *self)
    }

    /// How it is called in a sentence: `Europe`, `Germany`, `Texas`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Everywhere => "everywhere else".to_owned(),
            Self::Continent(continent) => continent.name().to_owned(),
            Self::Country(country) => country.name().to_owned(),
            Self::Subdivision(subdivision) => subdivision.name(),
        }
    }

    /// What stands for its clients where distance decides; none for places as large as continents.
    #[must_use]
    pub fn position(&self) -> Option<Coordinates> {
        match self {
            Self::Everywhere | Self::Continent(_) => None,
            Self::Country(country) => Some(country.position()),
            Self::Subdivision(subdivision) => Some(subdivision.position()),
        }
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The two letters.
impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// `US-TX`
impl fmt::Display for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.country, self.code)
    }
}

/// The key of a row of `routing`: `*`, `continent/EU`, `DE`, `US-TX`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*"),
            Self::Continent(continent) => write!(f, "continent/{}", continent.code()),
            Self::Country(country) => fmt::Display::fmt(country, f),
            Self::Subdivision(subdivision) => fmt::Display::fmt(subdivision, f),
        }
    }
}
