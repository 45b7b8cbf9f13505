//! Values as msgpack: the form in which the host sends and takes them.
//!
//! The schema's type drives both directions, strictly: an attribute too many, one too few, another type or a byte
//! left over is an error that names the path. Arbitrary bytes give an error, never a panic, and never an
//! allocation larger than the bytes justify.

mod decode;
mod encode;
mod reader;

pub(super) use decode::decode;
pub(super) use encode::encode;
