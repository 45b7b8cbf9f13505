//! The emulator before the AWS CLI, and beside two other emulators where those are right.
//!
//! Needs `python3` with `venv`, and once per machine a package index: the programs are installed into virtual
//! environments in the lab's cache (`python`).

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

mod cli;
mod compare;
mod python;
#[path = "../api/world.rs"]
#[expect(dead_code, reason = "the tests of the API use more of it")]
mod world;
