//! The rule that turns the host's proposal into a plan, in one place and pure.
//!
//! ```text
//! proposal ─▶ defaults ─▶ write-only values null ─▶ anything different from prior?
//!                                                     no: prior stays as it is
//!                                                     yes: computed values become unknown, except those that stay
//! ```
//!
//! The resource's own plan follows, and then [`required_replacements`]. Without the question in the middle every
//! plan would show changes; without the unknowns an update could not return new computed values.
//!
//! Invariant: planning what was planned and applied changes nothing.

mod replace;
mod unknown;

use crate::schema::Schema;
use crate::value::Value;

pub use replace::required_replacements;

/// What [`propose`] decides upon.
#[derive(Clone, Copy)]
pub struct Proposal<'a> {
    /// The stored state; null if the object is to be made.
    pub prior: &'a Value,
    /// The host's proposal: the configuration, with prior values of what is computed and not configured; null if
    /// the object is to be removed.
    pub proposed: &'a Value,
    /// The configuration; null if the object is to be removed.
    pub config: &'a Value,
}

/// The plan as far as the schema decides it. Null for a removal.
#[must_use]
pub fn propose(schema: &Schema, proposal: Proposal<'_>) -> Value {
    let Proposal { prior, proposed, config } = proposal;
    let mut planned = schema.without_write_only(proposed.clone());
    let Value::Map(object) = &mut planned else { return planned };
    crate::schema::defaults::apply(&schema.attributes, object, config);
    if !prior.same(&Value::Map(object.clone()), &schema.value_type()) {
        unknown::mark(&schema.attributes, object, config, prior);
    }
    planned
}
