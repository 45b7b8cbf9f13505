//! A hosted zone: what it is, and what stands in it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use multicluster_core::route53::RecordName;

use super::{
    Client, Run,
    cache::Cache,
    call::Operation,
    error::{CallError, CallFailure},
    run::Stop,
    submit::Queue,
};

/// A hosted zone of the account. Cheap to clone: clones, and all others of the same id, share what was read and the
/// queue of what is to be written.
#[derive(Clone)]
pub struct Zone {
    pub(super) client: Client,
    pub(super) shared: Arc<ZoneShared>,
}

pub(super) struct ZoneShared {
    pub(super) id: String,
    pub(super) queue: Queue,
    cache: Mutex<Cache>,
    /// Held by the one that reads.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// The zone's name, once it was seen.
    pub(super) apex: OnceLock<RecordName>,
    info: tokio::sync::Mutex<Option<ZoneInfo>>,
}

/// What a hosted zone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneInfo {
    /// The id, without `/hostedzone/`.
    pub id: String,
    /// The name of the zone.
    pub name: RecordName,
    /// Whether it answers only within networks of the account.
    pub private: bool,
    /// How many record sets it had when it was asked for.
    pub record_sets: u64,
    /// The servers that answer for it: what its parent's `NS` records should name. None for a private zone.
    pub name_servers: Vec<String>,
}

impl ZoneShared {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            queue: Queue::default(),
            cache: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            apex: OnceLock::new(),
            info: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Zone {
    /// The zone's id, without `/hostedzone/`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// What the zone is, asked for once in the life of the client.
    ///
    /// # Errors
    /// [`CallError`]; a zone that does not exist is one with [`CallError::is_not_found`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn info(&self, run: &Run) -> Result<ZoneInfo, CallError> {
        let operation = Operation::harmless("GetHostedZone", &self.shared.id);
        let asking = run.during(self.shared.info.lock()).await;
        let mut known = asking.map_err(|stop| operation.error(stopped(stop)))?;
        if let Some(info) = &*known {
            return Ok(info.clone());
        }
        let answer =
            self.client.call(operation, run, |sdk| sdk.get_hosted_zone().id(&self.shared.id).send()).await?;
        let zone = answer.hosted_zone.ok_or_else(|| operation.unintelligible("the zone is missing"))?;
        let name = RecordName::new(&zone.name)
            .map_err(|_| operation.unintelligible("the zone's name is not a name"))?;
        let private = zone.config.is_some_and(|config| config.private_zone);
        let info = ZoneInfo {
            id: self.shared.id.clone(),
            name,
            private,
            record_sets: zone.resource_record_set_count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0),
            name_servers: answer
                .delegation_set
                .filter(|_| !private)
                .map(|set| set.name_servers)
                .unwrap_or_default(),
        };
        *known = Some(info.clone());
        // Set at most once, and always to the same.
        let _ = self.shared.apex.set(info.name.clone());
        Ok(info)
    }

    /// The name of the zone: known from what was read of its record sets, or asked for.
    ///
    /// # Errors
    /// As [`Zone::info`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn name(&self, run: &Run) -> Result<RecordName, CallError> {
        match self.shared.apex.get() {
            Some(name) => Ok(name.clone()),
            None => Ok(self.info(run).await?.name),
        }
    }
}

pub(super) fn stopped(stop: Stop) -> CallFailure {
    match stop {
        Stop::Cancelled => CallFailure::Cancelled,
        Stop::Deadline => CallFailure::Deadline { refused: None },
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zone").field("id", &self.shared.id).finish_non_exhaustive()
    }
}
