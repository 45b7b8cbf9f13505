//! The waves of a release as they are carried out.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::names::ClusterName;
use crate::release::journal::{Extent, Release};
use crate::release::spec::{MaxFailures, ReleaseSpec, Step, Wave};

/// A wave with what holds for this release.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::release) struct WavePlan {
    pub(in crate::release) name: String,
    /// Those of the release, in the order of the wave.
    pub(in crate::release) clusters: Vec<ClusterName>,
    /// How many may be in work at the same time.
    pub(in crate::release) parallel: usize,
    /// How many may fail.
    pub(in crate::release) limit: usize,
    pub(in crate::release) soak: Duration,
    /// Never empty; the last has weight 100.
    pub(in crate::release) steps: Vec<Step>,
    /// How many of the steps stand in the spec.
    pub(in crate::release) written: usize,
    pub(in crate::release) approval: bool,
    /// Whether a freeze window keeps it from beginning.
    pub(in crate::release) freezes: bool,
}

/// The waves. Where there is nothing to be careful about, all clusters are one.
pub(in crate::release) fn plan(spec: &ReleaseSpec, release: &Release, first: bool) -> Vec<WavePlan> {
    let mut rest: BTreeSet<&ClusterName> = release.clusters.keys().collect();
    let mut waves: Vec<WavePlan> = Vec::new();
    for wave in &spec.waves {
        let mut clusters: Vec<ClusterName> = Vec::new();
        for name in &wave.clusters {
            if rest.remove(name) {
                clusters.push(name.clone());
            }
        }
        waves.push(of_wave(spec, wave, clusters, first));
    }
    if !rest.is_empty() {
        waves.push(straight("rest", rest.into_iter().cloned().collect(), MaxFailures::Clusters(0)));
    }
    let limit = match release.extent {
        // What one cluster lacks is no reason to keep others from it.
        Extent::Part => MaxFailures::Percent(100),
        Extent::All if release.fast => MaxFailures::Clusters(0),
        Extent::All => return waves,
    };
    vec![straight("all", waves.into_iter().flat_map(|wave| wave.clusters).collect(), limit)]
}

fn of_wave(spec: &ReleaseSpec, wave: &Wave, clusters: Vec<ClusterName>, first: bool) -> WavePlan {
    let mut steps = if first { Vec::new() } else { wave.steps.clone() };
    let written = steps.len();
    if steps.last().is_none_or(|step| step.weight != 100) {
        steps.push(Step::weight(100));
    }
    let parallel =
        wave.max_parallel.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX).max(1));
    WavePlan {
        name: wave.name.clone(),
        parallel,
        limit: wave.max_failures.of(clusters.len()),
        soak: if first && !spec.analyse_first { Duration::ZERO } else { wave.soak },
        steps,
        written,
        approval: wave.approval,
        freezes: true,
        clusters,
    }
}

fn straight(name: &str, clusters: Vec<ClusterName>, limit: MaxFailures) -> WavePlan {
    WavePlan {
        name: name.to_owned(),
        parallel: usize::MAX,
        limit: limit.of(clusters.len()),
        soak: Duration::ZERO,
        steps: vec![Step::weight(100)],
        written: 0,
        approval: false,
        freezes: false,
        clusters,
    }
}
