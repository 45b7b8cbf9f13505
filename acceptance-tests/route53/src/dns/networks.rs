//! The map of test networks: every country and every subdivision that Route 53 knows has a fixed network in ranges for private use.
//!
//! Number `n` of [`PLACES`] has `10.(53 + n / 256).(n % 256).0/24` and `fd53:0:n::/48` (`n` in hexadecimal). Tests do
//! not compute that, they ask [`network_of`]. The map is made up: real addresses are nowhere.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    answer::{
        Client,
        places::{PLACES, Place},
    },
    model::CidrBlock,
};

/// The second byte of the first network.
const FIRST: u8 = 53;

/// The IPv4 network of a country, or of a subdivision. None for places that the table does not have.
pub fn network_of(country: &str, subdivision: Option<&str>) -> Option<CidrBlock> {
    let number = number_of(country, subdivision)?;
    let [high, low] = number.to_be_bytes();
    CidrBlock::new(Ipv4Addr::new(10, FIRST.checked_add(high)?, low, 0).into(), 24)
}

/// The IPv6 network of a country, or of a subdivision.
pub fn network_v6_of(country: &str, subdivision: Option<&str>) -> Option<CidrBlock> {
    let number = number_of(country, subdivision)?;
    CidrBlock::new(Ipv6Addr::new(0xfd53, 0, number, 0, 0, 0, 0, 0).into(), 48)
}

/// The client of a network by the map: of a country when the whole network lies in that country's network, else of
/// unknown place.
pub fn client_of(network: CidrBlock) -> Client {
    let mut client =
        place_of(network).map(|place| Client::of(place.country, place.subdivision)).unwrap_or_default();
    client.network = Some(network);
    client
}

fn number_of(country: &str, subdivision: Option<&str>) -> Option<u16> {
    let position =
        PLACES.iter().position(|place| place.country == country && place.subdivision == subdivision)?;
    u16::try_from(position).ok()
}

fn place_of(network: CidrBlock) -> Option<&'static Place> {
    let number = match network.address() {
        std::net::IpAddr::V4(address) => {
            let [ten, second, third, _] = address.octets();
            let high = second.checked_sub(FIRST).filter(|_| ten == 10)?;
            u16::from_be_bytes([high, third])
        }
        std::net::IpAddr::V6(address) => match address.segments() {
            [0xfd53, 0, number, ..] => number,
            _ => return None,
        },
    };
    let long_enough = if network.address().is_ipv4() { 24 } else { 48 };
    PLACES.get(usize::from(number)).filter(|_| network.prefix() >= long_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_networks() {
        for place in PLACES.iter() {
            let Place { country, subdivision, .. } = *place;
            for network in [network_of(country, subdivision), network_v6_of(country, subdivision)] {
                let client = client_of(network.unwrap());
                assert_eq!(client.country.as_deref(), Some(country));
                assert_eq!(client.subdivision.as_deref(), subdivision);
            }
        }
    }

    #[test]
    fn networks_are_stable() {
        assert_eq!(network_of("AD", None).unwrap().to_string(), "10.53.0.0/24");
        assert_eq!(network_of("DE", None).unwrap().to_string(), "10.53.54.0/24");
        assert_eq!(network_of("US", Some("WY")).unwrap().to_string(), "10.54.40.0/24");
        assert_eq!(network_v6_of("US", Some("WY")).unwrap().to_string(), "fd53:0:128::/48");
        assert_eq!(network_of("CA", Some("QC")), None);
    }

    #[test]
    fn a_network_that_is_larger_than_a_country_is_nowhere() {
        let block = |text| CidrBlock::parse(text).unwrap();
        assert_eq!(client_of(block("10.53.54.128/25")).country.as_deref(), Some("DE"));
        assert_eq!(client_of(block("10.53.54.0/24")).country.as_deref(), Some("DE"));
        for text in
            ["10.53.0.0/16", "10.54.68.0/24", "10.52.0.0/24", "192.0.2.0/24", "fd53::/32", "fd54::/48"]
        {
            assert_eq!(client_of(block(text)).country, None, "{text}");
        }
    }
}
