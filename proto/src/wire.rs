//! The messages and services of the wire, as generated from `proto/wire`.
//!
//! Nobody edits `src/gen`: `tests/wire.rs` makes it and holds it to the definitions. Servers only, since nothing
//! but a test ever calls a provider from here.
//!
//! Invariant: no `Debug` of a message prints a user's value, or private bytes. Values are shown by their size.

use std::fmt;

/// Protocol 6: what a host asks of a provider.
#[allow(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::use_self,
    clippy::wildcard_imports,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod tfplugin6 {
    include!("gen/tfplugin6.rs");
}

/// What every go-plugin host asks of its plugins.
#[allow(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::use_self,
    clippy::wildcard_imports,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod plugin {
    include!("gen/plugin.rs");
}

impl fmt::Debug for tfplugin6::DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamicValue({} bytes)", self.msgpack.len() + self.json.len())
    }
}

impl fmt::Debug for tfplugin6::RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawState({} bytes)", self.json.len())
    }
}

/// Prints the named fields of messages and hides the rest.
macro_rules! debug_only {
    ($($message:ty { $($field:ident),* })*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )*};
}

debug_only! {
    tfplugin6::move_resource_state::Request { source_type_name, source_provider_address, target_type_name }
    tfplugin6::move_resource_state::Response { diagnostics }
    tfplugin6::import_resource_state::ImportedResource { type_name }
    tfplugin6::read_resource::Request { type_name }
    tfplugin6::read_resource::Response { diagnostics }
    tfplugin6::plan_resource_change::Request { type_name }
    tfplugin6::plan_resource_change::Response { requires_replace, diagnostics }
    tfplugin6::apply_resource_change::Request { type_name }
    tfplugin6::apply_resource_change::Response { diagnostics }
    tfplugin6::open_ephemeral_resource::Response { diagnostics, renew_at }
    tfplugin6::renew_ephemeral_resource::Request { type_name }
    tfplugin6::renew_ephemeral_resource::Response { diagnostics, renew_at }
    tfplugin6::close_ephemeral_resource::Request { type_name }
}
