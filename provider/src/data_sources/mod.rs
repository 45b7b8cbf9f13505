//! What is only read.

pub(crate) mod cluster;
pub(crate) mod geo_dns_answer;
