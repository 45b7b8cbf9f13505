//! The adapter as its callers see it: connections against a server on loopback, members and leases against a client
//! that is answered in the process.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod answers;
mod cluster;
mod connections;
mod discovery;
mod endpoints;
mod errors;
mod leases;
mod planned;
mod preflight;
mod probes;
mod requests;
mod server;
mod store;
mod take_overs;
mod transport;
mod waits_gone;
mod waits_ready;
