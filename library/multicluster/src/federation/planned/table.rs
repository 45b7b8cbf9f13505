//! A plan for people to read.

use std::collections::BTreeMap;
use std::fmt;

use multicluster_core::federation::forecast::UNCHANGED;
use serde::Serialize;

use super::FederationPlan;

/// One line of a plan: what happens to one object on one cluster, or to the cluster itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Row {
    /// The member.
    pub cluster: String,
    /// `Deployment shop/web`; `member` for the cluster itself.
    pub object: String,
    /// `create`, `update: spec.replicas 2 → 3`, `unchanged`, `unknown: …`, …
    pub happens: String,
}

impl Row {
    /// Whether nothing happens.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.happens == UNCHANGED
    }
}

const HEAD: [&str; 3] = ["CLUSTER", "OBJECT", "WHAT HAPPENS"];

/// A table of what happens, then how much is left as it is, then what stands against an apply. `{:#}` has a row for what
/// is left as it is, too.
impl fmt::Display for FederationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, hidden): (Vec<Row>, Vec<Row>) =
            self.rows().into_iter().partition(|row| f.alternate() || !row.is_unchanged());
        if !shown.is_empty() {
            table(f, &shown)?;
        }
        let mut unchanged: BTreeMap<&str, usize> = BTreeMap::new();
        for row in hidden.iter().filter(|row| row.object != multicluster_core::federation::forecast::MEMBER) {
            *unchanged.entry(&row.cluster).or_default() += 1;
        }
        for (cluster, count) in unchanged {
            let objects = if count == 1 { "object" } else { "objects" };
            writeln!(f, "{count} {objects} unchanged on {cluster}")?;
        }
        for warning in self.warnings() {
            writeln!(f, "note: {warning}")?;
        }
        for problem in self.problems() {
            writeln!(f, "refused: {problem}")?;
        }
        Ok(())
    }
}

fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let width = |cell: fn(&Row) -> &str, head: &str| {
        let cells = rows.iter().map(|row| cell(row).chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let [cluster, object, happens] = HEAD;
    let (first, second) = (width(|row| &row.cluster, cluster), width(|row| &row.object, object));
    writeln!(f, "{cluster:first$}  {object:second$}  {happens}")?;
    for row in rows {
        writeln!(f, "{:first$}  {:second$}  {}", row.cluster, row.object, row.happens)?;
    }
    Ok(())
}
