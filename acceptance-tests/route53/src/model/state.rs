//! The state of the emulated account.
//!
//! Plain data with the few operations that keep it consistent: every write goes through [`Store::write`], which
//! forgets the cached snapshot. Time is a duration since the start and comes from the caller.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{ChangeInfo, CidrCollection, HealthCheck, RecordSets, ServedZone, Snapshot, WorldHealth, Zone};

/// One account.
#[derive(Debug, Default)]
pub struct State {
    /// In the order of creation.
    pub zones: Vec<Zone>,
    /// By id.
    pub health_checks: BTreeMap<String, HealthCheck>,
    /// Caller references of health checks that were deleted; the service refuses them for some days.
    pub spent_references: BTreeSet<String>,
    /// By id.
    pub collections: BTreeMap<String, Arc<CidrCollection>>,
    /// `(resource type, resource id)` → key → value.
    pub tags: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// By id.
    pub changes: BTreeMap<String, ChangeInfo>,
    /// What tests said about endpoints and load balancers.
    pub world: WorldHealth,
    pending: Vec<Pending>,
}

/// Record sets that the name servers take over at a time.
#[derive(Debug)]
struct Pending {
    zone_id: String,
    at: Duration,
    sets: Arc<RecordSets>,
}

impl State {
    /// The zone of an id without prefix.
    pub fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    /// The zone of an id without prefix, for changes.
    pub fn zone_mut(&mut self, id: &str) -> Option<&mut Zone> {
        self.zones.iter_mut().find(|zone| zone.id == id)
    }

    /// Stores the outcome of a change: the API lists it at once, the name servers answer from it at `insync`, or
    /// when the zone's changes before it have arrived, if that is later. Returns that time.
    pub fn replace_sets(&mut self, zone_id: &str, sets: RecordSets, insync: Duration) -> Duration {
        let sets = Arc::new(sets);
        let before =
            self.pending.iter().filter(|pending| pending.zone_id == zone_id).map(|pending| pending.at);
        let at = before.fold(insync, Duration::max);
        if let Some(zone) = self.zone_mut(zone_id) {
            zone.record_sets = Arc::clone(&sets);
            self.pending.push(Pending { zone_id: zone_id.to_owned(), at, sets });
        }
        at
    }

    /// Makes every change INSYNC at `now`.
    pub fn settle(&mut self, now: Duration) {
        for change in self.changes.values_mut() {
            change.insync = change.insync.min(now);
        }
        for pending in &mut self.pending {
            pending.at = pending.at.min(now);
        }
    }

    /// Hands the sets of changes that are INSYNC at `now` to the name servers, in the order in which they were
    /// accepted. Returns whether anything changed.
    fn publish(&mut self, now: Duration) -> bool {
        let mut changed = false;
        for pending in std::mem::take(&mut self.pending) {
            if pending.at > now {
                self.pending.push(pending);
            } else if let Some(zone) = self.zone_mut(&pending.zone_id) {
                zone.published = pending.sets;
                changed = true;
            }
        }
        changed
    }

    fn snapshot(&self) -> Snapshot {
        let served = |zone: &Zone| ServedZone {
            id: zone.id.clone(),
            name: zone.name.clone(),
            private: zone.private,
            record_sets: Arc::clone(&zone.published),
        };
        let config = |check: &HealthCheck| (check.id.clone(), check.config.clone());
        Snapshot {
            zones: self.zones.iter().map(served).collect(),
            health_checks: self.health_checks.values().map(config).collect(),
            collections: self.collections.clone(),
            world: self.world.clone(),
        }
    }
}

/// The state behind its lock, with the clock.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    cached: Option<Arc<Snapshot>>,
}

impl Store {
    /// An empty account whose clock starts now.
    pub fn new() -> Self {
        Self { inner: Mutex::default(), started: Instant::now() }
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reads the state under the lock.
    pub fn read<T>(&self, reader: impl FnOnce(&State) -> T) -> T {
        reader(&self.lock().state)
    }

    /// Changes the state under the lock.
    pub fn write<T>(&self, writer: impl FnOnce(&mut State) -> T) -> T {
        let mut inner = self.lock();
        inner.cached = None;
        writer(&mut inner.state)
    }

    /// What the name servers know now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut inner = self.lock();
        if inner.state.publish(self.now()) {
            inner.cached = None;
        }
        let snapshot = inner.cached.take().unwrap_or_else(|| Arc::new(inner.state.snapshot()));
        inner.cached = Some(Arc::clone(&snapshot));
        snapshot
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A writer that panicked may have left a request half done; the next ones go on with what is there.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, RawRecordSet, RecordSet};

    fn sets(address: &str) -> RecordSets {
        let raw: RawRecordSet = serde_json::from_value(serde_json::json!({
            "Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]
        }))
        .unwrap();
        [RecordSet::from_raw(&raw).unwrap()].into_iter().collect()
    }

    fn state() -> State {
        let zone = Zone {
            id: "Z1".to_owned(),
            name: Name::parse("example.com").unwrap(),
            private: false,
            caller_reference: "r".to_owned(),
            comment: None,
            vpcs: BTreeSet::new(),
            name_servers: Vec::new(),
            record_sets: Arc::default(),
            published: Arc::default(),
        };
        State { zones: vec![zone], ..State::default() }
    }

    #[test]
    fn name_servers_see_a_change_when_it_is_insync() {
        let mut state = state();
        state.replace_sets("Z1", sets("192.0.2.1"), Duration::from_secs(5));
        assert_eq!(state.zone("Z1").unwrap().record_sets.len(), 1);
        assert!(!state.publish(Duration::from_secs(4)));
        assert_eq!(state.snapshot().zones[0].record_sets.len(), 0);
        assert!(state.publish(Duration::from_secs(5)));
        assert_eq!(state.snapshot().zones[0].record_sets.len(), 1);
    }

    #[test]
    fn changes_of_a_zone_never_overtake_each_other() {
        let mut state = state();
        state.replace_sets("Z1", sets("192.0.2.1"), Duration::from_secs(5));
        let later = state.replace_sets("Z1", sets("192.0.2.2"), Duration::from_secs(2));
        assert_eq!(later, Duration::from_secs(5));
        assert!(!state.publish(Duration::from_secs(3)));
        assert!(state.publish(Duration::from_secs(6)));
        assert_eq!(*state.snapshot().zones[0].record_sets, sets("192.0.2.2"));
    }
}
