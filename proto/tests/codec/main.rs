//! The value codec, held against go-cty and against itself.

mod hostile;
mod json;
mod properties;
mod strategies;
mod vectors;
