//! What stands against members, in plain words. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use multicluster_core::{
    names::{ClusterName, ClusterUid},
    networking::{self, Cidr, Networks},
};

use super::{Preflight, permissions};

/// Server-side apply is finished since this version; nothing here works without.
const OLDEST: (u32, u32) = (1, 22);
/// The versions that tests run against.
const TESTED: (u32, u32) = (33, 36);

/// Clocks that differ by less are taken as equal: tokens and certificates bear it, and so do people who read times.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);
/// From here on a lease that a run with the wrong time has renewed looks abandoned to one with the right time.
const CLOCKS_BREAK_LEASES: SignedDuration = SignedDuration::from_hours(24);

/// How many overlaps of two members are named before the rest is only counted.
const OVERLAPS_NAMED: usize = 4;

/// What overlapping networks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CidrPolicy {
    /// Reason not to go on.
    Error,
    /// Something to be told.
    #[default]
    Warn,
    /// Of no interest.
    Ignore,
}

/// How bad a finding is. Errors come first in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing may be written.
    Error,
    /// The user should know.
    Warning,
}

/// Something that stands against one or more members.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Whom it is about, in order of their names; never empty.
    pub members: Vec<ClusterName>,
    /// Full sentences that name the members.
    pub message: String,
}

/// Says what stands against `found` as the members of one federation, errors first.
///
/// `declared` are networks that the user names; where there are some of a kind for a member, they count instead of
/// those of that kind that were found.
#[must_use]
pub fn judge(
    found: &BTreeMap<ClusterName, Preflight>,
    cidrs: CidrPolicy,
    declared: &BTreeMap<ClusterName, Networks>,
) -> Vec<Finding> {
    let mut findings = same_clusters(found);
    for (name, preflight) in found {
        findings.extend(identity(name, preflight));
        findings.extend(version(name, preflight));
        findings.extend(denied(name, preflight));
        findings.extend(unknown(name, preflight));
    }
    findings.extend(clocks(found));
    findings.extend(overlaps(found, cidrs, declared));
    findings.sort();
    findings
}

fn finding(severity: Severity, member: &ClusterName, message: String) -> Finding {
    Finding { severity, members: vec![member.clone()], message }
}

fn same_clusters(found: &BTreeMap<ClusterName, Preflight>) -> Vec<Finding> {
    let mut names: BTreeMap<&ClusterUid, Vec<ClusterName>> = BTreeMap::new();
    for (name, preflight) in found {
        if let Some(uid) = &preflight.uid {
            names.entry(uid).or_default().push(name.clone());
        }
    }
    let same = names.into_iter().filter(|(_, members)| members.len() > 1);
    same.map(|(uid, members)| {
        let message = format!(
            "{} are the same cluster: the namespace `kube-system` has the UID {uid} on each. Keep one of them.",
            listed(&members)
        );
        Finding { severity: Severity::Error, members, message }
    })
    .collect()
}

fn identity(name: &ClusterName, preflight: &Preflight) -> Option<Finding> {
    if preflight.uid.is_some() {
        return None;
    }
    let message = format!(
        "The namespace `kube-system` of `{name}` may not be read, by whose UID clusters are told apart. Allow `get` \
         on it."
    );
    Some(finding(Severity::Error, name, message))
}

fn version(name: &ClusterName, preflight: &Preflight) -> Option<Finding> {
    let version = &preflight.version;
    let (least, tested) = (format!("{}.{}", OLDEST.0, OLDEST.1), format!("1.{} to 1.{}", TESTED.0, TESTED.1));
    let (severity, message) = match version.release {
        Some(release) if release < OLDEST => (
            Severity::Error,
            format!(
                "`{name}` runs Kubernetes {version}. Objects are applied by the server, which takes {least} or newer."
            ),
        ),
        Some((1, minor)) if (TESTED.0..=TESTED.1).contains(&minor) => return None,
        Some(_) => (
            Severity::Warning,
            format!("`{name}` runs Kubernetes {version}; tested are {tested}. It is expected to work."),
        ),
        None => (
            Severity::Warning,
            format!(
                "`{name}` runs a Kubernetes whose version cannot be read: `{version}`. Needed is {least} or newer."
            ),
        ),
    };
    Some(finding(severity, name, message))
}

fn denied(name: &ClusterName, preflight: &Preflight) -> Option<Finding> {
    if preflight.denied.is_empty() {
        return None;
    }
    let message = format!("On `{name}` the identity may not: {}.", permissions::words(&preflight.denied));
    Some(finding(Severity::Error, name, message))
}

fn unknown(name: &ClusterName, preflight: &Preflight) -> Option<Finding> {
    if preflight.unknown.is_empty() {
        return None;
    }
    let message = format!(
        "On `{name}` it could not be found out whether the identity may: {}. If it may not, the apply will fail half-way.",
        permissions::words(&preflight.unknown)
    );
    Some(finding(Severity::Warning, name, message))
}

/// Clocks that differ from ours. Where all differ in the same way, it is ours.
fn clocks(found: &BTreeMap<ClusterName, Preflight>) -> Vec<Finding> {
    let measured: Vec<(&ClusterName, SignedDuration)> =
        found.iter().filter_map(|(name, preflight)| Some((name, preflight.skew?))).collect();
    let wrong: Vec<_> = measured.iter().filter(|(_, skew)| skew.abs() > CLOCKS_DIFFER).copied().collect();
    let together =
        wrong.iter().all(|(_, skew)| skew.is_positive()) || wrong.iter().all(|(_, skew)| skew.is_negative());
    if wrong.len() > 1 && wrong.len() == measured.len() && together {
        let least = wrong.iter().map(|(_, skew)| *skew).min_by_key(|skew| skew.abs()).unwrap_or_default();
        let members: Vec<ClusterName> = wrong.iter().map(|(name, _)| (*name).clone()).collect();
        // Theirs is ahead where ours is behind.
        let message = format!(
            "The clock of this machine is {} compared with that of {}. {}",
            apart(-least),
            listed(&members),
            consequence(least)
        );
        return vec![Finding { severity: clock_severity(least), members, message }];
    }
    let each = wrong.into_iter().map(|(name, skew)| {
        let message = format!(
            "The clock of `{name}` is {} compared with this machine's. {}",
            apart(skew),
            consequence(skew)
        );
        finding(clock_severity(skew), name, message)
    });
    each.collect()
}

fn clock_severity(skew: SignedDuration) -> Severity {
    if skew.abs() >= CLOCKS_BREAK_LEASES { Severity::Error } else { Severity::Warning }
}

fn consequence(skew: SignedDuration) -> &'static str {
    match clock_severity(skew) {
        Severity::Error => {
            "If it is this machine's that is wrong, another run would take its lease for abandoned, and both would write."
        }
        Severity::Warning => "Tokens and certificates may be refused, and times in messages mislead.",
    }
}

/// `2m 5s ahead`.
fn apart(skew: SignedDuration) -> String {
    let whole = SignedDuration::from_secs(skew.abs().as_secs());
    format!("{whole:#} {}", if skew.is_negative() { "behind" } else { "ahead" })
}

fn listed(members: &[ClusterName]) -> String {
    let names: Vec<String> = members.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Networks that share addresses, one finding for each two members.
fn overlaps(
    found: &BTreeMap<ClusterName, Preflight>,
    cidrs: CidrPolicy,
    declared: &BTreeMap<ClusterName, Networks>,
) -> Vec<Finding> {
    let severity = match cidrs {
        CidrPolicy::Error => Severity::Error,
        CidrPolicy::Warn => Severity::Warning,
        CidrPolicy::Ignore => return Vec::new(),
    };
    let networks = found.iter().map(|(name, preflight)| {
        let networks = known(&preflight.networks, declared.get(name));
        (name.clone(), networks)
    });
    let mut by_members: BTreeMap<Vec<ClusterName>, Vec<String>> = BTreeMap::new();
    for overlap in networking::overlaps(&networks.collect()) {
        let mut members = vec![overlap.a.clone(), overlap.b.clone()];
        members.dedup();
        by_members.entry(members).or_default().push(overlap.to_string());
    }
    let each = by_members.into_iter().map(|(members, mut overlaps)| {
        let more = overlaps.len().saturating_sub(OVERLAPS_NAMED);
        overlaps.truncate(OVERLAPS_NAMED);
        if more > 0 {
            overlaps.push(format!("and {more} more"));
        }
        let consequence = match members.as_slice() {
            [_] => "Its pods cannot reach all of its services.",
            _ => "Pods of one cannot reach pods or services of the other directly.",
        };
        let message = format!("Networks overlap: {}. {consequence}", overlaps.join("; "));
        Finding { severity, members, message }
    });
    each.collect()
}

/// What was declared of a kind counts instead of what was found of it.
fn known(found: &Networks, declared: Option<&Networks>) -> Networks {
    let Some(declared) = declared else { return found.clone() };
    let either = |declared: &BTreeSet<Cidr>, found: &BTreeSet<Cidr>| {
        if declared.is_empty() { found.clone() } else { declared.clone() }
    };
    Networks {
        pods: either(&declared.pods, &found.pods),
        services: either(&declared.services, &found.services),
        nodes: either(&declared.nodes, &found.nodes),
    }
}

#[cfg(test)]
mod tests;
