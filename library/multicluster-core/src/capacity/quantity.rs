//! Amounts as Kubernetes writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An amount of a resource, exact in thousandths: `500m`, `2`, `1Gi`, `1e3`. Written without a suffix, or with `m`.
///
/// # Examples
/// ```
/// use multicluster_core::capacity::Quantity;
///
/// let quantity = |text: &str| text.parse::<Quantity>().unwrap();
/// assert_eq!(quantity("0.5"), quantity("500m"));
/// assert_eq!(quantity("1Ki").to_string(), "1024");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity {
    thousandths: u128,
}

/// A text that is no amount, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuantity {
    /// Not a number with one of the suffixes of Kubernetes.
    #[error(
        "`{text}` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// Less than nothing.
    #[error("`{text}` is negative")]
    Negative {
        /// What was given.
        text: String,
    },
    /// Not a whole number of thousandths.
    #[error("`{text}` is finer than a thousandth")]
    TooFine {
        /// What was given.
        text: String,
    },
    /// Beyond what can be counted.
    #[error("`{text}` is too large")]
    TooLarge {
        /// What was given.
        text: String,
    },
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { thousandths: 0 };
    /// One.
    pub const ONE: Self = Self { thousandths: 1000 };

    /// Reads an amount that is given as text or as a number.
    ///
    /// # Errors
    /// [`InvalidQuantity`] says what is wrong with it.
    pub fn of(value: &Value) -> Result<Self, InvalidQuantity> {
        match value {
            Value::String(text) => text.parse(),
            Value::Number(number) => number.to_string().parse(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(InvalidQuantity::Malformed { text: shortened(&value.to_string()) })
            }
        }
    }

    /// The sum; the largest amount there is, if it is more.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { thousandths: self.thousandths.saturating_add(other.thousandths) }
    }

    /// What is left without another amount; nothing, if that is more.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { thousandths: self.thousandths.saturating_sub(other.thousandths) }
    }

    /// So many times the amount; the largest amount there is, if it is more.
    #[must_use]
    pub fn many(self, count: u32) -> Self {
        Self { thousandths: self.thousandths.saturating_mul(u128::from(count)) }
    }

    /// How many times another amount is in this one; `None` for nothing, which is in it any number of times.
    #[must_use]
    pub fn times(self, other: Self) -> Option<u64> {
        self.thousandths.checked_div(other.thousandths).map(|times| u64::try_from(times).unwrap_or(u64::MAX))
    }
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let malformed = || InvalidQuantity::Malformed { text: shortened(text) };
        let too_large = || InvalidQuantity::TooLarge { text: shortened(text) };
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(malformed());
        }
        let suffix = Suffix::parse(suffix).ok_or_else(malformed)?;
        let fraction = fraction.trim_end_matches('0');
        let Some(digits) = digits(whole).and_then(|whole| append(whole, fraction)) else {
            return Err(too_large());
        };
        if digits == 0 {
            return Ok(Self::ZERO);
        }
        if negative {
            return Err(InvalidQuantity::Negative { text: shortened(text) });
        }
        // digits · suffix · 10^(3 - length of the fraction)
        let length = i64::try_from(fraction.len()).map_err(|_| too_large())?;
        let scaled = digits.checked_mul(suffix.factor).ok_or_else(too_large)?;
        let exponent = suffix.exponent.saturating_add(3).saturating_sub(length);
        let power = u32::try_from(exponent.unsigned_abs()).ok().and_then(|it| 10_u128.checked_pow(it));
        let thousandths = if exponent >= 0 {
            power.and_then(|power| scaled.checked_mul(power)).ok_or_else(too_large)?
        } else {
            // A power that cannot be counted is larger than what it would have to divide.
            let exact = power.filter(|power| scaled.is_multiple_of(*power));
            exact
                .map(|power| scaled / power)
                .ok_or_else(|| InvalidQuantity::TooFine { text: shortened(text) })?
        };
        Ok(Self { thousandths })
    }
}

/// What the number is multiplied with: `factor` and a power of ten.
struct Suffix {
    factor: u128,
    exponent: i64,
}

impl Suffix {
    fn parse(suffix: &str) -> Option<Self> {
        let decimal = |exponent| Some(Self { factor: 1, exponent });
        let binary = |power: u32| Some(Self { factor: 1 << power, exponent: 0 });
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(10),
            "Mi" => binary(20),
            "Gi" => binary(30),
            "Ti" => binary(40),
            "Pi" => binary(50),
            "Ei" => binary(60),
            _ => {
                let exponent = suffix.strip_prefix(['e', 'E'])?;
                decimal(exponent.parse::<i32>().ok().map(i64::from)?)
            }
        }
    }
}

fn digits(text: &str) -> Option<u128> {
    append(0, text)
}

/// A number with more digits after it.
fn append(number: u128, digits: &str) -> Option<u128> {
    digits.bytes().try_fold(number, |number, digit| {
        number.checked_mul(10)?.checked_add(u128::from(digit.wrapping_sub(b'0')))
    })
}

/// Enough of a text to find it again.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

impl TryFrom<String> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(text: String) -> Result<Self, InvalidQuantity> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.thousandths.is_multiple_of(1000) {
            write!(f, "{}", self.thousandths / 1000)
        } else {
            write!(f, "{}m", self.thousandths)
        }
    }
}
