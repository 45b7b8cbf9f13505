//! The DNS front end: an authoritative server on UDP and TCP with EDNS client subnet.
//!
//! ```text
//! bytes ─▶ respond (pure but for the draw) ─▶ bytes
//!            ├─ client: address or client subnet ─▶ who asks       (networks, Settings)
//!            ├─ answer::answer                    ─▶ distribution
//!            └─ Control::draw                     ─▶ one response  (draw, Settings)
//! ```
//!
//! Nothing on the internet is asked. Clients are placed by a map of test networks ([`network_of`]), addresses of load
//! balancers outside the zones are derived from their names ([`address_of`]); [`Settings`] change both, and how the
//! response is drawn from the distribution. Private zones are answered for everybody, because there is no VPC here, and do
//! not look at the client subnet. No recursion, no transfers, no DNSSEC.

mod control;
mod draw;
mod names;
mod networks;
mod outside;
mod rdata;
mod respond;
mod server;

pub use control::{Choice, Control, Network, Settings, SettingsError};
pub use draw::Drawn;
pub use networks::{client_of, network_of, network_v6_of};
pub use outside::address_of;
pub use respond::{Transport, respond};
pub use server::Server;
