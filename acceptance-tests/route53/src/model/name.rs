//! Domain names in the form in which the API stores and lists them.
//!
//! Letters are folded to lower case, a trailing dot is present, and every byte other than `a-z`, `0-9`, `-` and
//! `_` inside a label is written as `\ooo` with three octal digits (`*` is `\052`). Rule: "DNS domain name
//! format" of the Developer Guide. Two spellings of one name are therefore equal.

use std::{cmp::Ordering, fmt};

/// A domain name: non-empty, at most 255 bytes on the wire, labels of 1 to 63 bytes.
///
/// The order is that of `ListResourceRecordSets`: the text with its labels reversed and a trailing dot, compared
/// byte by byte (`com.example.www.`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    text: Box<str>,
    reversed: Box<str>,
}

/// Why a text is not a domain name. The display is what Route 53 puts behind `FATAL problem:`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No label at all.
    #[error("DomainNameEmpty (Domain name is empty) encountered with ''")]
    Empty,
    /// Two dots in a row, or a leading dot.
    #[error("DomainLabelEmpty (Domain label is empty) encountered with '{0}'")]
    EmptyLabel(String),
    /// A label of more than 63 bytes.
    #[error("DomainLabelTooLong (Domain label is too long) encountered with '{0}'")]
    LabelTooLong(String),
    /// More than 255 bytes.
    #[error("DomainNameTooLong (Domain name is too long) encountered with '{0}'")]
    TooLong(String),
    /// A backslash that three octal digits up to 377 do not follow.
    #[error("InvalidEscape (Escape sequence is not three octal digits) encountered with '{0}'")]
    BadEscape(String),
}

/// Bytes of a label, RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;
/// Bytes of a name on the wire with its length bytes and the root label, RFC 1035 §2.3.4.
const WIRE_MAX: usize = 255;

impl Name {
    /// Reads a name as a client may write it: any case, with or without the trailing dot, with or without
    /// octal escapes.
    ///
    /// # Errors
    /// A [`NameError`] that says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::from_labels(&labels_of(text)?).map_err(|error| error.about(text))
    }

    /// Builds a name from the bytes of its labels, the leftmost first.
    ///
    /// # Errors
    /// When there is no label, or one is empty or too long, or the whole is.
    pub fn from_labels<L: AsRef<[u8]>>(labels: &[L]) -> Result<Self, NameError> {
        if labels.is_empty() {
            return Err(NameError::Empty);
        }
        let mut wire_length = 1;
        let mut written = Vec::with_capacity(labels.len());
        for label in labels {
            let label = label.as_ref();
            wire_length += label.len() + 1;
            match label.len() {
                0 => return Err(NameError::EmptyLabel(String::new())),
                1..=LABEL_MAX => written.push(escaped(label)),
                _ => return Err(NameError::LabelTooLong(String::from_utf8_lossy(label).into_owned())),
            }
        }
        if wire_length > WIRE_MAX {
            return Err(NameError::TooLong(String::new()));
        }
        let text = written.join(".") + ".";
        written.reverse();
        let reversed = written.join(".") + ".";
        Ok(Self { text: text.into(), reversed: reversed.into() })
    }

    /// The name as the API lists it: lower case, octal escapes, trailing dot.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The labels from left to right as bytes, in lower case and without escapes.
    pub fn labels(&self) -> Vec<Vec<u8>> {
        // The text was produced by `from_labels`, so that it can be read back.
        labels_of(&self.text).unwrap_or_default()
    }

    /// How many labels the name has.
    pub fn label_count(&self) -> usize {
        // A dot inside a label is written as an escape, so every dot ends a label.
        self.text.bytes().filter(|byte| *byte == b'.').count()
    }

    /// The name without its leftmost label; none for a name of one label.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.text.split_once('.')?;
        let cut = self.reversed.len().checked_sub(self.text.len() - rest.len())?;
        (!rest.is_empty()).then(|| Self { text: rest.into(), reversed: self.reversed[..cut].into() })
    }

    /// Whether the name is `zone` or lies below it, by label.
    pub fn is_within(&self, zone: &Self) -> bool {
        self.reversed.starts_with(&*zone.reversed)
    }

    /// Whether the leftmost label is exactly `*`.
    pub fn is_wildcard(&self) -> bool {
        self.text.starts_with(r"\052.")
    }

    /// The name below this one with `*` as its leftmost label; none when it would be too long.
    pub fn wildcard_child(&self) -> Option<Self> {
        let mut labels = vec![b"*".to_vec()];
        labels.extend(self.labels());
        Self::from_labels(&labels).ok()
    }
}

impl NameError {
    fn about(self, text: &str) -> Self {
        match self {
            Self::EmptyLabel(_) => Self::EmptyLabel(text.to_owned()),
            Self::TooLong(_) => Self::TooLong(text.to_owned()),
            other => other,
        }
    }
}

fn labels_of(text: &str) -> Result<Vec<Vec<u8>>, NameError> {
    let body = text.strip_suffix('.').unwrap_or(text);
    if body.is_empty() {
        return Err(NameError::Empty);
    }
    let mut labels = vec![Vec::new()];
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => octal(&mut bytes).ok_or_else(|| NameError::BadEscape(text.to_owned()))?,
            other => other,
        };
        if let Some(label) = labels.last_mut() {
            label.push(value.to_ascii_lowercase());
        }
    }
    Ok(labels)
}

fn octal(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let mut value: u32 = 0;
    for _ in 0..3 {
        let digit = bytes.next().filter(|byte| (b'0'..=b'7').contains(byte))?;
        value = value * 8 + u32::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

fn escaped(label: &[u8]) -> String {
    let mut written = String::with_capacity(label.len());
    for byte in label {
        match byte.to_ascii_lowercase() {
            plain @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => written.push(char::from(plain)),
            other => {
                written.push('\\');
                for shift in [6, 3, 0] {
                    written.push(char::from(b'0' + ((other >> shift) & 7)));
                }
            }
        }
    }
    written
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.reversed.cmp(&other.reversed)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.text)
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        for text in ["*.example.com", r"\052.Example.COM.", r"\052.\145xample.com"] {
            assert_eq!(name(text).as_str(), r"\052.example.com.");
        }
        assert_eq!(name(r"\127ww.example.com").as_str(), "www.example.com.");
        assert_eq!(name("a@b.example.com").as_str(), r"a\100b.example.com.");
        assert_eq!(name("_mc-f2.app.example.com.").as_str(), "_mc-f2.app.example.com.");
    }

    #[test]
    fn a_dot_inside_a_label_stays_inside() {
        let dotted = name(r"a\056b.example.com.");
        assert_eq!(dotted.label_count(), 3);
        assert_eq!(dotted.labels()[0], b"a.b");
        assert_eq!(dotted.parent().unwrap(), name("example.com"));
    }

    #[test]
    fn names_lie_within_a_zone_by_label() {
        let zone = name("example.com.");
        assert!(zone.is_within(&zone));
        assert!(name("a.b.example.com").is_within(&zone));
        assert!(!name("badexample.com").is_within(&zone));
        assert!(!name("com").is_within(&zone));
    }

    #[test]
    fn parents_end_at_the_top() {
        let parent = name("www.example.com").parent().unwrap();
        assert_eq!(parent, name("example.com"));
        assert!(parent.is_within(&name("com")));
        assert_eq!(name("com").parent(), None);
        assert_eq!(name("example.com").wildcard_child().unwrap(), name("*.example.com"));
    }

    #[test]
    fn the_order_is_that_of_reversed_labels_with_a_trailing_dot() {
        // `-` comes before `.` in ASCII, so that `a-b` lists before `a` and its children.
        let mut names =
            ["b.example.com", "www.a.example.com", "a.example.com", "a-b.example.com", "example.com"]
                .map(name)
                .to_vec();
        names.sort();
        let listed: Vec<&str> = names.iter().map(Name::as_str).collect();
        assert_eq!(
            listed,
            ["example.com.", "a-b.example.com.", "a.example.com.", "www.a.example.com.", "b.example.com."]
        );
    }

    #[test]
    fn broken_names_say_what_is_wrong() {
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse("."), Err(NameError::Empty));
        assert!(matches!(Name::parse("a..b"), Err(NameError::EmptyLabel(_))));
        assert!(matches!(Name::parse(&"l".repeat(64)), Err(NameError::LabelTooLong(_))));
        assert!(matches!(Name::parse(&"abcdefg.".repeat(32)), Err(NameError::TooLong(_))));
        for text in [r"a\", r"a\05", r"a\999", r"a\477"] {
            assert!(matches!(Name::parse(text), Err(NameError::BadEscape(_))), "{text}");
        }
    }
}
