//! Releases over clusters in memory: the executor with its journal, leases, watches and writes, in virtual time.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod faults;
mod forward;
mod journals;
mod shop;
mod world;
