//! Named points at which a test can end the process.
//!
//! A call of [`hit`] stands before and after every write that must not be lost track of. Without the feature
//! `failpoints` it is nothing. With it, the binary passes a setting to `configure`, and tests enumerate the points by
//! recording a run and then kill the process at each of them.
//!
//! ```text
//! setting := part { ";" part }
//! part    := name [ "#" nth ] "=" action | "record=" file
//! action  := "kill" | "panic" | "sleep-" milliseconds
//! ```
//!
//! ```
//! multicluster::failpoint::hit("example-write-before");
//! ```

#[cfg(feature = "failpoints")]
mod active;

#[cfg(feature = "failpoints")]
pub use active::{InvalidSetting, configure};

/// Marks a point. `name` is unique in the program.
#[cfg(feature = "failpoints")]
pub fn hit(name: &'static str) {
    active::hit(name);
}

/// Marks a point. `name` is unique in the program.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &'static str) {}
