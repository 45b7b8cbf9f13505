//! Names that were checked once and need no second look.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The key of a member in the provider's `clusters` map, such as `aws`.
///
/// A DNS label (RFC 1123): at most 63 of `a-z`, `0-9`, `-`, beginning and ending with a letter or digit. It becomes
/// part of names in clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

/// The name of a federation; the same alphabet as [`ClusterName`], at most 40 bytes, since field managers, labels
/// and inventory names are derived from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FederationName(String);

/// The name of a release; the same alphabet as [`ClusterName`], at most 40 bytes, since field managers, labels and the
/// names of its records are derived from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseName(String);

/// The UID of a cluster's namespace `kube-system`: what tells one cluster from another, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterUid(pub String);

/// A name that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a valid name: it must have 1 to {limit} characters of `a-z`, `0-9` and `-`, and begin and end with a letter or digit"
)]
pub struct InvalidName {
    /// What was given.
    pub name: String,
    /// How long it may be.
    pub limit: usize,
}

fn check(name: String, limit: usize) -> Result<String, InvalidName> {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends_well =
        bytes.first().copied().is_some_and(alphanumeric) && bytes.last().copied().is_some_and(alphanumeric);
    let fits = bytes.len() <= limit && bytes.iter().all(|byte| alphanumeric(*byte) || *byte == b'-');
    if ends_well && fits { Ok(name) } else { Err(InvalidName { name, limit }) }
}

macro_rules! name {
    ($type:ident, $limit:expr) => {
        impl $type {
            /// The longest name in bytes.
            pub const LIMIT: usize = $limit;

            /// Checks a name.
            ///
            /// # Errors
            /// [`InvalidName`] says what a name must be.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                check(name.into(), Self::LIMIT).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(ClusterName, 63);
name!(FederationName, 40);
name!(ReleaseName, 40);

impl fmt::Display for ClusterUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::letters("aws", true)]
    #[case::digits_and_dashes("eu-west-1", true)]
    #[case::one_letter("a", true)]
    #[case::empty("", false)]
    #[case::capital("Aws", false)]
    #[case::leading_dash("-a", false)]
    #[case::trailing_dash("a-", false)]
    #[case::dot("a.b", false)]
    #[case::not_ascii("ä", false)]
    fn names(#[case] name: &str, #[case] valid: bool) {
        assert_eq!(ClusterName::new(name).is_ok(), valid);
    }

    #[test]
    fn a_federation_name_leaves_room_for_what_is_derived_from_it() {
        assert!(FederationName::new("a".repeat(40)).is_ok());
        assert!(FederationName::new("a".repeat(41)).is_err());
    }
}
