//! A federation: which objects belong on which member, what a member has, and what is to be done about it.
//!
//! ```text
//! spec ── render ──▶ desired objects per member ─┐
//!                                                ├─ plan ──▶ steps, in order ── (carried out elsewhere)
//! cluster ── observe (elsewhere) ──▶ observation ┘    └────▶ forecast, for a human
//! ```
//!
//! Truth is in the clusters: each member holds an [`inventory::Inventory`], written before the objects. Its contents
//! are hints; an object is touched only if its own label, UID and owners agree.

pub mod explain;
pub mod facts;
pub mod forecast;
pub mod identity;
pub mod inventory;
pub mod observation;
pub mod plan;
pub mod policy;
pub mod questions;
pub mod render;
pub mod spec;
