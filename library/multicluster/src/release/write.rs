//! Writing the journal before what it says is done.
//!
//! Invariant: an action is begun on a cluster only if that cluster has the journal that asks for it; one that belongs to no
//! cluster, if any has. A cluster that hangs holds the others up for a moment once, and then catches up by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use multicluster_core::names::ClusterName;
use multicluster_core::release::journal::Journal;
use tokio::time::{Instant, timeout_at};

use super::engine::Engine;
use super::error::{ReleaseError, is_unreachable};
use super::journal::{self, JournalError};
use super::take::Seat;

/// How long one write may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How long the others are waited for once one cluster has the journal.
const OTHERS: Duration = Duration::from_secs(2);

/// How one write went.
#[derive(Debug)]
pub(super) enum Wrote {
    /// It is there.
    Done { revision: String, written: (u64, u64) },
    /// Another apply has written.
    Superseded,
    /// It may be tried again.
    Passes(String),
    /// It will not be taken.
    Stays(String),
}

/// Which clusters lack the journal, and why.
#[derive(Debug, Default)]
pub(super) struct Desk {
    behind: BTreeMap<ClusterName, Option<String>>,
}

impl Desk {
    /// Writes the journal to all clusters that are not behind, and returns those that did not take it.
    pub(super) async fn write(
        &mut self,
        engine: &Engine,
        seats: &mut BTreeMap<ClusterName, Seat>,
        journal: &Journal,
    ) -> Result<Vec<ClusterName>, ReleaseError> {
        let places = seats.iter().filter(|(cluster, _)| !self.behind.contains_key(*cluster));
        let mut writes: FuturesUnordered<_> = places
            .map(|(cluster, seat)| {
                let (cluster, known) = (cluster.clone(), seat.revision.clone());
                async move {
                    let wrote = Self::write_one(engine, &cluster, journal, known.as_deref()).await;
                    (cluster, wrote)
                }
            })
            .collect();
        let mut open: BTreeSet<ClusterName> =
            seats.keys().filter(|it| !self.behind.contains_key(*it)).cloned().collect();
        let mut deadline = Instant::now() + LIMIT;
        let mut answers = Vec::new();
        while let Ok(Some((cluster, wrote))) = timeout_at(deadline, writes.next()).await {
            if matches!(wrote, Wrote::Done { .. }) {
                deadline = deadline.min(Instant::now() + OTHERS);
            }
            open.remove(&cluster);
            answers.push((cluster, wrote));
        }
        drop(writes);
        let late = open
            .into_iter()
            .map(|cluster| (cluster, Wrote::Passes("it did not take the journal in time".to_owned())));
        answers.extend(late);
        let mut failed = Vec::new();
        for (cluster, wrote) in answers {
            if !matches!(wrote, Wrote::Done { .. }) {
                failed.push(cluster.clone());
            }
            self.note(&cluster, wrote, seats)?;
        }
        Ok(failed)
    }

    /// Writes the journal to one cluster.
    pub(super) async fn write_one(
        engine: &Engine,
        cluster: &ClusterName,
        journal: &Journal,
        known: Option<&str>,
    ) -> Wrote {
        let Some(place) = engine.places.get(cluster) else {
            return Wrote::Stays("it is not part of the release".to_owned());
        };
        let write = journal::write_one(&place.member, &engine.layout.release, journal, known);
        match timeout_at(Instant::now() + LIMIT, write).await {
            Ok(Ok(revision)) => Wrote::Done { revision, written: (journal.epoch, journal.seq) },
            Ok(Err(JournalError::Superseded)) => Wrote::Superseded,
            Ok(Err(JournalError::Member(error))) if is_unreachable(&error) => {
                Wrote::Passes(error.to_string())
            }
            Ok(Err(error)) => Wrote::Stays(format!("it does not take the release's journal: {error}")),
            Err(_) => Wrote::Passes("it did not take the journal in time".to_owned()),
        }
    }

    /// Notes how a write went.
    pub(super) fn note(
        &mut self,
        cluster: &ClusterName,
        wrote: Wrote,
        seats: &mut BTreeMap<ClusterName, Seat>,
    ) -> Result<(), ReleaseError> {
        match wrote {
            Wrote::Done { revision, written } => {
                if let Some(seat) = seats.get_mut(cluster) {
                    (seat.revision, seat.written) = (Some(revision), written);
                }
                self.behind.remove(cluster);
            }
            Wrote::Superseded => return Err(ReleaseError::Superseded { cluster: cluster.clone() }),
            Wrote::Passes(why) => {
                tracing::debug!(%cluster, why, "the journal is not there");
                self.behind.insert(cluster.clone(), None);
            }
            Wrote::Stays(why) => {
                self.behind.insert(cluster.clone(), Some(why));
            }
        }
        Ok(())
    }

    /// Clusters that lack the journal.
    pub(super) fn behind(&self) -> Vec<ClusterName> {
        self.behind.keys().cloned().collect()
    }

    /// Why a cluster does not take the journal, where trying again is of little use.
    pub(super) fn trouble(&self, cluster: &ClusterName) -> Option<&str> {
        self.behind.get(cluster)?.as_deref()
    }

    /// Forgets a cluster that we have no seat on any more.
    pub(super) fn forget(&mut self, cluster: &ClusterName) {
        self.behind.remove(cluster);
    }

    /// A cluster takes part again, with a journal that may be older by now.
    pub(super) fn joined(&mut self, cluster: &ClusterName) {
        self.behind.insert(cluster.clone(), None);
    }

    /// Whether every seat that is not behind has this journal.
    pub(super) fn is_written(&self, journal: &Journal, seats: &BTreeMap<ClusterName, Seat>) -> bool {
        let has = |seat: &Seat| seat.written == (journal.epoch, journal.seq);
        seats.iter().filter(|(cluster, _)| !self.behind.contains_key(*cluster)).all(|(_, seat)| has(seat))
    }

    /// Whether something may be done on a cluster, or on none in particular: the journal is there.
    pub(super) fn covers(
        &self,
        cluster: Option<&ClusterName>,
        journal: &Journal,
        seats: &BTreeMap<ClusterName, Seat>,
    ) -> bool {
        let has = |seat: &Seat| seat.written == (journal.epoch, journal.seq);
        match cluster {
            Some(cluster) => seats.get(cluster).is_some_and(has),
            None => seats.values().any(has),
        }
    }
}
