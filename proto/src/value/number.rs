//! Numbers, kept exactly.

use std::fmt;

use crate::value::decimal::Decimal;

/// A number as it came over the wire, so that it goes back exactly as it came.
///
/// The host sends what does not fit an integer or a float exactly as decimal text: `0.1` arrives as `"0.1"`.
/// Equality is numeric: `1`, `1.0` and `"1"` are equal.
#[derive(Clone, Debug)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// A number that this float holds exactly. Finite.
    Float(f64),
    /// Decimal text, valid by construction: make it with [`Number::parse`].
    Decimal(String),
}

/// Text or a float that is not a finite decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a finite decimal number")]
pub struct NotANumber;

impl Number {
    /// Reads decimal text such as `12`, `-0.5` or `1e-7`.
    ///
    /// # Errors
    /// [`NotANumber`] for anything else, and for exponents beyond a million.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        if let Ok(value) = text.parse() {
            return Ok(Self::Int(value));
        }
        if let Ok(value) = text.parse() {
            return Ok(Self::UInt(value));
        }
        match Decimal::parse(text) {
            Some(_) => Ok(Self::Decimal(text.to_owned())),
            None => Err(NotANumber),
        }
    }

    /// The number that a person means with this float: the shortest decimal that reads back as it, so that `0.1`
    /// equals what a configuration says with `0.1`.
    ///
    /// # Errors
    /// [`NotANumber`] for infinities and NaN.
    pub fn from_shortest(value: f64) -> Result<Self, NotANumber> {
        if value.is_finite() { Self::parse(&value.to_string()) } else { Err(NotANumber) }
    }

    /// The number, if it is whole and within `i64`.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::UInt(value) => i64::try_from(*value).ok(),
            Self::Float(_) | Self::Decimal(_) => self.decimal()?.to_i64(),
        }
    }

    /// The nearest float; infinite if the number is beyond its range.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => self.to_string().parse().ok(),
        }
    }

    /// The exact value; none only for a [`Number::Decimal`] or [`Number::Float`] that was not made as it should.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int(value) => Decimal::parse(&value.to_string()),
            Self::UInt(value) => Decimal::parse(&value.to_string()),
            Self::Float(value) => Decimal::of_float(*value),
            Self::Decimal(text) => Decimal::parse(text),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::UInt(a), Self::UInt(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) if a == b => true,
            _ => matches!((self.decimal(), other.decimal()), (Some(a), Some(b)) if a == b),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::UInt(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Decimal(text) => f.write_str(text),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UInt(value), Self::Int)
    }
}
