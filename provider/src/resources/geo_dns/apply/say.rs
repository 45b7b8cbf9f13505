//! What users are told when records could not be changed as they should.

use multicluster::route53::{ApplyError, CallError};
use multicluster_core::route53::RecordName;
use tfplugin::{Diagnostics, Path};

use crate::validators::sentence;

/// Says why records were not changed.
pub(super) fn report(name: &RecordName, error: &ApplyError, diagnostics: &mut Diagnostics) {
    match error {
        ApplyError::Changed(why) => changed(name, &format!(" {}", sentence(why)), diagnostics),
        ApplyError::Call(why) if why.is_interruption() => {
            diagnostics.error("Interrupted", "The records were not changed, or not all of them.");
        }
        _ => diagnostics
            .error(format!("Cannot change the records of `{}`", name.as_written()), sentence(error)),
    }
}

pub(super) fn changed(name: &RecordName, why: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error_at(
        Path::root().attribute("name"),
        format!("The records of `{}` have changed since the plan", name.as_written()),
        format!("Nothing was changed. Plan again to see what is there now.{why}"),
    );
}

pub(super) fn not_in_sync(why: &CallError, diagnostics: &mut Diagnostics) {
    let detail = format!(
        "The change is made, and all servers of Route 53 will know of it within about a minute; that was not waited for: \
         {}",
        sentence(why)
    );
    diagnostics.warning("Not known to all servers yet", detail);
}
