//! The API as clients see it: the service's own SDK, and raw HTTP where an SDK would not go.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod answers;
mod binary;
mod cidr;
mod control;
mod faults;
mod geo;
mod health_checks;
mod protocol;
mod record_sets;
mod tags;
mod world;
mod zones;
