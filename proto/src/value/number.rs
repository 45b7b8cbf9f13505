//! Numbers, kept exactly.

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
    /// A number that this float holds exactly.
    Float(f64),
    /// Decimal text, valid by construction.
    Decimal(String),
}

impl Number {
    /// The number, if it is whole and within `i64`.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::UInt(value) => i64::try_from(*value).ok(),
            Self::Float(_) | Self::Decimal(_) => None,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.as_i64(), other.as_i64()), (Some(a), Some(b)) if a == b)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
