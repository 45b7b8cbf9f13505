//! Terraform's plugin protocol 6, spoken from Rust.
//!
//! A provider implements [`Provider`], [`Resource`] and [`Function`], describes itself with [`schema::Schema`], and calls
//! [`serve::serve`] from `main`. This crate knows nothing of what a provider manages: no word of Kubernetes or DNS.
//!
//! ```text
//! host ── unix socket, mTLS ──▶ serve ──▶ rpc (decode → call → encode) ──▶ Provider / Resource
//!                                          │
//!                                          ├─ value    msgpack and JSON, driven by the schema
//!                                          ├─ planning the rule that turns a proposal into a plan
//!                                          └─ check    what the host will enforce, enforced here first
//! ```
//!
//! The one invariant: whatever a resource returns, panics or forgets, the host gets an answer that is valid in
//! the protocol and tells the truth about what was done.

pub mod check;
pub mod diagnostics;
pub mod duration;
pub mod function;
pub mod logging;
pub mod operations;
pub mod path;
pub mod planning;
pub mod provider;
pub mod resource;
pub mod rpc;
pub mod schema;
pub mod serve;
pub mod timeouts;
pub mod validators;
pub mod value;
pub mod wire;

pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use function::Function;
pub use path::Path;
pub use provider::{ClientInfo, Context, DataSource, Provider};
pub use resource::Resource;
pub use value::{Node, Number, Type, Value};
