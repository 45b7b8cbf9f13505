//! One apply of a release: look, decide, write down, do, and again, until the decision is that it ends here.
//!
//! ```text
//! observe ──▶ core: next ──▶ journal (all clusters that answer) ──▶ actions (only where the journal is) ──▶ observe
//! ```
//!
//! Nothing here decides what to do. What is decided here is when something may be written: never without the lease of the
//! cluster, never before its journal says so, and one thing at a time to what leads traffic on one cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, select_all};
use jiff::{SignedDuration, Timestamp};
use multicluster_core::analysis::Measurement;
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::journal::{Journal, Phase, Stage};
use multicluster_core::release::next;
use multicluster_core::release::observed::{ClusterView, Observed};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::act::{self, Done, Hand, Trouble};
use super::engine::Engine;
use super::error::ReleaseError;
use super::events;
use super::measure;
use super::observe::Observer;
use super::progress::{Event, events as events_between};
use super::take::{self, Seat, Taken};
use super::view;
use super::write::{Desk, Wrote};
use crate::federation::Run;

/// How soon something that succeeded may be done again, if the clusters do not show it.
const AGAIN: Duration = Duration::from_secs(1);
/// The first pause after a failure that passes, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest time without looking at the clock: so late a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long actions that have begun may take to end when the apply does.
const LAST_ACTIONS: Duration = Duration::from_secs(10);
/// How long an apply that is interrupted, or out of time, may still take. The decision is to end long before.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// How an apply of a release went.
#[derive(Debug)]
pub struct Outcome {
    /// What the journal says at the end; `None` if there is none.
    pub journal: Option<Journal>,
    /// How it ended, or what put an end to it.
    pub ended: Result<Ended, ReleaseError>,
    /// What the clusters showed last.
    pub clusters: BTreeMap<ClusterName, ClusterView>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Whether the time allowed for it was over.
    pub out_of_time: bool,
}

/// Goes on with the release that `journal` describes, on the clusters whose seats are given, until it ends.
pub(super) struct Session {
    engine: Arc<Engine>,
    run: Run,
    observer: Arc<Observer>,
    pub(super) seats: BTreeMap<ClusterName, Seat>,
    /// Why we have no seat.
    away: BTreeMap<ClusterName, String>,
    pub(super) journal: Journal,
    desk: Desk,
    tasks: JoinSet<Finished>,
    running: BTreeMap<Id, Work>,
    handles: BTreeMap<Action, AbortHandle>,
    attempts: BTreeMap<Action, Attempt>,
    refused: BTreeMap<ClusterName, (Action, String)>,
    pauses: BTreeMap<ClusterName, Attempt>,
    in_dns: BTreeMap<ClusterName, bool>,
    measurements: Vec<Measurement>,
    pub(super) warnings: Vec<String>,
    /// Since when the user, or the time, wants it to end.
    stopping: Option<Instant>,
    pub(super) out_of_time: bool,
}

/// What runs in the background.
#[derive(Clone, Debug, PartialEq)]
enum Work {
    Act(Action),
    Join(ClusterName),
    CatchUp(ClusterName),
    Tell,
}

#[derive(Debug)]
enum Finished {
    Acted(Result<Done, Trouble>),
    Joined(Box<Result<Seat, ReleaseError>>),
    CaughtUp(Wrote),
    Told,
}

/// When something may be tried again.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    failures: u32,
    not_before: Instant,
}

impl Attempt {
    fn succeeded() -> Self {
        Self { failures: 0, not_before: Instant::now() + AGAIN }
    }

    fn failed(before: Option<&Self>) -> Self {
        let failures = before.map_or(0, |before| before.failures).saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE);
        Self { failures, not_before: Instant::now() + pause }
    }

    fn may(&self) -> bool {
        Instant::now() >= self.not_before
    }
}

impl Session {
    pub(super) fn new(
        engine: &Arc<Engine>,
        run: &Run,
        observer: Arc<Observer>,
        taken: Taken,
        journal: Journal,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            run: run.clone(),
            observer,
            seats: taken.seats,
            away: taken.away,
            journal,
            desk: Desk::default(),
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            handles: BTreeMap::new(),
            attempts: BTreeMap::new(),
            refused: BTreeMap::new(),
            pauses: BTreeMap::new(),
            in_dns: BTreeMap::new(),
            measurements: Vec::new(),
            warnings: Vec::new(),
            stopping: None,
            out_of_time: false,
        }
    }

    /// Goes on until the decision is that it ends here.
    pub(super) async fn go(&mut self) -> Result<Ended, ReleaseError> {
        self.look_at_dns().await;
        loop {
            self.check_leases();
            self.notice_stop();
            let now = self.run.clock.now();
            let observed = self.observed(now);
            let next = next(&self.engine.spec, &self.journal, &observed, now);
            self.note_journal(next.journal, now).await?;
            if let Some(ended) = next.ended {
                return Ok(ended);
            }
            if self.stopping.is_some_and(|since| since.elapsed() >= LAST_WORDS) {
                return Ok(Ended::Interrupted);
            }
            self.catch_up();
            self.rejoin();
            let mut actions = next.actions;
            actions.extend(self.half_switched());
            self.begin(&actions);
            self.wait(&actions, next.wake, now).await?;
        }
    }

    /// Takes a new journal, and writes it to all clusters that answer.
    pub(super) async fn note_journal(
        &mut self,
        mut next: Journal,
        now: Timestamp,
    ) -> Result<(), ReleaseError> {
        // Measurements are counted once, whatever the journal made of them.
        self.measurements.clear();
        if next != self.journal {
            let remembered = self.engine.progress.remembered();
            next.notifiers.extend(remembered);
            let events = events_between(&self.engine.spec, Some(&self.journal), &next, now);
            self.journal = next;
            self.write().await?;
            for event in events {
                self.tell(&event);
            }
        } else if !self.desk.is_written(&self.journal, &self.seats) {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), ReleaseError> {
        let failed = self.desk.write(&self.engine, &mut self.seats, &self.journal).await?;
        failed.iter().for_each(|cluster| self.observer.suspect(cluster));
        Ok(())
    }

    fn tell(&mut self, event: &Event) {
        tracing::info!(
            release = %self.engine.layout.release.name, id = event.release, kind = event.kind.reason(),
            cluster = event.cluster.as_ref().map(tracing::field::display), "{}", event.message
        );
        self.engine.progress.tell(event, &self.journal);
        for cluster in self.seats.keys() {
            if event.cluster.as_ref().is_some_and(|only| only != cluster) {
                continue;
            }
            let Some(place) = self.engine.places.get(cluster) else { continue };
            let target = self.observer.with(cluster, |sight| {
                view::workload_reference(&self.engine.layout, sight, self.journal.release.as_ref())
            });
            let Some(Some(target)) = target else { continue };
            let post = events::post(
                Arc::clone(&place.member),
                self.engine.layout.release.clone(),
                target,
                event.clone(),
                self.run.holder.clone(),
            );
            let handle = self.tasks.spawn(async move {
                post.await;
                Finished::Told
            });
            self.running.insert(handle.id(), Work::Tell);
        }
    }

    /// What the clusters show, in the terms of the decision.
    fn observed(&mut self, now: Timestamp) -> Observed {
        let left = self.run.deadline.saturating_duration_since(Instant::now());
        let until = SignedDuration::try_from(left).ok().and_then(|left| now.checked_add(left).ok());
        Observed {
            clusters: self.views(),
            measurements: self.measurements.clone(),
            interrupted: self.stopping.is_some(),
            until,
        }
    }

    pub(super) fn views(&self) -> BTreeMap<ClusterName, ClusterView> {
        self.engine.places.keys().map(|cluster| (cluster.clone(), self.view(cluster))).collect()
    }

    fn view(&self, cluster: &ClusterName) -> ClusterView {
        let unreachable = |error: &str| ClusterView::Unreachable { error: error.to_owned() };
        if !self.seats.contains_key(cluster) {
            return unreachable(self.away.get(cluster).map_or("it was not reached yet", String::as_str));
        }
        if let Some(why) = self.desk.trouble(cluster) {
            return unreachable(why);
        }
        if !self.observer.is_known(cluster) {
            let away = self.observer.with(cluster, |sight| sight.away.clone()).flatten();
            return unreachable(away.as_deref().unwrap_or("it has not been looked at yet"));
        }
        let (Some(place), Some(release)) = (self.engine.places.get(cluster), &self.journal.release) else {
            return unreachable("it is not part of the release");
        };
        let refused = self.refused.get(cluster).map(|(_, why)| why.clone());
        let in_dns = self.in_dns.get(cluster).copied();
        let seen = self
            .observer
            .with(cluster, |sight| view::seen(&self.engine, place, &self.journal, release, sight));
        match seen {
            Some(seen) => ClusterView::Seen(Box::new(multicluster_core::release::observed::Seen {
                refused: refused.or(seen.refused),
                in_dns,
                ..seen
            })),
            None => unreachable("it is not watched"),
        }
    }

    /// Gives up the clusters whose lease is not ours any more: nothing is written there until it is again.
    fn check_leases(&mut self) {
        let lost: Vec<ClusterName> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.lease.lost().is_cancelled())
            .map(|(cluster, _)| cluster.clone())
            .collect();
        for cluster in lost {
            self.seats.remove(&cluster);
            self.desk.forget(&cluster);
            self.away.insert(
                cluster.clone(),
                "it could not be reached in time to renew the release's lease".to_owned(),
            );
            for (action, handle) in &self.handles {
                if act::place_of(action) == Some(&cluster) {
                    handle.abort();
                }
            }
            self.observer.suspect(&cluster);
        }
    }

    fn notice_stop(&mut self) {
        if self.stopping.is_none() {
            let out_of_time = Instant::now() >= self.run.deadline;
            if self.run.cancelled.is_cancelled() || out_of_time {
                self.out_of_time = out_of_time;
                self.stopping = Some(Instant::now());
            }
        }
    }

    /// Tries to take part again on clusters that answer and on which we have no lease.
    fn rejoin(&mut self) {
        let waiting: Vec<ClusterName> =
            self.engine.places.keys().filter(|cluster| !self.seats.contains_key(*cluster)).cloned().collect();
        for cluster in waiting {
            let work = Work::Join(cluster.clone());
            let known = self.observer.is_known(&cluster);
            let may = self.pauses.get(&cluster).is_none_or(Attempt::may);
            if !known || !may || self.running.values().any(|one| *one == work) {
                continue;
            }
            let (engine, run, journal) = (Arc::clone(&self.engine), self.run.clone(), self.journal.clone());
            let handle = self.tasks.spawn(async move {
                let Some(place) = engine.places.get(&cluster) else { return Finished::Told };
                Finished::Joined(Box::new(take::join(&engine.ground(), &place.site(), &journal, &run).await))
            });
            self.running.insert(handle.id(), work);
        }
    }

    /// Brings the journal to clusters that missed it.
    fn catch_up(&mut self) {
        for cluster in self.desk.behind() {
            let work = Work::CatchUp(cluster.clone());
            let may = self.pauses.get(&cluster).is_none_or(Attempt::may);
            let away = self.observer.with(&cluster, |sight| sight.away.is_some()).unwrap_or(true);
            let Some(seat) = self.seats.get(&cluster) else { continue };
            if away || !may || self.running.values().any(|one| *one == work) {
                continue;
            }
            let (engine, journal, known) =
                (Arc::clone(&self.engine), self.journal.clone(), seat.revision.clone());
            let handle = self.tasks.spawn(async move {
                Finished::CaughtUp(Desk::write_one(&engine, &cluster, &journal, known.as_deref()).await)
            });
            self.running.insert(handle.id(), work);
        }
    }

    /// Switches that an earlier apply, or one that failed, has written to the route and not to the stable Service beside it.
    /// The decision sees the route's weight, and takes them for done but not accepted.
    fn half_switched(&self) -> Vec<Action> {
        let Some(release) = &self.journal.release else { return Vec::new() };
        let switches = release.clusters.iter().filter_map(|(cluster, state)| {
            let (step, to) = match state.stage {
                Stage::Step { index, verified: None } => (Some(index), release.to),
                Stage::Returning { verified: None } => (None, release.to.other()),
                _ => return None,
            };
            let none = BTreeSet::new();
            let wish = self.engine.wish(&self.journal, release, cluster, (step, to), none);
            let half = self
                .observer
                .with(cluster, |sight| view::is_half_switched(&self.engine.layout, sight, &wish));
            (half == Some(true)).then(|| Action::Shift { cluster: cluster.clone(), step, to })
        });
        switches.collect()
    }

    /// Begins what is to be done and does not run yet, and ends what is not to be done any more.
    fn begin(&mut self, actions: &[Action]) {
        let wanted: BTreeSet<&Action> = actions.iter().collect();
        for (running, handle) in &self.handles {
            // What has begun comes to its end, unless it stands in the way of what is wanted now: a switch that is cut
            // short may have been written to one of two objects.
            let in_the_way =
                || actions.iter().any(|action| action != running && act::collide(running, action));
            let in_vain = matches!(running, Action::Measure { .. });
            if !wanted.contains(running) && (in_vain || in_the_way()) {
                handle.abort();
            }
        }
        self.attempts.retain(|action, _| wanted.contains(action));
        self.refused.retain(|_, (action, _)| wanted.contains(action));
        for action in actions {
            if self.may_begin(action) {
                self.spawn(action);
            }
        }
    }

    fn may_begin(&self, action: &Action) -> bool {
        let busy = self.handles.keys().any(|running| act::collide(running, action));
        let may = self.attempts.get(action).is_none_or(Attempt::may);
        let refused = act::place_of(action)
            .and_then(|cluster| self.refused.get(cluster))
            .is_some_and(|(refused, _)| refused == action);
        !busy && may && !refused && self.desk.covers(act::place_of(action), &self.journal, &self.seats)
    }

    fn spawn(&mut self, action: &Action) {
        let (engine, observer) = (Arc::clone(&self.engine), Arc::clone(&self.observer));
        let (journal, clock) = (self.journal.clone(), self.run.clock.clone());
        let lost =
            act::place_of(action).and_then(|cluster| self.seats.get(cluster)).map(|seat| seat.lease.lost());
        let doing = action.clone();
        let handle = self.tasks.spawn(async move {
            let work = async {
                match &doing {
                    Action::Measure { metric, cluster } => {
                        let asked =
                            measure::measure(&engine, &observer, &journal, &clock, metric, cluster.as_ref());
                        asked.await.map(|measurement| Done::Measured(Box::new(measurement)))
                    }
                    doing => act::act(&engine, &observer, &journal, doing).await,
                }
            };
            let lost = async {
                match lost {
                    Some(lost) => lost.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = lost => Finished::Acted(Err(Trouble::Passes("the lease was lost".to_owned()))),
                done = work => Finished::Acted(done),
            }
        });
        self.running.insert(handle.id(), Work::Act(action.clone()));
        self.handles.insert(action.clone(), handle);
    }

    /// Waits until there is a reason to look again.
    async fn wait(
        &mut self,
        actions: &[Action],
        wake: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ReleaseError> {
        let until = self.until(actions, wake, now);
        let lost: Vec<_> = self.seats.values().map(|seat| seat.lease.lost()).collect();
        let mut lost: Vec<_> = lost.iter().map(|lost| Box::pin(lost.cancelled())).collect();
        // Without any seat there is nothing to lose.
        let lost = async move {
            if lost.is_empty() {
                std::future::pending::<()>().await;
            }
            select_all(lost.iter_mut()).await;
        };
        let stopping = self.stopping.is_some();
        let (cancelled, deadline) = (self.run.cancelled.clone(), self.run.deadline);
        let finished = tokio::select! {
            biased;
            () = cancelled.cancelled(), if !stopping => None,
            () = lost => None,
            Some(finished) = self.tasks.join_next_with_id() => Some(finished),
            () = self.observer.changed() => None,
            () = sleep_until(until) => None,
            () = sleep_until(deadline), if !stopping => None,
        };
        match finished {
            Some(Ok((id, finished))) => self.finished(id, finished)?,
            Some(Err(error)) => self.broke(&error),
            None => {}
        }
        // What has ended in the meantime is taken in the same look.
        while let Some(finished) = self.tasks.try_join_next_with_id() {
            match finished {
                Ok((id, finished)) => self.finished(id, finished)?,
                Err(error) => self.broke(&error),
            }
        }
        Ok(())
    }

    /// When to look again even if nothing happens.
    fn until(&self, actions: &[Action], wake: Option<Timestamp>, now: Timestamp) -> Instant {
        let mut until = Instant::now() + LONGEST_SLEEP;
        if let Some(wake) = wake {
            let wait = Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO);
            until = until.min(Instant::now() + wait.min(LONGEST_SLEEP) + Duration::from_millis(1));
        }
        let attempts = actions.iter().filter(|action| !self.handles.contains_key(*action));
        let attempts = attempts.filter_map(|action| self.attempts.get(action));
        let pauses = self.pauses.values();
        let soon =
            attempts.chain(pauses).map(|attempt| attempt.not_before).filter(|at| *at > Instant::now()).min();
        soon.map_or(until, |soon| until.min(soon))
    }

    fn broke(&mut self, error: &tokio::task::JoinError) {
        let work = self.running.remove(&error.id());
        if let Some(Work::Act(action)) = &work {
            self.handles.remove(action);
            if error.is_panic() {
                let attempt = Attempt::failed(self.attempts.get(action));
                self.attempts.insert(action.clone(), attempt);
            }
        }
        if error.is_panic() {
            tracing::error!(?work, "a task of the release broke off; this is a bug of the provider");
        }
    }

    fn finished(&mut self, id: Id, finished: Finished) -> Result<(), ReleaseError> {
        let Some(work) = self.running.remove(&id) else { return Ok(()) };
        match (work, finished) {
            (Work::Act(action), Finished::Acted(result)) => {
                self.handles.remove(&action);
                self.acted(action, result)?;
            }
            (Work::Join(cluster), Finished::Joined(result)) => self.joined(cluster, *result)?,
            (Work::CatchUp(cluster), Finished::CaughtUp(wrote)) => {
                let attempt = match &wrote {
                    Wrote::Done { .. } => None,
                    _ => Some(Attempt::failed(self.pauses.get(&cluster))),
                };
                match attempt {
                    Some(attempt) => self.pauses.insert(cluster.clone(), attempt),
                    None => self.pauses.remove(&cluster),
                };
                self.desk.note(&cluster, wrote, &mut self.seats)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn acted(&mut self, action: Action, result: Result<Done, Trouble>) -> Result<(), ReleaseError> {
        let cluster = act::place_of(&action).cloned();
        match result {
            Ok(Done::Measured(measurement)) => {
                self.attempts.remove(&action);
                self.measurements.push(*measurement);
            }
            Ok(Done::InDns(in_dns)) => {
                self.attempts.insert(action, Attempt::succeeded());
                if let Some(cluster) = cluster {
                    self.in_dns.insert(cluster, in_dns);
                }
            }
            Ok(Done::Written) => drop(self.attempts.insert(action, Attempt::succeeded())),
            Err(Trouble::Passes(why)) => {
                tracing::debug!(?action, why, "tried again later");
                if let Some(cluster) = &cluster {
                    self.observer.suspect(cluster);
                }
                let attempt = Attempt::failed(self.attempts.get(&action));
                self.attempts.insert(action, attempt);
            }
            Err(Trouble::Stays(why)) => {
                if let Some(cluster) = cluster {
                    tracing::warn!(%cluster, ?action, why, "refused");
                    self.refused.insert(cluster, (action, why));
                }
            }
            Err(Trouble::Superseded) => {
                let cluster = cluster.or_else(|| self.engine.places.keys().next().cloned());
                return Err(match cluster {
                    Some(cluster) => ReleaseError::Superseded { cluster },
                    None => ReleaseError::Interrupted,
                });
            }
        }
        Ok(())
    }

    fn joined(
        &mut self,
        cluster: ClusterName,
        result: Result<Seat, ReleaseError>,
    ) -> Result<(), ReleaseError> {
        match result {
            Ok(seat) => {
                tracing::info!(%cluster, "takes part in the release again");
                self.pauses.remove(&cluster);
                self.away.remove(&cluster);
                self.desk.joined(&cluster);
                self.seats.insert(cluster, seat);
                Ok(())
            }
            Err(error @ ReleaseError::Superseded { .. }) => Err(error),
            Err(error) => {
                if take::passes(&error) {
                    self.observer.suspect(&cluster);
                }
                self.away.insert(cluster.clone(), error.to_string());
                let attempt = Attempt::failed(self.pauses.get(&cluster));
                self.pauses.insert(cluster, attempt);
                Ok(())
            }
        }
    }

    /// After the end: what held the sizes during the release lets go, and what no version has any more is removed. None of
    /// it is needed to serve, so that a failure is a warning.
    pub(super) async fn tidy(&mut self) {
        let Some(release) = &self.journal.release else { return };
        let (serves, brought) = match release.phase {
            Phase::Completed => (release.to, true),
            Phase::RolledBack => (release.to.other(), false),
            _ => return,
        };
        let (engine, observer, journal) = (&*self.engine, &*self.observer, &self.journal);
        let places = self.seats.iter().filter(|(_, seat)| !seat.lease.lost().is_cancelled());
        let work = places.filter_map(|(cluster, _)| engine.places.get(cluster)).map(async |place| {
            let hand = Hand { engine, observer, journal, place };
            let work = async {
                hand.set_free(serves).await?;
                if brought { hand.prune(serves).await } else { Ok(()) }
            };
            let why = match timeout(LAST_ACTIONS, work).await {
                Ok(Ok(())) => return None,
                Ok(Err(Trouble::Passes(why) | Trouble::Stays(why))) => why,
                Ok(Err(Trouble::Superseded)) => "another apply has taken over".to_owned(),
                Err(_) => "no answer in time".to_owned(),
            };
            Some(format!("`{}` is released, and could not be tidied up: {why}", place.member.name))
        });
        let warnings: Vec<String> = join_all(work).await.into_iter().flatten().collect();
        self.warnings.extend(warnings);
    }

    async fn look_at_dns(&mut self) {
        let (Some(dns), true) = (&self.engine.dns, self.engine.spec.dns.is_some()) else { return };
        let reads =
            self.engine.places.keys().map(async |cluster| (cluster.clone(), dns.in_dns(cluster).await));
        for (cluster, read) in join_all(reads).await {
            match read {
                Ok(in_dns) => drop(self.in_dns.insert(cluster, in_dns)),
                Err(why) => {
                    self.warnings.push(format!("whether `{cluster}` is in DNS cannot be read: {why}"));
                }
            }
        }
    }

    /// Lets actions that have begun come to their end, and gives the leases back.
    pub(super) async fn close(mut self) {
        for (action, handle) in &self.handles {
            if matches!(action, Action::Measure { .. }) {
                handle.abort();
            }
        }
        let rest = async {
            while let Some(finished) = self.tasks.join_next_with_id().await {
                // A seat that was just taken is given back too.
                if let Ok((_, Finished::Joined(joined))) = finished
                    && let Ok(seat) = *joined
                {
                    seat.lease.release().await;
                }
            }
        };
        drop(timeout(LAST_ACTIONS, rest).await);
        self.tasks.shutdown().await;
        join_all(self.seats.into_values().map(|seat| seat.lease.release())).await;
    }
}
