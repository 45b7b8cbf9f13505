//! CIDR collections of IP-based routing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::Serialize;

/// A network: the bits behind the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CidrBlock {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no CIDR block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidrBlockError {
    /// Not `address/prefix`.
    #[error("'{0}' is not a CIDR block")]
    Syntax(String),
    /// The prefix is longer than the address.
    #[error("the prefix length of '{0}' is out of range")]
    Prefix(String),
    /// Bits behind the prefix are set.
    #[error("'{0}' has host bits set")]
    HostBits(String),
}

impl CidrBlock {
    /// A block from an address of which the bits behind `prefix` are cleared; none when the prefix is longer
    /// than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= width(address)).then(|| Self { address: masked(address, prefix), prefix })
    }

    /// Reads `192.0.2.0/24` or `2001:db8::/32`.
    ///
    /// # Errors
    /// When the text is no block, or has bits behind its prefix.
    pub fn parse(text: &str) -> Result<Self, CidrBlockError> {
        let syntax = || CidrBlockError::Syntax(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(syntax)?;
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(syntax());
        }
        let block = prefix.parse().ok().and_then(|prefix| Self::new(address, prefix));
        let block = block.ok_or_else(|| CidrBlockError::Prefix(text.to_owned()))?;
        if block.address == address { Ok(block) } else { Err(CidrBlockError::HostBits(text.to_owned())) }
    }

    /// The network address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The number of leading bits that count.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether every address of `other` is in this block. Blocks of different families never contain each
    /// other.
    pub fn contains(&self, other: &Self) -> bool {
        self.prefix <= other.prefix
            && width(self.address) == width(other.address)
            && masked(other.address, self.prefix) == self.address
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl fmt::Display for CidrBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for CidrBlock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A collection of named locations, each a set of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CidrCollection {
    /// A UUID.
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// Counts changes; the optimistic lock of ChangeCidrCollection.
    pub version: u64,
    /// The reference that created it.
    pub caller_reference: String,
    /// Location name → blocks.
    pub locations: BTreeMap<String, BTreeSet<CidrBlock>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_contain_longer_prefixes_of_their_family() {
        let block = |text| CidrBlock::parse(text).unwrap();
        assert!(block("203.0.113.0/24").contains(&block("203.0.113.128/25")));
        assert!(!block("203.0.113.0/24").contains(&block("203.0.112.0/23")));
        assert!(block("0.0.0.0/0").contains(&block("203.0.113.0/24")));
        assert!(!block("0.0.0.0/0").contains(&block("2001:db8::/32")));
        assert!(block("2001:db8::/32").contains(&block("2001:db8:1::/48")));
    }

    #[test]
    fn host_bits_are_refused() {
        assert!(matches!(CidrBlock::parse("203.0.113.1/24"), Err(CidrBlockError::HostBits(_))));
        assert!(matches!(CidrBlock::parse("203.0.113.0/33"), Err(CidrBlockError::Prefix(_))));
        for text in ["203.0.113.0", "x/8", "203.0.113.0/+8", "203.0.113.0/", "203.0.113.0/2555"] {
            assert!(matches!(CidrBlock::parse(text), Err(CidrBlockError::Syntax(_))), "{text}");
        }
    }
}
