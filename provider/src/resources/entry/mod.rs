//! Some objects that are kept on clusters, as users write them: an entry of a federation's `resources`, or a resource of
//! its own.

mod model;
mod schema;

pub(crate) use model::{Defaults, Entry, labels, path_of, resource, source_of};
pub(crate) use schema::{attributes, overrides, policy, replicas, wait};
