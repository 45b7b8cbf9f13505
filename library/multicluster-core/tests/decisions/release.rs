//! The objects of a release and its traffic.

mod adopt;
mod fit;
mod objects;
mod render;
mod route;
mod traffic;
mod version;
mod workload;
