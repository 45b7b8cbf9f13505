//! The words of a condition, as far as they are needed to bound it, to guard it, and to know what it looks at.

use super::ConditionError;
use super::types::strength;

/// How many words a condition may have. The evaluator goes one call deeper per operator, and in a build without optimisation 190 of
/// them are more than the 2 MiB that a thread has.
pub(super) const MAX_TOKENS: usize = 160;
/// How deep brackets may be nested.
pub(super) const MAX_DEPTH: usize = 16;
/// How deep indices may be nested. The parser reads an index twice, so that its time doubles with each level.
pub(super) const MAX_INDEX_DEPTH: usize = 4;
/// The longest range (`1..100`) that is written out.
pub(super) const MAX_RANGE: u64 = 10_000;

/// One word, and where it begins and ends in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this operator or word.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Operator) && self.text == text
    }

    /// Whether an operand can end here, so that `[` after it is an index and `(` a call.
    pub(super) fn ends_operand(&self) -> bool {
        match self.kind {
            Kind::Word => !OPERATOR_WORDS.contains(&self.text),
            Kind::Number | Kind::Text => true,
            Kind::Operator => matches!(self.text, ")" | "]" | "}"),
        }
    }
}

/// Words that stand between operands.
const OPERATOR_WORDS: [&str; 11] =
    ["not", "and", "or", "in", "contains", "startsWith", "endsWith", "matches", "if", "else", "let"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Operator,
}

/// Operators of several characters, longest first.
const LONG: [&str; 10] = ["?.", "??", "..", "==", "!=", "<=", ">=", "&&", "||", "**"];

/// Splits a condition into words. Comments are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ConditionError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let skipped = skip(rest);
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let (kind, length) = next(rest);
        let end = (at + length).min(text.len());
        let Some(word) = text.get(at..end) else {
            return Err(ConditionError::syntax(text, "a character that does not belong there"));
        };
        found.push(Token { kind, text: word, start: at });
        if found.len() > MAX_TOKENS {
            return Err(ConditionError::TooComplex);
        }
        at = end;
    }
    Ok(found)
}

/// The length of white space or a comment at the beginning.
fn skip(rest: &str) -> usize {
    let white = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    if white > 0 {
        return white;
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    0
}

/// Kind and length of the word at the beginning of a text that is not empty.
fn next(rest: &str) -> (Kind, usize) {
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '"' | '\'' => (Kind::Text, quoted(rest, first)),
        '`' => {
            (Kind::Text, rest.get(1..).and_then(|inner| inner.find('`')).map_or(rest.len(), |end| end + 2))
        }
        '0'..='9' => (Kind::Number, number(rest)),
        '.' if rest.get(1..).is_some_and(|next| next.starts_with(|char: char| char.is_ascii_digit())) => {
            (Kind::Number, number(rest))
        }
        '#' | '$' | '_' | 'a'..='z' | 'A'..='Z' => {
            let length = rest
                .char_indices()
                .skip(1)
                .find(|(_, char)| !(char.is_ascii_alphanumeric() || *char == '_'))
                .map_or(rest.len(), |(index, _)| index);
            (Kind::Word, length)
        }
        _ => {
            let long = LONG.iter().find(|operator| rest.starts_with(**operator));
            (Kind::Operator, long.map_or(first.len_utf8(), |operator| operator.len()))
        }
    }
}

/// The length of a text in quotes, with both of them.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, char) in rest.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a number. `1..3` is a number, a range and a number.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let exponent = matches!(bytes.get(at.wrapping_sub(1)), Some(b'e' | b'E')) && !rest.starts_with("0x");
        let belongs = byte.is_ascii_alphanumeric()
            || *byte == b'_'
            || (*byte == b'.' && bytes.get(at + 1) != Some(&b'.'))
            || (matches!(byte, b'+' | b'-') && at > 0 && exponent);
        if !belongs {
            break;
        }
        at += 1;
    }
    at.max(1)
}

/// Refuses what would cost the parser or the evaluator too much.
pub(super) fn bound(text: &str, tokens: &[Token<'_>]) -> Result<(), ConditionError> {
    let mut open: Vec<bool> = Vec::new();
    let mut branches = 0;
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| tokens.get(index));
        if token.kind != Kind::Operator {
            continue;
        }
        match token.text {
            "(" | "{" => open.push(false),
            "[" => open.push(true),
            ")" | "}" | "]" => {
                open.pop();
            }
            // Each of them takes the whole rest as its operand, so that they nest.
            "?" => branches += 1,
            "??" => {
                branches += 1;
                stands_alone(text, tokens.get(index + 1..).unwrap_or_default())?;
            }
            ".." => range(text, before, tokens.get(index + 1))?,
            _ => {}
        }
        let indices = open.iter().filter(|index| **index).count();
        if open.len() + branches > MAX_DEPTH || indices > MAX_INDEX_DEPTH {
            return Err(ConditionError::TooComplex);
        }
    }
    Ok(())
}

/// Refuses operators behind `a ?? b`: the evaluator would take them into `b`, and Argo Rollouts would not.
fn stands_alone(text: &str, behind: &[Token<'_>]) -> Result<(), ConditionError> {
    let mut depth = 0_usize;
    for (index, token) in behind.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Operator => depth += 1,
            ")" | "]" | "}" | "," | ";" if token.kind == Kind::Operator && depth == 0 => return Ok(()),
            ")" | "]" | "}" if token.kind == Kind::Operator => depth -= 1,
            // What stands first may be the sign of the operand.
            operator
                if depth == 0
                    && index > 0
                    && token.kind != Kind::Text
                    && (strength(operator).is_some() || matches!(operator, "?" | "|")) =>
            {
                return Err(ConditionError::syntax(text, "put `a ?? b` in parentheses"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A range is written out when it is evaluated, so its length must be known and small.
fn range(text: &str, from: Option<&Token<'_>>, to: Option<&Token<'_>>) -> Result<(), ConditionError> {
    let number = |token: Option<&Token<'_>>| {
        token.filter(|token| token.kind == Kind::Number).and_then(|token| token.text.parse::<u64>().ok())
    };
    match (number(from), number(to)) {
        (Some(from), Some(to)) if to.saturating_sub(from) <= MAX_RANGE => Ok(()),
        (Some(_), Some(_)) => {
            Err(ConditionError::syntax(text, &format!("a range has at most {MAX_RANGE} numbers")))
        }
        _ => Err(ConditionError::syntax(text, "both ends of a range must be whole numbers, as in `1..10`")),
    }
}
