//! Schedules that once showed a mistake, made as small as they are.

use multicluster_core::analysis::Scope;
use multicluster_core::release::Color;
use multicluster_core::release::spec::{DnsCoupling, MaxFailures, OnFailure, OnInterrupt, Promotion, Step};

use super::holds;
use super::schedule::{Fault, Schedule, plain};
use crate::support::{Pods, analysis, seconds, wave};

const AWS: usize = 0;
const AZURE: usize = 1;
const GCP: usize = 2;

/// All clusters at once, and an interrupt takes back.
fn one_wave() -> Schedule {
    let mut schedule = plain();
    schedule.spec.waves = vec![wave("w0", &["aws", "azure", "gcp"])];
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.pods = vec![vec![Pods::Ready(0); 3]; 3];
    schedule
}

#[test]
fn an_old_colour_that_died_does_not_keep_the_next_version_away() {
    let mut schedule = one_wave();
    schedule.spec.waves[0].max_parallel = Some(1);
    schedule.applies = vec![1, 3, 2];
    schedule.delays = vec![2];
    schedule.pods[0][AWS] = Pods::Hang;
    schedule.pods[2] = vec![Pods::Die(18), Pods::Ready(1), Pods::Ready(2)];
    schedule.faults = vec![(20, Fault::Cut(AWS, 26)), (60, Fault::Accept(AWS, false))];
    holds(&schedule);
}

#[test]
fn a_cluster_that_served_the_version_already_keeps_it_when_the_others_go_back() {
    let mut schedule = plain();
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.hold = seconds(5);
    for wave in &mut schedule.spec.waves {
        wave.max_failures = MaxFailures::Clusters(1);
    }
    schedule.spec.waves[1].steps = vec![Step { pause: seconds(2), ..Step::weight(100) }];
    schedule.spec.waves[1].soak = seconds(5);
    schedule.applies = vec![3, 0];
    schedule.pods[2] = vec![Pods::Ready(4), Pods::Crash, Pods::Hang];
    schedule.faults = vec![(65, Fault::Rival(1))];
    holds(&schedule);
}

#[test]
fn a_cluster_that_was_given_up_is_put_back_into_dns_later() {
    let mut schedule = plain();
    schedule.spec.on_failure = OnFailure::Halt;
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.dns = Some(DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(5) });
    schedule.spec.waves[0].steps = vec![Step { pause: seconds(4), ..Step::weight(100) }];
    schedule.spec.waves[0].soak = seconds(4);
    let step = |weight| Step { pause: seconds(5), ..Step::weight(weight) };
    schedule.spec.waves[1].steps = vec![step(0), step(50), step(100)];
    schedule.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    schedule.applies = vec![3, 2];
    schedule.pods[1] = vec![Pods::Die(5), Pods::Ready(0), Pods::Ready(3)];
    schedule.pods[2] = vec![Pods::Crash, Pods::Ready(1), Pods::Ready(3)];
    schedule.faults =
        vec![(0, Fault::Accept(AWS, false)), (0, Fault::Foreign(AZURE, 1)), (22, Fault::Cut(GCP, 141))];
    holds(&schedule);
}

#[test]
fn both_colours_of_a_cluster_are_dead_when_the_next_version_comes() {
    let mut schedule = one_wave();
    schedule.spec.waves[0].max_failures = MaxFailures::Clusters(1);
    schedule.spec.hold = seconds(3);
    schedule.applies = vec![2, 1, 2];
    schedule.pods[0] = vec![Pods::Ready(5), Pods::Die(8), Pods::Ready(0)];
    schedule.pods[1][AZURE] = Pods::Hang;
    schedule.faults = vec![(0, Fault::Rival(2)), (0, Fault::Cut(AWS, 1))];
    holds(&schedule);
}

#[test]
fn what_was_under_way_when_the_course_changed_is_waited_for() {
    let mut schedule = plain();
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.dns = Some(DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(5) });
    schedule.applies = vec![1];
    schedule.delays = vec![2];
    schedule.faults = vec![(5, Fault::Interrupt)];
    holds(&schedule);
}

#[test]
fn a_wave_that_was_not_begun_is_left_as_it_is_when_the_others_go_back() {
    let mut schedule = plain();
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    schedule.spec.waves[1].approval = true;
    schedule.applies = vec![3, 3, 0, 1];
    schedule.pods = vec![vec![Pods::Ready(0); 3]; 3];
    schedule.pods[2][AZURE] = Pods::Hang;
    holds(&schedule);
}

#[test]
fn what_has_users_is_not_made_anew_while_its_pods_are_gone_for_a_moment() {
    let mut schedule = plain();
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.hold = seconds(10);
    schedule.spec.waves = vec![wave("w0", &["gcp"]), wave("w1", &["aws"]), wave("w2", &["azure"])];
    schedule.spec.waves[0].steps = vec![Step::weight(20), Step::weight(100)];
    schedule.spec.waves[0].soak = seconds(4);
    schedule.spec.waves[1].soak = seconds(2);
    for wave in &mut schedule.spec.waves[1..] {
        wave.max_failures = MaxFailures::Clusters(1);
    }
    schedule.applies = vec![1, 2];
    schedule.delays = vec![3];
    schedule.pods[0] = vec![Pods::Ready(0), Pods::Die(7), Pods::Ready(4)];
    schedule.pods[1] = vec![Pods::Crash, Pods::Crash, Pods::Die(8)];
    schedule.faults = vec![(21, Fault::Clock(38)), (60, Fault::Pods(AWS, Color::Blue, 15))];
    holds(&schedule);
}

#[test]
fn a_halt_because_of_somebody_else_is_overcome_by_who_lets_it_go_on() {
    let mut schedule = plain();
    schedule.spec.promotion = Promotion::NextApply;
    schedule.spec.on_failure = OnFailure::Halt;
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.hold = seconds(17);
    let steps =
        |pause| [0, 50, 100].map(|weight| Step { pause: seconds(pause), ..Step::weight(weight) }).to_vec();
    schedule.spec.waves[0].steps = steps(3);
    schedule.spec.waves[0].soak = seconds(2);
    schedule.spec.waves[1].steps = steps(1);
    schedule.spec.waves[1].soak = seconds(8);
    schedule.spec.waves[1].max_parallel = Some(1);
    schedule.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    schedule.spec.waves[1].approval = true;
    schedule.applies = vec![1, 1, 1];
    schedule.delays = vec![2];
    schedule.pods = vec![vec![Pods::Ready(0); 3]; 3];
    schedule.pods[0] = vec![Pods::Ready(7), Pods::Die(6), Pods::Ready(0)];
    schedule.faults = vec![(63, Fault::Foreign(GCP, 0))];
    holds(&schedule);
}

#[test]
fn divided_traffic_is_brought_together_before_a_colour_of_it_is_made_anew() {
    let mut schedule = one_wave();
    let step = |weight| Step { pause: seconds(5), ..Step::weight(weight) };
    schedule.spec.waves[0].steps = vec![step(20), step(100)];
    schedule.spec.waves[0].max_parallel = Some(1);
    schedule.spec.waves[0].max_failures = MaxFailures::Clusters(1);
    schedule.spec.hold = seconds(22);
    schedule.applies = vec![3, 1, 0, 0];
    schedule.pods[2] = vec![Pods::Ready(5), Pods::Ready(2), Pods::Ready(0)];
    schedule.faults = vec![(23, Fault::Cut(AZURE, 110))];
    holds(&schedule);
}

#[test]
fn a_measurement_of_before_the_clock_was_set_back_is_not_counted_later() {
    let mut schedule = plain();
    schedule.spec.on_interrupt = OnInterrupt::Rollback;
    schedule.spec.analysis = Some(analysis(Scope::Cluster));
    schedule.spec.waves[0].steps =
        [20, 100].map(|weight| Step { pause: seconds(3), ..Step::weight(weight) }).to_vec();
    schedule.spec.waves[0].soak = seconds(6);
    schedule.spec.waves[0].approval = true;
    schedule.spec.waves[1].steps = vec![Step { pause: seconds(1), ..Step::weight(100) }];
    schedule.spec.waves[1].soak = seconds(5);
    schedule.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    schedule.applies = vec![1, 2, 2];
    schedule.delays = vec![1, 1, 1, 3];
    schedule.pods = vec![vec![Pods::Ready(0); 3]; 3];
    schedule.pods[1] = vec![Pods::Die(7), Pods::Crash, Pods::Ready(1)];
    schedule.faults = vec![(27, Fault::Clock(60))];
    holds(&schedule);
}
