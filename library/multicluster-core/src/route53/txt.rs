//! The values of TXT records: text in quotes, in strings of at most 255 bytes.
//!
//! [`quote`] and [`parse`] are each other's inverse. Bytes that a zone file cannot hold as they are stand as octal
//! escapes, as the API lists them.

use crate::route53::name::{octal, push_octal};

/// The longest string in bytes (RFC 1035, 3.3).
const STRING_LIMIT: usize = 255;

/// A value that is no TXT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTxt {
    /// Something stands outside of quotes, or a quote within the text is not escaped.
    #[error("text stands in double quotes, with `\\\"` for a quote within it")]
    Unquoted,
    /// A quote is not closed.
    #[error("a double quote is not closed")]
    Unclosed,
    /// A backslash before something else than a quote, a backslash or three octal digits.
    #[error("`\\` is followed by `\"`, `\\` or three octal digits up to 377")]
    Escape,
    /// A string of more than 255 bytes.
    #[error("a string has {length} bytes, and at most 255 stand between two quotes: split it in several")]
    TooLong {
        /// In bytes.
        length: usize,
    },
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    NotText,
}

/// A text of any length as a value: in quotes, split at 255 bytes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut value = String::with_capacity(text.len() + 2);
    let bytes = text.as_bytes();
    let mut strings = bytes.chunks(STRING_LIMIT).peekable();
    if strings.peek().is_none() {
        return "\"\"".to_owned();
    }
    for (index, string) in strings.enumerate() {
        value.push_str(if index == 0 { "\"" } else { " \"" });
        for &byte in string {
            match byte {
                b'"' => value.push_str("\\\""),
                b'\\' => value.push_str("\\\\"),
                b' '..=b'~' => value.push(char::from(byte)),
                _ => push_octal(&mut value, byte),
            }
        }
        value.push('"');
    }
    value
}

/// The text of a value, its strings joined.
///
/// # Errors
/// [`InvalidTxt`] if the value is malformed, or its bytes are no text.
pub fn parse(value: &str) -> Result<String, InvalidTxt> {
    String::from_utf8(strings(value)?.concat()).map_err(|_| InvalidTxt::NotText)
}

/// The strings of a value, as bytes.
///
/// # Errors
/// [`InvalidTxt`] if the value is malformed.
pub fn strings(value: &str) -> Result<Vec<Vec<u8>>, InvalidTxt> {
    let mut strings = Vec::new();
    let mut rest = value.trim_matches([' ', '\t']);
    if rest.is_empty() {
        return Err(InvalidTxt::Unquoted);
    }
    while !rest.is_empty() {
        let (string, after) = string(rest.strip_prefix('"').ok_or(InvalidTxt::Unquoted)?)?;
        if string.len() > STRING_LIMIT {
            return Err(InvalidTxt::TooLong { length: string.len() });
        }
        strings.push(string);
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && rest.len() == after.len() {
            return Err(InvalidTxt::Unquoted);
        }
    }
    Ok(strings)
}

/// What stands before the closing quote, and what follows it.
fn string(text: &str) -> Result<(Vec<u8>, &str), InvalidTxt> {
    let mut bytes = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok((bytes, characters.as_str())),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => bytes.extend(u8::try_from(escaped)),
                first => {
                    let digits = [first, characters.next(), characters.next()];
                    bytes.push(octal(digits).ok_or(InvalidTxt::Escape)?);
                }
            },
            _ => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Err(InvalidTxt::Unclosed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("heritage=x", "\"heritage=x\"")]
    #[case::nothing("", "\"\"")]
    #[case::a_quote("a\"b", "\"a\\\"b\"")]
    #[case::a_backslash("a\\b", "\"a\\\\b\"")]
    #[case::beyond_ascii("ä", "\"\\303\\244\"")]
    fn text_is_quoted(#[case] text: &str, #[case] value: &str) {
        assert_eq!(quote(text), value);
        assert_eq!(parse(value).as_deref(), Ok(text));
    }

    #[test]
    fn long_text_is_split() {
        let value = quote(&"x".repeat(300));
        assert_eq!(strings(&value).expect("strings").iter().map(Vec::len).collect::<Vec<_>>(), [255, 45]);
    }

    #[rstest]
    #[case::without_quotes("hello", InvalidTxt::Unquoted)]
    #[case::nothing_at_all("", InvalidTxt::Unquoted)]
    #[case::quotes_within("\"owner=\"X\"\"", InvalidTxt::Unquoted)]
    #[case::no_blank_between("\"a\"\"b\"", InvalidTxt::Unquoted)]
    #[case::open("\"a", InvalidTxt::Unclosed)]
    #[case::an_escape_of_nothing("\"\\x\"", InvalidTxt::Escape)]
    fn what_is_no_text_is_told(#[case] value: &str, #[case] fault: InvalidTxt) {
        assert_eq!(strings(value), Err(fault));
    }

    #[test]
    fn a_string_has_a_limit() {
        let value = format!("\"{}\"", "x".repeat(256));
        assert_eq!(strings(&value), Err(InvalidTxt::TooLong { length: 256 }));
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text in any::<String>()) {
            prop_assert_eq!(parse(&quote(&text)), Ok(text));
        }

        #[test]
        fn foreign_values_are_read_or_refused(value in "[\"\\\\ a0-9x]{0,24}") {
            let _ = parse(&value);
        }
    }
}
