//! What a cluster is: version, identity, nodes, networks, kinds. Only reads, and none of objects that users made.
//!
//! ```no_run
//! use multicluster::{clock::Clock, cluster::{Detail, describe}, member::{Member, MemberError}};
//!
//! # async fn example(member: Member, clock: Clock) -> Result<(), MemberError> {
//! let cluster = describe(&member, &Detail { clock, kinds: false }).await?;
//! for gap in &cluster.gaps {
//!     // What the identity may not read is absent, and said.
//! }
//! # Ok(())
//! # }
//! ```

mod nodes;
mod topology;

use std::fmt;

use jiff::SignedDuration;
use multicluster_core::{
    names::ClusterUid,
    networking::{self, Networks},
};

pub use self::{nodes::Nodes, topology::Topology};
use crate::{
    clock::Clock,
    member::{Member, MemberError, ServedKinds, ServerVersion},
};

/// The first version that publishes ServiceCIDR objects.
const SERVICE_CIDRS: (u32, u32) = (1, 33);

/// What to find out besides what is always asked.
#[derive(Clone, Debug)]
pub struct Detail {
    /// What the server's clock is compared with.
    pub clock: Clock,
    /// Whether to list all kinds that the cluster serves.
    pub kinds: bool,
}

/// One cluster, as far as the identity may see it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClusterInfo {
    /// Which Kubernetes it is.
    pub version: ServerVersion,
    /// Which cluster it is; absent if the namespace `kube-system` may not be read.
    pub uid: Option<ClusterUid>,
    /// How far its clock is at least ahead of ours, negative if behind; absent if it did not say.
    pub skew: Option<SignedDuration>,
    /// Its nodes; absent if they may not be read.
    pub nodes: Option<Nodes>,
    /// The addresses of its pods, services and nodes, as far as they may be read.
    pub networks: Networks,
    /// All kinds that it serves; absent if not asked for, or if they may not be read.
    pub kinds: Option<ServedKinds>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// Something about a cluster that the identity may not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What.
    pub part: Part,
    /// What the server said.
    pub error: MemberError,
}

/// A part of [`ClusterInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// [`ClusterInfo::uid`].
    Uid,
    /// [`ClusterInfo::nodes`], and what of the networks stands in them.
    Nodes,
    /// The service addresses of [`ClusterInfo::networks`].
    ServiceCidrs,
    /// [`ClusterInfo::kinds`].
    Kinds,
}

/// Finds out what a cluster is.
///
/// # Errors
/// [`MemberError`] if the cluster cannot be asked. What it refuses to tell is a [`Gap`] instead.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn describe(member: &Member, what: &Detail) -> Result<ClusterInfo, MemberError> {
    let kinds = async {
        match what.kinds {
            true => member.served_kinds().await.map(Some),
            false => Ok(None),
        }
    };
    // The version comes after the UID on a connection that is there, so that the clocks are compared more exactly.
    let server = async {
        let uid = member.uid().await;
        (uid, member.server_version(&what.clock).await)
    };
    let ((uid, version), nodes, service_cidrs, kinds) =
        futures::join!(server, member.nodes(), member.service_cidrs(), kinds);

    let mut gaps = Vec::new();
    let mut seen = Seen(&mut gaps);
    let (version, skew) = version?;
    let uid = seen.unless_forbidden(Part::Uid, uid)?;
    let nodes = seen.unless_forbidden(Part::Nodes, nodes)?;
    // Who may do little is forbidden what is not there, too.
    let service_cidrs = match service_cidrs {
        Err(MemberError::Forbidden { .. }) if version.release.is_some_and(|it| it < SERVICE_CIDRS) => {
            Some(Vec::new())
        }
        answer => seen.unless_forbidden(Part::ServiceCidrs, answer)?,
    };
    let kinds = seen.unless_forbidden(Part::Kinds, kinds)?.flatten();
    let networks = networking::networks_of(
        nodes.as_deref().unwrap_or_default(),
        service_cidrs.as_deref().unwrap_or_default(),
    );
    let nodes = nodes.map(|nodes| Nodes::of(&nodes));
    Ok(ClusterInfo { version, uid, skew, nodes, networks, kinds, gaps })
}

struct Seen<'a>(&'a mut Vec<Gap>);

impl Seen<'_> {
    /// What was read, or nothing and a gap if that is not allowed.
    fn unless_forbidden<T>(
        &mut self,
        part: Part,
        read: Result<T, MemberError>,
    ) -> Result<Option<T>, MemberError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error @ MemberError::Forbidden { .. }) => {
                self.0.push(Gap { part, error });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uid => "the UID of its namespace `kube-system`",
            Self::Nodes => "its nodes",
            Self::ServiceCidrs => "its service CIDRs",
            Self::Kinds => "the kinds that it serves",
        })
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.part, self.error)
    }
}
