//! What a user says about one name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::dns::place::Place;
use crate::names::ClusterName;
use crate::networking::Cidr;

mod check;
mod groups;
mod slots;

pub use self::check::check;
pub(crate) use self::check::no_such_endpoint;
pub(crate) use self::slots::Slots;

/// The key of an endpoint in the map `endpoints`, such as `aws`: a DNS label, often the name of a cluster.
pub type EndpointName = ClusterName;

/// Who shall be answered by what, for one name.
///
/// Targets are not part of it: who is answered by whom does not depend on addresses, so that it is known before they
/// are.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// How clients are told apart, at the top.
    pub policy: Policy,
    /// How endpoints share that have the same place, region, range or priority.
    pub within: Within,
    /// Who answers where nobody was named.
    pub default: Option<EndpointName>,
    /// The endpoints.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
}

/// How clients are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// All clients are answered alike, with all values.
    Simple,
    /// All clients get up to eight healthy values.
    Multivalue,
    /// By chance, in proportion to weights.
    Weighted,
    /// By the region of AWS with the least latency.
    Latency,
    /// By rank: the healthy endpoint with the lowest `priority`.
    Failover,
    /// By continent, country or subdivision.
    Geolocation,
    /// By distance, shifted by `bias`.
    Geoproximity,
    /// By ranges of addresses.
    IpBased,
}

/// How several endpoints share one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// By chance, in proportion to weights.
    #[default]
    Weighted,
    /// Up to eight healthy values at once.
    Multivalue,
    /// By the region of AWS with the least latency.
    Latency,
}

/// One endpoint: its place in the world and its part of the clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Continents, countries and subdivisions that it answers.
    pub places: BTreeSet<Place>,
    /// The region of AWS that stands for it where latency decides.
    pub latency_region: Option<LatencyRegion>,
    /// Where it stands.
    pub coordinates: Option<Coordinates>,
    /// −99 to 99: how much the area that it answers grows or shrinks.
    pub bias: i8,
    /// Ranges of client addresses that it answers, before any other policy.
    pub cidrs: Vec<Cidr>,
    /// Its share beside others in the same place; in proportion, any size.
    pub weight: u32,
    /// Its rank where failover decides; lower answers first.
    pub priority: u32,
    /// Whether it answers.
    pub state: EndpointState,
    /// Who answers in its place while it is unhealthy, best first.
    pub on_unhealthy: Vec<EndpointName>,
}

/// Whether an endpoint answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointState {
    /// It answers.
    #[default]
    Active,
    /// It answers only while no active endpoint of the same place is healthy.
    Standby,
    /// It answers nobody.
    Drained,
}

/// A region of AWS by its code, such as `eu-central-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LatencyRegion(pub String);

/// A position on the globe, in hundredths of a degree, which is as fine as geoproximity takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    /// Hundredths of a degree, −9000 (south) to 9000 (north).
    pub latitude: i32,
    /// Hundredths of a degree, −18000 (west) to 18000 (east).
    pub longitude: i32,
}

/// An active endpoint that has no place yet.
impl Default for Endpoint {
    fn default() -> Self {
        Self {
            places: BTreeSet::new(),
            latency_region: None,
            coordinates: None,
            bias: 0,
            cidrs: Vec::new(),
            weight: 1,
            priority: 0,
            state: EndpointState::Active,
            on_unhealthy: Vec::new(),
        }
    }
}

impl fmt::Display for LatencyRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Intent {
    /// Whether every endpoint is drained, so that nobody is left to answer.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.endpoints.values().all(|endpoint| endpoint.state == EndpointState::Drained)
    }
}

impl Policy {
    /// Its name as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Multivalue => "multivalue",
            Self::Weighted => "weighted",
            Self::Latency => "latency",
            Self::Failover => "failover",
            Self::Geolocation => "geolocation",
            Self::Geoproximity => "geoproximity",
            Self::IpBased => "ip_based",
        }
    }
}

impl Within {
    /// Its name as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Weighted => "weighted",
            Self::Multivalue => "multivalue",
            Self::Latency => "latency",
        }
    }
}

impl Coordinates {
    /// Reads degrees with at most two decimals, such as `-33.87`. None for anything else, and for what is not on the
    /// globe.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::dns::Coordinates;
    ///
    /// assert_eq!(Coordinates::from_degrees("52.5", "13.4"), Some(Coordinates { latitude: 5250, longitude: 1340 }));
    /// assert_eq!(Coordinates::from_degrees("40.7128", "-74.01"), None);
    /// ```
    #[must_use]
    pub fn from_degrees(latitude: &str, longitude: &str) -> Option<Self> {
        let at = Self { latitude: hundredths(latitude)?, longitude: hundredths(longitude)? };
        at.is_on_globe().then_some(at)
    }

    /// Whether latitude and longitude are within their ranges.
    #[must_use]
    pub fn is_on_globe(self) -> bool {
        (-9000..=9000).contains(&self.latitude) && (-18000..=18000).contains(&self.longitude)
    }
}

/// Degrees as hundredths; at most three digits before the point and two after it.
fn hundredths(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |text: &str, longest: usize| {
        let fits = text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| format!("{text:0<longest$}"))
    };
    let decimals: i32 = number(decimals, 2)?.parse().ok()?;
    if whole.is_empty() || whole.len() > 3 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = whole.parse::<i32>().ok()? * 100 + decimals;
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod check_tests;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("52", Some(5200))]
    #[case::one_decimal("52.5", Some(5250))]
    #[case::two_decimals("-0.05", Some(-5))]
    #[case::sign("+1.25", Some(125))]
    #[case::point_at_the_end("7.", Some(700))]
    #[case::three_decimals("7.125", None)]
    #[case::no_number("north", None)]
    #[case::empty("", None)]
    #[case::only_a_sign("-", None)]
    #[case::no_digit_before_the_point(".5", None)]
    #[case::two_signs("--1", None)]
    #[case::many_digits("1000000000000", None)]
    fn degrees(#[case] text: &str, #[case] expect: Option<i32>) {
        assert_eq!(hundredths(text), expect);
    }

    #[test]
    fn what_is_not_on_the_globe_is_no_position() {
        assert_eq!(
            Coordinates::from_degrees("90", "-180"),
            Some(Coordinates { latitude: 9000, longitude: -18000 })
        );
        assert_eq!(Coordinates::from_degrees("90.01", "0"), None);
        assert_eq!(Coordinates::from_degrees("0", "180.01"), None);
    }
}
