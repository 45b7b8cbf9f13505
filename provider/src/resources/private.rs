//! Private bytes: what the provider keeps next to a state, as JSON with a version.
//!
//! Invariant: what another version has written is as good as nothing, since each read makes it anew.

use serde::de::{DeserializeOwned, Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of a record's shape. Is read only if it is this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version<const N: u32>;

impl<const N: u32> Serialize for Version<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(N)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Version<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u32::deserialize(deserializer)?;
        if version == N {
            return Ok(Self);
        }
        Err(D::Error::invalid_value(Unexpected::Unsigned(version.into()), &"the version of this program"))
    }
}

/// A record, from private bytes; an empty one if they cannot be read.
pub(crate) fn parse<R: DeserializeOwned + Default>(private: &[u8]) -> R {
    serde_json::from_slice(private).unwrap_or_default()
}

/// A record as private bytes.
pub(crate) fn bytes<R: Serialize>(record: &R) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Record {
        version: Version<2>,
        #[serde(default)]
        word: String,
    }

    #[rstest]
    #[case::this_version(r#"{"version":2,"word":"kept"}"#, "kept")]
    #[case::another_version(r#"{"version":1,"word":"old"}"#, "")]
    #[case::no_version(r#"{"word":"foreign"}"#, "")]
    #[case::nothing("", "")]
    #[case::no_json("\u{0}", "")]
    fn only_this_version_is_read(#[case] private: &str, #[case] word: &str) {
        assert_eq!(parse::<Record>(private.as_bytes()).word, word);
    }

    #[test]
    fn what_is_written_is_read() {
        let record = Record { word: "kept".to_owned(), ..Record::default() };
        assert_eq!(parse::<Record>(&bytes(&record)), record);
    }
}
