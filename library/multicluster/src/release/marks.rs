//! What a release remembers on its own workloads: by annotations that no apply of a manifest writes or removes.

use multicluster_core::release::identity::ReleaseIdentity;
use multicluster_core::release::traffic::mark;
use serde_json::Value;

use super::view::annotation;

/// The digest of all objects of the colour as they were rendered, written when the last of them was applied.
pub(super) const OBJECTS_ANNOTATION: &str = "multicluster.dev/objects";
/// The digest of the fields that were ours then, so that changes by others are seen.
pub(super) const OWNED_ANNOTATION: &str = "multicluster.dev/owned";

/// One of these annotations.
pub(super) fn of<'a>(release: &ReleaseIdentity, live: &'a Value, name: &str) -> Option<&'a str> {
    annotation(live, &mark(release, name))
}
