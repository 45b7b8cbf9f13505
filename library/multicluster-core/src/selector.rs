//! Which labels are meant: the label selectors of Kubernetes, and what a label may look like.
//!
//! Invariant: a [`Requirement`] and a [`Selector`] hold only what an API server would accept as a `LabelSelector`, so
//! that nothing here selects by a rule that `kubectl` would refuse. A selector that asks for nothing selects everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

mod syntax;

pub use syntax::{InvalidLabel, check_annotation_key, check_key, check_value};

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// Labels that are meant: all of `match_labels`, and all of `match_expressions`.
///
/// # Examples
/// ```
/// use multicluster_core::selector::{Labels, Operator, Requirement, Selector};
///
/// let in_europe = Requirement::new("region", Operator::In, ["eu-west-1", "eu-north-1"]).unwrap();
/// let selector = Selector::new(Labels::new(), vec![in_europe]).unwrap();
/// assert!(selector.matches(&Labels::from([("region".to_owned(), "eu-west-1".to_owned())])));
/// assert!(!selector.matches(&Labels::new()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    match_labels: Labels,
    match_expressions: Vec<Requirement>,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    operator: Operator,
    values: BTreeSet<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label is there and has one of the values.
    In,
    /// The label is absent, or has none of the values.
    NotIn,
    /// The label is there, whatever its value.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

/// A selector that Kubernetes would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// No label is called so.
    #[error("`{key}` cannot be the key of a label: {reason}")]
    Key {
        /// What was given.
        key: String,
        /// What is wrong with it.
        reason: InvalidLabel,
    },
    /// No label has this value.
    #[error("`{value}` cannot be the value of label `{key}`: {reason}")]
    Value {
        /// Of which label.
        key: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: InvalidLabel,
    },
    /// An operator that does not exist; capitals matter.
    #[error("`operator` must be one of `In`, `NotIn`, `Exists`, `DoesNotExist`")]
    UnknownOperator,
    /// A comparison with nothing.
    #[error("operator `{operator}` of label `{key}` needs at least one value")]
    NoValues {
        /// Of which label.
        key: String,
        /// `In` or `NotIn`.
        operator: Operator,
    },
    /// Values where none are compared.
    #[error("operator `{operator}` of label `{key}` takes no values")]
    Values {
        /// Of which label.
        key: String,
        /// `Exists` or `DoesNotExist`.
        operator: Operator,
    },
}

/// Why labels are not the ones that are meant: the first condition, by key and then in order, that they fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A label of `match_labels` is absent.
    Missing {
        /// Which.
        key: String,
        /// The value it should have.
        wanted: String,
    },
    /// A label of `match_labels` has another value.
    Differs {
        /// Which.
        key: String,
        /// The value it should have.
        wanted: String,
        /// The value it has.
        found: String,
    },
    /// A condition of `match_expressions` is not met.
    Unmet(Requirement),
}

impl Selector {
    /// Checks what is selected by.
    ///
    /// # Errors
    /// [`SelectorError`] for a key or a value of `match_labels` that no label has.
    pub fn new(match_labels: Labels, match_expressions: Vec<Requirement>) -> Result<Self, SelectorError> {
        for (key, value) in &match_labels {
            check(key, [value])?;
        }
        Ok(Self { match_labels, match_expressions })
    }

    /// Whether these labels are meant.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.mismatch(labels).is_none()
    }

    /// Why these labels are not meant, if so.
    #[must_use]
    pub fn mismatch(&self, labels: &Labels) -> Option<Mismatch> {
        mismatch(&self.match_labels, &self.match_expressions, labels)
    }
}

impl Requirement {
    /// Checks a condition. Values are a set: their order and repetitions mean nothing.
    ///
    /// # Errors
    /// [`SelectorError`] for a key or value that no label has, and for values where there must be some or none.
    pub fn new<V: Into<String>>(
        key: impl Into<String>,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, SelectorError> {
        let key = key.into();
        let values: BTreeSet<String> = values.into_iter().map(Into::into).collect();
        check(&key, &values)?;
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                Err(SelectorError::NoValues { key, operator })
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                Err(SelectorError::Values { key, operator })
            }
            _ => Ok(Self { key, operator, values }),
        }
    }

    /// Whether labels meet the condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.key);
        match self.operator {
            Operator::In => found.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => found.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
        }
    }
}

/// The first condition that labels fail. Takes its parts apart, for those who hold no [`Selector`].
pub(crate) fn mismatch(wanted: &Labels, expressions: &[Requirement], labels: &Labels) -> Option<Mismatch> {
    let label = wanted.iter().find_map(|(key, value)| match labels.get(key) {
        None => Some(Mismatch::Missing { key: key.clone(), wanted: value.clone() }),
        Some(found) if found != value => {
            Some(Mismatch::Differs { key: key.clone(), wanted: value.clone(), found: found.clone() })
        }
        Some(_) => None,
    });
    label.or_else(|| expressions.iter().find(|it| !it.matches(labels)).cloned().map(Mismatch::Unmet))
}

fn check<'a>(key: &str, values: impl IntoIterator<Item = &'a String>) -> Result<(), SelectorError> {
    check_key(key).map_err(|reason| SelectorError::Key { key: key.to_owned(), reason })?;
    values.into_iter().try_for_each(|value| {
        check_value(value).map_err(|reason| SelectorError::Value {
            key: key.to_owned(),
            value: value.clone(),
            reason,
        })
    })
}

impl FromStr for Operator {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        match text {
            "In" => Ok(Self::In),
            "NotIn" => Ok(Self::NotIn),
            "Exists" => Ok(Self::Exists),
            "DoesNotExist" => Ok(Self::DoesNotExist),
            _ => Err(SelectorError::UnknownOperator),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        })
    }
}

/// As `kubectl --selector` takes it: `tier in (core,edge)`, `!tier`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = || self.values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        match self.operator {
            Operator::In => write!(f, "{} in ({})", self.key, values()),
            Operator::NotIn => write!(f, "{} notin ({})", self.key, values()),
            Operator::Exists => f.write_str(&self.key),
            Operator::DoesNotExist => write!(f, "!{}", self.key),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { key, wanted } => write!(f, "it has no label `{key}`, which must be `{wanted}`"),
            Self::Differs { key, wanted, found } => {
                write!(f, "its label `{key}` is `{found}` and must be `{wanted}`")
            }
            Self::Unmet(requirement) => write!(f, "its labels do not meet `{requirement}`"),
        }
    }
}
