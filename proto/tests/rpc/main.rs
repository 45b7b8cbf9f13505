//! The service, called as a host calls it.

mod apply;
mod functions;
mod harness;
mod lifecycle;
mod logs;
mod memory;
mod others;
mod plan;
mod state;
mod validate;
