//! Patches (RFC 6902) that write only to what was read.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};

use super::Refused;
use crate::digest::canonical;
use crate::object::text;

/// Operations that are collected, and then tied to the object as it was read.
#[derive(Debug, Default)]
pub(in crate::release) struct Ops(Vec<PatchOperation>);

/// A pointer from its unescaped steps.
pub(in crate::release) fn pointer(steps: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(steps.iter().copied())
}

impl Ops {
    pub(in crate::release) fn add(&mut self, path: PointerBuf, value: Value) {
        self.0.push(PatchOperation::Add(AddOperation { path, value }));
    }

    pub(in crate::release) fn remove(&mut self, path: PointerBuf) {
        self.0.push(PatchOperation::Remove(RemoveOperation { path }));
    }

    /// Sets a field of a mapping that is there; does nothing if it is so already.
    pub(in crate::release) fn set(&mut self, live: &Value, steps: &[&str], value: Value) {
        let path = pointer(steps);
        match live.pointer(path.as_str()) {
            Some(now) if same(now, &value) => {}
            Some(_) => self.0.push(PatchOperation::Replace(ReplaceOperation { path, value })),
            None => self.add(path, value),
        }
    }

    /// Removes a field if it is there.
    pub(in crate::release) fn unset(&mut self, live: &Value, steps: &[&str]) {
        let path = pointer(steps);
        if live.pointer(path.as_str()).is_some() {
            self.remove(path);
        }
    }

    /// Sets or removes labels or annotations.
    pub(in crate::release) fn metadata<'a>(
        &mut self,
        live: &Value,
        field: &str,
        values: impl IntoIterator<Item = (&'a str, Option<String>)>,
    ) {
        let mut there = live.pointer(&format!("/metadata/{field}")).is_some_and(Value::is_object);
        for (key, value) in values {
            match value {
                None => self.unset(live, &["metadata", field, key]),
                Some(value) => {
                    if !there {
                        self.add(pointer(&["metadata", field]), json!({}));
                        there = true;
                    }
                    self.set(live, &["metadata", field, key], Value::String(value));
                }
            }
        }
    }

    /// Whether there is nothing to do.
    pub(in crate::release) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patch. It begins with tests that the object is the one that was read, and as it was read; if there is nothing
    /// to do, it is empty.
    pub(in crate::release) fn tied_to(self, live: &Value, tested: &[&[&str]]) -> Result<Patch, Refused> {
        if self.is_empty() {
            return Ok(Patch(Vec::new()));
        }
        let version = text(live, "/metadata/resourceVersion");
        if version.is_empty() {
            return Err(Refused::Unreadable("it has no `metadata.resourceVersion`".to_owned()));
        }
        let mut operations = vec![test(&["metadata", "resourceVersion"], version.into())];
        for steps in tested {
            if let Some(value) = live.pointer(pointer(steps).as_str()) {
                operations.push(test(steps, value.clone()));
            }
        }
        operations.extend(self.0);
        Ok(Patch(operations))
    }
}

fn test(steps: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: pointer(steps), value })
}

/// Whether two values say the same: servers write `20.0` as `20`.
pub(in crate::release) fn same(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}
