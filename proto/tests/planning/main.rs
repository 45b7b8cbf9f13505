//! The planning rule and the host's rules, held against each other and against tables.

mod apply_rules;
mod host;
mod plan_rules;
mod properties;
mod schema;
mod table;
