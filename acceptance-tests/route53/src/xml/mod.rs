//! The XML of requests and responses.

mod read;
mod write;

pub(crate) use read::{Body, Element};
pub(crate) use write::Writer;
