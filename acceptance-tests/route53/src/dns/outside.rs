//! Addresses of resources outside the zones, such as load balancers: made up, and always the same for a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Name, RecordType};

/// The address that stands for a resource: in 100.64.0.0/10 for A, in fd64::/16 for AAAA, none for other types.
///
/// Two of a few thousand names may share an IPv4 address; a test that minds sets the addresses itself.
pub fn address_of(name: &Name, record_type: RecordType) -> Option<IpAddr> {
    let hash = fnv(name.as_str().as_bytes());
    match record_type {
        RecordType::A => {
            let [.., second, third, fourth] = hash.to_be_bytes();
            Some(Ipv4Addr::new(100, 64 | (second & 0x3f), third, fourth).into())
        }
        RecordType::Aaaa => {
            let high = u128::from(hash) << 32;
            Some(Ipv6Addr::from_bits(0xfd64 << 112 | high | 1).into())
        }
        _ => None,
    }
}

/// FNV-1a of 64 bits: stable over versions, unlike the hashes of the standard library.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_stable_and_apart() {
        let name = |text| Name::parse(text).unwrap();
        let one = name("lb-1.us-east-1.elb.amazonaws.com");
        let other = name("lb-2.us-east-1.elb.amazonaws.com");
        assert_eq!(
            address_of(&one, RecordType::A),
            address_of(&name("LB-1.us-east-1.elb.amazonaws.com."), RecordType::A)
        );
        assert_ne!(address_of(&one, RecordType::A), address_of(&other, RecordType::A));
        assert_ne!(address_of(&one, RecordType::Aaaa), address_of(&other, RecordType::Aaaa));
        assert_eq!(address_of(&one, RecordType::Txt), None);
        // The published value of the hash of "a".
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
