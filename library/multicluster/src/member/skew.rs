//! How far a server's clock is from ours.

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

/// Servers write whole seconds, and leave the rest away.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// How far the clock of a server is ahead of ours (behind, if negative), at least, given when it was asked, when its
/// answer was there and which date it wrote in between. Zero if the two may agree: a slow answer proves nothing.
///
/// `None` if it wrote no date that can be read.
pub(super) fn skew(asked: Timestamp, answered: Timestamp, headers: &HeaderMap) -> Option<SignedDuration> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let date = DateTimeParser::new().parse_timestamp(date).ok()?;
    // Our own clock may be set back while we wait.
    let (first, last) = (asked.min(answered), asked.max(answered));
    let least = date.duration_since(last);
    let most = date.duration_since(first).saturating_add(RESOLUTION);
    Some(SignedDuration::ZERO.clamp(least, most))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::{prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    /// 1994-11-15T08:12:31Z.
    const DATED: i64 = 784_887_151;

    fn headers(date: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(DATE, HeaderValue::from_bytes(date).unwrap())])
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(DATED * 1000 + milliseconds).unwrap()
    }

    #[rstest]
    #[case::together(100, 150, 0)]
    #[case::the_rest_of_the_second(990, 999, 0)]
    #[case::slow_but_together(-5_000, 5_000, 0)]
    #[case::ahead(-60_100, -60_000, 60_000)]
    #[case::ahead_by_what_is_certain(-60_000, -20_000, 20_000)]
    #[case::behind(61_000, 61_200, -60_000)]
    #[case::our_clock_was_set_back(5_000, -5_000, 0)]
    fn skews(#[case] asked: i64, #[case] answered: i64, #[case] expected: i64) {
        let skew = skew(at(asked), at(answered), &headers(b"Tue, 15 Nov 1994 08:12:31 GMT"));
        assert_eq!(skew, Some(SignedDuration::from_millis(expected)));
    }

    #[rstest]
    #[case::words(b"yesterday")]
    #[case::empty(b"")]
    #[case::not_ascii(b"\xff\xfe")]
    fn other_dates_say_nothing(#[case] date: &[u8]) {
        assert_eq!(skew(at(0), at(0), &headers(date)), None);
        assert_eq!(skew(at(0), at(0), &HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn is_never_more_than_the_truth(real in -100_000_i64..100_000, there in 0_i64..5_000, back in 0_i64..5_000) {
            // The server's clock reads `real` more than ours; it answers `there` after it was asked.
            let written = at(there + real).as_second();
            let date = jiff::fmt::rfc2822::to_string(
                &Timestamp::from_second(written).unwrap().to_zoned(jiff::tz::TimeZone::UTC),
            ).unwrap();
            let found = skew(at(0), at(there + back), &headers(date.as_bytes())).unwrap();
            let real = SignedDuration::from_millis(real);
            prop_assert!(found.abs() <= real.abs(), "{found} of {real}");
            prop_assert!(found.is_zero() || found.is_negative() == real.is_negative());
            let uncertain = SignedDuration::from_millis(there + back + 1_000);
            prop_assert!((found - real).abs() <= uncertain);
        }
    }
}
