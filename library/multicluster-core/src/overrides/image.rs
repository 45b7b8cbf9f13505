//! References to container images, as container runtimes read them.
//!
//! `[registry/]repository[:tag][@digest]`. What comes before the first `/` is a registry only if it can be nothing else:
//! it has a `.` or a `:`, is `localhost`, or has capitals, which no repository has. Otherwise the registry is not
//! written down, and runtimes take Docker Hub.
//!
//! Invariant: a reference as text is the text that it was read from.

use std::fmt;
use std::str::FromStr;

/// A reference to an image, taken apart.
///
/// # Examples
/// ```
/// use multicluster_core::overrides::ImageReference;
///
/// let image: ImageReference = "localhost:5000/shop/web:1.2".parse().unwrap();
/// assert_eq!((image.registry(), image.repository(), image.tag()), (Some("localhost:5000"), "shop/web", Some("1.2")));
/// assert_eq!("nginx".parse::<ImageReference>().unwrap().registry(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    pub(super) registry: Option<String>,
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

/// What is wrong with an image, or a part of one. It does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidImage {
    /// No host.
    #[error("the registry must be a host with a `.`, a port or the name `localhost`")]
    Registry,
    /// Not a path of small letters.
    #[error(
        "the repository must consist of small letters and digits, with `.`, `_`, `__` or `-` between them, in parts that `/` separates"
    )]
    Repository,
    /// Longer than registries take.
    #[error("the repository has more than {LONGEST_REPOSITORY} characters")]
    TooLong,
    /// Not a tag.
    #[error(
        "the tag must have at most {LONGEST_TAG} letters, digits, `_`, `.` and `-`, and begin with neither `.` nor `-`"
    )]
    Tag,
    /// Not a digest.
    #[error("the digest must be as `sha256:` and 64 hexadecimal digits in small letters")]
    Digest,
}

const LONGEST_REPOSITORY: usize = 255;
const LONGEST_TAG: usize = 128;

impl ImageReference {
    /// The registry's host and port, if written down.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// The repository as written: `nginx`, not `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if written down.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if written down: `sha256:…`. It goes before the tag.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

impl FromStr for ImageReference {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let (text, digest) = match text.split_once('@') {
            Some((text, digest)) => (text, Some(digest)),
            None => (text, None),
        };
        let (registry, text) = match text.split_once('/') {
            Some((first, rest)) if is_host_like(first) => (Some(first), rest),
            _ => (None, text),
        };
        let (repository, tag) = match text.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (text, None),
        };
        registry.map_or(Ok(()), check_registry)?;
        check_repository(repository)?;
        tag.map_or(Ok(()), check_tag)?;
        digest.map_or(Ok(()), check_digest)?;
        Ok(Self {
            registry: registry.map(ToOwned::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(ToOwned::to_owned),
            digest: digest.map(ToOwned::to_owned),
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Whether the first part of a reference is a registry.
pub(super) fn is_host_like(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

/// A host name or address, an IPv6 one in brackets, and perhaps a port; and such that it is taken for one.
pub(super) fn check_registry(registry: &str) -> Result<(), InvalidImage> {
    let (host, port) = match registry.rsplit_once(':') {
        // The colons of an IPv6 address are followed by a bracket somewhere.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match address {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        }
        None => host.split('.').all(part),
    };
    let port_fits =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    if is_host_like(registry) && host_fits && port_fits { Ok(()) } else { Err(InvalidImage::Registry) }
}

pub(super) fn check_repository(repository: &str) -> Result<(), InvalidImage> {
    if repository.len() > LONGEST_REPOSITORY {
        return Err(InvalidImage::TooLong);
    }
    if repository.split('/').all(is_repository_part) { Ok(()) } else { Err(InvalidImage::Repository) }
}

/// Words of small letters and digits with one separator between each two: `.`, `_`, `__`, or any number of `-`.
fn is_repository_part(part: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends_well = bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    let mut separators = part.split(|char: char| char.is_ascii_lowercase() || char.is_ascii_digit());
    ends_well
        && separators.all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

pub(super) fn check_tag(tag: &str) -> Result<(), InvalidImage> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    let fits = bytes.len() <= LONGEST_TAG
        && bytes.first().copied().is_some_and(word)
        && bytes.iter().all(|byte| word(*byte) || matches!(byte, b'.' | b'-'));
    if fits { Ok(()) } else { Err(InvalidImage::Tag) }
}

/// An algorithm and its result. Of algorithms that nobody uses yet, only the form is known.
pub(super) fn check_digest(digest: &str) -> Result<(), InvalidImage> {
    let (algorithm, result) = digest.split_once(':').ok_or(InvalidImage::Digest)?;
    let small = result.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let fits = match algorithm {
        "sha256" => small && result.len() == 64,
        "sha384" => small && result.len() == 96,
        "sha512" => small && result.len() == 128,
        other => {
            let part = |part: &str| {
                part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            other.split(['-', '_', '+', '.']).all(part)
                && result.len() >= 32
                && result.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
    };
    if fits { Ok(()) } else { Err(InvalidImage::Digest) }
}
