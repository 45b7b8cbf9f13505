//! What users manage: one folder per resource, in each `schema` → `model` → `plan` → `apply`.

pub(crate) mod bluegreen_release;
pub(crate) mod drain;
mod entry;
pub(crate) mod federation;
pub(crate) mod geo_dns;
mod private;
