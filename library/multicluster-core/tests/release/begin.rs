//! What an apply begins with.

use multicluster_core::release::Color;
use multicluster_core::release::action::{Action, Ended};
use multicluster_core::release::begin::Refused;
use multicluster_core::release::journal::{Extent, Phase, Reason, ReleaseId, Stage};
use multicluster_core::release::spec::{MaxFailures, OnFailedRelease, OnFailure, Promotion, Step};
use rstest::rstest;

use crate::support::{Happens, Lab, Pods, at, cluster, seconds, spec, two_waves, version, wave};

const ALL: [&str; 3] = ["aws", "azure", "gcp"];

fn all_serve(lab: &Lab, text: &str) {
    for name in ALL {
        assert_eq!(lab.world.served(name), Some(version(text)), "{name}");
    }
}

#[test]
fn a_release_is_named_after_its_version_and_the_one_before() {
    let mut lab = Lab::with(two_waves(), "v1");
    let first = lab.journal.clone().unwrap().active.unwrap().release;
    assert_eq!(first, ReleaseId::new(&version("v1"), None));
    assert_eq!((first.0.len(), first.0.starts_with("r-")), (12, true));
    let second = lab.apply("v2").unwrap().release().id.clone();
    assert_eq!(second, ReleaseId::new(&version("v2"), Some(&first)));
}

#[test]
fn what_is_there_needs_nothing() {
    let mut lab = Lab::with(two_waves(), "v1");
    let applied = lab.apply("v1").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(lab.world.log.is_empty());
}

#[test]
fn a_version_that_failed_is_tried_again_as_another_release() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.behave(None, "v2", Pods::Crash);
    let first = lab.apply("v2").unwrap().release().id.clone();
    lab.world.behaviour.clear();
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.release().id, ReleaseId::new(&version("v2"), Some(&first)));
    assert_eq!(applied.journal.last_failed, None);
}

#[test]
fn a_version_that_failed_is_refused_where_that_is_asked_for() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failed_release = OnFailedRelease::Block;
    lab.world.behave(None, "v2", Pods::Crash);
    lab.apply("v2").unwrap();
    lab.world.behaviour.clear();
    let refused = lab.apply("v2").unwrap_err();
    assert!(
        matches!(&refused, Refused::FailedBefore { why, .. } if why.contains("CrashLoopBackOff")),
        "{refused}"
    );
    assert_eq!(lab.apply("v1").unwrap().ended, Ended::Completed, "what serves is no failed version");
    lab.spec.retry_token = Some("2".to_owned());
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
}

#[rstest]
#[case::of_another_release("r-0000000000")]
#[case::of_another_wave("THIS/first")]
fn an_approval_of_something_else_is_refused_with_what_is_meant(#[case] given: &str) {
    let mut spec = two_waves();
    spec.promotion = Promotion::Explicit;
    spec.waves[1].approval = true;
    let mut lab = Lab::with(spec, "v1");
    let id = lab.apply("v2").unwrap().release().id.0.clone();
    lab.spec.approved = [given.replace("THIS", &id)].into();
    let refused = lab.apply("v2").unwrap_err().to_string();
    assert!(refused.contains(&format!("`{id}` or `{id}/rest`")), "{refused}");
}

#[test]
fn an_approval_that_was_given_beforehand_counts() {
    let mut spec = two_waves();
    spec.promotion = Promotion::Explicit;
    let mut lab = Lab::with(spec, "v1");
    let previous = lab.journal.as_ref().unwrap().last.clone();
    lab.spec.approved = [ReleaseId::new(&version("v2"), previous.as_ref()).0].into();
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
}

/// Every phase that an apply can leave behind.
#[rstest]
#[case::preparing(Phase::Preparing, Promotion::NextApply)]
#[case::rolling(Phase::Rolling, Promotion::Auto)]
#[case::holding(Phase::Holding, Promotion::Auto)]
#[case::finalising(Phase::Finalising, Promotion::Auto)]
fn after_a_kill_the_next_apply_goes_on(#[case] phase: Phase, #[case] promotion: Promotion) {
    let mut spec = two_waves();
    spec.promotion = promotion;
    spec.hold = seconds(20);
    spec.waves[0].steps = vec![Step { pause: seconds(20), ..Step::weight(20) }, Step::weight(100)];
    let mut lab = Lab::with(spec, "v1");
    let killed = lab
        .apply_while("v2", |_, journal| {
            if journal.release.as_ref().unwrap().phase == phase { Happens::Kill } else { Happens::Nothing }
        })
        .unwrap();
    assert_eq!(killed.phase(), phase);
    let id = killed.release().id.clone();
    let mut applied = lab.apply("v2").unwrap();
    if promotion == Promotion::NextApply {
        assert_eq!(applied.phase(), Phase::AwaitingPromotion);
        applied = lab.apply("v2").unwrap();
    }
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.release().id, id);
    all_serve(&lab, "v2");
}

#[rstest]
#[case::preparing(Phase::Preparing, Promotion::NextApply)]
#[case::awaiting_promotion(Phase::AwaitingPromotion, Promotion::NextApply)]
#[case::rolling(Phase::Rolling, Promotion::Auto)]
#[case::holding(Phase::Holding, Promotion::Auto)]
#[case::finalising(Phase::Finalising, Promotion::Auto)]
fn applying_the_old_version_takes_an_unfinished_release_back(
    #[case] phase: Phase,
    #[case] promotion: Promotion,
) {
    let mut spec = two_waves();
    spec.promotion = promotion;
    spec.hold = seconds(20);
    let mut lab = Lab::with(spec, "v1");
    lab.apply_while("v2", |_, journal| {
        if journal.release.as_ref().unwrap().phase == phase { Happens::Kill } else { Happens::Nothing }
    })
    .unwrap();
    lab.world.log.clear();
    let applied = lab.apply("v1").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    let past = applied.journal.history.last().unwrap();
    assert_eq!((past.phase, past.failure.as_ref().unwrap().reason), (Phase::RolledBack, Reason::Superseded));
    assert_eq!(applied.journal.last_failed, None, "it is not held against the version");
    all_serve(&lab, "v1");
    if phase != Phase::Finalising {
        let made = lab.world.log.iter().any(|(_, action)| matches!(action, Action::Prepare { .. }));
        assert!(!made, "the old colour is warm: no pods are made");
    }
}

#[rstest]
#[case::awaiting_promotion(Phase::AwaitingPromotion, Promotion::NextApply)]
#[case::rolling(Phase::Rolling, Promotion::Auto)]
#[case::holding(Phase::Holding, Promotion::Auto)]
fn a_third_version_takes_the_second_back_and_begins_in_the_same_apply(
    #[case] phase: Phase,
    #[case] promotion: Promotion,
) {
    let mut spec = two_waves();
    spec.promotion = promotion;
    spec.hold = seconds(20);
    let mut lab = Lab::with(spec, "v1");
    lab.apply_while("v2", |_, journal| {
        if journal.release.as_ref().unwrap().phase == phase { Happens::Kill } else { Happens::Nothing }
    })
    .unwrap();
    lab.spec.promotion = Promotion::Auto;
    let applied = lab.apply("v3").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(applied.phases.contains(&Phase::RolledBack));
    assert_eq!(applied.release().to, Color::Green);
    all_serve(&lab, "v3");
}

#[test]
fn a_taking_back_that_was_cut_short_is_finished_first() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.waves[0].soak = seconds(30);
    lab.world.behave(None, "v2", Pods::Die(5));
    let killed = lab
        .apply_while("v2", |_, journal| {
            if journal.release.as_ref().unwrap().phase == Phase::RollingBack {
                Happens::Kill
            } else {
                Happens::Nothing
            }
        })
        .unwrap();
    lab.world.behaviour.clear();
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_ne!(applied.release().id, killed.release().id);
    assert!(
        applied.phases.starts_with(&[Phase::RollingBack, Phase::RolledBack])
            || applied.phases[0] == Phase::RolledBack
    );
    all_serve(&lab, "v2");
}

#[test]
fn a_halted_release_is_taken_back_by_the_old_version() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failure = OnFailure::Halt;
    lab.world.behave(Some("aws"), "v2", Pods::Crash);
    assert_eq!(lab.apply("v2").unwrap().phase(), Phase::Halted);
    assert!(matches!(lab.apply("v2").unwrap_err(), Refused::Halted { .. }));
    assert_eq!(lab.apply("v1").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v1");
}

#[test]
fn a_halted_release_goes_on_with_another_token() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failure = OnFailure::Halt;
    lab.world.behave(Some("aws"), "v2", Pods::Crash);
    lab.apply("v2").unwrap();
    lab.world.behaviour.clear();
    lab.spec.retry_token = Some("go on".to_owned());
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v2");
}

#[test]
fn after_a_wave_was_taken_back_the_version_goes_on_where_it_is_not_yet() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failure = OnFailure::RollbackWave;
    lab.world.behave(Some("aws"), "v2", Pods::Crash);
    assert_eq!(lab.apply("v2").unwrap().phase(), Phase::PartiallyRolledBack);
    lab.world.behaviour.clear();
    lab.world.log.clear();
    lab.spec.waves[0].steps = vec![Step::weight(10), Step::weight(100)];
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert!(!lab.shifts().iter().any(|shift| shift.starts_with("gcp")), "its users stay where they are");
    all_serve(&lab, "v2");
}

#[test]
fn after_a_wave_was_taken_back_the_old_version_takes_the_rest_back() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.on_failure = OnFailure::RollbackWave;
    lab.world.behave(Some("aws"), "v2", Pods::Crash);
    lab.apply("v2").unwrap();
    assert_eq!(lab.apply("v1").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v1");
}

#[test]
fn a_version_whose_pods_are_warm_is_switched_to_at_once() {
    let mut spec = two_waves();
    spec.hold = seconds(600);
    spec.waves[0].soak = seconds(600);
    spec.waves[0].approval = true;
    let mut lab = Lab::with(spec, "v1");
    for name in ALL {
        let blue = lab.world.site(name).sides[&Color::Blue].clone();
        let mut green = blue;
        green.version = Some(version("v0"));
        lab.world.site(name).sides.insert(Color::Green, green);
    }
    let before = lab.world.now;
    let applied = lab.apply("v0").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(applied.release().fast);
    assert!(lab.world.now.duration_since(before).as_secs() < 10);
    assert!(!lab.world.log.iter().any(|(_, action)| matches!(action, Action::Prepare { .. })));
    all_serve(&lab, "v0");
}

/// `azure` failed within the limits and serves blue, while green is active.
fn one_behind() -> Lab {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    lab.world.behave(Some("azure"), "v2", Pods::Crash);
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    assert_eq!(lab.world.serving("azure"), Some(Color::Blue));
    lab.world.log.clear();
    lab
}

#[test]
fn a_cluster_that_failed_within_the_limits_catches_up() {
    let mut lab = one_behind();
    lab.world.behaviour.clear();
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.release().extent), (Ended::Completed, Extent::Part));
    assert_eq!(lab.shifts(), ["azure all green"]);
    all_serve(&lab, "v2");
}

#[test]
fn a_cluster_that_fails_to_catch_up_is_an_error_and_serves_what_it_served() {
    let mut lab = one_behind();
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Failed);
    assert!(applied.message().contains("CrashLoopBackOff"));
    assert_eq!(lab.world.served("azure"), Some(version("v1")));
    assert_eq!(applied.journal.active.as_ref().unwrap().version, version("v2"));
}

#[test]
fn the_next_version_never_overwrites_what_serves_on_a_cluster_that_is_behind() {
    let mut lab = one_behind();
    let applied = lab
        .apply_while("v3", |world, _| {
            assert!(world.ready(&cluster("azure"), world.serving("azure").unwrap()) > 0);
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(applied.release().to, Color::Blue);
    assert_eq!(lab.shifts()[0], "azure all green", "it makes room in the colour that is free there");
    all_serve(&lab, "v3");
    assert!(ALL.iter().all(|name| lab.world.serving(name) == Some(Color::Blue)));
}

#[test]
fn a_first_release_that_is_replaced_half_way_keeps_its_users() {
    let mut lab = Lab::new(two_waves());
    lab.world.behave(Some("aws"), "v1", Pods::Hang);
    lab.apply_while("v1", |_, journal| {
        let stage = journal.release.as_ref().unwrap().clusters[&cluster("aws")].stage;
        if stage == Stage::Preparing { Happens::Kill } else { Happens::Nothing }
    })
    .unwrap();
    assert_eq!(lab.world.served("gcp"), Some(version("v1")));
    let applied = lab
        .apply_while("v2", |world, _| {
            assert!(world.ready(&cluster("gcp"), world.serving("gcp").unwrap()) > 0);
            Happens::Nothing
        })
        .unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    all_serve(&lab, "v2");
}

#[test]
fn a_first_release_that_serves_nobody_is_taken_away_by_the_next_version() {
    let mut lab = Lab::new(two_waves());
    lab.world.behave(Some("gcp"), "v1", Pods::Hang);
    lab.apply_while("v1", |world, _| if world.now > at(5) { Happens::Kill } else { Happens::Nothing })
        .unwrap();
    let applied = lab.apply("v2").unwrap();
    assert_eq!((applied.ended, applied.release().to), (Ended::Completed, Color::Blue));
    all_serve(&lab, "v2");
}

#[test]
fn weights_that_somebody_changed_are_put_right() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.site("aws").green = Some(50);
    lab.world.site("aws").foreign = Some("by hand".to_owned());
    let applied = lab.apply("v1").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert_eq!(lab.shifts(), ["aws all blue"]);
    all_serve(&lab, "v1");
}

#[test]
fn clusters_that_came_and_went_while_a_release_was_under_way() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.apply_while("v2", |_, journal| {
        if journal.release.as_ref().unwrap().wave.index == 1 { Happens::Kill } else { Happens::Nothing }
    })
    .unwrap();
    lab.join("lab");
    lab.spec.waves[1].clusters.retain(|name| *name != cluster("azure"));
    let applied = lab.apply("v2").unwrap();
    assert_eq!(applied.ended, Ended::Completed);
    assert!(!applied.release().clusters.contains_key(&cluster("azure")));
    for name in ["aws", "gcp", "lab"] {
        assert_eq!(lab.world.served(name), Some(version("v2")), "{name}");
    }
}

#[test]
fn an_adopted_workload_is_blue_and_the_first_release_beside_it_green() {
    let mut lab = Lab::with(spec(vec![wave("all", &["aws"])]), "plain");
    let journal = lab.journal.as_mut().unwrap();
    journal.release = None;
    journal.history.clear();
    journal.last = None;
    let applied = lab.apply("v1").unwrap();
    assert_eq!((applied.ended, applied.release().to), (Ended::Completed, Color::Green));
}

#[test]
fn what_crashes_where_the_new_version_is_to_be_made_is_not_taken_for_it() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.world.behave(None, "v0", Pods::Crash);
    let mut left_over = lab.world.site("gcp").sides[&Color::Blue].clone();
    left_over.version = Some(version("v0"));
    lab.world.site("gcp").sides.insert(Color::Green, left_over);
    assert_eq!(lab.apply("v2").unwrap().ended, Ended::Completed);
    all_serve(&lab, "v2");
}
