//! What is true of a good, or a bad, measurement.
//!
//! The language is that of Argo Rollouts (expr-lang.org) with its functions `asInt`, `asFloat`, `isNaN`, `isInf`, `isNil`
//! and `default`. As there, the last two look at the result, whatever they are given.
//!
//! Invariant: a condition is `true`, `false` or an error. Nothing that a source answers makes it panic or run away: length,
//! number of words, nesting and ranges are bounded when it is parsed.

mod environment;
mod guard;
mod looks;
mod probe;
mod token;
mod types;

use std::fmt;
use std::str::FromStr;

pub(crate) use self::looks::Looks;
use super::value::Measured;

/// The longest condition in bytes.
pub const MAX_LENGTH: usize = 4096;

/// A condition, parsed once.
///
/// `result` is the number that the source answered, or the list of all values of all series. With a baseline there are
/// `baseline` (what the old colour measures), `ratio` (result by baseline) and `difference` (result less baseline).
///
/// # Which series are judged
/// With Argo's counting a condition sees the whole list, and `result[0]` is the first series. With ours it is asked for
/// every value by itself, unless it looks at the list as a whole. It does so if it gives `result` to a function of lists
/// (`all`, `any`, `sum`, …), pipes it, looks for something in it, slices it, takes another item than `result[0]`, or asks
/// for its length (but `len(result) == 0` and `len(result) > 0`, which ask for nothing but data, can be asked for every
/// value).
///
/// # Examples
/// ```
/// use multicluster_core::analysis::{Condition, Measured, Value};
///
/// let condition = Condition::parse("result[0] >= 0.95")?;
/// let measured = Measured { value: Value::list([0.97]), baseline: None };
/// assert_eq!(condition.evaluate(&measured), Ok(true));
/// # Ok::<(), multicluster_core::analysis::ConditionError>(())
/// ```
#[derive(Clone)]
pub struct Condition {
    text: String,
    program: expr::Program,
    looks: Looks,
}

/// Why a condition cannot be, or cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionError {
    /// Nothing is in it.
    #[error("the condition is empty")]
    Empty,
    /// It is too long.
    #[error("the condition is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// It has too many words, or is nested too deeply.
    #[error("the condition has too many parts, or is nested too deeply; write it in a simpler way")]
    TooComplex,
    /// It does not parse.
    #[error("the condition `{text}` does not parse: {reason}")]
    Syntax {
        /// The condition.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its value is not true or false.
    #[error("expected bool, but got {0}")]
    NotBoolean(&'static str),
    /// It cannot be evaluated over this measurement.
    #[error("{0}")]
    Evaluation(String),
}

impl ConditionError {
    fn syntax(text: &str, reason: &str) -> Self {
        Self::Syntax { text: text.to_owned(), reason: reason.to_owned() }
    }
}

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    /// All but [`ConditionError::Evaluation`] and [`ConditionError::NotBoolean`].
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MAX_LENGTH {
            return Err(ConditionError::TooLong);
        }
        let tokens = token::tokens(text)?;
        if tokens.is_empty() {
            return Err(ConditionError::Empty);
        }
        token::bound(text, &tokens)?;
        if let Some(name) = tokens.iter().find(|token| token.text.starts_with("__")) {
            return Err(ConditionError::syntax(text, &format!("the name `{}` is not known", name.text)));
        }
        let compile = |code: &str| {
            expr::compile(code).map_err(|error| ConditionError::syntax(text, &error.to_string()))
        };
        // The text as written is compiled first, so that messages show it and not what guards it.
        compile(text)?;
        let program = compile(&guard::guarded(text, &tokens))?;
        Ok(Self { text: text.to_owned(), program, looks: looks::looks(&tokens) })
    }

    /// Whether it holds for all that was measured, as Argo Rollouts has it: `result` is the whole list.
    ///
    /// # Errors
    /// [`ConditionError::Evaluation`] if it has no value here (an index outside of the list, operands that do not go
    /// together, a name that is not known), [`ConditionError::NotBoolean`] if its value is something else.
    pub fn evaluate(&self, measured: &Measured) -> Result<bool, ConditionError> {
        let tokens = token::tokens(&self.text)?;
        let baseline = measured.baseline.as_ref().map(environment::kind_of);
        types::infer(&tokens, environment::kind_of(&measured.value), baseline)
            .map_err(ConditionError::Evaluation)?;
        environment::evaluate(&self.program, measured)
    }

    /// Whether it could ever be true or false, tried over answers of every shape.
    ///
    /// # Errors
    /// What stands against it: a name that is not known, or a value that is not true or false.
    pub fn check(&self, has_baseline: bool) -> Result<(), ConditionError> {
        probe::check(self, has_baseline)
    }

    /// The condition as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it looks at.
    pub(crate) fn looks(&self) -> Looks {
        self.looks
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        Self::parse(text)
    }
}

/// Conditions are equal if they are written alike.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
