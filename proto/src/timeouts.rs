//! The `timeouts` attribute: how long each operation may take.
//!
//! ```
//! use std::time::Duration;
//! use tfplugin::schema::Schema;
//! use tfplugin::{Node, Value, timeouts};
//!
//! let schema = Schema::new("A release.")
//!     .attribute("timeouts", timeouts::attribute(&[("create", "30m"), ("delete", "10m")]));
//! # let _ = schema;
//! let config = Value::map([("timeouts", Value::map([("create", Value::from("45m"))]))]);
//! let timeouts = Node::root(&config).attribute("timeouts");
//! assert_eq!(timeouts::get(&timeouts, "create"), Some(Duration::from_secs(45 * 60)));
//! assert_eq!(timeouts::get(&timeouts, "delete"), None);
//! ```

use std::time::Duration;

use crate::duration;
use crate::schema::{Attribute, Kind, Nesting};
use crate::validators;
use crate::value::Node;

/// The attribute for these operations and the durations that apply where the user says none. Those are only
/// described, not filled in, so that they never stand in a state: the resource applies them.
#[must_use]
pub fn attribute(operations: &[(&str, &str)]) -> Attribute {
    let children = operations
        .iter()
        .map(|(operation, otherwise)| {
            let description =
                format!("How long {operation} may take, such as `90s` or `1h30m`. Default: `{otherwise}`.");
            (
                (*operation).to_owned(),
                Attribute::string(description).validate(validators::positive_duration()),
            )
        })
        .collect();
    let mut attribute = Attribute::nested(Nesting::Single, "How long the operations may take.", []);
    attribute.kind = Kind::Nested(Nesting::Single, children);
    attribute
}

/// What the user set for `operation`, where `timeouts` is the node of the attribute.
#[must_use]
pub fn get(timeouts: &Node<'_>, operation: &str) -> Option<Duration> {
    timeouts.attribute(operation).str().and_then(|text| duration::parse(text).ok())
}
