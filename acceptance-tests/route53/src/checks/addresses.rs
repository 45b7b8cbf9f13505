//! Addresses that checkers can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::CidrBlock;

/// Which addresses an endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// As the service: no address of RFC 5735, RFC 6598 or RFC 5156 that is not routed.
    Routable,
    /// Also the networks that are reserved for documentation, so that tests need no address of anybody.
    RoutableOrDocumentation,
}

impl Addresses {
    pub(super) fn allow(self, address: IpAddr) -> bool {
        let within = |networks: &[(IpAddr, u8)]| {
            let host = CidrBlock::new(address, if address.is_ipv4() { 32 } else { 128 });
            networks
                .iter()
                .filter_map(|(network, prefix)| CidrBlock::new(*network, *prefix))
                .any(|network| host.is_some_and(|host| network.contains(&host)))
        };
        if within(&documentation()) {
            return self == Self::RoutableOrDocumentation;
        }
        !within(&unroutable())
    }
}

fn documentation() -> [(IpAddr, u8); 4] {
    [
        (Ipv4Addr::new(192, 0, 2, 0).into(), 24),
        (Ipv4Addr::new(198, 51, 100, 0).into(), 24),
        (Ipv4Addr::new(203, 0, 113, 0).into(), 24),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0).into(), 32),
    ]
}

fn unroutable() -> [(IpAddr, u8); 19] {
    let v6 = |first, prefix| (IpAddr::from(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)), prefix);
    let v4 = |a, b, prefix| (IpAddr::from(Ipv4Addr::new(a, b, 0, 0)), prefix);
    [
        v4(0, 0, 8),
        v4(10, 0, 8),
        v4(100, 64, 10),
        v4(127, 0, 8),
        v4(169, 254, 16),
        v4(172, 16, 12),
        v4(192, 0, 24),
        v4(192, 168, 16),
        v4(198, 18, 15),
        v4(224, 0, 4),
        v4(240, 0, 4),
        (Ipv4Addr::new(192, 88, 99, 0).into(), 24),
        (Ipv6Addr::UNSPECIFIED.into(), 128),
        (Ipv6Addr::LOCALHOST.into(), 128),
        (Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().into(), 96),
        v6(0xfc00, 7),
        v6(0xfe80, 10),
        v6(0xff00, 8),
        v6(0x2002, 16),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_and_public_ones_are_not() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!Addresses::RoutableOrDocumentation.allow(address.parse().unwrap()), "{address}");
        }
        for address in ["20.50.1.1", "172.32.0.1", "192.0.1.1", "2600:1901::1"] {
            assert!(Addresses::Routable.allow(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn documentation_networks_are_refused_where_the_service_is_followed() {
        for address in ["192.0.2.1", "203.0.113.9", "2001:db8::1"] {
            let address = address.parse().unwrap();
            assert!(!Addresses::Routable.allow(address));
            assert!(Addresses::RoutableOrDocumentation.allow(address));
        }
    }
}
