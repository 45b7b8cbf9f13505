//! Metrics from Prometheus, and from what speaks its HTTP API: Thanos, Mimir, VictoriaMetrics and the clouds' services.
//!
//! ```text
//! Settings ─▶ Client ─┬─ query: form, credentials ─▶ service ─▶ envelope ─▶ Answer { value, warnings }
//!                     └─ probe: is it there, does it take the credentials
//! ```
//!
//! The invariant: an [`Answer`] is a whole one. Warnings and partial responses are errors unless the caller asks
//! otherwise, and what cannot be read as numbers is an error and never left out.
//!
//! ```no_run
//! use multicluster::{clock::Clock, prometheus::{Client, Query, Settings}};
//!
//! # async fn example(clock: Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(&Settings::new("https://thanos.example.com", clock))?;
//! let answer = client.query(&Query::new("sum(rate(http_requests_total[1m]))")).await?;
//! println!("{}", answer.value);
//! # Ok(())
//! # }
//! ```
//!
//! Absent on purpose: repetitions. Who measures counts errors, and decides by them.

mod client;
mod credential;
mod envelope;
mod error;
mod exec;
mod settings;
mod sigv4;
mod transport;

pub use self::{
    client::{Answer, Client, Found, Query, QueryRange},
    error::{ErrorType, QueryError, SettingsError},
    settings::{AccessKeys, AssumeRole, Auth, ClientCertificate, Settings, SigV4},
};
pub use multicluster_core::analysis::spec::Warnings;
