//! Why bytes are not a value of the type that the schema gives.

use std::fmt;

use crate::path::{Path, Step};

/// A part of a value that cannot be decoded or encoded, and why. It holds no value, since values hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError {
    /// From the fault outwards.
    steps: Vec<Step>,
    problem: Problem,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end within a value.
    #[error("the bytes end too early")]
    Truncated,
    /// Bytes follow the value.
    #[error("{0} bytes follow the value")]
    TrailingBytes(usize),
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the schema says.
        expected: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// A tuple of the wrong length.
    #[error("expected {expected} elements, found {found}")]
    WrongLength {
        /// What the type says.
        expected: usize,
        /// What there is.
        found: usize,
    },
    /// An attribute that the schema does not have.
    #[error("there is no such attribute")]
    UnknownAttribute,
    /// An attribute of the schema that is not there; null would be.
    #[error("the attribute is missing")]
    MissingAttribute,
    /// A key that occurs twice.
    #[error("the key occurs twice")]
    RepeatedKey,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Text or a float that is no number.
    #[error("not a finite decimal number")]
    NotANumber,
    /// The type beside a dynamic value cannot be read.
    #[error("the type of a dynamic value cannot be read")]
    NotAType,
    /// Deeper than [`super::MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// More than the format can count.
    #[error("too large for the wire")]
    TooLarge,
    /// Not JSON.
    #[error("not valid JSON (line {line}, column {column})")]
    NotJson {
        /// From 1, within the part at the error's path.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A state of Terraform before 0.12.
    #[error("the state is in the format of Terraform before 0.12")]
    LegacyState,
}

impl CodecError {
    pub(crate) fn new(problem: Problem) -> Self {
        Self { steps: Vec::new(), problem }
    }

    /// The error as seen from one level further out.
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Where the fault is.
    #[must_use]
    pub fn path(&self) -> Path {
        self.steps.iter().rev().cloned().collect()
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Problem> for CodecError {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return self.problem.fmt(f);
        }
        write!(f, "{}: {}", self.path(), self.problem)
    }
}

impl std::error::Error for CodecError {}
