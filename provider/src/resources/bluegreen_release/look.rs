//! What the clusters show now, into the record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use multicluster::federation::{Run, new_instance};
use multicluster::release::{self as engine, Engine, Layout, NoMetrics, Place, Quiet};
use multicluster_core::names::ClusterName;
use tfplugin::{Context, Diagnostics, Path, Value, timeouts};
use tokio::time::Instant;

use super::BluegreenRelease;
use super::model::Model;
use super::ports;
use super::record::Record;
use super::state;
use crate::config::clock;
use crate::validators::sentence;

/// Unless `timeouts` says otherwise. The same as the schema's descriptions say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// The frame of a look.
pub(super) fn run(context: &Context, config: &Value) -> Run {
    let timeouts = tfplugin::Node::root(config).attribute("timeouts");
    Run {
        cancelled: context.cancelled.clone(),
        deadline: Instant::now() + timeouts::get(&timeouts, "read").unwrap_or(DEFAULT_TIMEOUT),
        holder: new_instance(),
        lease_duration: Duration::ZERO,
        clock: clock(),
    }
}

/// The release with everything that looking needs.
pub(super) async fn engine(
    shared: &BluegreenRelease,
    model: &Model,
    record: &Record,
    diagnostics: &mut Diagnostics,
) -> Engine {
    let known = state::uids(record);
    let mut places = BTreeMap::new();
    for (name, workload) in &model.on {
        match shared.clusters.member(name, record.reference(name)).await {
            Ok(member) => {
                let (uid, workload) = (known.get(name).cloned(), workload.clone());
                places.insert(name.clone(), Place { member, uid, workload });
            }
            Err(error) if error.may_come() => diagnostics.warning_at(
                Path::root().attribute("clusters"),
                format!("Cluster `{name}` is not known yet"),
                format!("{} What the release does there is known only after apply.", sentence(&error)),
            ),
            Err(error) => diagnostics.error_at(
                Path::root().attribute("clusters"),
                format!("Cannot connect to cluster `{name}`"),
                sentence(&error),
            ),
        }
    }
    Engine {
        layout: Layout::of(&model.identity, &model.workload),
        instance: None,
        spec: model.spec.clone(),
        version: model.version.clone(),
        places,
        adopt: model.adopt,
        metrics: if model.tries_queries { ports::metrics(shared) } else { Arc::new(NoMetrics) },
        dns: None,
        progress: Arc::new(Quiet),
    }
}

/// Looks at all clusters, and notes what is there. What does not answer keeps nothing but how it is reached: that is said.
pub(super) async fn look(
    shared: &BluegreenRelease,
    engine: &Engine,
    run: &Run,
    record: &mut Record,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<ClusterName, String> {
    let reading = engine::read(engine, run).await;
    record.journal = reading.journal;
    let mut plain = BTreeMap::new();
    for (name, found) in reading.clusters {
        let cluster = record.clusters.entry(name.clone()).or_default();
        cluster.reference = shared.clusters.reference(&name).or(cluster.reference.take());
        match found {
            Ok(found) => {
                cluster.uid = Some(found.uid);
                cluster.standing = Some(found.standing);
                cluster.drift = found.drift;
                cluster.weights = found.weights.map(|weights| (weights.blue, weights.green));
                plain.extend(found.plain.map(|workload| (name, workload)));
            }
            Err(error) => {
                cluster.standing = None;
                diagnostics.warning_at(
                    Path::root().attribute("clusters"),
                    format!("Cluster `{name}` was not looked at"),
                    format!("{} What was last known of it is kept.", sentence(&error)),
                );
            }
        }
    }
    plain
}
