//! Measurements: questions to the metrics services about the new colour, and where asked for about the old one.

use multicluster_core::analysis::placeholders::{Values, fill};
use multicluster_core::analysis::spec::Metric;
use multicluster_core::analysis::{AnalysisSpec, Measured, Measurement, Outcome, Value};
use multicluster_core::names::ClusterName;
use multicluster_core::release::Color;
use multicluster_core::release::journal::Journal;

use super::act::Trouble;
use super::engine::Engine;
use super::observe::Observer;
use super::ports::{Metrics, Question};
use super::sight::Sight;
use super::view;
use crate::clock::Clock;

/// Takes one measurement. That the service does not answer is one, too.
pub(super) async fn measure(
    engine: &Engine,
    observer: &Observer,
    journal: &Journal,
    clock: &Clock,
    metric: &str,
    cluster: Option<&ClusterName>,
) -> Result<Measurement, Trouble> {
    let analysis = engine.spec.analysis.as_ref();
    let known = analysis.and_then(|analysis| {
        let metric = analysis.metrics.iter().find(|known| known.name == metric)?;
        Some((analysis, metric))
    });
    let (analysis, metric) =
        known.ok_or_else(|| Trouble::Stays(format!("no metric is called `{metric}`")))?;
    let new = journal.release.as_ref().map_or(Color::Green, |release| release.to);
    let started_at = clock.now();
    let hash = |color: Color| {
        let hash = |sight: &Sight| view::template_hash(engine.layout.workload(sight, color)?, sight);
        cluster.and_then(|cluster| observer.with(cluster, hash).flatten())
    };
    let subject = Subject { engine, analysis, metric, cluster };
    let outcome = match subject.ask(&metric.query, new, hash(new)).await {
        Err(why) => Outcome::Failed(why),
        Ok(value) => match &metric.baseline {
            None => Outcome::Answered(Measured { value, baseline: None }),
            Some(query) => match subject.ask(query, new.other(), hash(new.other())).await {
                Ok(baseline) => Outcome::Answered(Measured { value, baseline: Some(baseline) }),
                Err(why) => Outcome::Failed(format!("the baseline: {why}")),
            },
        },
    };
    Ok(Measurement {
        metric: metric.name.clone(),
        cluster: cluster.cloned(),
        started_at,
        finished_at: clock.now(),
        outcome,
    })
}

/// What is measured.
pub(super) struct Subject<'a> {
    pub(super) engine: &'a Engine,
    pub(super) analysis: &'a AnalysisSpec,
    pub(super) metric: &'a Metric,
    pub(super) cluster: Option<&'a ClusterName>,
}

impl Subject<'_> {
    /// Asks about one colour.
    pub(super) async fn ask(&self, query: &str, color: Color, hash: Option<String>) -> Result<Value, String> {
        let release = &self.engine.layout.release;
        let values = Values {
            namespace: &release.namespace,
            workload: &self.engine.layout.name,
            name: release.name.as_str(),
            color,
            pod_hash: hash.as_deref(),
            cluster: self.cluster,
            interval: self.metric.interval,
            args: &self.analysis.args,
        };
        let question = Question {
            source: self.metric.source.clone(),
            query: fill(query, &values).map_err(|error| error.to_string())?,
            range: self.metric.range,
            timeout: self.metric.timeout,
            warnings: self.metric.warnings,
        };
        let metrics: &dyn Metrics = &*self.engine.metrics;
        // Whatever the service makes of its time limit, an analysis must not hang.
        match tokio::time::timeout(self.metric.timeout, metrics.ask(&question)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", self.metric.timeout.as_secs_f64())),
        }
    }
}
