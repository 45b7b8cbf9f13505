//! How many replicas each cluster runs.
//!
//! | mode | who gets what |
//! |---|---|
//! | [`Duplicated`](Mode::Duplicated) | every cluster the total |
//! | [`Weighted`](Mode::Weighted) | in proportion to the weights that somebody wrote |
//! | [`Capacity`](Mode::Capacity) | in proportion to the room that each cluster has |
//! | [`Aggregated`](Mode::Aggregated) | as few clusters as possible, those that run some already first |
//!
//! Proportions are by Webster's method, seat by seat: every cluster starts with its minimum, then one replica at a
//! time goes to the cluster with the largest `weight / (2 · replicas + 1)` that is below its maximum. Equal quotients:
//! the cluster with fewer replicas, then the smaller name. A cluster of weight 0 has quotient 0 and so gets more than
//! its minimum only when all others are full. All of it is exact integer arithmetic, and no work grows with the total
//! but by its logarithm.
//!
//! Invariant: with fixed members, weights and bounds, a larger total never takes a replica from a cluster in mode
//! weighted. That is why Webster was chosen over largest remainders, which move replicas backwards.
//!
//! A [steady](Division::steady) division starts from what each cluster was given last and moves as little as the
//! total and the bounds allow.
//!
//! [`kubefed`] is another method, for those who bring their preferences from KubeFed.

mod aggregate;
mod distribute;
mod divide;
mod error;
pub mod kubefed;
mod share;
mod webster;

pub use distribute::{Division, Mode, Party, distribute};
pub use divide::{divide, webster_from};
pub use error::DivisionError;
pub use share::{LARGEST_TOTAL, Share};
pub use webster::Tie;
