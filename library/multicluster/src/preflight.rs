//! What is found out about members before the first of them is written to.
//!
//! [`preflight`] asks one member, [`judge`] says what stands against a federation of several. Between them lies only
//! what was found, so that the judgement can be tested, and read before anything is done.
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use multicluster::{
//!     core::{names::ClusterName, rbac::AccessCheck},
//!     member::{Member, MemberError},
//!     preflight::{CidrPolicy, PreflightOptions, Severity, judge, preflight},
//! };
//!
//! # async fn example(members: Vec<Member>, checks: Vec<AccessCheck>, options: PreflightOptions) -> Result<(), MemberError> {
//! let mut found = BTreeMap::new();
//! for member in &members {
//!     found.insert(member.name.clone(), preflight(member, &checks, &options).await?);
//! }
//! let findings = judge(&found, CidrPolicy::Warn, &BTreeMap::new());
//! let stop = findings.iter().any(|finding| finding.severity == Severity::Error);
//! # let _ = stop;
//! # Ok(())
//! # }
//! ```

mod judge;
mod permissions;

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use multicluster_core::{capacity::NodeCapacity, names::ClusterUid, networking::Networks, rbac::AccessCheck};

pub use self::judge::{CidrPolicy, Finding, Severity, judge};
use crate::{
    clock::Clock,
    cluster::{ClusterInfo, Detail, describe},
    member::{Access, Member, MemberError, ServerVersion},
};

/// How a member is asked.
#[derive(Clone, Debug)]
pub struct PreflightOptions {
    /// What the servers' clocks are compared with.
    pub clock: Clock,
    /// How many permissions are asked for at a time; at least one.
    pub concurrency: usize,
}

impl PreflightOptions {
    /// Eight permissions at a time.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, concurrency: 8 }
    }
}

/// What was found out about one member.
#[derive(Clone, Debug, PartialEq)]
pub struct Preflight {
    /// Which Kubernetes it is.
    pub version: ServerVersion,
    /// Which cluster it is; absent if the namespace `kube-system` may not be read.
    pub uid: Option<ClusterUid>,
    /// How far its clock is at least ahead of ours, negative if behind; absent if it did not say.
    pub skew: Option<SignedDuration>,
    /// What the identity may not do, of what was asked.
    pub denied: Vec<AccessCheck>,
    /// What could not be found out, of what was asked.
    pub unknown: Vec<AccessCheck>,
    /// The addresses of its pods, services and nodes, as far as they may be read.
    pub networks: Networks,
    /// What its nodes have for pods; empty if they may not be read.
    pub nodes: Vec<NodeCapacity>,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
}

/// Finds out what a member is and whether the identity may do all of `checks` there. Nothing is written.
///
/// # Errors
/// [`MemberError`] if the member cannot be asked. What it refuses to tell is a warning instead.
///
/// # Cancel safety
/// Dropping the future has no effect.
pub async fn preflight(
    member: &Member,
    checks: &[AccessCheck],
    options: &PreflightOptions,
) -> Result<Preflight, MemberError> {
    let detail = Detail { clock: options.clock.clone(), kinds: false };
    let (info, answers) =
        futures::join!(describe(member, &detail), ask(member, checks, options.concurrency.max(1)));
    let ClusterInfo { version, uid, skew, nodes, networks, gaps, .. } = info?;
    let answers = answers?;
    let those = |wanted: Access| {
        let some = answers.iter().filter(|(_, access)| *access == wanted);
        some.map(|(check, _)| check.clone()).collect()
    };
    Ok(Preflight {
        version,
        uid,
        skew,
        denied: those(Access::Denied),
        unknown: those(Access::Unknown),
        networks,
        nodes: nodes.map(|nodes| nodes.capacity).unwrap_or_default(),
        warnings: gaps.iter().map(ToString::to_string).collect(),
    })
}

/// So few permissions are asked for one by one; beyond, all that the identity may do everywhere is listed first.
const FEW: usize = 3;

/// Asks for each permission at most once.
async fn ask(
    member: &Member,
    checks: &[AccessCheck],
    concurrency: usize,
) -> Result<Vec<(AccessCheck, Access)>, MemberError> {
    let distinct: BTreeSet<AccessCheck> = checks.iter().cloned().collect();
    let rules = if distinct.len() > FEW { member.rules_everywhere().await? } else { Vec::new() };
    let (known, open): (Vec<_>, Vec<_>) =
        distinct.into_iter().partition(|check| rules.iter().any(|rule| rule.allows(check)));
    // Each request has its own question: a borrowed one is too much for the compiler inside a boxed future.
    let questions: Vec<_> = open
        .into_iter()
        .map(|check| async move {
            let access = member.may(&check).await?;
            Ok::<_, MemberError>((check, access))
        })
        .collect();
    let mut answers: Vec<_> = stream::iter(questions).buffered(concurrency).try_collect().await?;
    answers.extend(known.into_iter().map(|check| (check, Access::Allowed)));
    answers.sort();
    Ok(answers)
}
