//! What keys and values of labels may look like
//! ([Kubernetes](https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set)).

/// Characters in a name and in a value.
const LONGEST_NAME: usize = 63;
/// Characters in the part before the `/`, which is a DNS name.
const LONGEST_PREFIX: usize = 253;

/// What is wrong with a key or a value. It does not repeat them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLabel {
    /// Nothing before the `/`, too much, or what no DNS name has.
    #[error(
        "before the `/` there must be a DNS name of at most {LONGEST_PREFIX} lower-case letters, digits, `-` and `.`"
    )]
    Prefix,
    /// More than one `/`.
    #[error("there may be one `/` only")]
    Slashes,
    /// Nothing where the name should be.
    #[error("the name is empty")]
    EmptyName,
    /// A name or a value that is too long.
    #[error("it has more than {LONGEST_NAME} characters")]
    TooLong,
    /// Characters that a name or a value cannot have, or not at its ends.
    #[error("it must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit")]
    Alphabet,
}

/// Checks the key of a label: `tier`, `topology.kubernetes.io/region`.
///
/// # Errors
/// [`InvalidLabel`] says what is wrong.
pub fn check_key(key: &str) -> Result<(), InvalidLabel> {
    let name = match key.split_once('/') {
        None => key,
        Some((_, name)) if name.contains('/') => return Err(InvalidLabel::Slashes),
        Some((prefix, name)) if is_subdomain(prefix) => name,
        Some(_) => return Err(InvalidLabel::Prefix),
    };
    if name.is_empty() { Err(InvalidLabel::EmptyName) } else { check_value(name) }
}

/// Checks the key of an annotation: as that of a label, but capitals count as small letters before the `/` too.
///
/// # Errors
/// [`InvalidLabel`] says what is wrong.
pub fn check_annotation_key(key: &str) -> Result<(), InvalidLabel> {
    check_key(&key.to_ascii_lowercase())
}

/// Checks the value of a label, which may be empty.
///
/// # Errors
/// [`InvalidLabel`] says what is wrong.
pub fn check_value(value: &str) -> Result<(), InvalidLabel> {
    if value.len() > LONGEST_NAME {
        return Err(InvalidLabel::TooLong);
    }
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends_well = |end: Option<&u8>| end.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    if bytes.iter().copied().all(inside) && ends_well(bytes.first()) && ends_well(bytes.last()) {
        Ok(())
    } else {
        Err(InvalidLabel::Alphabet)
    }
}

/// A lower-case DNS name. Unlike DNS itself, Kubernetes does not limit its parts to 63 characters.
fn is_subdomain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().copied().is_some_and(plain)
            && bytes.last().copied().is_some_and(plain)
            && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
    };
    text.len() <= LONGEST_PREFIX && text.split('.').all(part)
}
