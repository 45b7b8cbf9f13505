//! Waiting until an object is gone.

use multicluster_core::object::text;
use serde_json::Value;

use super::{
    Member, MemberError, ResourceType, Wait, WaitError,
    message::cut,
    watch::{Event, Scope, Watch},
};

impl Member {
    /// Waits until the object with this UID is gone. An object of the same name but another UID is a new one, so that
    /// ours is gone.
    ///
    /// # Errors
    /// [`WaitError::StillThere`] at the deadline, with what holds the object; [`WaitError::Cancelled`];
    /// [`WaitError::Member`] where looking is not allowed.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_gone(
        &self,
        ty: &ResourceType,
        namespace: Option<&str>,
        name: &str,
        uid: &str,
        wait: &Wait,
    ) -> Result<(), WaitError> {
        let mut watch = Watch::new(self, ty.clone(), Scope::name(namespace, name));
        let mut last = None;
        loop {
            let event = match wait.next(&mut watch).await {
                Ok(Some(event)) => event,
                Ok(None) => break,
                // With its definition every object of a kind is gone.
                Err(WaitError::Member(MemberError::UnknownKind)) => return Ok(()),
                Err(error) => return Err(error),
            };
            let ours = |object: &Value| text(object, "/metadata/uid") == uid;
            last = match event {
                Event::Listed(objects) => objects.into_iter().find(ours),
                Event::Changed(object) => Some(object).filter(ours),
                Event::Deleted(object) if ours(&object) => None,
                Event::Deleted(_) => continue,
            };
            if last.is_none() {
                return Ok(());
            }
        }
        Err(match (last, watch.trouble()) {
            (Some(object), _) => {
                WaitError::StillThere { finalizers: finalizers(&object), conditions: conditions(&object) }
            }
            (None, Some(trouble)) => WaitError::Member(trouble.clone()),
            (None, None) => WaitError::StillThere { finalizers: Vec::new(), conditions: Vec::new() },
        })
    }
}

/// The finalizers of an object; a namespace has its own list.
fn finalizers(object: &Value) -> Vec<String> {
    ["/metadata/finalizers", "/spec/finalizers"]
        .iter()
        .filter_map(|pointer| object.pointer(pointer).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .map(cut)
        .collect()
}

/// What a namespace says about what is left in it.
fn conditions(object: &Value) -> Vec<String> {
    if text(object, "/kind") != "Namespace" {
        return Vec::new();
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .filter(|condition| text(condition, "/status") == "True")
        .map(|condition| cut(text(condition, "/message")))
        .filter(|message| !message.is_empty())
        .collect()
}
