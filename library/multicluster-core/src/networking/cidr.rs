//! A range of addresses.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network: `10.0.0.0/16`, `fd00::/48`. Ordered by family, first address and size, larger ones first.
///
/// Invariant: no bits are set beyond the prefix. Two networks are therefore the same, one within the other, or apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    family: Family,
    /// The first address. Those of IPv4 are in the low 32 bits.
    first: u128,
    /// At most 32 or 128.
    prefix: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Family {
    V4,
    V6,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCidr {
    /// Not an address, a slash and a number.
    #[error(
        "`{text}` is not a network: it must be an address, `/` and a prefix length, such as `10.0.0.0/16`"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The prefix is longer than an address.
    #[error("`{text}` is not a network: the prefix length is at most {longest}")]
    TooLong {
        /// What was given.
        text: String,
        /// 32 or 128.
        longest: u8,
    },
    /// An address within a network, instead of the network's own.
    #[error("`{text}` is not the address of a network: did you mean `{network}`")]
    HostBits {
        /// What was given.
        text: String,
        /// The network that it is in.
        network: Cidr,
    },
    /// An IPv4 network in the notation of IPv6: taken as it is, it would overlap no IPv4 network.
    #[error("`{text}` is an IPv4 network in the notation of IPv6: write it as IPv4")]
    Mapped {
        /// What was given.
        text: String,
    },
}

impl Cidr {
    /// The network of one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                Self { family: Family::V4, first: u128::from(u32::from(address)), prefix: 32 }
            }
            IpAddr::V6(address) => Self { family: Family::V6, first: u128::from(address), prefix: 128 },
        }
    }

    /// The length of the prefix in bits: at most 32, or 128 for IPv6.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is a network of IPv6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.family == Family::V6
    }

    /// Whether all addresses of the other are in this one.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::networking::Cidr;
    ///
    /// let cidr = |text: &str| text.parse::<Cidr>().unwrap();
    /// assert!(cidr("10.0.0.0/8").contains(&cidr("10.1.0.0/16")));
    /// assert!(!cidr("10.1.0.0/16").contains(&cidr("10.0.0.0/8")));
    /// ```
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        self.widened(prefix) == other.widened(prefix)
    }

    /// Those of some networks that share an address with this one.
    ///
    /// Networks within this one stand side by side in the order; each one around it is looked up by its size. So the
    /// time does not grow with the number of networks that are apart from it.
    pub(super) fn overlapping(self, others: &BTreeSet<Self>) -> impl Iterator<Item = Self> {
        let last = Self { first: self.last(), prefix: self.family.bits(), ..self };
        let around = (0..self.prefix).map(move |prefix| self.widened(prefix));
        around.filter(|it| others.contains(it)).chain(others.range(self..=last).copied())
    }

    /// The network of this size that this one begins.
    fn widened(self, prefix: u8) -> Self {
        Self { first: self.first & !self.family.below(prefix), prefix, ..self }
    }

    fn last(self) -> u128 {
        self.first | self.family.below(self.prefix)
    }
}

/// The same addresses in as few networks as possible, apart from each other.
///
/// # Examples
/// ```
/// use multicluster_core::networking::{Cidr, merged};
///
/// let cidr = |text: &str| text.parse::<Cidr>().unwrap();
/// let found = merged([cidr("10.0.1.0/24"), cidr("10.0.0.0/24"), cidr("10.0.0.128/25")]);
/// assert!(found.into_iter().eq([cidr("10.0.0.0/23")]));
/// ```
#[must_use]
pub fn merged(networks: impl IntoIterator<Item = Cidr>) -> BTreeSet<Cidr> {
    let sorted: BTreeSet<Cidr> = networks.into_iter().collect();
    let mut merged: Vec<Cidr> = Vec::new();
    for mut next in sorted {
        if merged.last().is_some_and(|last| last.overlaps(&next)) {
            // In order a larger network comes first, so that this one is within it.
            continue;
        }
        // Two halves are a whole, which may again be half of one.
        while let Some(last) = merged.last()
            && let Some(prefix) = next.prefix.checked_sub(1)
            && last.prefix == next.prefix
            && last.widened(prefix) == next.widened(prefix)
        {
            next = next.widened(prefix);
            merged.pop();
        }
        merged.push(next);
    }
    merged.into_iter().collect()
}

impl Family {
    fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The bits that a prefix of this length leaves free.
    fn below(self, prefix: u8) -> u128 {
        let free = u32::from(self.bits().saturating_sub(prefix));
        1_u128.checked_shl(free).map_or(u128::MAX, |end| end - 1)
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let malformed = || InvalidCidr::Malformed { text: text.to_owned() };
        let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        // A sign, or zeros before the number, are not read as a number elsewhere either.
        let plain =
            prefix.bytes().all(|byte| byte.is_ascii_digit()) && (prefix == "0" || !prefix.starts_with('0'));
        let prefix: u16 = prefix.parse().ok().filter(|_| plain).ok_or_else(malformed)?;
        if address.to_canonical() != address {
            return Err(InvalidCidr::Mapped { text: text.to_owned() });
        }
        let host = Self::host(address);
        let longest = host.prefix;
        let prefix = u8::try_from(prefix)
            .ok()
            .filter(|prefix| *prefix <= longest)
            .ok_or_else(|| InvalidCidr::TooLong { text: text.to_owned(), longest })?;
        let network = host.widened(prefix);
        if network.first != host.first {
            return Err(InvalidCidr::HostBits { text: text.to_owned(), network });
        }
        Ok(network)
    }
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;

    fn try_from(text: String) -> Result<Self, InvalidCidr> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match self.family {
            // All addresses of the family fit.
            Family::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(self.first).unwrap_or(u32::MAX))),
            Family::V6 => IpAddr::V6(Ipv6Addr::from(self.first)),
        };
        write!(f, "{address}/{}", self.prefix)
    }
}
