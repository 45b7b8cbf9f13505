//! Record sets between the API's shape and ours, without loss.
//!
//! A deletion must repeat a set as it stands, so that what our shape cannot hold exactly is never forced into it: it
//! stays [`OpaqueSet`], which says only what and why.

mod read;
mod write;

use multicluster_core::{
    dns::Coordinates,
    route53::{RecordName, SetKey},
};

pub(super) use self::{read::record_set, write::change_batch};

/// A record set that we cannot express: of traffic flow, or in terms that are newer than we are. It is never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueSet {
    /// The name as the API gave it.
    pub name: String,
    /// The type.
    pub r#type: String,
    /// The identifier.
    pub set_identifier: Option<String>,
    /// What is in it that cannot be expressed.
    pub reason: String,
}

/// A record set of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Known(multicluster_core::route53::RecordSet),
    Opaque(OpaqueSet, Option<RecordName>),
}

impl Entry {
    /// The name, if it is one.
    pub(super) fn name(&self) -> Option<&RecordName> {
        match self {
            Self::Known(set) => Some(&set.key.name),
            Self::Opaque(_, name) => name.as_ref(),
        }
    }

    pub(super) fn is(&self, key: &SetKey) -> bool {
        match self {
            Self::Known(set) => set.key == *key,
            Self::Opaque(set, name) => {
                name.as_ref() == Some(&key.name)
                    && set.r#type == key.r#type.0
                    && set.set_identifier == key.set_identifier
            }
        }
    }
}

/// Hundredths of a degree from the API's text: `[-+]?[0-9]{1,3}(\.[0-9]{0,2})?`.
fn hundredths(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=3).contains(&whole.len()) || fraction.len() > 2 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let whole: i32 = whole.parse().ok()?;
    let fraction: i32 = format!("{fraction:0<2}").parse().ok()?;
    Some(sign * (whole * 100 + fraction))
}

/// The API's text of hundredths of a degree, always with two decimals.
fn degrees(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let all = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", all / 100, all % 100)
}

fn position(latitude: &str, longitude: &str) -> Option<Coordinates> {
    Some(Coordinates { latitude: hundredths(latitude)?, longitude: hundredths(longitude)? })
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("49", Some(4900))]
    #[case::one_decimal("-6.2", Some(-620))]
    #[case::two("+139.69", Some(13969))]
    #[case::a_dot_at_the_end("5.", Some(500))]
    #[case::below_one("-0.05", Some(-5))]
    #[case::three_decimals("40.712", None)]
    #[case::nothing("", None)]
    #[case::only_a_sign("-", None)]
    #[case::two_signs("--1", None)]
    #[case::not_ascii("４", None)]
    #[case::no_whole(".5", None)]
    fn coordinates_are_read(#[case] text: &str, #[case] expected: Option<i32>) {
        assert_eq!(hundredths(text), expected);
    }

    proptest! {
        #[test]
        fn coordinates_survive(value in -18000_i32..=18000) {
            prop_assert_eq!(hundredths(&degrees(value)), Some(value));
        }

        #[test]
        fn any_text_is_taken_or_not(text in ".{0,8}") {
            let _ = hundredths(&text);
        }
    }
}
