//! How long a release takes, and how that is said.

use std::time::Duration;

use crate::analysis::AnalysisSpec;
use crate::release::next::{PATIENCE, SILENCE};
use crate::release::spec::ReleaseSpec;

/// `1h5m`, `30s`, `500ms`; the two greatest units.
pub(super) fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 {
        return if duration.is_zero() { "0s".to_owned() } else { format!("{}ms", duration.as_millis()) };
    }
    let units = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(2);
    units
        .iter()
        .skip(first)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

/// How long metrics measure until they can be content.
pub(super) fn metrics_take(analysis: &AnalysisSpec) -> Duration {
    let times = analysis.metrics.iter().filter(|metric| !metric.dry_run).map(|metric| {
        let needed =
            metric.effective_count().unwrap_or_else(|| metric.min_successes(analysis.counting)).max(1);
        let interval = metric.interval.unwrap_or_default();
        metric.initial_delay.saturating_add(interval.saturating_mul(needed.saturating_sub(1)))
    });
    times.max().unwrap_or_default()
}

/// The longest time that a release can take until it is complete or taken back: every deadline is used up.
pub(super) fn worst(spec: &ReleaseSpec) -> Duration {
    let deadline = spec.progress_deadline;
    let judged = if spec.analysis.is_some() { deadline } else { Duration::ZERO };
    let dns =
        spec.dns.as_ref().map_or(Duration::ZERO, |dns| dns.wait.saturating_add(deadline.saturating_mul(2)));
    let waves = spec.waves.iter().map(|wave| {
        let steps = wave
            .steps
            .iter()
            .fold(Duration::ZERO, |sum, step| sum.saturating_add(step.pause).saturating_add(deadline));
        let at_once = wave
            .max_parallel
            .map_or(wave.clusters.len(), |count| usize::try_from(count).unwrap_or(usize::MAX));
        let rounds = u32::try_from(wave.clusters.len().div_ceil(at_once.max(1))).unwrap_or(u32::MAX);
        let cluster = deadline.saturating_add(steps).saturating_add(dns);
        cluster.saturating_mul(rounds).saturating_add(wave.soak).saturating_add(judged)
    });
    let forward = waves.fold(Duration::ZERO, Duration::saturating_add);
    let back = spec
        .rollback_deadline
        .max(deadline)
        .saturating_add(PATIENCE.saturating_mul(u32::try_from(spec.waves.len()).unwrap_or(u32::MAX)));
    forward.saturating_add(spec.hold).saturating_add(judged).saturating_add(SILENCE).saturating_add(back)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(0, "0s")]
    #[case::less_than_a_second(500, "500ms")]
    #[case::seconds(30_000, "30s")]
    #[case::whole_minutes(300_000, "5m")]
    #[case::minutes(90_000, "1m30s")]
    #[case::hours(3_905_000, "1h5m")]
    #[case::days(90_000_000, "25h")]
    fn durations_in_words(#[case] milliseconds: u64, #[case] words: &str) {
        assert_eq!(text(Duration::from_millis(milliseconds)), words);
    }
}
