//! The control endpoint: what a test does that no client of the service can.
//!
//! JSON over HTTP on a port of its own, so that the API's port answers nothing that the service would not. Paths are
//! listed in the README. Everything in here is trusted: record sets that are seeded are not judged by any rule.

mod dump;
mod routes;
mod seed;

pub(crate) use routes::handler;
