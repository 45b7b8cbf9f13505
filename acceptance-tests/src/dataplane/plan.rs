//! Where a request goes, and with which chance. Pure.

use std::collections::BTreeMap;

/// What decides where a request goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Without a port, in lower case.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) method: &'a str,
    pub(super) headers: &'a http::HeaderMap,
}

impl Asked<'_> {
    /// The value of a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find_map(|(found, value)| (found == name).then_some(value))
    }
}

/// Where a request can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// The pods of a Service.
    Service {
        name: String,
        /// `None`: its first port.
        port: Option<u16>,
        /// Only the pods with these labels.
        subset: BTreeMap<String, String>,
    },
    /// Nowhere: the proxy itself answers with this status.
    Status(u16),
}

impl Destination {
    pub(super) fn service(name: &str, port: Option<u16>) -> Self {
        Self::Service { name: name.to_owned(), port, subset: BTreeMap::new() }
    }
}

/// A share of the requests that are sent to somebody besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    pub(super) to: Destination,
    /// Of `of` requests so many.
    pub(super) share: u64,
    pub(super) of: u64,
}

/// What a rule says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Names the rule. Requests are counted per rule, so that the shares of each are right.
    pub(super) rule: String,
    /// With weights; the share of each is its part of the sum.
    pub(super) destinations: Vec<(u64, Destination)>,
    pub(super) mirrors: Vec<Mirror>,
}

impl Plan {
    /// Everything to one destination.
    pub(super) fn only(rule: impl Into<String>, destination: Destination) -> Self {
        Self { rule: rule.into(), destinations: vec![(1, destination)], mirrors: Vec::new() }
    }

    /// The destination of the request with this number; `None` if no destination has a weight.
    pub(super) fn pick(&self, number: u64) -> Option<&Destination> {
        let total = self.destinations.iter().map(|(weight, _)| weight).sum();
        let mut position = place(number, GOLDEN, total)?;
        self.destinations.iter().find_map(|(weight, destination)| {
            let found = position < *weight;
            position = position.saturating_sub(*weight);
            found.then_some(destination)
        })
    }
}

impl Mirror {
    /// Whether the request with this number is mirrored.
    pub(super) fn takes(&self, number: u64) -> bool {
        place(number, SILVER, self.of).is_some_and(|place| place < self.share)
    }
}

/// Steps through the whole circle of 64 bits: the fractional parts of the golden ratio and of the square root of two.
/// Destinations and mirrors take different ones, or one destination would get all that is mirrored.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const SILVER: u64 = 0x6A09_E667_F3BC_C909;

/// The place of a number below `total`, spread evenly: of any run of consecutive numbers each place gets its share, as
/// exactly as whole numbers allow. A draw by chance would make tests wait for the law of large numbers.
fn place(number: u64, step: u64, total: u64) -> Option<u64> {
    if total == 0 {
        return None;
    }
    let spread = u128::from(number.wrapping_mul(step)) * u128::from(total);
    u64::try_from(spread >> 64).ok()
}

/// Whether a host is meant by a name that may begin with `*.`, and how specific that is.
pub(super) fn host_rank(name: &str, host: &str) -> Option<usize> {
    if name == "*" {
        return Some(0);
    }
    match name.strip_prefix('*') {
        Some(suffix) => (suffix.starts_with('.') && host.len() > suffix.len() && host.ends_with(suffix))
            .then_some(suffix.len()),
        // An exact name beats every wildcard.
        None => name.eq_ignore_ascii_case(host).then_some(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_weights() {
        let destination = |port| Destination::service("web", Some(port));
        let plan = |weights: &[u64]| Plan {
            rule: String::new(),
            destinations: (0..).zip(weights).map(|(port, weight)| (*weight, destination(port))).collect(),
            mirrors: Vec::new(),
        };
        for (weights, from) in [([80, 20], 0), ([1, 999], 12_345), ([0, 7], 0), ([1_000_000, 1_000_000], 77)]
        {
            let plan = plan(&weights);
            let first = &plan.destinations[0].1;
            let count = (from..from + 1000).filter(|number| plan.pick(*number) == Some(first)).count();
            let exact = 1000.0 * weights[0] as f64 / (weights[0] + weights[1]) as f64;
            assert!((count as f64 - exact).abs() <= 3.0, "{weights:?}: {count} of 1000");
        }
        assert_eq!(plan(&[0, 0]).pick(1), None);
        assert_eq!(plan(&[]).pick(1), None);
    }

    #[test]
    fn a_mirror_takes_its_share() {
        let mirror = |share, of| Mirror { to: Destination::Status(200), share, of };
        let count = |mirror: Mirror| (0..1000).filter(|number| mirror.takes(*number)).count();
        assert_eq!((count(mirror(100, 100)), count(mirror(0, 100)), count(mirror(1, 0))), (1000, 0, 0));
        assert!((248..=252).contains(&count(mirror(25, 100))));
    }

    #[test]
    fn hosts_match_by_name() {
        let rank = |name| host_rank(name, "shop.example.com");
        assert_eq!(rank("shop.example.com"), Some(usize::MAX));
        assert!(rank("*.example.com") > rank("*.com") && rank("*.com") > rank("*"));
        assert_eq!(
            (rank("*.shop.example.com"), rank("example.com"), rank("*hop.example.com")),
            (None, None, None)
        );
    }

    #[test]
    fn parameters_are_read() {
        let headers = http::HeaderMap::new();
        let asked = Asked { host: "", path: "/", query: "a=1&b&c=", method: "GET", headers: &headers };
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| asked.parameter(name)),
            [Some("1"), Some(""), Some(""), None]
        );
    }
}
