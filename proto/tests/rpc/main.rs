//! The service, called as a host calls it.

mod apply;
mod harness;
mod lifecycle;
mod logs;
mod memory;
mod others;
mod plan;
mod state;
mod validate;
