use multicluster_core::analysis::{AnalysisSpec, Counting, Metric, Run, Scope, Verdict};
use multicluster_core::names::ClusterName;
use proptest::prelude::*;

use super::{cluster, measurement, metric, phase, second, spec};

/// Metrics with any limits that pass the check.
fn metrics() -> impl Strategy<Value = Metric> {
    (
        prop::option::of(1_u32..6),
        prop::option::of(-1_i64..4),
        prop::option::of(0_i64..4),
        prop::option::of(0_i64..4),
        prop::option::of(0_i64..4),
        prop::option::of(0_i64..3),
        any::<[bool; 2]>(),
    )
        .prop_map(|(count, failures, inconclusive, errors, successes, row, [global, dry_run])| Metric {
            count,
            failure_limit: failures,
            inconclusive_limit: inconclusive,
            consecutive_error_limit: errors,
            consecutive_success_limit: successes,
            consecutive_failure_limit: row,
            scope: if global { Scope::Global } else { Scope::Cluster },
            dry_run,
            ..metric("m")
        })
}

fn specs() -> impl Strategy<Value = AnalysisSpec> {
    (prop::collection::vec(metrics(), 1..4), any::<bool>()).prop_map(|(mut metrics, argo)| {
        for (index, metric) in metrics.iter_mut().enumerate() {
            metric.name = format!("m{index}");
        }
        AnalysisSpec { counting: if argo { Counting::Argo } else { Counting::Ours }, ..spec(metrics) }
    })
}

fn letters() -> impl Strategy<Value = Vec<char>> {
    prop::collection::vec(prop::sample::select(vec!['S', 'S', 'F', 'I', 'N', 'E']), 0..60)
}

/// Measures whatever is due, as long as there are letters.
fn played(spec: &AnalysisSpec, letters: &[char]) -> Run {
    let clusters = [cluster("eu"), cluster("us")];
    let mut run = Run::start(spec, &clusters, second(0));
    let mut letters = letters.iter();
    let mut now = second(0);
    loop {
        let due = run.due(spec, now);
        if due.now.is_empty() {
            match due.next {
                Some(next) => now = next,
                None => return run,
            }
        }
        for subject in due.now {
            let Some(letter) = letters.next() else { return run };
            let on = subject.cluster.as_ref().map(ClusterName::as_str);
            run.record(spec, &measurement(&subject.metric, on, now, *letter));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The same measurements give the same record and verdict, also through the journal.
    #[test]
    fn a_verdict_is_a_function_of_what_was_measured(spec in specs(), letters in letters()) {
        let run = played(&spec, &letters);
        prop_assert_eq!(&run, &played(&spec, &letters));
        let written: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        prop_assert_eq!(&written, &run);
        prop_assert_eq!(written.verdict(&spec), run.verdict(&spec));
    }

    /// A run whose metrics all have a count comes to its end.
    #[test]
    fn nothing_runs_for_ever_that_has_a_count(mut spec in specs(), letters in letters()) {
        for metric in &mut spec.metrics {
            metric.count = metric.count.or(Some(3));
        }
        // Ten rounds of errors between two measurements are more than any limit here.
        let many: Vec<char> = letters.iter().copied().cycle().take(2000).collect();
        if !many.is_empty() {
            let run = played(&spec, &many);
            prop_assert_ne!(run.verdict(&spec), Verdict::Running);
        }
    }

    /// Without the metrics in `dry_run` the verdict is the same.
    #[test]
    fn what_runs_dry_changes_nothing(spec in specs(), seed in letters()) {
        let letter = |index: usize, round: usize| seed.get((index * 7 + round) % seed.len().max(1)).copied().unwrap_or('S');
        let judged = AnalysisSpec {
            metrics: spec.metrics.iter().filter(|metric| !metric.dry_run).cloned().collect(),
            ..spec.clone()
        };
        let verdict = |on: &AnalysisSpec| {
            let mut run = Run::start(on, &[cluster("eu")], second(0));
            for round in 0..12 {
                for (index, metric) in spec.metrics.iter().enumerate() {
                    let place = if metric.scope == Scope::Global { None } else { Some("eu") };
                    let at = second(60 * i64::try_from(round).unwrap());
                    run.record(on, &measurement(&metric.name, place, at, letter(index, round)));
                }
            }
            run.verdict(on)
        };
        prop_assert_eq!(verdict(&spec), verdict(&judged));
    }

    /// What is ended measures nothing more, and does not change any more.
    #[test]
    fn what_is_ended_is_at_rest(spec in specs(), letters in letters(), more in letters()) {
        let mut run = played(&spec, &letters);
        run.terminate(&spec);
        prop_assert_ne!(run.verdict(&spec), Verdict::Running);
        let due = run.due(&spec, second(1_000_000));
        prop_assert!(due.now.is_empty() && due.next.is_none());
        let before = run.clone();
        for letter in more {
            for metric in &spec.metrics {
                for on in [None, Some("eu")] {
                    prop_assert_eq!(run.record(&spec, &measurement(&metric.name, on, second(1_000_000), letter)), None);
                }
            }
        }
        run.terminate(&spec);
        run.watch(&spec, &[cluster("new")], second(1_000_000));
        prop_assert_eq!(run, before);
    }

    /// Our counting has no success without a success.
    #[test]
    fn no_success_without_a_success(mut spec in specs(), letters in letters()) {
        spec.counting = Counting::Ours;
        let bad: Vec<char> = letters.into_iter().filter(|letter| *letter != 'S').collect();
        let run = played(&spec, &bad);
        if spec.metrics.iter().any(|metric| !metric.dry_run) {
            prop_assert_ne!(phase(&run.verdict(&spec)), "Successful");
            prop_assert_ne!(phase(&run.verdict_if_terminated(&spec)), "Successful");
        }
    }
}
