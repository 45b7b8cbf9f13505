//! Waiting until an object is what its spec says, or it is clear that it will not be.

use std::collections::BTreeMap;

use multicluster_core::{
    object::text,
    readiness::{PodFailure, Readiness, readiness, unmet},
};
use serde_json::Value;
use tokio::time::sleep_until;

use super::{
    Member, MemberError, ResourceType, Wait, WaitError,
    pods::Pods,
    watch::{Event, Scope, Watch},
};

/// How far the object is, and what to do about it.
enum Progress {
    Ready,
    Waiting(String),
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Until<'a> {
    /// In this `metadata.generation` or a later one.
    pub generation: i64,
    /// That the object is what its spec says, by the rules for its kind.
    pub ready: bool,
    /// That conditions of its status have these values, by their types.
    pub conditions: &'a BTreeMap<String, String>,
}

impl Member {
    /// Waits until the object is ready, in the generation `min_generation` or a later one, and returns it.
    ///
    /// For Deployments, `StatefulSets` and `DaemonSets` their pods are watched too: a pod of the current revision that
    /// cannot start ends the wait at once. Pods of an older revision do not count, whatever state they are in. Without
    /// permission to see pods the object's own words must do.
    ///
    /// # Errors
    /// [`WaitError::NotReady`] at the deadline; [`WaitError::Failed`] or [`WaitError::PodFailed`] when waiting has no
    /// point; [`WaitError::Deleted`]; [`WaitError::Cancelled`]; [`WaitError::Member`] where looking is not allowed.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_ready(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        min_generation: i64,
        wait: &Wait,
    ) -> Result<Value, WaitError> {
        let conditions = BTreeMap::new();
        let until = Until { generation: min_generation, ready: true, conditions: &conditions };
        self.wait_until(ty, namespace, name, until, wait).await
    }

    /// The same for other signs of readiness.
    ///
    /// # Errors
    /// As [`Member::wait_ready`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_until(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        until: Until<'_>,
        wait: &Wait,
    ) -> Result<Value, WaitError> {
        let mut watch = Watch::new(self, ty.clone(), Scope::name(namespace, name));
        let mut pods = Pods::none();
        let mut seen: Option<Value> = None;
        let mut status = String::from("it has not been seen yet");
        loop {
            tokio::select! {
                biased;
                () = wait.cancelled.cancelled() => return Err(WaitError::Cancelled),
                event = watch.next() => {
                    let object = newest(event?, name)?;
                    match progress(&object, until)? {
                        Progress::Ready => return Ok(object),
                        Progress::Waiting(words) => status = words,
                    }
                    if until.ready {
                        pods.follow(self, &object);
                    }
                    seen = Some(object);
                }
                () = pods.changed() => {}
                () = sleep_until(wait.deadline) => return Err(not_ready(status, watch.trouble())),
            }
            if let Some(object) = &seen
                && let Some(failure) = self.pod_failure(&pods, object, wait).await?
            {
                return Err(WaitError::PodFailed(failure));
            }
        }
    }

    async fn pod_failure(
        &self,
        pods: &Pods<'_>,
        object: &Value,
        wait: &Wait,
    ) -> Result<Option<PodFailure>, WaitError> {
        tokio::select! {
            biased;
            () = wait.cancelled.cancelled() => Err(WaitError::Cancelled),
            failure = pods.failure(self, object) => Ok(failure),
        }
    }
}

/// The object as the event shows it.
fn newest(event: Event, name: &str) -> Result<Value, WaitError> {
    match event {
        Event::Listed(objects) => objects
            .into_iter()
            .find(|object| text(object, "/metadata/name") == name)
            .ok_or(WaitError::Deleted),
        Event::Changed(object) => Ok(object),
        Event::Deleted(_) => Err(WaitError::Deleted),
    }
}

fn progress(object: &Value, until: Until<'_>) -> Result<Progress, WaitError> {
    // Kinds without a generation have no stale status either.
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    if generation.is_some_and(|generation| generation < until.generation) {
        return Ok(Progress::Waiting("the latest change is not visible yet".to_owned()));
    }
    if until.ready {
        match readiness(object) {
            Readiness::Current => {}
            Readiness::InProgress(words) => return Ok(Progress::Waiting(words)),
            Readiness::Failed(message) => return Err(WaitError::Failed { message }),
            Readiness::Terminating => return Err(WaitError::Deleted),
        }
    }
    Ok(match unmet(object, until.conditions) {
        Some(words) => Progress::Waiting(words),
        None => Progress::Ready,
    })
}

fn not_ready(status: String, trouble: Option<&MemberError>) -> WaitError {
    let status = match trouble {
        Some(trouble) => format!("{status} when last seen; now {trouble}"),
        None => status,
    };
    WaitError::NotReady { status }
}
