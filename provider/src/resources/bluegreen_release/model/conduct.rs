//! How a release goes about it: everything of the spec but its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multicluster_core::freeze::{Window, WindowConfig};
use multicluster_core::names::ClusterName;
use multicluster_core::placement::Labels;
use multicluster_core::release::spec::{
    OnFailedRelease, OnFailure, OnInterrupt, Promotion, ReleaseSpec, Strategy,
};
use tfplugin::{Diagnostics, Node};

use super::metrics::analysis;
use super::waves::{time, waves};
use crate::validators::sentence;

/// As Deployments have it.
const PROGRESS_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// As the schema says.
const ROLLBACK_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// The spec of a configuration; what is wrong is reported.
pub(super) fn spec(
    root: &Node<'_>,
    strategy: Strategy,
    clusters: &BTreeMap<ClusterName, Labels>,
    diagnostics: &mut Diagnostics,
) -> ReleaseSpec {
    let word = |name: &str| root.attribute(name).str();
    let duration = |name: &str| time(&root.attribute(name));
    let analysis_node = root.attribute("analysis");
    ReleaseSpec {
        strategy,
        waves: waves(root, clusters, diagnostics),
        analysis: analysis(&analysis_node, diagnostics),
        analyse_first: analysis_node.attribute("first_release").bool().unwrap_or(false),
        promotion: match root.attribute("promotion").attribute("mode").str() {
            Some("next_apply") => Promotion::NextApply,
            Some("explicit") => Promotion::Explicit,
            _ => Promotion::Auto,
        },
        approved: approved(root),
        on_failure: match word("on_failure") {
            Some("halt") => OnFailure::Halt,
            Some("rollback_wave") => OnFailure::RollbackWave,
            _ => OnFailure::RollbackAll,
        },
        on_failed_release: match word("on_failed_release") {
            Some("block") => OnFailedRelease::Block,
            _ => OnFailedRelease::Retry,
        },
        retry_token: word("retry_token").map(str::to_owned),
        on_interrupt: match word("on_interrupt") {
            Some("rollback") => OnInterrupt::Rollback,
            _ => OnInterrupt::Pause,
        },
        hold: duration("hold").unwrap_or_default(),
        progress_deadline: duration("progress_deadline").unwrap_or(PROGRESS_DEADLINE),
        rollback_deadline: duration("rollback_deadline").unwrap_or(ROLLBACK_DEADLINE),
        freeze: windows(&root.attribute("freeze"), diagnostics),
        freeze_override: word("freeze_override").map(str::to_owned),
        dns: None,
    }
}

fn approved(root: &Node<'_>) -> BTreeSet<String> {
    let release = root.attribute("approved_release").str().map(str::to_owned);
    let waves = root.attribute("approved_waves").elements();
    release.into_iter().chain(waves.iter().filter_map(|it| it.str().map(str::to_owned))).collect()
}

fn windows(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Window> {
    let mut windows = Vec::new();
    for element in node.elements() {
        let text = |name: &str| element.attribute(name).str().map(str::to_owned);
        let written = WindowConfig {
            reason: text("reason").unwrap_or_default(),
            cron: text("cron"),
            rrule: text("rrule"),
            duration: time(&element.attribute("duration")),
            from: text("from"),
            until: text("until"),
            time_zone: text("time_zone"),
        };
        match written.window() {
            Ok(window) => windows.push(window),
            Err(problems) => {
                for problem in problems {
                    let path =
                        problem.path.iter().fold(element.path(), |path, step| path.attribute(step.as_str()));
                    diagnostics.error_at(path, "Invalid freeze window", sentence(&problem.text));
                }
            }
        }
    }
    windows
}
