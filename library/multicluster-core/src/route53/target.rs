//! Where an endpoint is: addresses, something that an alias points at, or a host name.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dns::{EndpointName, Problem};
use crate::route53::alias_zones::{AliasService, alias_zone, looks_like_load_balancer};
use crate::route53::name::InvalidRecordName;
use crate::route53::record_set::RecordName;

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// At addresses, of one family or both.
    Addresses {
        /// IPv4.
        v4: BTreeSet<Ipv4Addr>,
        /// IPv6.
        v6: BTreeSet<Ipv6Addr>,
    },
    /// At what an alias points at.
    Alias {
        /// The zone of the AWS service, or that of the record itself.
        hosted_zone_id: String,
        /// The name of the load balancer, distribution, accelerator or record.
        dns_name: RecordName,
        /// Whether its health is the endpoint's.
        evaluate_target_health: bool,
        /// Whether it is asked for IPv6 addresses too. AWS services are: one that has none says so.
        ipv6: bool,
    },
    /// At a host name that no alias can point at.
    Hostname(RecordName),
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4: records of type A.
    V4,
    /// IPv6: records of type AAAA.
    V6,
}

/// A host name that is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// It is no name at all.
    #[error(transparent)]
    Name(#[from] InvalidRecordName),
    /// An alias to it needs a zone that nobody named.
    #[error(
        "`{hostname}` is a load balancer in a region whose hosted zone is not known: give `hosted_zone_id`, which \
         `aws elbv2 describe-load-balancers` shows as CanonicalHostedZoneId"
    )]
    UnknownZone {
        /// The host name.
        hostname: String,
    },
}

impl Target {
    /// What a host name is: a load balancer, distribution or accelerator of AWS that an alias points at, or a plain
    /// host name. A zone that is given makes an alias of any name, and goes before the table.
    ///
    /// The health of load balancers and accelerators is evaluated; that of distributions cannot be (API model,
    /// AliasTarget). `dualstack.` at the beginning stays, since AWS answers for both.
    ///
    /// # Errors
    /// [`InvalidTarget`] if it is no name, or a load balancer of a region that is not in the table.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::route53::Target;
    ///
    /// let target = Target::of_hostname("shop.elb.eu-west-1.amazonaws.com", None).unwrap();
    /// let Target::Alias { hosted_zone_id, evaluate_target_health, .. } = target else { panic!("no alias") };
    /// assert_eq!((hosted_zone_id.as_str(), evaluate_target_health), ("Z2IFOLAFXWLO4F", true));
    /// ```
    pub fn of_hostname(hostname: &str, hosted_zone_id: Option<&str>) -> Result<Self, InvalidTarget> {
        let dns_name = RecordName::new(hostname)?;
        let known = alias_zone(hostname);
        let Some(id) = hosted_zone_id.or_else(|| known.map(|zone| zone.hosted_zone_id)) else {
            if looks_like_load_balancer(hostname) {
                return Err(InvalidTarget::UnknownZone { hostname: hostname.to_owned() });
            }
            return Ok(Self::Hostname(dns_name));
        };
        let distribution = known.is_some_and(|zone| zone.service == AliasService::CloudFront);
        Ok(Self::Alias {
            hosted_zone_id: id.to_owned(),
            dns_name,
            evaluate_target_health: !distribution,
            ipv6: true,
        })
    }

    /// The target that has these addresses.
    #[must_use]
    pub fn of_addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (mut v4, mut v6) = (BTreeSet::new(), BTreeSet::new());
        for address in addresses {
            match address.to_canonical() {
                IpAddr::V4(address) => v4.insert(address),
                IpAddr::V6(address) => v6.insert(address),
            };
        }
        Self::Addresses { v4, v6 }
    }

    /// Whether it answers for a family. A host name answers for both, as far as anyone knows.
    #[must_use]
    pub fn has(&self, family: Family) -> bool {
        match (self, family) {
            (Self::Addresses { v4, .. }, Family::V4) => !v4.is_empty(),
            (Self::Addresses { v6, .. }, Family::V6) => !v6.is_empty(),
            (Self::Alias { ipv6, .. }, Family::V6) => *ipv6,
            (Self::Alias { .. }, Family::V4) | (Self::Hostname(_), _) => true,
        }
    }

    /// Its addresses, those of IPv4 first; none for names.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6) = match self {
            Self::Addresses { v4, v6 } => (Some(v4), Some(v6)),
            Self::Alias { .. } | Self::Hostname(_) => (None, None),
        };
        let v4 = v4.into_iter().flatten().copied().map(IpAddr::V4);
        v4.chain(v6.into_iter().flatten().copied().map(IpAddr::V6))
    }
}

/// Why a public zone does not answer an endpoint, if it does not: some of its addresses, or its load balancer, are in
/// a private network.
///
/// AWS calls load balancers without public addresses `internal-…`.
#[must_use]
pub fn not_public(endpoint: &EndpointName, target: &Target) -> Option<Problem> {
    let private: Vec<String> = match target {
        Target::Addresses { .. } => {
            target.addresses().filter(|it| !is_public(*it)).map(|it| it.to_string()).collect()
        }
        Target::Alias { dns_name, .. } => {
            let name = dns_name.as_written();
            let internal = name.strip_prefix("dualstack.").unwrap_or(&name).starts_with("internal-");
            (internal && looks_like_load_balancer(&name)).then_some(name).into_iter().collect()
        }
        Target::Hostname(_) => Vec::new(),
    };
    let text = format!(
        "endpoint `{endpoint}` is at {}, which is in a private network: a public zone would lead clients nowhere. Give it \
         a public load balancer, or let a private zone answer",
        private.join(", ")
    );
    (!private.is_empty()).then(|| Problem::at(["endpoints", endpoint.as_str()], text))
}

/// Whether the world can reach an address, so that a public zone may answer it.
///
/// Private, shared, link-local, multicast and other reserved ranges cannot be reached (IANA's special-purpose address
/// registries). Ranges that are reserved for documentation count as public: nobody has them by mistake, and examples
/// and tests are written with them.
///
/// # Examples
/// ```
/// use multicluster_core::route53::is_public;
///
/// assert!(is_public("20.50.2.3".parse().unwrap()));
/// assert!(!is_public("10.0.0.7".parse().unwrap()));
/// assert!(!is_public("fd00::7".parse().unwrap()));
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match (a, b, c) {
        // This network, loopback, multicast, and what is kept for the future.
        (0 | 127 | 224.., _, _) => true,
        // Private networks, those shared by carriers, and link-local addresses.
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (169, 254, _) => true,
        // Protocol assignments, and benchmarks.
        (192, 0, 0) | (198, 18..=19, _) => true,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 and the well-known prefix of NAT64 are routed; special ranges within have no hosts.
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Teredo, benchmarks and ORCHID stand below 2001:0::/23 beside a few that are routed; no load balancer does.
        [0x2001, 0..=0x1ff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ordinary("8.8.8.8", true)]
    #[case::documentation("203.0.113.7", true)]
    #[case::private_10("10.255.0.1", false)]
    #[case::private_172("172.31.255.255", false)]
    #[case::beside_private_172("172.32.0.1", true)]
    #[case::private_192("192.168.1.1", false)]
    #[case::carriers("100.127.0.1", false)]
    #[case::beside_carriers("100.128.0.1", true)]
    #[case::loopback("127.0.0.53", false)]
    #[case::link_local("169.254.169.254", false)]
    #[case::multicast("224.0.0.1", false)]
    #[case::broadcast("255.255.255.255", false)]
    #[case::unspecified("0.0.0.0", false)]
    #[case::benchmark("198.19.0.1", false)]
    #[case::v6("2600:1f18::1", true)]
    #[case::v6_documentation("2001:db8::1", true)]
    #[case::v6_teredo("2001::1", false)]
    #[case::v6_unique_local("fdab::1", false)]
    #[case::v6_link_local("fe80::1", false)]
    #[case::v6_loopback("::1", false)]
    #[case::v6_multicast("ff02::1", false)]
    #[case::mapped_private("::ffff:10.0.0.1", false)]
    #[case::mapped_public("::ffff:8.8.8.8", true)]
    #[case::nat64("64:ff9b::808:808", true)]
    #[case::nat64_of_private("64:ff9b::a00:1", false)]
    fn public_addresses(#[case] address: &str, #[case] public: bool) {
        assert_eq!(is_public(address.parse().unwrap()), public);
    }

    #[rstest]
    #[case::load_balancer("a.eu-west-1.elb.amazonaws.com", None, Some("Z32O12XQLNTSW2"), true)]
    #[case::distribution("d1.cloudfront.net", None, Some("Z2FDTNDATAQYW2"), false)]
    #[case::accelerator("a1.awsglobalaccelerator.com", None, Some("Z2BJ6XQ5FK7U4H"), true)]
    #[case::zone_given("a.eu-west-1.elb.amazonaws.com", Some("Z1"), Some("Z1"), true)]
    #[case::any_name_with_a_zone("api.example.com", Some("Z1"), Some("Z1"), true)]
    #[case::plain("shop.azurefd.net", None, None, false)]
    fn hostnames(
        #[case] hostname: &str,
        #[case] given: Option<&str>,
        #[case] zone: Option<&str>,
        #[case] health: bool,
    ) {
        match Target::of_hostname(hostname, given).unwrap() {
            Target::Alias { hosted_zone_id, dns_name, evaluate_target_health, .. } => {
                assert_eq!((Some(hosted_zone_id.as_str()), evaluate_target_health), (zone, health));
                assert_eq!(dns_name.as_str(), format!("{hostname}."));
            }
            other => assert_eq!((other, zone), (Target::Hostname(RecordName::new(hostname).unwrap()), None)),
        }
    }

    #[test]
    fn dualstack_stays_in_the_name() {
        let Target::Alias { dns_name, .. } =
            Target::of_hostname("dualstack.A.eu-west-1.elb.amazonaws.com", None).unwrap()
        else {
            panic!("no alias");
        };
        assert_eq!(dns_name.as_str(), "dualstack.a.eu-west-1.elb.amazonaws.com.");
    }

    #[test]
    fn a_load_balancer_of_an_unknown_region_is_asked_for_its_zone() {
        let error = Target::of_hostname("a.xx-nowhere-9.elb.amazonaws.com", None).unwrap_err();
        assert!(error.to_string().contains("hosted_zone_id"), "{error}");
        assert!(Target::of_hostname("a.xx-nowhere-9.elb.amazonaws.com", Some("Z1")).is_ok());
    }

    #[rstest]
    #[case::public(Target::of_addresses(["20.50.2.3".parse().unwrap()]), None)]
    #[case::one_private(
        Target::of_addresses(["20.50.2.3".parse().unwrap(), "10.0.0.7".parse().unwrap()]), Some("is at 10.0.0.7,")
    )]
    #[case::internal(
        Target::of_hostname("dualstack.internal-a.eu-west-1.elb.amazonaws.com", None).unwrap(), Some("internal-a")
    )]
    #[case::load_balancer(Target::of_hostname("a.eu-west-1.elb.amazonaws.com", None).unwrap(), None)]
    #[case::a_host_of_that_name(Target::of_hostname("internal-a.example.net", None).unwrap(), None)]
    fn what_a_public_zone_does_not_answer(#[case] target: Target, #[case] text: Option<&str>) {
        let problem = not_public(&EndpointName::new("gcp").unwrap(), &target);
        assert_eq!(problem.is_some(), text.is_some());
        if let (Some(problem), Some(text)) = (problem, text) {
            assert!(problem.text.contains(text), "{problem}");
            assert_eq!(problem.path, ["endpoints", "gcp"]);
        }
    }

    #[test]
    fn families() {
        let target =
            Target::of_addresses(["192.0.2.1".parse().unwrap(), "::ffff:192.0.2.2".parse().unwrap()]);
        assert!(target.has(Family::V4) && !target.has(Family::V6));
        assert_eq!(target.addresses().count(), 2);
    }
}
