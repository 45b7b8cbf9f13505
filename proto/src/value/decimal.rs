//! Decimal numbers in one normal form, so that equal numbers look equal.

/// The largest power of ten that is taken from text. It bounds the work that hostile text can cause; the host
/// itself computes with 512 bits, far below it.
const MAX_EXPONENT: i64 = 1_000_000;

/// Zero, or digits without zeros at either end, times a power of ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, with at least one digit before the exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let exponent = exponent - i64::try_from(fraction.len()).ok()?;
        Self::normal(negative, &digits, exponent)
    }

    /// The exact value of a finite float.
    pub(crate) fn of_float(value: f64) -> Option<Self> {
        // 1074 decimals hold every finite double exactly.
        value.is_finite().then(|| format!("{value:.1074}")).and_then(|text| Self::parse(&text))
    }

    /// The number, if it is whole and fits.
    pub(crate) fn to_i64(&self) -> Option<i64> {
        // An i64 has at most 19 digits; anything longer need not be written out.
        let zeros = usize::try_from(self.exponent).ok().filter(|zeros| zeros + self.digits.len() <= 19)?;
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}{}", self.digits, "0".repeat(zeros)).parse().ok()
    }

    /// The normal form as text; equal numbers give equal text.
    pub(crate) fn key(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.exponent)
    }

    fn normal(negative: bool, digits: &str, exponent: i64) -> Option<Self> {
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Some(Self { negative: false, digits: "0".to_owned(), exponent: 0 });
        }
        let exponent = exponent + i64::try_from(significant.len() - trimmed.len()).ok()?;
        Some(Self { negative, digits: trimmed.to_owned(), exponent })
    }
}

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    (exponent.abs() <= MAX_EXPONENT).then_some(exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use crate::value::Number;

    #[rstest]
    #[case::zeros_after_the_point("0.1", "0.10")]
    #[case::exponents("100", "1e2")]
    #[case::negative_exponents("0.0000001", "1e-7")]
    #[case::minus_zero("0", "-0.0")]
    #[case::leading_zeros("7", "007.0")]
    #[case::no_whole_part("0.5", ".5")]
    #[case::beyond_floats("123456789012345678901234567890", "1234567890123456789012345678.9e2")]
    fn equal_numbers_are_equal(#[case] one: &str, #[case] other: &str) {
        assert_eq!(Number::parse(one).expect("number"), Number::parse(other).expect("number"));
    }

    #[rstest]
    #[case::a_float_is_not_its_shortest_text(Number::Float(0.1), Number::Decimal("0.1".into()))]
    #[case::beyond_double_precision(
        Number::Int(9_007_199_254_740_993),
        Number::Float(9_007_199_254_740_992.0)
    )]
    #[case::signs(Number::Int(1), Number::Int(-1))]
    fn different_numbers_differ(#[case] one: Number, #[case] other: Number) {
        assert_ne!(one, other);
    }

    #[rstest]
    #[case(Number::Int(1), Number::Float(1.0))]
    #[case(Number::UInt(u64::MAX), Number::Decimal("18446744073709551615".into()))]
    #[case(Number::Float(0.5), Number::Decimal("0.5".into()))]
    #[case(Number::Float(f64::MIN_POSITIVE), Number::Float(f64::MIN_POSITIVE))]
    fn kinds_do_not_matter(#[case] one: Number, #[case] other: Number) {
        assert_eq!(one, other);
        assert_eq!(other, one);
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case(".")]
    #[case("1e")]
    #[case("0x10")]
    #[case("1_000")]
    #[case("NaN")]
    #[case("Inf")]
    #[case("1e9999999999")]
    #[case("é")]
    fn other_text_is_refused(#[case] text: &str) {
        assert!(Number::parse(text).is_err());
    }

    #[rstest]
    #[case(Number::Float(3.0), Some(3))]
    #[case(Number::Decimal("3.0e2".into()), Some(300))]
    #[case(Number::Decimal("-9223372036854775808.0".into()), Some(i64::MIN))]
    #[case(Number::Decimal("9223372036854775808.0".into()), None)]
    #[case(Number::Float(0.5), None)]
    #[case(Number::Decimal("1e1000000".into()), None)]
    fn whole_numbers_are_read(#[case] number: Number, #[case] expected: Option<i64>) {
        assert_eq!(number.as_i64(), expected);
    }

    #[test]
    fn a_float_from_code_equals_the_decimal_of_a_configuration() {
        assert_eq!(Number::from_shortest(0.1).expect("finite"), Number::Decimal("0.1".into()));
        assert!(Number::from_shortest(f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn finite_floats_equal_themselves_through_text(value in proptest::num::f64::NORMAL) {
            let exact = Number::Float(value).decimal().expect("finite");
            prop_assert_eq!(Number::Decimal(format!("{value:.1074}")).decimal(), Some(exact));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".*") {
            let _ = Number::parse(&text);
        }
    }
}
