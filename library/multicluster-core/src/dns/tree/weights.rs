//! Weights of any size, as the 0 to 255 that a weighted policy takes.

use crate::dns::share::gcd;

/// The largest weight of a record set.
const MOST: u64 = 255;

/// Weights in the same order, and whether the shares are still exactly those that were asked for.
///
/// What fits is left as it is. Otherwise the common factor is taken out; if that is not enough, the largest becomes 255
/// and the others follow, rounded. A weight above zero never becomes zero, more never becomes less, and equal ones stay
/// equal.
pub(super) fn scaled(weights: &[u32]) -> (Vec<u8>, bool) {
    let largest = weights.iter().copied().max().unwrap_or_default();
    if u64::from(largest) <= MOST {
        return (weights.iter().map(|weight| narrow(u64::from(*weight))).collect(), true);
    }
    let common = weights
        .iter()
        .filter(|weight| **weight > 0)
        .fold(0, |common, weight| gcd(common, u128::from(*weight)));
    let common = u64::try_from(common).unwrap_or(1).max(1);
    if u64::from(largest) / common <= MOST {
        return (weights.iter().map(|weight| narrow(u64::from(*weight) / common)).collect(), true);
    }
    let largest = u64::from(largest);
    // Half a step is rounded up. Nothing is evened out afterwards: equal weights stay equal, and the sum is free.
    let scaled = weights.iter().map(|weight| {
        let nearest = (u64::from(*weight) * MOST * 2 + largest) / (largest * 2);
        narrow(nearest.max(u64::from(*weight > 0)))
    });
    (scaled.collect(), false)
}

fn narrow(weight: u64) -> u8 {
    u8::try_from(weight).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_they_are(&[70, 20, 10], &[70, 20, 10], true)]
    #[case::common_factor(&[3000, 6000], &[1, 2], true)]
    #[case::rounded(&[999, 1], &[255, 1], false)]
    #[case::thirds(&[1000, 1000, 1001], &[255, 255, 255], false)]
    #[case::zero_stays_zero(&[1000, 0, 1], &[255, 0, 1], false)]
    #[case::all_zero(&[0, 0], &[0, 0], true)]
    #[case::largest(&[u32::MAX, 1], &[255, 1], false)]
    fn weights_are_scaled(#[case] given: &[u32], #[case] expect: &[u8], #[case] exact: bool) {
        assert_eq!(scaled(given), (expect.to_vec(), exact));
    }

    proptest! {
        #[test]
        fn order_zero_and_proportion_are_kept(given in prop::collection::vec(0_u32..100_000, 1..20)) {
            let (made, exact) = scaled(&given);
            let total: u64 = given.iter().copied().map(u64::from).sum();
            let seats: u64 = made.iter().copied().map(u64::from).sum();
            for (a, x) in given.iter().zip(&made) {
                prop_assert_eq!(*a == 0, *x == 0);
                for (b, y) in given.iter().zip(&made) {
                    prop_assert!(a < b || x >= y, "{given:?} became {made:?}");
                }
                if exact {
                    prop_assert_eq!(u64::from(*a) * seats, u64::from(*x) * total);
                }
            }
        }
    }
}
