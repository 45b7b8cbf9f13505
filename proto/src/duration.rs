//! Durations as text: `1h30m`, `90s`, `1.5s`, `500ms`. The notation of Go, which Terraform's users know.

use std::time::Duration;

/// Longest duration that hosts and Go itself can hold: 2^63 - 1 nanoseconds, 292 years.
const MAX_NANOSECONDS: u128 = 0x7fff_ffff_ffff_ffff;

/// Units by length, longest first.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Text that is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Not numbers with units.
    #[error("not a duration such as `90s`, `30m` or `1h30m`")]
    Malformed,
    /// More than 292 years.
    #[error("longer than 292 years")]
    TooLong,
}

/// Reads a duration: numbers with units `h`, `m`, `s`, `ms`, `us` (or `µs`) and `ns`, and `0` alone. Not negative.
///
/// # Errors
/// [`DurationError`] says what is wrong with it.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut total: u128 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (nanoseconds, after) = part(rest)?;
        total = total.checked_add(nanoseconds).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    if total > MAX_NANOSECONDS {
        return Err(DurationError::TooLong);
    }
    let seconds = u64::try_from(total / 1_000_000_000).map_err(|_| DurationError::TooLong)?;
    let rest = u32::try_from(total % 1_000_000_000).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::new(seconds, rest))
}

/// Writes a duration so that [`parse`] reads the same: `1h30m`, `1m30s`, `500ms`, `0s`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            text.push_str(&(rest / length).to_string());
            text.push_str(unit);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// One number with its unit, in nanoseconds, and what follows it.
fn part(text: &str) -> Result<(u128, &str), DurationError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Malformed);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end).ok_or(DurationError::Malformed)?;
    // Both code points that are in use for the micro sign.
    let unit = if matches!(unit, "\u{b5}s" | "\u{3bc}s") { "us" } else { unit };
    let (_, length) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(DurationError::Malformed)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| DurationError::TooLong)? };
    let whole = whole.checked_mul(length).ok_or(DurationError::TooLong)?;
    let nanoseconds = whole.checked_add(part_of(fraction, length)).ok_or(DurationError::TooLong)?;
    Ok((nanoseconds, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `0.fraction` of `length`, rounded down to nanoseconds.
fn part_of(fraction: &str, length: u128) -> u128 {
    // Beyond 15 digits nothing reaches a nanosecond of an hour.
    fraction
        .bytes()
        .take(15)
        .fold((0, length * 1_000_000_000_000_000), |(sum, weight), digit| {
            let weight = weight / 10;
            (sum + u128::from(digit.saturating_sub(b'0')) * weight, weight)
        })
        .0
        / 1_000_000_000_000_000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", Duration::ZERO)]
    #[case("0s", Duration::ZERO)]
    #[case("90s", Duration::from_secs(90))]
    #[case("1h30m", Duration::from_secs(5400))]
    #[case("1.5h", Duration::from_secs(5400))]
    #[case(".5s", Duration::from_millis(500))]
    #[case("1.s", Duration::from_secs(1))]
    #[case("500ms", Duration::from_millis(500))]
    #[case("3us", Duration::from_micros(3))]
    #[case("3µs", Duration::from_micros(3))]
    #[case("3\u{3bc}s", Duration::from_micros(3))]
    #[case("1h1m1s1ms1us1ns", Duration::new(3661, 1_001_001))]
    #[case("0.000000001s", Duration::from_nanos(1))]
    #[case("9223372036854775807ns", Duration::from_nanos(9_223_372_036_854_775_807))]
    fn durations_are_read(#[case] text: &str, #[case] expected: Duration) {
        assert_eq!(parse(text), Ok(expected));
    }

    #[rstest]
    #[case("", DurationError::Malformed)]
    #[case("5", DurationError::Malformed)]
    #[case("s", DurationError::Malformed)]
    #[case(".s", DurationError::Malformed)]
    #[case("-5s", DurationError::Malformed)]
    #[case("5 s", DurationError::Malformed)]
    #[case("1d", DurationError::Malformed)]
    #[case("1h30", DurationError::Malformed)]
    #[case("9223372036854775808ns", DurationError::TooLong)]
    #[case("999999999999999999999999999999999999999999999h", DurationError::TooLong)]
    fn other_text_is_refused(#[case] text: &str, #[case] expected: DurationError) {
        assert_eq!(parse(text), Err(expected));
    }

    #[rstest]
    #[case(Duration::from_secs(5400), "1h30m")]
    #[case(Duration::from_secs(90), "1m30s")]
    #[case(Duration::from_millis(1500), "1s500ms")]
    #[case(Duration::ZERO, "0s")]
    fn durations_are_written(#[case] duration: Duration, #[case] expected: &str) {
        assert_eq!(format(duration), expected);
    }

    proptest! {
        #[test]
        fn durations_come_back(nanoseconds in 0..=i64::MAX.unsigned_abs()) {
            let duration = Duration::from_nanos(nanoseconds);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
