//! Names as users write them and as the API lists them.
//!
//! Invariant: a [`RecordName`] has one label or more, each of 1 to 63 bytes, in lower case, with every byte but `a-z`,
//! `0-9`, `-` and `_` as an octal escape, and a final dot. So any two spellings of one name are equal.

use crate::route53::record_set::{RecordName, RecordType, SetKey};

/// The longest label in bytes (RFC 1035, 2.3.4).
const LABEL_LIMIT: usize = 63;

/// The longest name in bytes, with a length before each label and the root's at the end (RFC 1035, 2.3.4).
const NAME_LIMIT: usize = 255;

/// A text that is no name of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a valid record name: {fault}")]
pub struct InvalidRecordName {
    /// What was given.
    pub name: String,
    /// What is wrong with it.
    pub fault: NameFault,
}

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nothing, or only the root.
    #[error("it is empty")]
    Empty,
    /// Two dots side by side, or one at the beginning.
    #[error("a label is empty: two dots stand side by side, or one at the beginning")]
    EmptyLabel,
    /// A label of more than 63 bytes.
    #[error("the label `{label}` has {length} bytes, and a label has at most 63")]
    LabelTooLong {
        /// As the API would list it.
        label: String,
        /// In bytes.
        length: usize,
    },
    /// More than 255 bytes in all.
    #[error("it takes {length} bytes in a DNS message, and a name takes at most 255")]
    TooLong {
        /// In bytes.
        length: usize,
    },
    /// A letter that is not ASCII.
    #[error("`{character}` is not ASCII: write the name in Punycode, such as `xn--bcher-kva.example.com`")]
    NotAscii {
        /// The first such letter.
        character: char,
    },
    /// A blank or a control character.
    #[error("blanks and control characters are written as octal escapes, such as `\\040` for a blank")]
    Unprintable,
    /// A backslash without three octal digits up to 377.
    #[error("`\\` is followed by three octal digits up to 377, such as `\\052` for `*`")]
    Escape,
}

impl RecordName {
    /// The name as the API lists it: lower case, a final dot, octal escapes.
    ///
    /// A final dot may be left out, and any byte may be given as an octal escape. `*` and `\052` are the same.
    ///
    /// # Errors
    /// [`InvalidRecordName`] says what is wrong.
    ///
    /// # Examples
    /// ```
    /// use multicluster_core::route53::RecordName;
    ///
    /// assert_eq!(RecordName::new("*.Example.com").unwrap().as_str(), "\\052.example.com.");
    /// ```
    pub fn new(text: &str) -> Result<Self, InvalidRecordName> {
        let invalid = |fault| InvalidRecordName { name: text.to_owned(), fault };
        let labels = labels_of(text).map_err(invalid)?;
        let mut listed = String::with_capacity(text.len() + 1);
        for label in &labels {
            listed.push_str(&escaped(label));
            listed.push('.');
        }
        let length = labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1;
        if length > NAME_LIMIT {
            return Err(invalid(NameFault::TooLong { length }));
        }
        Ok(Self(listed))
    }

    /// The labels from the left, as the API lists them.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.strip_suffix('.').unwrap_or(&self.0).split('.')
    }

    /// The name without its first label; none for a name of one label.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.rest().map(|rest| Self(rest.to_owned()))
    }

    /// The name without its first label, borrowed.
    fn rest(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, rest)| rest).filter(|rest| !rest.is_empty())
    }

    /// The name with a label before it.
    ///
    /// # Errors
    /// [`InvalidRecordName`] if it gets too long, or the label is none.
    pub fn child(&self, label: &str) -> Result<Self, InvalidRecordName> {
        Self::new(&format!("{label}.{}", self.0))
    }

    /// Whether the name is the zone's own or below it.
    #[must_use]
    pub fn within(&self, zone: &Self) -> bool {
        self == zone || self.is_below(zone)
    }

    /// Whether the name ends with the other one, and has more labels.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        // An escaped dot has no dot in it, so that a dot always divides labels.
        self.0.strip_suffix(&other.0).is_some_and(|before| before.ends_with('.'))
    }

    /// Whether the name is the zone's own, where no CNAME may stand.
    #[must_use]
    pub fn is_apex(&self, zone: &Self) -> bool {
        self == zone
    }

    /// Whether the first label is `*`, so that it stands for names that do not exist.
    ///
    /// Elsewhere, `*` is a character like any other.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("\\052.")
    }

    /// The name for users: `*` as it is, and without the final dot.
    #[must_use]
    pub fn as_written(&self) -> String {
        self.0.strip_suffix('.').unwrap_or(&self.0).replace("\\052", "*")
    }
}

impl std::str::FromStr for RecordName {
    type Err = InvalidRecordName;

    fn from_str(text: &str) -> Result<Self, InvalidRecordName> {
        Self::new(text)
    }
}

/// Where a set stands in a listing of its zone. The order of [`SetKey`] itself is that of its text.
///
/// The API compares labels from the right as one text with a dot after each, so that `a-b.example.com` stands before
/// `a.example.com`: `-` is before the dot. Sets of the same name are ordered by type, then by identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListOrder {
    reversed: Vec<u8>,
    r#type: RecordType,
    set_identifier: Option<String>,
}

impl SetKey {
    /// Where the set stands in a listing of its zone.
    #[must_use]
    pub fn list_order(&self) -> ListOrder {
        let mut reversed = Vec::with_capacity(self.name.0.len());
        for label in labels_of(&self.name.0).unwrap_or_default().into_iter().rev() {
            reversed.extend(label);
            reversed.push(b'.');
        }
        ListOrder { reversed, r#type: self.r#type.clone(), set_identifier: self.set_identifier.clone() }
    }
}

/// The bytes of each label, in lower case.
fn labels_of(text: &str) -> Result<Vec<Vec<u8>>, NameFault> {
    let mut labels = Vec::new();
    let mut label = Vec::new();
    if text.is_empty() || text == "." {
        return Err(NameFault::Empty);
    }
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => labels.push(finished(std::mem::take(&mut label))?),
            '\\' => {
                let digits = [characters.next(), characters.next(), characters.next()];
                label.push(octal(digits).ok_or(NameFault::Escape)?.to_ascii_lowercase());
            }
            '!'..='~' => {
                // Checked to be ASCII by the pattern.
                label.extend(u8::try_from(character).map(|byte| byte.to_ascii_lowercase()));
            }
            _ if character.is_ascii() => return Err(NameFault::Unprintable),
            _ => return Err(NameFault::NotAscii { character }),
        }
    }
    if !label.is_empty() {
        labels.push(finished(label)?);
    }
    Ok(labels)
}

fn finished(label: Vec<u8>) -> Result<Vec<u8>, NameFault> {
    match label.len() {
        0 => Err(NameFault::EmptyLabel),
        1..=LABEL_LIMIT => Ok(label),
        length => Err(NameFault::LabelTooLong { label: escaped(&label), length }),
    }
}

/// The byte that three octal digits stand for.
pub(super) fn octal(digits: [Option<char>; 3]) -> Option<u8> {
    let mut value = 0;
    for digit in digits {
        value = value * 8 + digit?.to_digit(8)?;
    }
    u8::try_from(value).ok()
}

fn escaped(label: &[u8]) -> String {
    let mut text = String::with_capacity(label.len());
    for &byte in label {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(byte)),
            _ => push_octal(&mut text, byte),
        }
    }
    text
}

/// Appends a byte as a backslash and three octal digits.
pub(super) fn push_octal(text: &mut String, byte: u8) {
    text.push('\\');
    for shift in [6, 3, 0] {
        text.push(char::from(b'0' + (byte >> shift & 7)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn name(text: &str) -> RecordName {
        RecordName::new(text).expect("a name")
    }

    #[rstest]
    #[case::without_the_dot("www.example.com", "www.example.com.")]
    #[case::with_the_dot("www.example.com.", "www.example.com.")]
    #[case::capitals("WwW.Example.COM", "www.example.com.")]
    #[case::a_wildcard("*.example.com", "\\052.example.com.")]
    #[case::an_escaped_wildcard("\\052.example.com.", "\\052.example.com.")]
    #[case::a_star_in_the_middle("prod.*.example.com", "prod.\\052.example.com.")]
    #[case::a_sign("a@b.example.com", "a\\100b.example.com.")]
    #[case::an_underscore("_mc-f2.app.example.com", "_mc-f2.app.example.com.")]
    #[case::an_escaped_letter("\\127ww.example.com", "www.example.com.")]
    #[case::an_escaped_dot("a\\056b.example.com", "a\\056b.example.com.")]
    #[case::a_byte_beyond_ascii("\\303\\244.example.com", "\\303\\244.example.com.")]
    fn one_name_has_one_form(#[case] text: &str, #[case] listed: &str) {
        assert_eq!(name(text).as_str(), listed);
    }

    #[rstest]
    #[case::nothing("", NameFault::Empty)]
    #[case::the_root(".", NameFault::Empty)]
    #[case::two_dots("a..b.example.com", NameFault::EmptyLabel)]
    #[case::a_dot_first(".example.com", NameFault::EmptyLabel)]
    #[case::two_dots_at_the_end("example.com..", NameFault::EmptyLabel)]
    #[case::an_umlaut("bücher.example.com", NameFault::NotAscii { character: 'ü' })]
    #[case::a_blank("a b.example.com", NameFault::Unprintable)]
    #[case::a_short_escape("\\05.example.com", NameFault::Escape)]
    #[case::an_escape_of_no_byte("\\400.example.com", NameFault::Escape)]
    #[case::a_letter_escaped_as_in_zone_files("\\a.example.com", NameFault::Escape)]
    fn what_is_no_name_is_told(#[case] text: &str, #[case] fault: NameFault) {
        assert_eq!(RecordName::new(text).expect_err("no name").fault, fault);
    }

    #[test]
    fn labels_and_names_have_limits() {
        let label = "l".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "l".repeat(61));
        assert!(RecordName::new(&longest).is_ok());
        let fault = |text: &str| RecordName::new(text).expect_err("too long").fault;
        assert_eq!(fault(&format!("{longest}l")), NameFault::TooLong { length: 256 });
        assert!(matches!(fault(&format!("{label}l.com")), NameFault::LabelTooLong { length: 64, .. }));
        // Escapes count as the one byte that they stand for.
        assert!(RecordName::new(&format!("{}.com", "\\052".repeat(63))).is_ok());
    }

    #[rstest]
    #[case::the_zone_itself("example.com", true, false)]
    #[case::below("a.b.example.com", true, true)]
    #[case::another_zone("www.example.org", false, false)]
    #[case::the_same_ending_only("badexample.com", false, false)]
    #[case::the_parent("com", false, false)]
    #[case::an_escaped_dot("bad\\056example.com", false, false)]
    fn names_lie_in_a_zone_by_labels(#[case] text: &str, #[case] within: bool, #[case] below: bool) {
        let zone = name("example.com");
        assert_eq!(name(text).within(&zone), within);
        assert_eq!(name(text).is_below(&zone), below);
        assert_eq!(name(text).is_apex(&zone), within && !below);
    }

    #[test]
    fn parents_end_before_the_root() {
        assert_eq!(name("a.b").parent(), Some(name("b")));
        assert_eq!(name("b").parent(), None);
        assert_eq!(name("b").child("*").map(|it| it.as_written()), Ok("*.b".to_owned()));
        assert!(name("*.b").is_wildcard() && !name("a.*.b").is_wildcard());
    }

    #[test]
    fn a_listing_goes_by_labels_from_the_right_then_type_then_identifier() {
        let key = |text: &str, r#type: &str, identifier: Option<&str>| SetKey {
            name: name(text),
            r#type: RecordType(r#type.to_owned()),
            set_identifier: identifier.map(str::to_owned),
        };
        let listed = [
            key("example.com", "A", None),
            key("example.com", "NS", None),
            key("*.example.com", "A", None),
            key("a-b.example.com", "A", None),
            key("a.example.com", "A", Some("1")),
            key("a.example.com", "A", Some("2")),
            key("a.example.com", "AAAA", None),
            key("z.a.example.com", "A", None),
            key("b.example.com", "A", None),
        ];
        assert!(listed.is_sorted_by_key(SetKey::list_order));
    }

    proptest! {
        #[test]
        fn the_listed_form_is_its_own(text in "\\PC{0,40}") {
            if let Ok(name) = RecordName::new(&text) {
                prop_assert_eq!(RecordName::new(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(RecordName::new(&name.as_str().to_uppercase()), Ok(name.clone()));
                prop_assert_eq!(RecordName::new(&name.as_written()), Ok(name));
            }
        }
    }
}
