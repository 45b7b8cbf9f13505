//! What a health check may be, and what an update makes of it. Pure.
//!
//! Source: HealthCheckConfig and UpdateHealthCheck of the API model, "Values that you specify when you create or
//! update health checks" of the Developer Guide.

mod addresses;
mod config;
mod rules;

pub(crate) use addresses::Addresses;
pub(crate) use config::{RawConfig, create, update};
