//! What goes wrong, and the way back.

use multicluster_core::analysis::Scope;
use multicluster_core::release::Color;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::journal::{Phase, Reason, Stage};
use multicluster_core::release::spec::{
    DnsCoupling, MaxFailures, OnFailure, OnInterrupt, Promotion, Step, Strategy,
};
use rstest::rstest;

use crate::support::{
    Happens, Lab, Pods, World, analysis, at, cluster, seconds, spec, two_waves, version, wave,
};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

fn all_serve(lab: &Lab, text: &str) {
    for name in ALL {
        assert_eq!(lab.world.served(name), Some(version(text)), "{name}");
    }
}

fn phase_of(world: &World, lab_phase: Phase, wanted: Phase, second: i64) -> bool {
    lab_phase == wanted && world.now >= at(second)
}

/// A wave fails on a cluster of the second wave.
#[rstest]
#[case::halts(OnFailure::Halt, Phase::Halted, "v2", "v1")]
#[case::takes_the_wave_back(OnFailure::RollbackWave, Phase::PartiallyRolledBack, "v2", "v1")]
#[case::takes_all_back(OnFailure::RollbackAll, Phase::RolledBack, "v1", "v1")]
fn a_colour_that_crashes(
    #[case] on_failure: OnFailure,
    #[case] phase: Phase,
    #[case] gcp: &str,
    #[case] azure: &str,
) {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failure = on_failure;
    lab.world.behave(Some("azure"), "v2", Pods::Crash);
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, phase));
    assert!(applied.message().contains("azure") && applied.message().contains("CrashLoopBackOff"));
    assert_eq!(applied.release().failure.as_ref().unwrap().cluster, Some(cluster("azure")));
    assert_eq!(lab.world.served("gcp"), Some(version(gcp)));
    assert_eq!(lab.world.served("azure"), Some(version(azure)));
    assert_eq!(applied.journal.active.as_ref().unwrap().version, version("v1"));
    assert_eq!(applied.journal.last_failed.as_ref().unwrap().version, version("v2"));
}

#[rstest]
#[case::hangs(Pods::Hang, Reason::NotReady, "of 3 ready endpoints")]
#[case::crashes(Pods::Crash, Reason::NotReady, "CrashLoopBackOff")]
#[case::dies_under_users(Pods::Die(4), Reason::NotReady, "no ready endpoint")]
fn a_version_that_is_bad_everywhere_is_taken_back_everywhere(
    #[case] pods: Pods,
    #[case] reason: Reason,
    #[case] words: &str,
) {
    let mut spec = two_waves();
    spec.waves[0].soak = seconds(30);
    let mut lab = Lab::with(spec, "v1");
    lab.world.behave(None, "v2", pods);
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert_eq!(applied.release().failure.as_ref().unwrap().reason, reason);
    assert!(applied.message().contains(words), "{}", applied.message());
    all_serve(&lab, "v1");
    assert!(
        lab.world
            .sites
            .values()
            .all(|site| site.sides.get(&Color::Green).is_none_or(|side| side.replicas == 0))
    );
}

#[test]
fn a_crash_is_not_waited_out() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.behave(None, "v2", Pods::Crash);
    let before = lab.world.now;
    lab.apply("v2").unwrap();
    assert!(lab.world.now.duration_since(before).as_secs() < 10);
}

#[rstest]
#[case::one_of_one(MaxFailures::Clusters(1), Phase::Completed)]
#[case::none(MaxFailures::Clusters(0), Phase::RolledBack)]
#[case::half(MaxFailures::Percent(50), Phase::Completed)]
#[case::a_third_of_two_is_none(MaxFailures::Percent(33), Phase::RolledBack)]
fn failures_within_the_limit_are_taken_back_alone(#[case] limit: MaxFailures, #[case] phase: Phase) {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.waves[1].max_failures = limit;
    lab.world.behave(Some("azure"), "v2", Pods::Crash);
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.phase(), phase);
    assert_eq!(lab.world.served("azure"), Some(version("v1")));
    if phase == Phase::Completed {
        assert_eq!(applied.ended, Ended::Completed);
        assert_eq!(applied.stage("azure"), Stage::Returned);
        assert!(applied.release().clusters[&cluster("azure")].failure.is_some());
        assert_eq!(lab.world.site("azure").sides[&Color::Blue].replicas, 3, "what serves is never let go");
        assert_eq!(lab.world.served("aws"), Some(version("v2")));
    }
}

#[test]
fn a_release_that_reaches_no_cluster_is_not_complete() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.waves.iter_mut().for_each(|wave| wave.max_failures = MaxFailures::Percent(100));
    lab.world.behave(None, "v2", Pods::Crash);
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert_eq!(applied.journal.active.as_ref().unwrap().version, version("v1"));
    all_serve(&lab, "v1");
}

#[test]
fn taking_back_goes_in_the_reverse_order_of_waves_and_traffic_goes_first() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.hold = seconds(60);
    lab.world.behave(Some("gcp"), "v2", Pods::Die(20));
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.phase(), Phase::RolledBack);
    assert_eq!(
        lab.shifts(),
        ["gcp 0 green", "aws 0 green", "azure 0 green", "aws all blue", "azure all blue", "gcp all blue"]
    );
    for name in ALL {
        let of = |wanted: fn(&Action) -> bool| {
            lab.world
                .log
                .iter()
                .rposition(|(_, action)| wanted(action) && format!("{action:?}").contains(name))
                .unwrap()
        };
        assert!(
            of(|action| matches!(action, Action::Shift { .. }))
                < of(|action| matches!(action, Action::LetGo { .. }))
        );
    }
    all_serve(&lab, "v1");
}

#[rstest]
#[case::one_cluster(Scope::Cluster)]
#[case::all_together(Scope::Global)]
fn bad_metrics_take_all_back_in_seconds(#[case] scope: Scope) {
    let mut spec = two_waves();
    spec.analysis = Some(analysis(scope));
    spec.waves[0].soak = seconds(30);
    let mut lab = Lab::with(spec, "v1");
    lab.world.rates.insert(version("v2"), 0.85);
    let mut failed_at = None;
    let applied = lab
        .apply_while("v2", |world, journal| {
            if journal.release.as_ref().unwrap().phase == Phase::RollingBack {
                failed_at.get_or_insert(world.now);
            }
            Happens::Nothing
        })
        .unwrap();
    let failure = applied.release().failure.clone().unwrap();
    assert_eq!((applied.phase(), failure.reason), (Phase::RolledBack, Reason::Analysis));
    assert_eq!(failure.metric.as_deref(), Some("success-rate"));
    assert!(failure.message.contains("0.85"), "{}", failure.message);
    assert!(lab.world.now.duration_since(failed_at.unwrap()).as_secs() <= 3);
    all_serve(&lab, "v1");
}

#[test]
fn a_metric_that_cannot_decide_halts_and_a_human_lets_it_go_on() {
    let mut spec = two_waves();
    spec.analysis = Some(analysis(Scope::Global));
    spec.waves[0].soak = seconds(60);
    let mut lab = Lab::with(spec, "v1");
    lab.world.rates.insert(version("v2"), f64::NAN);
    let metric = &mut lab.spec.analysis.as_mut().unwrap().metrics[0];
    metric.failure_condition = Some(multicluster_core::analysis::Condition::parse("result < 0.9").unwrap());
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::Halted));
    assert_eq!(lab.world.served("gcp"), Some(version("v2")), "all stays as it is");
    assert!(lab.apply("v2").unwrap_err().to_string().contains("retry_token"));
    lab.world.rates.clear();
    lab.spec.retry_token = Some("again".to_owned());
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
}

#[test]
fn metrics_that_never_decide_do_not_hold_a_release_for_ever() {
    let mut spec = two_waves();
    let mut metrics = analysis(Scope::Global);
    metrics.metrics[0].failure_limit = Some(-1);
    spec.analysis = Some(metrics);
    let mut lab = Lab::with(spec, "v1");
    lab.world.rates.insert(version("v2"), 0.1);
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.phase(), Phase::RolledBack);
    assert!(applied.message().contains("no verdict"), "{}", applied.message());
}

#[test]
fn a_cluster_that_is_cut_off_in_its_wave_fails_it_and_the_others_go_back_meanwhile() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.behave(Some("azure"), "v2", Pods::Ready(10));
    let applied = lab
        .apply_while("v2", |world, journal| {
            let stage = journal.release.as_ref().unwrap().clusters[&cluster("azure")].stage;
            if stage == Stage::Preparing {
                world.site("azure").answers = false;
            }
            Happens::Nothing
        })
        .unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::PartiallyRolledBack));
    assert!(
        applied.message().contains("does not answer") && applied.message().contains("taken back: `azure`")
    );
    assert_eq!(lab.world.served("gcp"), Some(version("v1")));
    assert_eq!(lab.world.served("aws"), Some(version("v1")));
    // It answers again, and the same version is tried once more.
    lab.world.site("azure").answers = true;
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v2");
}

#[test]
fn a_short_silence_is_no_failure() {
    let mut lab = Lab::with(two_waves(), "v1");
    let mut silent = 0;
    let applied = lab
        .apply_while("v2", |world, journal| {
            let stage = journal.release.as_ref().unwrap().clusters[&cluster("gcp")].stage;
            silent += usize::from(stage == Stage::Preparing);
            world.site("gcp").answers = !(1..50).contains(&silent);
            Happens::Nothing
        })
        .unwrap();
    assert!(silent >= 50);
    assert_eq!(applied.ended, Ended::Completed);
}

#[test]
fn a_cluster_of_a_later_wave_may_be_silent_until_its_turn() {
    let mut spec = two_waves();
    spec.waves[0].soak = seconds(300);
    let mut lab = Lab::with(spec, "v1");
    let started = lab.world.now;
    let applied = lab
        .apply_while("v2", |world, _| {
            world.site("aws").answers = world.now.duration_since(started).as_secs() > 200;
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
}

#[test]
fn an_admission_policy_that_refuses_is_a_failure_at_once() {
    let mut lab = Lab::with(two_waves(), "v1");
    let applied = lab
        .apply_while("v2", |world, journal| {
            let stage = journal.release.as_ref().unwrap().clusters[&cluster("gcp")].stage;
            world.site("gcp").refuses = (stage == Stage::Preparing).then(|| "denied by policy".to_owned());
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.phase(), Phase::RolledBack);
    assert!(applied.message().contains("denied by policy"));
    all_serve(&lab, "v1");
}

#[test]
fn a_rival_that_changes_the_weights_is_seen_and_all_goes_back() {
    let mut spec = two_waves();
    spec.waves[0].soak = seconds(30);
    let mut lab = Lab::with(spec, "v1");
    let applied = lab
        .apply_while("v2", |world, journal| {
            let release = journal.release.as_ref().unwrap();
            if release.phase == Phase::Rolling && release.wave.switched.is_some() {
                let site = world.site("gcp");
                site.green = Some(30);
                site.foreign = Some("green has 30 %, written by argocd".to_owned());
            }
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.release().failure.as_ref().unwrap().reason, Reason::Foreign);
    assert_eq!(applied.phase(), Phase::RolledBack);
    all_serve(&lab, "v1");
}

#[test]
fn a_first_release_that_fails_leaves_nothing_running() {
    let mut lab = Lab::new(two_waves());
    lab.world.behave(Some("aws"), "v1", Pods::Crash);
    let applied = lab.apply("v1").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert_eq!(applied.journal.active, None);
    assert!(lab.world.sites.values().flat_map(|site| site.sides.values()).all(|side| side.replicas == 0));
    lab.world.behaviour.clear();
    assert_eq!(lab.apply("v1").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v1");
}

#[test]
fn a_repair_that_fails_does_not_take_away_what_serves() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.site("aws").foreign = Some("by hand".to_owned());
    lab.world.site("aws").green = Some(40);
    let applied = lab
        .apply_while("v1", |world, _| {
            world.site("aws").refuses = Some("denied by policy".to_owned());
            Happens::Nothing
        })
        .unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert_eq!(lab.world.site("aws").sides[&Color::Blue].replicas, 3);
    lab.world.site("aws").refuses = None;
    assert_eq!(lab.apply("v1").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v1");
}

#[test]
fn what_was_updated_where_it_stands_is_updated_back() {
    let mut spec = two_waves();
    spec.strategy = Strategy::InPlace;
    let mut lab = Lab::with(spec, "v1");
    lab.world.behave(Some("aws"), "v2", Pods::Crash);
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert!(lab.shifts().is_empty());
}

#[test]
fn a_cluster_that_fails_out_of_dns_is_put_back() {
    let mut spec = two_waves();
    spec.dns = Some(DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(5) });
    spec.waves[0].steps = vec![Step { pause: seconds(20), ..Step::weight(50) }, Step::weight(100)];
    let mut lab = Lab::with(spec, "v1");
    lab.world.behave(None, "v2", Pods::Die(5));
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.phase(), Phase::RolledBack);
    assert!(lab.world.sites.values().all(|site| site.in_dns));
    assert!(applied.release().clusters.values().all(|state| !state.withdrawn));
}

#[test]
fn an_interrupt_ends_between_steps_and_the_next_apply_goes_on() {
    let mut spec = spec(vec![wave("all", &["aws"])]);
    spec.waves[0].steps = vec![Step { pause: seconds(50), ..Step::weight(20) }, Step::weight(100)];
    let mut lab = Lab::with(spec, "v1");
    let applied = lab
        .apply_while("v2", |world, _| {
            if world.share(&cluster("aws"), Color::Green) == 20 {
                Happens::Interrupt
            } else {
                Happens::Nothing
            }
        })
        .unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Interrupted, Phase::Rolling));
    assert!(matches!(applied.stage("aws"), Stage::Step { index: 0, verified: Some(_) }));
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert_eq!(lab.shifts(), ["aws 0 green", "aws 1 green"]);
}

#[test]
fn a_shift_in_flight_is_seen_through_when_interrupted() {
    let mut lab = Lab::with(spec(vec![wave("all", &["aws"])]), "v1");
    let applied = lab
        .apply_while("v2", |_, journal| {
            let stage = journal.release.as_ref().unwrap().clusters[&cluster("aws")].stage;
            if matches!(stage, Stage::Step { verified: None, .. }) {
                Happens::Interrupt
            } else {
                Happens::Nothing
            }
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Interrupted);
    assert!(matches!(applied.stage("aws"), Stage::Step { verified: Some(_), .. }));
    assert_eq!(lab.world.served("aws"), Some(version("v2")));
}

#[test]
fn an_interrupt_takes_back_where_that_is_asked_for() {
    let mut spec = two_waves();
    spec.on_interrupt = OnInterrupt::Rollback;
    spec.hold = seconds(100);
    let mut lab = Lab::with(spec, "v1");
    let applied = lab
        .apply_while("v2", |world, journal| {
            let phase = journal.release.as_ref().unwrap().phase;
            if phase_of(world, phase, Phase::Holding, 0) { Happens::Interrupt } else { Happens::Nothing }
        })
        .unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Interrupted, Phase::RolledBack));
    all_serve(&lab, "v1");
    assert_eq!(applied.journal.last_failed, None);
}

#[test]
fn a_cluster_that_fails_while_all_is_made_ready_takes_all_back() {
    let mut spec = two_waves();
    spec.promotion = Promotion::NextApply;
    spec.on_failure = OnFailure::RollbackWave;
    let mut lab = Lab::with(spec, "v1");
    lab.world.behave(Some("azure"), "v2", Pods::Crash);
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Failed, Phase::RolledBack));
    assert!(lab.shifts().is_empty());
    assert!(
        lab.world
            .sites
            .values()
            .all(|site| site.sides.get(&Color::Green).is_none_or(|side| side.replicas == 0))
    );
}
