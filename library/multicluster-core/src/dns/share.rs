//! Parts of a whole, exactly.

use std::cmp::Ordering;
use std::fmt;

/// A part of all clients of a place: a fraction in its lowest terms, zero or more.
///
/// Exact as long as the denominator has at most 60 bits, which all trees made from intents stay below; beyond that
/// it is rounded, the same way everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    numerator: u64,
    denominator: u64,
}

impl Share {
    /// None of them.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// All of them.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `part` of `whole`; zero of zero is zero.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        Self::reduced(u128::from(part), u128::from(whole))
    }

    /// The number above the line.
    #[must_use]
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The number below the line.
    #[must_use]
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// Whether nobody is left of it.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The two together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (a, b) = (u128::from(self.denominator), u128::from(other.denominator));
        Self::reduced(u128::from(self.numerator) * b + u128::from(other.numerator) * a, a * b)
    }

    /// This part of the other.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self::reduced(
            u128::from(self.numerator) * u128::from(other.numerator),
            u128::from(self.denominator) * u128::from(other.denominator),
        )
    }

    /// In whole percent, half a percent upward.
    #[must_use]
    pub fn percent(self) -> u64 {
        narrow(
            (u128::from(self.numerator) * 200 + u128::from(self.denominator))
                / (u128::from(self.denominator) * 2),
        )
    }

    fn reduced(numerator: u128, denominator: u128) -> Self {
        if numerator == 0 || denominator == 0 {
            return Self::ZERO;
        }
        let common = gcd(numerator, denominator);
        let (mut numerator, mut denominator) = (numerator / common, denominator / common);
        let excess = (128 - denominator.max(numerator).leading_zeros()).saturating_sub(60);
        if excess > 0 {
            numerator >>= excess;
            denominator = (denominator >> excess).max(1);
            let common = gcd(numerator, denominator);
            numerator /= common;
            denominator /= common;
        }
        Self { numerator: narrow(numerator), denominator: narrow(denominator) }
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        left.cmp(&(u128::from(other.numerator) * u128::from(self.denominator)))
    }
}

/// As a decimal number with at most six digits after the point: `1`, `0.25`, `0.333333`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLION: u128 = 1_000_000;
        let denominator = u128::from(self.denominator);
        let millionths = (u128::from(self.numerator) * MILLION * 2 + denominator) / (denominator * 2);
        let text = format!("{}.{:06}", millionths / MILLION, millionths % MILLION);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The greatest common divisor; the other number if one is zero.
pub(crate) fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all(Share::ONE, "1")]
    #[case::none(Share::of(0, 5), "0")]
    #[case::nothing_of_nothing(Share::of(0, 0), "0")]
    #[case::quarter(Share::of(64, 256), "0.25")]
    #[case::third(Share::of(1, 3), "0.333333")]
    #[case::two_thirds(Share::of(2, 3), "0.666667")]
    #[case::nearly_all(Share::of(9_999_999, 10_000_000), "1")]
    fn shares_are_written_as_decimals(#[case] share: Share, #[case] text: &str) {
        assert_eq!(share.to_string(), text);
    }

    #[rstest]
    #[case::down(Share::of(1, 3), 33)]
    #[case::up(Share::of(2, 3), 67)]
    #[case::half_is_up(Share::of(1, 200), 1)]
    #[case::all(Share::ONE, 100)]
    fn percents_are_rounded(#[case] share: Share, #[case] percent: u64) {
        assert_eq!(share.percent(), percent);
    }

    #[test]
    fn what_does_not_fit_is_rounded_and_no_panic() {
        let tiny = Share::of(1, u64::MAX).times(Share::of(1, u64::MAX - 2));
        assert!(tiny < Share::of(1, 1 << 50));
        let odd = Share::of(u64::MAX / 3, u64::MAX).plus(Share::of(u64::MAX / 5, u64::MAX - 1));
        assert_eq!(odd.percent(), 53);
    }

    proptest! {
        #[test]
        fn weights_add_up_to_all(weights in prop::collection::vec(0_u64..256, 1..100)) {
            let total = weights.iter().sum();
            let sum = weights.iter().fold(Share::ZERO, |sum, weight| sum.plus(Share::of(*weight, total)));
            prop_assert_eq!(sum, if total == 0 { Share::ZERO } else { Share::ONE });
        }
    }
}
