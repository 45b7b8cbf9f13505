//! The adapter against the emulator of Route 53, and against a server that says what a test wants where the emulator
//! would be too polite.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod checks;
mod errors;
mod pace;
mod plans;
mod reads;
mod scripted;
mod shapes;
mod world;
mod writes;
