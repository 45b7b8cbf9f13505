//! Free ports on loopback.
//!
//! Chosen below the kernel's range for outgoing connections (32768 and up on Linux): a port from that range can
//! be taken by any client between the moment it was found free and the moment the server binds it. A port is
//! held by a listener of ours until it is taken over.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

const FIRST: u16 = 17_000;
const COUNT: u16 = 15_000;

/// A port that is bound, so that nobody else takes it.
#[derive(Debug)]
pub(crate) struct Reserved {
    listener: TcpListener,
    port: u16,
}

impl Reserved {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Lets go of the port and returns it; the program that is to have it must be started next.
    pub(crate) fn release(self) -> u16 {
        self.port
    }

    pub(crate) fn into_listener(self) -> TcpListener {
        self.listener
    }
}

/// Reserves `count` distinct ports.
pub(crate) fn reserve(count: usize) -> anyhow::Result<Vec<Reserved>> {
    // Labs that start at the same moment begin to look at different places.
    let start = u16::from_be_bytes(uuid::Uuid::new_v4().as_bytes()[..2].try_into()?);
    let found: Vec<Reserved> = candidates(start)
        .filter_map(|port| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
            Some(Reserved { listener, port })
        })
        .take(count)
        .collect();
    (found.len() == count).then_some(found).context("no free ports on 127.0.0.1 between 17000 and 32000")
}

fn candidates(start: u16) -> impl Iterator<Item = u16> {
    (0..COUNT).map(move |step| FIRST + (start % COUNT + step) % COUNT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn candidates_are_the_whole_range_once() {
        for start in [0, 7, COUNT - 1, COUNT, u16::MAX] {
            let ports: BTreeSet<u16> = candidates(start).collect();
            assert_eq!(ports.len(), usize::from(COUNT));
            assert_eq!((ports.first(), ports.last()), (Some(&FIRST), Some(&(FIRST + COUNT - 1))));
        }
    }

    #[test]
    fn a_reserved_port_is_not_given_twice() {
        let first = reserve(20).unwrap();
        let second = reserve(20).unwrap();
        let ports: BTreeSet<u16> = first.iter().chain(&second).map(Reserved::port).collect();
        assert_eq!(ports.len(), 40);
    }
}
