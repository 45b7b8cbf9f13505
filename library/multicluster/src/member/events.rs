//! What happened to an object, as the cluster's components tell it.

use multicluster_core::object::text;
use serde_json::Value;

use super::{Member, MemberError, ResourceType, message::cut, resource_type::percent_encode};

impl Member {
    /// The events of the object with this UID, the latest last, each as `reason: message`.
    pub(crate) async fn events(&self, namespace: &str, uid: &str) -> Result<Vec<String>, MemberError> {
        let ty = ResourceType {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Event".to_owned(),
            plural: "events".to_owned(),
            namespaced: true,
        };
        let query = format!("fieldSelector=involvedObject.uid%3D{}", percent_encode(uid));
        let mut events = self.pages(&ty, Some(namespace), &query).await?.items;
        events.sort_by(|one, other| when(one).cmp(when(other)));
        Ok(events.iter().map(words).collect())
    }
}

/// When it happened last. Components fill different fields, all in a form whose order is that of time.
fn when(event: &Value) -> &str {
    let fields = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    fields.iter().map(|field| text(event, field)).find(|time| !time.is_empty()).unwrap_or_default()
}

fn words(event: &Value) -> String {
    cut(&format!("{}: {}", text(event, "/reason"), text(event, "/message")))
}
