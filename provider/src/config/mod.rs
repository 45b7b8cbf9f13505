//! The provider block: which clusters there are and how they are reached, where metrics come from, and who is told. Nothing here connects until a resource
//! asks for a member.

mod connection;
mod metrics;
mod named;
mod notify;
mod route53;
pub(crate) mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use multicluster::connection::{Connection, ConnectionError, ConnectionReference};
use multicluster::member::Member;
use multicluster_core::names::{ClusterName, ClusterUid, FederationName};
use tfplugin::Node;

pub(crate) use connection::clock;
pub(crate) use metrics::Metrics;
pub(crate) use named::Named;
pub(crate) use notify::Notify;
pub(crate) use route53::Route53;

/// One entry of `clusters`.
#[derive(Clone, Debug)]
enum Entry {
    /// Some part of it is known only after apply.
    Unknown,
    /// It can be connected to, or it is plain that it cannot.
    Known(Box<Connection>),
}

/// The clusters of the provider block.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    entries: RwLock<Entries>,
    /// Connected members, so that one process has one client per cluster.
    members: tokio::sync::Mutex<BTreeMap<ClusterName, Arc<Member>>>,
    /// One lock per federation: two resources of one configuration never write to the same one at once.
    federations: std::sync::Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Which cluster each member was when a read of this process looked, so that the plan after it need not ask again.
    read: std::sync::Mutex<BTreeMap<ClusterName, ClusterUid>>,
    /// Members from which this process has taken all that a federation keeps, because their clusters are about to go.
    departed: std::sync::Mutex<BTreeSet<(FederationName, ClusterName)>>,
}

#[derive(Debug, Default)]
enum Entries {
    /// `configure` was not called, or `clusters` as a whole is unknown.
    #[default]
    Unknown,
    Known(BTreeMap<ClusterName, Entry>),
}

/// Why a member cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMember {
    /// Its connection is known only after apply.
    #[error("its connection is not known yet")]
    Unknown,
    /// The provider block does not name it.
    #[error("the provider block has no entry `{0}` in `clusters`")]
    NotConfigured(ClusterName),
    /// Its connection cannot be used.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

impl NoMember {
    /// Whether the member may be there by the time of the apply: a connection, or the file that holds it, can be
    /// made by the same apply.
    pub(crate) fn may_come(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::NotConfigured(_) => false,
            Self::Connection(error) => matches!(error, ConnectionError::Unreadable { .. }),
        }
    }
}

impl Clusters {
    /// Takes the `clusters` attribute.
    pub(crate) fn configure(&self, clusters: &Node<'_>) {
        let entries =
            if clusters.is_unknown() { Entries::Unknown } else { Entries::Known(entries(clusters)) };
        if let Ok(mut place) = self.entries.write() {
            *place = entries;
        }
    }

    /// The member of this name, connected. Clients are kept, and nothing is sent yet.
    ///
    /// Where the provider block no longer names it, `reference` is what the state remembers of it.
    pub(crate) async fn member(
        &self,
        name: &ClusterName,
        reference: Option<&ConnectionReference>,
    ) -> Result<Arc<Member>, NoMember> {
        let mut members = self.members.lock().await;
        if let Some(member) = members.get(name) {
            return Ok(Arc::clone(member));
        }
        let connection = match self.entry(name) {
            Some(Entry::Known(connection)) => *connection,
            Some(Entry::Unknown) => return Err(NoMember::Unknown),
            None => match reference {
                Some(reference) => connection::remembered(reference),
                None => return Err(NoMember::NotConfigured(name.clone())),
            },
        };
        let member = Arc::new(Member::new(name.clone(), connection.client().await?));
        members.insert(name.clone(), Arc::clone(&member));
        Ok(member)
    }

    /// What a state may remember of the connection, if that is anything.
    pub(crate) fn reference(&self, name: &ClusterName) -> Option<ConnectionReference> {
        match self.entry(name) {
            Some(Entry::Known(connection)) => connection.reference(),
            _ => None,
        }
    }

    /// Whether the provider block names the member, or may name it.
    pub(crate) fn has(&self, name: &ClusterName) -> bool {
        self.entry(name).is_some()
    }

    /// Notes which cluster a read found under a name.
    pub(crate) fn remember_read(&self, name: &ClusterName, uid: &ClusterUid) {
        if let Ok(mut read) = self.read.lock() {
            read.insert(name.clone(), uid.clone());
        }
    }

    /// Which cluster a read of this process found under a name.
    pub(crate) fn read_already(&self, name: &ClusterName) -> Option<ClusterUid> {
        self.read.lock().ok()?.get(name).cloned()
    }

    /// Notes that a federation keeps nothing on a member any more, and that the cluster may be gone soon.
    pub(crate) fn note_departed(&self, federation: &FederationName, name: &ClusterName) {
        if let Ok(mut departed) = self.departed.lock() {
            departed.insert((federation.clone(), name.clone()));
        }
    }

    /// Whether this process has taken all from a member that a federation kept there.
    pub(crate) fn has_departed(&self, federation: &FederationName, name: &ClusterName) -> bool {
        let key = (federation.clone(), name.clone());
        self.departed.lock().is_ok_and(|departed| departed.contains(&key))
    }

    /// The names of the provider block, if they are known.
    pub(crate) fn names(&self) -> Vec<ClusterName> {
        match self.entries.read().as_deref() {
            Ok(Entries::Known(entries)) => entries.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The lock of a federation's set within this process, by the name of its record.
    pub(crate) fn lock(&self, inventory: &str) -> Arc<tokio::sync::Mutex<()>> {
        match self.federations.lock() {
            Ok(mut locks) => Arc::clone(locks.entry(inventory.to_owned()).or_default()),
            Err(_) => Arc::default(),
        }
    }

    fn entry(&self, name: &ClusterName) -> Option<Entry> {
        match self.entries.read().as_deref() {
            Ok(Entries::Known(entries)) => entries.get(name).cloned(),
            _ => Some(Entry::Unknown),
        }
    }
}

fn entries(clusters: &Node<'_>) -> BTreeMap<ClusterName, Entry> {
    // Names were checked by the schema's validators.
    let named = |(name, node): (&str, Node<'_>)| Some((ClusterName::new(name).ok()?, entry(&node)));
    clusters.entries().into_iter().filter_map(named).collect()
}

fn entry(node: &Node<'_>) -> Entry {
    if node.is_wholly_known() { Entry::Known(Box::new(connection::connection(node))) } else { Entry::Unknown }
}

/// A path as a user writes it, with `~` for the home directory.
pub(crate) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}
