//! Limits of a batch and of a zone. The numbers are the default quotas of the Developer Guide.

use super::{Action, RawChange};

/// ResourceRecord elements of one batch; UPSERT counts twice, an alias is one.
const ELEMENTS: usize = 1000;
/// Characters of all `Value` elements of one batch; UPSERT counts twice.
const CHARACTERS: usize = 32_000;
/// Values of one set.
const VALUES_PER_SET: usize = 400;
/// Record sets of one zone.
pub(crate) const SETS_PER_ZONE: usize = 10_000;

/// What of a batch exceeds a limit.
pub(super) fn problems(changes: &[RawChange]) -> Vec<String> {
    let mut elements = 0;
    let mut characters = 0;
    let mut found = Vec::new();
    for change in changes {
        let set = &change.resource_record_set;
        let records = set.resource_records.as_deref().unwrap_or_default();
        let times = if Action::parse(&change.action) == Some(Action::Upsert) { 2 } else { 1 };
        elements += times * records.len().max(1);
        characters += times * records.iter().map(|record| record.value.chars().count()).sum::<usize>();
        if records.len() > VALUES_PER_SET {
            found.push(format!(
                "Number of values limit of {VALUES_PER_SET} exceeded for RRSet with DNS name {}, type {}.",
                set.name, set.r#type
            ));
        }
    }
    if elements > ELEMENTS {
        found.push(format!("Number of records limit of {ELEMENTS} exceeded."));
    }
    if characters > CHARACTERS {
        found.push(format!("RDATA character limit of {CHARACTERS} exceeded."));
    }
    found
}
