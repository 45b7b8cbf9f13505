//! Blue/green releases over several clusters: what is done next, and when it is taken back.
//!
//! A release brings a new version of a workload to its clusters beside the running one, in the other of two colours,
//! and moves traffic over in waves and steps. The old colour stays warm on every cluster until one verdict for all of them.
//!
//! [`spec`] is what the user asks for, [`journal`] what has been decided so far (it is written to the clusters before
//! it is carried out), [`observed`] what the clusters show now. [`next()`] takes the three and the time and says what the
//! journal shall say and which [`action`]s bring the clusters there. Nothing is remembered anywhere else: who reads
//! journal and clusters can go on, whoever began.
//!
//! Invariants:
//! - traffic goes to a colour only where enough of its endpoints are ready;
//! - the old colour keeps its size on every cluster until the release is complete;
//! - taking back moves traffic first, in the reverse order of the waves.

pub mod action;
pub mod adopt;
pub mod begin;
pub mod color;
pub mod fit;
pub mod forecast;
pub mod identity;
pub mod journal;
pub mod next;
pub mod observed;
pub mod render;
pub mod spec;
pub mod summary;
pub mod traffic;
pub mod version;
pub mod workload;

pub use self::begin::begin;
pub use self::color::Color;
pub use self::forecast::forecast;
pub use self::next::next;
