//! Waiting until a custom resource definition can be used.

use std::time::Duration;

use multicluster_core::object::text;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Member, ResourceType, Wait, WaitError};

/// How often discovery is asked again. It follows the definition's condition within a second.
const DISCOVERY_PAUSE: Duration = Duration::from_millis(200);

impl Member {
    /// Waits until a custom resource definition is established and its versions are served, so that objects of its
    /// kind can be applied. Forgets what was discovered before.
    ///
    /// # Errors
    /// As for [`Member::wait_ready`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_established(&self, name: &str, wait: &Wait) -> Result<(), WaitError> {
        let definitions = ResourceType::custom_resource_definition();
        let definition = self.wait_ready(&definitions, None, name, 0, wait).await?;
        self.forget_discovery();
        let (group, kind) = (text(&definition, "/spec/group"), text(&definition, "/spec/names/kind"));
        for version in served_versions(&definition) {
            self.wait_served(&format!("{group}/{version}"), kind, wait).await?;
        }
        Ok(())
    }

    /// The condition is set before discovery and the handler know the new kind, so discovery has to be asked; there is
    /// nothing to watch.
    async fn wait_served(&self, api_version: &str, kind: &str, wait: &Wait) -> Result<(), WaitError> {
        loop {
            let trouble = match self.resource_type(api_version, kind).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => String::new(),
                Err(error) if error.is_unreachable() => format!(" ({error})"),
                Err(error) => return Err(error.into()),
            };
            if Instant::now() >= wait.deadline {
                return Err(WaitError::NotReady {
                    status: format!("{kind} of {api_version} is not served yet{trouble}"),
                });
            }
            tokio::select! {
                () = wait.cancelled.cancelled() => return Err(WaitError::Cancelled),
                () = sleep(DISCOVERY_PAUSE) => {}
            }
        }
    }
}

fn served_versions(definition: &Value) -> impl Iterator<Item = &str> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    versions
        .into_iter()
        .flatten()
        .filter(|version| version.pointer("/served").and_then(Value::as_bool).unwrap_or(false))
        .map(|version| text(version, "/name"))
}
