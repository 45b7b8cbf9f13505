//! The rules that the host enforces on plans and applies, so that a breach is found in our tests and not by a user.
//!
//! Messages never show values: they may be secrets.

mod apply;
mod plan;

use std::fmt;

use crate::path::Path;

pub use apply::{check_apply, check_stored};
pub use plan::{check_plan, check_second_plan};

/// A breach of the host's rules. It is always a bug of the provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Where.
    pub path: Path,
    /// What.
    pub rule: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            return f.write_str(self.rule);
        }
        write!(f, "{}: {}", self.path, self.rule)
    }
}

/// Violations as they are found.
#[derive(Default)]
struct Report(Vec<Violation>);

impl Report {
    fn add(&mut self, path: &Path, rule: &'static str) {
        self.0.push(Violation { path: path.clone(), rule });
    }
}
