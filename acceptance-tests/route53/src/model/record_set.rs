//! One resource record set, valid on its own.

use std::fmt;

use super::Name;

/// A resource record set. Rules that concern it alone hold; rules of its group are held by `change`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// The normalised name.
    pub name: Name,
    /// The DNS type.
    pub record_type: RecordType,
    /// 1 to 128 characters; present exactly when the policy is not [`Policy::Simple`].
    pub set_identifier: Option<String>,
    /// How the set is chosen among those of its name and type.
    pub policy: Policy,
    /// What it answers.
    pub data: Data,
    /// The health check that decides whether the set is healthy.
    pub health_check_id: Option<String>,
}

/// The identity of a record set within its zone. The order is that of `ListResourceRecordSets`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordSetKey {
    /// The normalised name.
    pub name: Name,
    /// The DNS type.
    pub record_type: RecordType,
    /// None for a simple set.
    pub set_identifier: Option<String>,
}

/// A routing policy with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// The only set of its name and type.
    Simple,
    /// Chosen with a probability of its weight over the sum of the weights.
    Weighted {
        /// 0 to 255.
        weight: u8,
    },
    /// Chosen when this AWS Region answers fastest.
    Latency {
        /// A Region code, such as `eu-central-1`.
        region: String,
    },
    /// Chosen by where the client is.
    Geolocation(Location),
    /// Active or stand-by.
    Failover(FailoverRole),
    /// Up to eight healthy sets answer together.
    Multivalue,
    /// Chosen when it is the nearest after its bias.
    Geoproximity {
        /// Where the resource is.
        place: GeoproximityPlace,
        /// −99 to 99; positive values draw traffic.
        bias: i8,
    },
    /// Chosen by the client's network.
    Cidr {
        /// The collection; the same for all sets of a group.
        collection_id: String,
        /// A location of the collection, or `*` for clients of no location.
        location_name: String,
    },
}

/// The place of a geolocation set. Continent and country codes are different things even where they are
/// spelled alike (`AF`, `AS`, `NA`, `SA`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// `ContinentCode`: AF, AN, AS, EU, NA, OC or SA.
    Continent(String),
    /// `CountryCode`, two letters.
    Country(String),
    /// `CountryCode` and `SubdivisionCode`.
    Subdivision {
        /// US or UA.
        country: String,
        /// Without the country, such as `TX`.
        subdivision: String,
    },
    /// `CountryCode` of `*`: clients that no other location serves.
    Default,
}

/// The role of a failover set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailoverRole {
    /// Answers while healthy, and when neither is.
    Primary,
    /// Answers while the primary is unhealthy.
    Secondary,
}

/// Where a geoproximity resource is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GeoproximityPlace {
    /// `AWSRegion`.
    Region(String),
    /// `LocalZoneGroup`, such as `us-east-1-bue-1`.
    LocalZoneGroup(String),
    /// `Coordinates`.
    Coordinates {
        /// −90 to 90.
        latitude: Coordinate,
        /// −180 to 180.
        longitude: Coordinate,
    },
}

/// One coordinate in hundredths of a degree, with the text in which the client gave it (which the API returns).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Coordinate {
    hundredths: i32,
    text: String,
}

impl Coordinate {
    /// Reads an optional sign, one to `whole_digits` digits and at most two decimals (the pattern of the API
    /// model), none beyond `limit` degrees on either side of zero.
    pub(crate) fn parse(text: &str, whole_digits: usize, limit: i32) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > whole_digits || decimals.len() > 2 {
            return None;
        }
        if !numeric(whole) || !numeric(decimals) {
            return None;
        }
        let fraction: i32 = format!("{decimals:0<2}").parse().ok()?;
        let magnitude = whole.parse::<i32>().ok()? * 100 + fraction;
        let hundredths = if negative { -magnitude } else { magnitude };
        (magnitude <= limit * 100).then(|| Self { hundredths, text: text.to_owned() })
    }

    /// Degrees north or east.
    pub fn degrees(&self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }

    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// What a record set answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Values of its own.
    Records {
        /// Seconds, 0 to 2,147,483,647.
        ttl: u32,
        /// At least one; TXT values in their quotes.
        values: Vec<String>,
    },
    /// The answer of something else.
    Alias(AliasTarget),
}

/// Where an alias points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasTarget {
    /// The zone's own id for a record set of the same zone, else the fixed id of an AWS service.
    pub hosted_zone_id: String,
    /// The normalised name of the target.
    pub dns_name: Name,
    /// Whether the set is healthy only when the target is.
    pub evaluate_target_health: bool,
}

macro_rules! record_types {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// The DNS types that a record set can have, in the order in which the API lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the variants are DNS type mnemonics")]
        pub enum RecordType { $($variant),* }

        impl RecordType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The mnemonic in upper case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

record_types! {
    A "A", Aaaa "AAAA", Caa "CAA", Cname "CNAME", Ds "DS", Https "HTTPS", Mx "MX", Naptr "NAPTR", Ns "NS",
    Ptr "PTR", Soa "SOA", Spf "SPF", Srv "SRV", Sshfp "SSHFP", Svcb "SVCB", Tlsa "TLSA", Txt "TXT",
}

impl RecordType {
    /// The type of an upper-case mnemonic, as the API writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|each| each.as_str() == text)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FailoverRole {
    /// `PRIMARY` or `SECONDARY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Secondary => "SECONDARY",
        }
    }
}

impl RecordSet {
    /// The identity within the zone.
    pub fn key(&self) -> RecordSetKey {
        RecordSetKey {
            name: self.name.clone(),
            record_type: self.record_type,
            set_identifier: self.set_identifier.clone(),
        }
    }

    /// The alias target, if the set is an alias.
    pub fn alias(&self) -> Option<&AliasTarget> {
        match &self.data {
            Data::Alias(target) => Some(target),
            Data::Records { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_at_most_two_decimals() {
        let degrees = |text| Coordinate::parse(text, 2, 90).map(|each| each.degrees());
        assert_eq!(degrees("40.71"), Some(40.71));
        assert_eq!(degrees("-33.8"), Some(-33.8));
        assert_eq!(degrees("+7."), Some(7.0));
        assert_eq!(degrees("90"), Some(90.0));
        for text in ["", "-", ".5", "40.7128", "90.01", "100", "4e1", "é", "1.é", "--1"] {
            assert_eq!(degrees(text), None, "{text}");
        }
        assert_eq!(Coordinate::parse("-179.99", 3, 180).unwrap().as_str(), "-179.99");
    }

    #[test]
    fn types_are_listed_in_alphabetical_order() {
        assert!(RecordType::ALL.is_sorted_by_key(|each| each.as_str()));
        assert_eq!(RecordType::ALL.len(), 17);
        assert_eq!(RecordType::parse("AAAA"), Some(RecordType::Aaaa));
        assert_eq!(RecordType::parse("aaaa"), None);
    }
}
