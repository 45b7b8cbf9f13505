//! The clusters, watched: what they show is in memory, and a change wakes whoever waits for it.
//!
//! No server is asked again and again. A watch that breaks is repaired by itself; whether the cluster still answers is
//! then found out by one small request, which is repeated with a growing pause until it does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use multicluster_core::names::ClusterName;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::is_unreachable;
use super::sight::{Sight, Slot};
use crate::member::{Member, MemberError, ResourceType, Scope, Watch};

/// How long the small request may take.
const PROBE: Duration = Duration::from_secs(5);
/// The first pause between small requests, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest: how late a cluster that comes back is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How soon a watch that is not allowed is tried again: permissions and kinds come and go rarely.
const DENIED_PAUSE: Duration = Duration::from_secs(10);

/// One kind of object to be watched on one cluster.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) slot: Slot,
    pub(super) ty: ResourceType,
    pub(super) which: Which,
}

/// Which objects of a kind.
#[derive(Clone, Debug)]
pub(super) enum Which {
    /// One.
    Named { namespace: String, name: String },
    /// Those with labels.
    Labelled { namespace: String, selector: String },
    /// All of a namespace.
    All { namespace: String },
}

impl Which {
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Named { namespace, name } => Scope::name(Some(namespace), name),
            Self::Labelled { namespace, selector } => Scope::labels(Some(namespace), selector),
            Self::All { namespace } => Scope::namespace(namespace),
        }
    }
}

/// The clusters of a release, watched until this is dropped.
pub(super) struct Observer {
    clusters: BTreeMap<ClusterName, Arc<Watched>>,
    changed: Arc<Notify>,
    /// Aborted with the observer.
    _tasks: JoinSet<()>,
}

struct Watched {
    sight: Mutex<Sight>,
    needed: Vec<Slot>,
    /// Somebody saw a request fail.
    suspected: Arc<Notify>,
    /// Somebody waits for a change of any cluster.
    changed: Arc<Notify>,
}

impl Watched {
    fn update<T>(&self, change: impl FnOnce(&mut Sight) -> T) -> T {
        let done = change(&mut self.sight.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
        done
    }
}

impl Observer {
    /// Begins to watch.
    pub(super) fn start(looks: BTreeMap<ClusterName, (Arc<Member>, Vec<Look>)>) -> Self {
        let changed = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let mut clusters = BTreeMap::new();
        for (name, (member, looks)) in looks {
            let watched = Arc::new(Watched {
                sight: Mutex::default(),
                needed: looks.iter().map(|look| look.slot).filter(|slot| slot.is_needed()).collect(),
                suspected: Arc::new(Notify::new()),
                changed: Arc::clone(&changed),
            });
            for look in looks {
                tasks.spawn(follow(Arc::clone(&member), look, Arc::clone(&watched)));
            }
            tasks.spawn(feel_pulse(member, Arc::clone(&watched)));
            clusters.insert(name, watched);
        }
        Self { clusters, changed, _tasks: tasks }
    }

    /// Waits until something may have changed anywhere since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Looks at what is known of a cluster now.
    pub(super) fn with<T>(&self, cluster: &ClusterName, look: impl FnOnce(&Sight) -> T) -> Option<T> {
        let watched = self.clusters.get(cluster)?;
        Some(look(&watched.sight.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Whether all that is needed of the cluster has been seen, and it answers.
    pub(super) fn is_known(&self, cluster: &ClusterName) -> bool {
        self.clusters.get(cluster).is_some_and(|watched| {
            let sight = watched.sight.lock().unwrap_or_else(PoisonError::into_inner);
            sight.away.is_none() && sight.is_complete(&watched.needed)
        })
    }

    /// Waits until every cluster is known or does not answer.
    pub(super) async fn settled(&self) {
        let settled = |watched: &Arc<Watched>| {
            let sight = watched.sight.lock().unwrap_or_else(PoisonError::into_inner);
            sight.away.is_some() || sight.is_complete(&watched.needed)
        };
        while !self.clusters.values().all(settled) {
            self.changed().await;
        }
        // Whoever waits for a change next has not seen these.
        self.changed.notify_one();
    }

    /// Notes an object that a write has returned, before the watch shows it.
    pub(super) fn put(&self, cluster: &ClusterName, slot: Slot, object: Value) {
        if let Some(watched) = self.clusters.get(cluster) {
            watched.update(|sight| sight.put(slot, object));
        }
    }

    /// Lets the cluster be asked whether it still answers.
    pub(super) fn suspect(&self, cluster: &ClusterName) {
        if let Some(watched) = self.clusters.get(cluster) {
            watched.suspected.notify_one();
        }
    }
}

/// Follows one kind of object for as long as the observer lives.
async fn follow(member: Arc<Member>, look: Look, watched: Arc<Watched>) {
    loop {
        let watch = Watch::new(&member, look.ty.clone(), look.which.scope());
        let mut watch = watch.telling(Arc::clone(&watched.suspected));
        let error = loop {
            match watch.next().await {
                Ok(event) => watched.update(|sight| sight.note(look.slot, event)),
                Err(error) => break error,
            }
        };
        tracing::debug!(cluster = %member.name, slot = look.slot.what(), %error, "cannot be watched");
        watched.update(|sight| sight.deny(look.slot, error.to_string()));
        sleep(DENIED_PAUSE).await;
    }
}

/// Finds out after each break whether the cluster still answers, and if not when it does again.
async fn feel_pulse(member: Arc<Member>, watched: Arc<Watched>) {
    loop {
        watched.suspected.notified().await;
        let mut pause = FIRST_PAUSE;
        while let Err(why) = probe(&member).await {
            tracing::debug!(cluster = %member.name, why, "does not answer");
            watched.update(|sight| sight.away = Some(why));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let was_away = watched.update(|sight| sight.away.take().is_some());
        if was_away {
            tracing::info!(cluster = %member.name, "answers again");
        }
    }
}

/// Whether the server answers anything at all.
async fn probe(member: &Member) -> Result<(), String> {
    match timeout(PROBE, member.get(&ResourceType::namespace(), None, "kube-system")).await {
        Err(_) => Err(format!("no answer within {} s", PROBE.as_secs())),
        Ok(Err(error)) if is_unreachable(&error) => Err(error.to_string()),
        Ok(Err(error @ MemberError::Unauthorized { .. })) => Err(error.to_string()),
        Ok(_) => Ok(()),
    }
}
