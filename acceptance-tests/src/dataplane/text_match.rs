//! Conditions on texts, as both kinds of routes have them. Pure.

use regex::Regex;

/// A condition on a header, a path or another text.
#[derive(Debug, Clone)]
pub(super) enum TextMatch {
    Exact(String),
    Prefix(String),
    /// The whole text matches.
    Regex(Regex),
    /// It is there, with whatever value.
    Present,
    /// It can never hold: an expression that does not parse.
    Never,
}

impl TextMatch {
    /// A regular expression for the whole text.
    pub(super) fn regex(expression: &str) -> Self {
        Regex::new(&format!("^(?:{expression})$")).map_or(Self::Never, Self::Regex)
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Prefix(start) => text.starts_with(start.as_str()),
            Self::Regex(expression) => expression.is_match(text),
            Self::Present => true,
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_for_the_whole_text() {
        assert!(TextMatch::regex("v1|v2").holds("v2") && !TextMatch::regex("v1|v2").holds("v22"));
        assert!(!TextMatch::regex("(").holds("("));
        assert!(TextMatch::Prefix("/a".to_owned()).holds("/ab") && TextMatch::Present.holds(""));
    }
}
