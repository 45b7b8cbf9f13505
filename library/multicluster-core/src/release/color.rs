//! The two colours.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two places of a workload: one serves, the other is free for the next version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// The first release of a workload is blue, and so is a workload that is adopted.
    Blue,
    /// The other one.
    Green,
}

impl Color {
    /// Both, blue first.
    pub const BOTH: [Self; 2] = [Self::Blue, Self::Green];

    /// The other colour.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// `blue` or `green`: the value of labels and the suffix of names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
