//! What a release needs of the provider block: metrics sources, and who is told.

mod told;

use std::sync::Arc;

use futures::future::BoxFuture;
use multicluster::prometheus::{Query, QueryRange};
use multicluster::release::{self as engine, Question};
use multicluster_core::analysis::{Metric, Value as Answer};
use tfplugin::{Diagnostics, Node, Path, Value};

pub(super) use self::told::Told;
use super::BluegreenRelease;
use super::model::Model;
use crate::config::{Metrics, Named, clock};
use crate::validators::sentence;

/// The metrics sources of the provider block.
pub(super) fn metrics(shared: &BluegreenRelease) -> Arc<dyn engine::Metrics> {
    Arc::new(Sources(Arc::clone(&shared.metrics)))
}

struct Sources(Arc<Metrics>);

impl engine::Metrics for Sources {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(self.ask_now(question))
    }
}

impl Sources {
    async fn ask_now(&self, question: &Question) -> Result<Answer, String> {
        let client = match self.0.source(&question.source.0) {
            Named::Known(client) => client,
            Named::Unknown => return Err(format!("the source `{}` is not known", question.source)),
            Named::Missing(missing) => return Err(missing.to_string()),
            Named::Invalid(problem) => return Err(problem),
        };
        let now = clock().now();
        let range = question.range.map(|range| QueryRange {
            start: now.saturating_sub(signed(range.start)).unwrap_or(now),
            end: now.saturating_sub(signed(range.end)).unwrap_or(now),
            step: range.step,
        });
        let query = Query {
            range,
            timeout: Some(question.timeout),
            warnings: question.warnings,
            ..Query::new(question.query.as_str())
        };
        client.query(&query).await.map(|answer| answer.value).map_err(|error| error.to_string())
    }
}

fn signed(duration: std::time::Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

/// Says at plan which entries of the provider block are missing or cannot be used.
pub(super) fn check(
    shared: &BluegreenRelease,
    planned: &Value,
    model: &Model,
    diagnostics: &mut Diagnostics,
) {
    let analysis = Path::root().attribute("analysis");
    let metrics: &[Metric] = model.spec.analysis.as_ref().map(|it| it.metrics.as_slice()).unwrap_or_default();
    for metric in metrics {
        let path = analysis.attribute("metrics").key(metric.name.as_str()).attribute("source");
        refuse(shared.metrics.source(&metric.source.0), path, "Unknown metrics source", diagnostics);
    }
    for node in Node::root(planned).attribute("notify").elements() {
        if let Some(name) = node.str() {
            refuse(shared.notify.notifier(name), node.path(), "Unknown notifier", diagnostics);
        }
    }
}

fn refuse<T>(entry: Named<T>, path: Path, title: &str, diagnostics: &mut Diagnostics) {
    match entry {
        Named::Known(_) | Named::Unknown => {}
        Named::Missing(missing) => diagnostics.error_at(path, title, missing.to_string()),
        Named::Invalid(problem) => diagnostics.error_at(path, title, sentence(&problem)),
    }
}
