//! What a user wrote that cannot be.

use std::fmt;

/// Something in the configuration that cannot be, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem {
    /// The attribute, from the resource down: `["endpoints", "aws", "continents"]`. Empty for the resource as a whole.
    pub path: Vec<String>,
    /// Why it cannot be and what to do, in a sentence or two.
    pub text: String,
}

impl Problem {
    /// A problem at an attribute.
    pub fn at<'a>(path: impl IntoIterator<Item = &'a str>, text: impl Into<String>) -> Self {
        Self { path: path.into_iter().map(str::to_owned).collect(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.text);
        }
        write!(f, "{}: {}", self.path.join("."), self.text)
    }
}
