//! What users manage: one folder per resource, in each `schema` → `model` → `plan` → `apply`.

pub(crate) mod federation;
