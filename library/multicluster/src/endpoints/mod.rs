//! Where clients reach what runs on a cluster: the addresses that its cloud gave to a Service, an Ingress or a Gateway.
//!
//! [`discover`] waits for them, [`look`] says what is there now, and [`probe`] asks whether something answers there.
//!
//! ```no_run
//! use multicluster::endpoints::{Exposed, ExposedKind, discover};
//! use multicluster::member::{Member, Wait};
//!
//! # async fn example(member: Member, wait: Wait) -> Result<(), multicluster::endpoints::DiscoverError> {
//! let service = Exposed { kind: ExposedKind::Service, namespace: "shop".into(), name: "web".into() };
//! let found = discover(&member, &service, &wait).await?;
//! println!("{:?} {:?}", found.addresses, found.hostnames);
//! # Ok(())
//! # }
//! ```

mod discover;
mod error;
mod probe;
mod status;

pub use self::{
    discover::{discover, look},
    error::DiscoverError,
    probe::{Probe, ProbeError, ProbeKind, ProbeTarget, probe},
    status::{Exposed, ExposedKind, Found, Seen},
};
