//! Query strings.

use std::collections::BTreeMap;

/// The parameters of a request's query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let split = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self(pairs.map(split).collect())
    }

    /// The value of a parameter. A parameter without text counts as absent, as in the service.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Replaces `%xx`. What is no escape stays; bytes that are no UTF-8 become replacement characters.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.split_at_checked(2)).flatten();
        let value = escape.and_then(|(digits, after)| Some((hexadecimal(digits)?, after)));
        let (byte, after) = value.unwrap_or((byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low] = digits else { return None };
    Some(digit(*high)? * 16 + digit(*low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced_once() {
        assert_eq!(decode("%5C052.a%2Fb%252F"), r"\052.a/b%2F");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%g1%"), "%g1%");
    }

    #[test]
    fn empty_parameters_are_absent() {
        let query = Query::parse("name=a.b&type=&maxitems=3&flag");
        assert_eq!(query.get("name"), Some("a.b"));
        assert_eq!(query.get("type"), None);
        assert_eq!(query.get("flag"), None);
        assert_eq!(query.get("maxitems"), Some("3"));
    }
}
