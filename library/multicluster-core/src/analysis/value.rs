//! What a metrics source answers.

use std::collections::BTreeMap;
use std::fmt;

/// What a metrics source answered.
#[derive(Clone, Debug)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// Series, each with one value or, over time, several. May be empty.
    Series(Vec<Series>),
    /// Text. Sources of metrics can answer it, but nothing can be judged by it.
    Text(String),
}

/// One series. NaN and the infinities are kept.
#[derive(Clone, Debug)]
pub struct Series {
    /// What tells it from the others.
    pub labels: BTreeMap<String, String>,
    /// Its values, oldest first; one if the value now was asked for.
    pub values: Vec<f64>,
}

/// One answer, with what it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The answer.
    pub value: Value,
    /// What the same question about the old colour brought, where the metric has a baseline.
    pub baseline: Option<Value>,
}

/// How asking went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The source answered.
    Answered(Measured),
    /// It did not, or its answer cannot be used: why, without credentials.
    Failed(String),
}

impl Value {
    /// A list of values, each a series without labels.
    #[must_use]
    pub fn list(values: impl IntoIterator<Item = f64>) -> Self {
        let one = |value| Series { labels: BTreeMap::new(), values: vec![value] };
        Self::Series(values.into_iter().map(one).collect())
    }

    /// All values in one row, series by series; a number alone is a row of one. Text has none.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let (scalar, series): (_, &[Series]) = match self {
            Self::Scalar(value) => (Some(*value), &[]),
            Self::Series(series) => (None, series),
            Self::Text(_) => (None, &[]),
        };
        scalar.into_iter().chain(series.iter().flat_map(|series| series.values.iter().copied()))
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Series(_) => self.numbers().next().is_none(),
            Self::Text(text) => text.is_empty(),
        }
    }
}

/// Two numbers that say the same: NaN is NaN here, so that what was observed twice is equal.
fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || left == right || (left.is_nan() && right.is_nan())
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(left, right)| same(*left, *right))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(left), Self::Scalar(right)) => same(*left, *right),
            (Self::Series(left), Self::Series(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            _ => false,
        }
    }
}

/// How many values are shown before the rest is only counted.
const SHOWN: usize = 10;

/// `0.95`, `[0.95, NaN]`; what is long ends in how much more there is.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(value) => write!(f, "{}", Number(*value)),
            Self::Text(text) => {
                let shown: String = text.chars().take(80).collect();
                write!(f, "\"{}\"", shown.escape_debug())
            }
            Self::Series(_) => {
                f.write_str("[")?;
                for (index, value) in self.numbers().take(SHOWN).enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", Number(value))?;
                }
                match self.numbers().count().saturating_sub(SHOWN) {
                    0 => f.write_str("]"),
                    more => write!(f, ", and {more} more]"),
                }
            }
        }
    }
}

/// A number as Prometheus writes it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value == f64::INFINITY => f.write_str("+Inf"),
            value if value == f64::NEG_INFINITY => f.write_str("-Inf"),
            value if value.is_nan() => f.write_str("NaN"),
            value => write!(f, "{value}"),
        }
    }
}
