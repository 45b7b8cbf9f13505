//! What an operation asked of the clusters, by their own audit logs.

use std::collections::BTreeMap;

use acceptance_tests::{AuditEntry, AuditMark, Cluster};
use futures::future::try_join_all;
use jiff::Timestamp;

use super::NAMESPACE;

/// The calls of one operation to all clusters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// How many, by verb; a dry run is a verb of its own.
    pub(crate) by_verb: BTreeMap<String, usize>,
    /// When the first write of an object reached a server, and when the last was answered. Records, leases and dry runs
    /// are no objects.
    pub(crate) writes: Option<(Timestamp, Timestamp)>,
}

/// Where the audit logs ended before an operation.
pub(crate) struct Marks<'a>(Vec<(&'a Cluster, AuditMark)>);

impl<'a> Marks<'a> {
    pub(crate) fn set(clusters: &[&'a Cluster]) -> anyhow::Result<Self> {
        clusters
            .iter()
            .map(|&cluster| Ok((cluster, cluster.audit_mark()?)))
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }

    /// The calls since then. The lab's own do not count.
    pub(crate) async fn calls(self) -> anyhow::Result<Calls> {
        let entries =
            try_join_all(self.0.into_iter().map(|(cluster, mark)| cluster.audit_since(mark))).await?;
        Ok(Calls::of(&entries.concat()))
    }
}

impl Calls {
    fn of(entries: &[AuditEntry]) -> Self {
        let mut calls = Self::default();
        for entry in entries {
            let dry = entry.uri.contains("dryRun=");
            let verb = if dry { "dry run" } else { entry.verb.as_str() };
            *calls.by_verb.entry(verb.to_owned()).or_default() += 1;
            let writes = matches!(entry.verb.as_str(), "create" | "update" | "patch" | "delete") && !dry;
            if writes && entry.namespace == NAMESPACE {
                let (from, to) = calls.writes.unwrap_or((entry.received, entry.answered));
                calls.writes = Some((from.min(entry.received), to.max(entry.answered)));
            }
        }
        calls
    }

    pub(crate) fn total(&self) -> usize {
        self.by_verb.values().sum()
    }
}
