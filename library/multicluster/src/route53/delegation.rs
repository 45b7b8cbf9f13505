//! Whether the world finds a zone: what its parent says of it.

use std::{collections::BTreeSet, fmt};

use futures::future::BoxFuture;
use multicluster_core::route53::RecordName;

/// Asks public DNS. Given by the caller, who knows which resolver may be asked.
pub trait NameServers: Send + Sync {
    /// The name servers to which a name is delegated, as resolvers find them; none if it is not delegated.
    ///
    /// The error says in a sentence why nothing could be learned.
    fn name_servers<'a>(&'a self, zone: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>>;
}

/// Why the world may not see what stands in a zone. A hint, since the parent may follow later.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelegationWarning {
    /// Nobody is sent to the zone.
    NotDelegated {
        /// The zone's name.
        zone: String,
        /// What its parent should name.
        expected: Vec<String>,
    },
    /// All are sent to other servers: those of another zone of the same name, often an older one.
    Elsewhere {
        /// The zone's name.
        zone: String,
        /// Where they are sent.
        found: Vec<String>,
        /// What its parent should name.
        expected: Vec<String>,
    },
    /// Some are sent to other servers.
    InPart {
        /// The zone's name.
        zone: String,
        /// Servers that do not know the zone.
        foreign: Vec<String>,
    },
    /// It could not be learned.
    Unknown {
        /// The zone's name.
        zone: String,
        /// Why not.
        reason: String,
    },
}

/// Compares where the world is sent with where a zone is: the servers that answer for it. A private zone has none, and
/// needs no delegation.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn check_delegation(
    zone: &RecordName,
    name_servers: &[String],
    resolver: &dyn NameServers,
) -> Option<DelegationWarning> {
    if name_servers.is_empty() {
        return None;
    }
    let name = zone.as_written();
    match resolver.name_servers(&name).await {
        Ok(found) => compare(name, name_servers, &found),
        Err(reason) => Some(DelegationWarning::Unknown { zone: name, reason }),
    }
}

fn compare(zone: String, expected: &[String], found: &[String]) -> Option<DelegationWarning> {
    let plain = |names: &[String]| -> BTreeSet<String> {
        names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect()
    };
    let (expected, found) = (plain(expected), plain(found));
    let foreign: Vec<String> = found.difference(&expected).cloned().collect();
    let list = |names: BTreeSet<String>| names.into_iter().collect();
    if found.is_empty() {
        Some(DelegationWarning::NotDelegated { zone, expected: list(expected) })
    } else if foreign.len() == found.len() {
        Some(DelegationWarning::Elsewhere { zone, found: foreign, expected: list(expected) })
    } else if foreign.is_empty() {
        None
    } else {
        Some(DelegationWarning::InPart { zone, foreign })
    }
}

impl fmt::Display for DelegationWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelegated { zone, expected } => write!(
                f,
                "the zone `{zone}` is not delegated, so that nobody is answered from it: its parent's NS records should name {}",
                expected.join(", ")
            ),
            Self::Elsewhere { zone, found, expected } => write!(
                f,
                "`{zone}` is delegated to {}, which is not this zone ({}): nobody is answered from it",
                found.join(", "),
                expected.join(", ")
            ),
            Self::InPart { zone, foreign } => write!(
                f,
                "`{zone}` is delegated to {} beside this zone's servers: some clients are not answered from it",
                foreign.join(", ")
            ),
            Self::Unknown { zone, reason } => {
                write!(f, "it could not be checked whether `{zone}` is delegated: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    struct Says(Result<Vec<String>, String>);

    impl NameServers for Says {
        fn name_servers<'a>(&'a self, zone: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
            assert_eq!(zone, "example.com");
            Box::pin(async move { self.0.clone() })
        }
    }

    fn servers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[rstest]
    #[case::all(&["NS-1.example.net.", "ns-2.example.org"], "")]
    #[case::fewer_will_do(&["ns-2.example.org."], "")]
    #[case::none(&[], "is not delegated")]
    #[case::another_zone(&["ns-9.example.net"], "is not this zone")]
    #[case::mixed(&["ns-9.example.net", "ns-1.example.net"], "to ns-9.example.net beside")]
    #[tokio::test]
    async fn what_the_parent_says(#[case] found: &[&str], #[case] said: &str) {
        let zone = RecordName::new("example.com").unwrap();
        let ours = servers(&["ns-1.example.net", "ns-2.example.org"]);
        let warning = check_delegation(&zone, &ours, &Says(Ok(servers(found)))).await;
        let text = warning.map(|warning| warning.to_string()).unwrap_or_default();
        assert!(text.contains(said) && text.is_empty() == said.is_empty(), "{text}");

        let silent = Says(Err("no answer".to_owned()));
        let warning = check_delegation(&zone, &ours, &silent).await.unwrap().to_string();
        assert!(warning.ends_with("is delegated: no answer"), "{warning}");
        assert_eq!(check_delegation(&zone, &[], &silent).await, None, "nobody outside has to find it");
    }
}
