//! What tells one health check from another: tags, and caller references.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::config::DesiredCheck;
use crate::digest::digest_text;
use crate::dns::EndpointName;
use crate::route53::owner::OwnerId;
use crate::route53::record_set::RecordName;

/// Which check of a name it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckKey {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// The address, of several; none for the endpoint as a whole.
    pub address: Option<IpAddr>,
}

/// Whose checks they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckOwner {
    /// Who writes the name.
    pub owner: OwnerId,
    /// The name that is answered for.
    pub name: RecordName,
}

const OWNER_TAG: &str = "multicluster/owner";
const NAME_TAG: &str = "multicluster/name";
const ENDPOINT_TAG: &str = "multicluster/endpoint";
const ADDRESS_TAG: &str = "multicluster/address";

/// What every caller reference of ours begins with.
const REFERENCE: &str = "mc";

impl CheckKey {
    /// The check of an endpoint as a whole.
    #[must_use]
    pub fn of(endpoint: EndpointName) -> Self {
        Self { endpoint, address: None }
    }
}

/// `aws`, or `aws 203.0.113.7`.
impl fmt::Display for CheckKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)?;
        self.address.map_or(Ok(()), |address| write!(f, " {address}"))
    }
}

impl CheckOwner {
    /// The tags of a check, by which it is found again. `Name` is what the console shows.
    #[must_use]
    pub fn tags(&self, key: &CheckKey) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::from([
            (OWNER_TAG.to_owned(), self.owner.to_string()),
            (NAME_TAG.to_owned(), self.tagged_name()),
            (ENDPOINT_TAG.to_owned(), key.endpoint.to_string()),
            ("Name".to_owned(), format!("{} {key}", self.tagged_name())),
        ]);
        tags.extend(key.address.map(|address| (ADDRESS_TAG.to_owned(), address.to_string())));
        tags
    }

    /// Which check of ours some tags are of; none if they are of no check, or of another owner's or name's.
    #[must_use]
    pub fn key_of(&self, tags: &BTreeMap<String, String>) -> Option<CheckKey> {
        let tag = |key: &str| tags.get(key).map(String::as_str);
        if tag(OWNER_TAG) != Some(self.owner.as_str()) || tag(NAME_TAG) != Some(&self.tagged_name()) {
            return None;
        }
        let address = tag(ADDRESS_TAG).map(str::parse).transpose().ok()?;
        Some(CheckKey { endpoint: EndpointName::new(tag(ENDPOINT_TAG)?).ok()?, address })
    }

    /// Values of tags have no asterisk, and names of hosts no `@`.
    fn tagged_name(&self) -> String {
        self.name.as_written().replace('*', "@")
    }

    /// What the caller references of this owner and name begin with.
    fn prefix(&self) -> String {
        format!("{REFERENCE}-{}-", digits(&format!("{}\n{}", self.owner, self.name), 16))
    }
}

/// The caller reference of a check: at most 64 characters, the same for the same check of the same content.
///
/// Route 53 answers a second request of the same reference and content with the check that is there, which makes
/// creation safe to repeat, and refuses the same reference with another content, or of a check that was deleted, for days.
/// So the whole content is in it, and the generation of the name, which is another after every change.
#[must_use]
pub fn caller_reference(owner: &CheckOwner, key: &CheckKey, check: &DesiredCheck, generation: u64) -> String {
    // The text of a configuration for debugging names every field; it is the same as long as they are.
    let content = digits(&format!("{:?}{:?}", check.config, check.children), 12);
    format!("{}{}-{content}-{generation}", owner.prefix(), digits(&key.to_string(), 8))
}

/// Whether a check was made for this owner and name, as far as its caller reference says.
#[must_use]
pub fn is_reference_of(reference: &str, owner: &CheckOwner) -> bool {
    reference.starts_with(&owner.prefix())
}

/// Which check a reference is of, if it is one of these.
pub(super) fn key_by_reference<'a>(
    reference: &str,
    owner: &CheckOwner,
    mut keys: impl Iterator<Item = &'a CheckKey>,
) -> Option<&'a CheckKey> {
    let of_key = reference.strip_prefix(&owner.prefix())?;
    keys.find(|key| of_key.starts_with(&format!("{}-", digits(&key.to_string(), 8))))
}

fn digits(text: &str, count: usize) -> String {
    digest_text(text).chars().take(count).collect()
}
