//! What is only read.

pub(crate) mod cluster;
