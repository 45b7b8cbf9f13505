//! The REST-XML API, version 2013-04-01.
//!
//! [`Service::handle`] is the whole API as a function from request to reply, without sockets; `server` carries
//! it over HTTP. A request passes the gate (signature, faults, rate) before its operation sees it, and every
//! request leaves a line in the log of calls.

mod cidr;
mod dispatch;
mod gate;
mod geo;
mod health_checks;
mod ids;
mod operation;
mod pages;
mod query;
mod record_sets;
mod reply;
mod server;
mod set_xml;
mod tags;
mod test_answer;
mod zones;

pub(crate) use dispatch::{Service, no_such_zone};
pub use gate::{Dropped, Failure, Knobs};
pub use operation::Operation;
pub(crate) use query::Query;
pub(crate) use server::{Served, handler, read_body, serve};
pub(crate) use zones::{NewZone, create_zone};
