//! Why a name is not written.

use std::fmt;
use std::str::FromStr;

use crate::route53::owner::{InvalidOwner, OwnerId};
use crate::route53::record_set::{RecordName, RecordType, SetKey};

/// Whose sets may be taken over, as `takeover` says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Takeover {
    /// `external-dns:OWNER`: of the external-dns that runs with this `--txt-owner-id`. Its TXT goes in the same batch.
    ExternalDns(String),
    /// `multicluster:OWNER`: of another configuration of this provider.
    Multicluster(OwnerId),
    /// `aws_route53_record`: which nobody claims.
    Unclaimed,
}

/// An entry of `takeover` that says nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTakeover {
    /// None of the forms.
    #[error(
        "`{text}` names nobody: it must be `external-dns:OWNER`, `multicluster:OWNER` or `aws_route53_record`"
    )]
    Unknown {
        /// What was given.
        text: String,
    },
    /// The owner is none.
    #[error(transparent)]
    Owner(#[from] InvalidOwner),
}

/// A name is not written: all that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refusal {
    /// The name.
    pub name: RecordName,
    /// What is in the way; at least one.
    pub reasons: Vec<Reason>,
}

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Sets that nobody claims.
    Foreign {
        /// The sets.
        sets: Vec<SetKey>,
    },
    /// Somebody else claims the name.
    Claimed {
        /// Who; and what `takeover` would have to hold.
        by: Takeover,
        /// The TXT that says so.
        set: SetKey,
        /// The object that external-dns made it for.
        resource: Option<String>,
    },
    /// Somebody claims the name, and it cannot be read who.
    Unreadable {
        /// The TXT that says so.
        set: SetKey,
    },
    /// Other sets at the name, which is to be answered by CNAME.
    BesideCname {
        /// The sets.
        sets: Vec<SetKey>,
    },
    /// One group changes by more than a batch takes, and cannot be changed in parts.
    TooLarge {
        /// The group's name.
        name: RecordName,
        /// The group's type.
        r#type: RecordType,
    },
    /// The mark has no place.
    NameTooLong,
}

impl FromStr for Takeover {
    type Err = InvalidTakeover;

    fn from_str(text: &str) -> Result<Self, InvalidTakeover> {
        match text.split_once(':') {
            None if text == "aws_route53_record" => Ok(Self::Unclaimed),
            Some(("external-dns", owner)) if !owner.is_empty() => Ok(Self::ExternalDns(owner.to_owned())),
            Some(("multicluster", owner)) => Ok(Self::Multicluster(OwnerId::new(owner)?)),
            _ => Err(InvalidTakeover::Unknown { text: text.to_owned() }),
        }
    }
}

/// As it is written in `takeover`.
impl fmt::Display for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExternalDns(owner) => write!(f, "external-dns:{owner}"),
            Self::Multicluster(owner) => write!(f, "multicluster:{owner}"),
            Self::Unclaimed => f.write_str("aws_route53_record"),
        }
    }
}

impl Refusal {
    fn text(&self) -> String {
        let name = self.name.as_written();
        let reasons = self.reasons.iter().map(|reason| reason.text(&name));
        reasons.collect::<Vec<_>>().join("\n")
    }
}

impl Reason {
    fn text(&self, name: &str) -> String {
        match self {
            Self::Foreign { sets } => format!(
                "{} there already, and nobody claims {}: import it, by the id `ZONEID/{name}`, to have it as it is, or, if an \
                 aws_route53_record made {} and gives {} up by `removed {{ lifecycle {{ destroy = false }} }}`, let \
                 `takeover = [\"aws_route53_record\"]`",
                are(sets),
                them(sets),
                them(sets),
                them(sets),
            ),
            Self::Claimed { by, set, resource } => {
                let whose = match by {
                    Takeover::ExternalDns(owner) => format!("external-dns with the owner id `{owner}`"),
                    Takeover::Multicluster(owner) => format!("the owner `{owner}`"),
                    Takeover::Unclaimed => "nobody".to_owned(),
                };
                let of = resource.as_ref().map(|it| format!(" for `{it}`")).unwrap_or_default();
                let first = match by {
                    Takeover::ExternalDns(_) => {
                        "remove the hostname from that object, or external-dns will write it again, and "
                    }
                    Takeover::Multicluster(_) | Takeover::Unclaimed => "",
                };
                format!(
                    "`{name}` belongs to {whose}{of}, as `{set}` says: to take it over, {first}let `takeover = \
                     [\"{by}\"]`"
                )
            }
            Self::Unreadable { set } => format!(
                "`{name}` belongs to somebody, as `{set}` says, but it cannot be read to whom: it is damaged, or \
                 external-dns has encrypted it. Remove that set once it is clear that nobody else writes the name"
            ),
            Self::BesideCname { sets } => format!(
                "{} in the way: an endpoint is a host name, so that `{name}` is answered by CNAME, and nothing else \
                 may stand beside a CNAME",
                are(sets),
            ),
            Self::TooLarge { name: group, r#type } => format!(
                "the sets `{} {type}` change together by more than one batch takes (1,000 values, 32,000 characters): \
                 change less at once",
                group.as_written(),
            ),
            Self::NameTooLong => {
                format!(
                    "`{name}` is too long: its ownership record `_mc-owner.{name}` would have more than 255 bytes"
                )
            }
        }
    }
}

fn are(sets: &[SetKey]) -> String {
    let names: Vec<String> = sets.iter().map(|key| format!("`{key}`")).collect();
    match names.as_slice() {
        [one] => format!("the record set {one} is"),
        many => format!("the record sets {} are", many.join(", ")),
    }
}

fn them(sets: &[SetKey]) -> &'static str {
    if sets.len() == 1 { "it" } else { "them" }
}
