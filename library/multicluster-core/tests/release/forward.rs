//! The way forward: waves, steps, gates, judgement, hold.

use std::collections::BTreeMap;

use multicluster_core::analysis::Scope;
use multicluster_core::freeze::Window;
use multicluster_core::names::ClusterName;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::journal::{Extent, Phase, Stage};
use multicluster_core::release::spec::{DnsCoupling, Promotion, ReleaseSpec, Step, Strategy};
use multicluster_core::release::{Color, next};
use rstest::rstest;

use crate::support::{Happens, Lab, Pods, analysis, at, cluster, seconds, spec, two_waves, version, wave};

fn steps(weights: &[u8]) -> Vec<Step> {
    weights.iter().map(|weight| Step { pause: seconds(5), ..Step::weight(*weight) }).collect()
}

#[test]
fn the_first_release_is_blue_and_goes_straight_to_all() {
    let mut spec = two_waves();
    spec.waves[0].steps = steps(&[20, 100]);
    spec.waves[0].soak = seconds(600);
    spec.hold = seconds(600);
    spec.analysis = Some(analysis(Scope::Cluster));
    spec.promotion = Promotion::NextApply;
    let mut lab = Lab::new(spec);
    let applied = lab.apply("v1").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.journal.active.as_ref().unwrap().color, Color::Blue);
    assert_eq!(lab.shifts(), ["gcp all blue", "aws all blue", "azure all blue"]);
    assert!(lab.world.now < at(60), "nothing is waited for where nothing served");
}

#[test]
fn a_second_release_is_green_and_lets_blue_go_at_the_very_end() {
    let mut lab = Lab::with(two_waves(), "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.journal.active.as_ref().unwrap().color, Color::Green);
    assert_eq!(lab.shifts(), ["gcp 0 green", "aws 0 green", "azure 0 green"]);
    let first_let_go =
        lab.world.log.iter().position(|(_, action)| matches!(action, Action::LetGo { .. })).unwrap();
    let last_shift =
        lab.world.log.iter().rposition(|(_, action)| matches!(action, Action::Shift { .. })).unwrap();
    assert!(last_shift < first_let_go);
    for name in ["aws", "azure", "gcp"] {
        assert_eq!(lab.world.served(name), Some(version("v2")));
        assert_eq!(lab.world.site(name).sides[&Color::Blue].replicas, 0);
    }
}

#[test]
fn steps_are_taken_one_by_one_each_with_its_pause() {
    let mut spec = spec(vec![wave("all", &["aws"])]);
    spec.waves[0].steps = steps(&[20, 50, 100]);
    let mut lab = Lab::with(spec, "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    let times: Vec<_> = lab
        .world
        .log
        .iter()
        .filter(|(_, action)| matches!(action, Action::Shift { .. }))
        .map(|(time, _)| *time)
        .collect();
    assert_eq!(times.len(), 3);
    for pair in times.windows(2) {
        assert!(pair[1].duration_since(pair[0]).as_secs() >= 5, "{pair:?}");
    }
}

#[test]
fn headers_and_mirror_hold_before_a_step_counts() {
    let mut spec = spec(vec![wave("all", &["aws"])]);
    let headers = BTreeMap::from([("x-canary".to_owned(), "yes".to_owned())]);
    spec.waves[0].steps = vec![
        Step { headers, ..Step::weight(0) },
        Step { mirror: Some(50), ..Step::weight(0) },
        Step::weight(100),
    ];
    let mut lab = Lab::with(spec, "v1");
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert_eq!(lab.shifts(), ["aws 0 green", "aws 1 green", "aws 2 green"]);
}

#[test]
fn the_new_colour_begins_with_the_size_that_the_old_one_has_now() {
    let mut lab = Lab::with(spec(vec![wave("all", &["aws"])]), "v1");
    lab.world.site("aws").sides.get_mut(&Color::Blue).unwrap().replicas = 11;
    lab.apply("v2").unwrap();
    assert_eq!(lab.world.site("aws").sides[&Color::Green].replicas, 11);
}

#[test]
fn no_more_clusters_are_in_work_than_may_be() {
    let mut spec = spec(vec![wave("all", &["a", "b", "c", "d", "e"])]);
    spec.waves[0].max_parallel = Some(2);
    let mut lab = Lab::with(spec, "v1");
    let mut most = 0;
    let applied = lab
        .apply_while("v2", |_, journal| {
            let busy =
                journal.release.as_ref().unwrap().clusters.values().filter(|state| {
                    !matches!(state.stage, Stage::Pending | Stage::Switched | Stage::Finished)
                });
            most = most.max(busy.count());
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(most, 2);
}

#[test]
fn a_wave_begins_after_the_soak_of_the_one_before() {
    let mut spec = two_waves();
    spec.waves[0].soak = seconds(40);
    let mut lab = Lab::with(spec, "v1");
    lab.apply("v2").unwrap();
    let shifted = |lab: &Lab, name: &str| {
        let of =
            |action: &Action| matches!(action, Action::Shift { cluster: one, .. } if *one == cluster(name));
        lab.world.log.iter().find(|(_, action)| of(action)).unwrap().0
    };
    assert!(shifted(&lab, "aws").duration_since(shifted(&lab, "gcp")).as_secs() >= 40);
}

#[test]
fn the_old_colour_is_warm_everywhere_until_the_hold_is_over() {
    let mut spec = two_waves();
    spec.hold = seconds(100);
    let mut lab = Lab::with(spec, "v1");
    let mut held = 0;
    let applied = lab
        .apply_while("v2", |world, journal| {
            if journal.release.as_ref().unwrap().phase == Phase::Holding {
                held += 1;
                assert!(world.sites.values().all(|site| site.sides[&Color::Blue].replicas == 3));
            }
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(held >= 100);
}

#[test]
fn metrics_are_measured_once_users_reach_the_new_colour_and_must_be_good() {
    let mut spec = two_waves();
    spec.analysis = Some(analysis(Scope::Cluster));
    spec.waves[0].soak = seconds(20);
    let mut lab = Lab::with(spec, "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    let run = applied.release().analysis.as_ref().unwrap();
    assert!(run.metrics.iter().all(|metric| !metric.measurements.is_empty()), "{run:#?}");
}

#[test]
fn a_wave_does_not_end_before_a_metric_has_measured_often_enough() {
    let mut spec = spec(vec![wave("all", &["aws"])]);
    let mut metrics = analysis(Scope::Global);
    metrics.metrics[0].count = Some(6);
    spec.analysis = Some(metrics);
    let mut lab = Lab::with(spec, "v1");
    let before = lab.world.now;
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert!(lab.world.now.duration_since(before).as_secs() >= 2 * 25, "once for the wave, once for the hold");
}

#[test]
fn next_apply_makes_ready_everywhere_and_switches_with_the_next_apply() {
    let mut spec = two_waves();
    spec.promotion = Promotion::NextApply;
    let mut lab = Lab::with(spec, "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Waiting, Phase::AwaitingPromotion));
    assert!(lab.shifts().is_empty());
    assert!(applied.release().clusters.values().all(|state| state.stage == Stage::Ready));
    assert_eq!(applied.journal.active.as_ref().unwrap().color, Color::Blue);
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
}

#[test]
fn explicit_waits_until_this_very_release_is_approved() {
    let mut spec = two_waves();
    spec.promotion = Promotion::Explicit;
    let mut lab = Lab::with(spec, "v1");
    for _ in 0..2 {
        let applied = lab.apply("v2").unwrap();
        assert_eq!((applied.ended, applied.phase()), (Ended::Waiting, Phase::AwaitingPromotion));
    }
    let id = lab.journal.as_ref().unwrap().release.as_ref().unwrap().id.clone();
    lab.spec.approved = [id.0.clone()].into();
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.release().approvals, [id.0]);
}

#[test]
fn a_wave_waits_for_its_approval_while_those_before_it_serve() {
    let mut spec = two_waves();
    spec.waves[1].approval = true;
    let mut lab = Lab::with(spec, "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Waiting, Phase::AwaitingApproval));
    assert_eq!(lab.world.served("gcp"), Some(version("v2")));
    assert_eq!(lab.world.served("aws"), Some(version("v1")));
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Waiting, "another apply is no approval");
    lab.spec.approved = [format!("{}/rest", applied.release().id.0)].into();
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
}

#[rstest]
#[case::waits_if_there_is_time(Some(500), None, &[Phase::Frozen, Phase::Rolling], Ended::Completed)]
#[case::ends_if_there_is_not(Some(100), None, &[Phase::Frozen], Ended::Waiting)]
#[case::ends_if_nobody_says_how_long(None, None, &[Phase::Frozen], Ended::Waiting)]
#[case::is_overridden_with_a_reason(None, Some("outage"), &[Phase::Rolling], Ended::Completed)]
fn a_freeze_window(
    #[case] until: Option<i64>,
    #[case] reason: Option<&str>,
    #[case] first: &[Phase],
    #[case] ended: Ended,
) {
    let mut spec = two_waves();
    spec.freeze = vec![Window::between(at(0), at(300), "sale")];
    spec.freeze_override = reason.map(str::to_owned);
    let mut lab = Lab::with(spec, "v1");
    lab.until = until.map(at);
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, ended);
    assert_eq!(applied.phases.get(..first.len()), Some(first));
    assert_eq!(applied.release().freeze_override.as_deref(), reason);
    if ended == Ended::Waiting {
        assert!(lab.shifts().is_empty());
        lab.world.now = at(300);
        assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    }
}

#[test]
fn a_cluster_leaves_dns_before_its_traffic_moves_and_comes_back_after() {
    let mut spec = two_waves();
    spec.dns = Some(DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(30) });
    let mut lab = Lab::with(spec, "v1");
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    let of_gcp: Vec<_> = lab
        .world
        .log
        .iter()
        .filter_map(|(time, action)| match action {
            Action::WithdrawDns { cluster: one } if *one == cluster("gcp") => Some((*time, "out")),
            Action::ReturnDns { cluster: one } if *one == cluster("gcp") => Some((*time, "back")),
            Action::Shift { cluster: one, .. } if *one == cluster("gcp") => Some((*time, "shift")),
            _ => None,
        })
        .collect();
    let words: Vec<&str> = of_gcp.iter().map(|(_, word)| *word).collect();
    assert_eq!(words, ["out", "shift", "back"]);
    assert!(of_gcp[1].0.duration_since(of_gcp[0].0).as_secs() >= 30);
    assert!(lab.world.sites.values().all(|site| site.in_dns));
}

fn in_place() -> ReleaseSpec {
    let mut spec = two_waves();
    spec.strategy = Strategy::InPlace;
    spec
}

#[test]
fn what_is_updated_where_it_stands_has_waves_and_no_shifts() {
    let mut lab = Lab::with(in_place(), "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(lab.shifts().is_empty());
    let prepared: Vec<ClusterName> = lab
        .world
        .log
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Prepare { cluster, .. } => Some(cluster.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(prepared.first(), Some(&cluster("gcp")));
}

#[test]
fn what_is_updated_where_it_stands_is_not_touched_before_the_promotion() {
    let mut spec = in_place();
    spec.promotion = Promotion::NextApply;
    let mut lab = Lab::with(spec, "v1");
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.phase()), (Ended::Waiting, Phase::AwaitingPromotion));
    assert!(lab.world.log.is_empty());
}

#[test]
fn a_cluster_that_joins_goes_straight_to_what_the_others_have() {
    let mut lab = Lab::with(spec(vec![wave("all", &["aws", "azure"])]), "v1");
    lab.apply("v2").unwrap();
    lab.join("gcp");
    lab.spec.waves[0].steps = steps(&[10, 100]);
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.release().extent, Extent::Part);
    assert_eq!(lab.world.served("gcp"), Some(version("v2")));
    assert_eq!(lab.world.serving("gcp"), Some(Color::Green));
    assert!(lab.shifts().ends_with(&["gcp all green".to_owned()]), "{:?}", lab.shifts());
    assert_eq!(applied.journal.active.as_ref().unwrap().color, Color::Green);
}

#[test]
fn a_cluster_that_joins_with_a_new_version_has_no_old_colour_and_no_steps() {
    let mut lab = Lab::with(spec(vec![wave("all", &["aws", "azure"])]), "v1");
    lab.join("gcp");
    lab.spec.waves[0].steps = steps(&[10, 100]);
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(lab.shifts().contains(&"gcp all green".to_owned()));
    assert!(lab.shifts().contains(&"aws 0 green".to_owned()));
}

#[test]
fn where_the_old_colour_is_dead_there_are_no_steps() {
    let mut spec = spec(vec![wave("all", &["aws"])]);
    spec.waves[0].steps = steps(&[10, 50, 100]);
    let mut lab = Lab::with(spec, "v1");
    lab.world.behave(None, "v1", Pods::Crash);
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert_eq!(lab.shifts(), ["aws 2 green"]);
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_for_ever() {
    let mut spec = two_waves();
    spec.hold = seconds(30);
    let mut lab = Lab::with(spec, "v1");
    let mut jumped = false;
    let applied = lab
        .apply_while("v2", |world, journal| {
            if journal.release.as_ref().unwrap().phase == Phase::Holding && !jumped {
                jumped = true;
                world.skew = -100_000;
            }
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let lab = Lab::with(two_waves(), "v1");
    let journal = lab.journal.clone().unwrap();
    let observed = lab.world.observe(&lab.spec, journal.release.as_ref());
    let step = next(&lab.spec, &journal, &observed, lab.world.now);
    assert_eq!(step.journal, journal);
    assert_eq!(step.ended, Some(Ended::Completed));
}
