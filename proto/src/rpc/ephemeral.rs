//! Ephemeral and list resources: there are none.

use crate::diagnostics::Diagnostics;

/// The answer to any request for one.
pub(super) fn absent<A>(what: &str, type_name: &str) -> Result<A, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(
        format!("There is no {what} `{type_name}`"),
        format!("This version of the provider has no {what} of this type."),
    );
    Err(diagnostics)
}
