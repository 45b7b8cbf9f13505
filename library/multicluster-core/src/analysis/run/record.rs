//! Measurements come in.

use super::schedule::SKEW;
use super::{Measurement, MetricRun, RETENTION, Recorded, Run};
use crate::analysis::count::{Phase, Standing, assess};
use crate::analysis::measure::judge;
use crate::analysis::spec::AnalysisSpec;

/// How much of a value or message is remembered, in characters: the record is kept in a Kubernetes object.
const LONGEST: usize = 400;

impl Run {
    /// Counts a measurement, and ends the group of a metric that ends badly by it. Gives what the measurement says, or `None`
    /// if it was not counted: it came after the end, is of something that is not measured, or began before that was.
    pub fn record(&mut self, spec: &AnalysisSpec, measurement: &Measurement) -> Option<Phase> {
        if self.terminated {
            return None;
        }
        let state = self.metrics.iter_mut().find(|state| {
            state.metric == measurement.metric
                && state.cluster == measurement.cluster
                && !state.phase.is_completed()
                && !state.is_older(measurement)
        })?;
        let metric = state.of(spec)?;
        let judged = judge(metric, spec.counting, &measurement.outcome);
        state.counters.add(judged.phase, measurement.started_at, measurement.finished_at);
        state.measurements.push(Recorded {
            phase: judged.phase,
            value: judged.value.map(shortened),
            message: judged.message.map(shortened),
            started_at: measurement.started_at,
            finished_at: measurement.finished_at,
        });
        let excess = state.measurements.len().saturating_sub(RETENTION);
        state.measurements.drain(..excess);
        let assessed = assess(
            metric,
            spec.counting,
            &state.counters,
            Standing { measured: true, in_flight: false, terminating: false },
        );
        state.phase = assessed.phase;
        state.message = assessed.message;
        if let Some(error) = state.last_error().filter(|_| state.phase.is_completed()) {
            let error = format!(": \"Error Message: {error}\"");
            state.message.push_str(&error);
        }
        if state.phase.is_bad() && !metric.dry_run {
            self.end_group(spec, measurement);
        }
        Some(judged.phase)
    }

    /// Ends what belongs together with the metric of a measurement: all of its cluster, or everything if it is global.
    fn end_group(&mut self, spec: &AnalysisSpec, measurement: &Measurement) {
        for state in &mut self.metrics {
            if measurement.cluster.is_none() || state.cluster == measurement.cluster {
                state.end(spec);
            }
        }
    }
}

impl MetricRun {
    /// Whether a measurement was begun before there was something to measure. What seems to be older by far was taken by another
    /// clock than the one that began the run.
    fn is_older(&self, measurement: &Measurement) -> bool {
        let by = self.started_at.duration_since(measurement.started_at);
        by.is_positive() && by <= SKEW
    }

    /// The message of the last measurement, if that is an error.
    fn last_error(&self) -> Option<String> {
        let last = self.measurements.last().filter(|last| last.phase == Phase::Error)?;
        last.message.clone()
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
