//! What a plan says of a release.

use multicluster_core::analysis::Scope;
use multicluster_core::freeze::Window;
use multicluster_core::release::action::Ended;
use multicluster_core::release::begin::Occasion;
use multicluster_core::release::forecast::Forecast;
use multicluster_core::release::journal::{Phase, Stage};
use multicluster_core::release::spec::{DnsCoupling, MaxFailures, Promotion, Step, Strategy};
use multicluster_core::release::{Color, forecast};
use proptest::prelude::*;

use crate::support::{Happens, Lab, Pods, analysis, at, cluster, seconds, two_waves, version};

impl Lab {
    fn forecast(&mut self, text: &str) -> Forecast {
        let journal = self.begin(text, Occasion::Apply).unwrap();
        let desired = self.desired(text, Occasion::Apply);
        let standing = self.world.standing(&desired.version);
        forecast(&self.spec, &journal, &desired, &standing, "frontend")
    }
}

/// The lines with the ids of releases left out.
fn lines(forecast: &Forecast) -> Vec<String> {
    let without_id = |line: &String| match line.find("r-") {
        Some(at) => format!("{}ID{}", &line[..at], &line[at + 12..]),
        None => line.clone(),
    };
    forecast.lines.iter().map(without_id).collect()
}

fn color(forecast: &Forecast) -> Color {
    forecast.active.as_ref().unwrap().color
}

#[test]
fn a_first_release() {
    let mut lab = Lab::new(two_waves());
    let forecast = lab.forecast("v1");
    assert_eq!(
        lines(&forecast),
        [
            "release ID: frontend v1 → blue",
            "  wave first",
            "    gcp: prepare 3 replicas, 100 %",
            "  wave rest",
            "    aws: prepare 3 replicas, 100 %",
            "    azure: prepare 3 replicas, 100 %",
            "takes as long as its pods take to become ready, at most 11m20s",
        ]
    );
    assert_eq!((color(&forecast), forecast.phase, forecast.nothing), (Color::Blue, Phase::Completed, false));
}

#[test]
fn a_release_with_everything() {
    let mut spec = two_waves();
    spec.waves[0].steps = vec![
        Step { pause: seconds(20), ..Step::weight(20) },
        Step { mirror: Some(10), ..Step::weight(50) },
        Step::weight(100),
    ];
    spec.waves[0].soak = seconds(30);
    spec.hold = seconds(300);
    spec.analysis = Some(analysis(Scope::Cluster));
    spec.freeze = vec![Window::between(at(0), at(1_000_000), "sale")];
    spec.dns = Some(DnsCoupling { names: vec!["shop".to_owned()], wait: seconds(90) });
    let mut lab = Lab::with(spec, "v1");
    let forecast = lab.forecast("v2");
    assert_eq!(
        lines(&forecast),
        [
            "release ID: frontend v2 → green",
            "  wave first",
            "    gcp: prepare 3 replicas, out of DNS (1m30s), 20 % (20s), 50 % and 10 % mirrored, 100 %, back into DNS",
            "    soak 30s, judged by success-rate",
            "  wave rest",
            "    aws: prepare 3 replicas, out of DNS (1m30s), 100 %, back into DNS",
            "    azure: prepare 3 replicas, out of DNS (1m30s), 100 %, back into DNS",
            "    judged by success-rate",
            "  hold 5m",
            "  let blue go: aws, azure, gcp",
            "  no wave begins while a freeze window holds",
            "takes 8m50s, and as long as its pods take to become ready, at most 38m10s",
        ]
    );
    assert_eq!((color(&forecast), forecast.phase), (Color::Green, Phase::Completed));
}

#[test]
fn a_release_that_waits_for_people() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.promotion = Promotion::NextApply;
    lab.spec.waves[1].approval = true;
    let prepared = lab.forecast("v2");
    assert_eq!((color(&prepared), prepared.phase), (Color::Blue, Phase::AwaitingPromotion));
    assert!(lines(&prepared).contains(&"  waits: the next apply switches".to_owned()));
    lab.apply("v2").unwrap();
    let first = lab.forecast("v2");
    assert_eq!(first.phase, Phase::AwaitingApproval);
    assert_eq!(
        lines(&first)[..4],
        [
            "release ID: frontend v2 → green, goes on",
            "  wave first",
            "    gcp: 100 %",
            "  waits for the approval `ID/rest`",
        ]
    );
    let id = lab.apply("v2").unwrap().release().id.0.clone();
    lab.spec.approved = [format!("{id}/rest")].into();
    let rest = lab.forecast("v2");
    assert_eq!((color(&rest), rest.phase), (Color::Green, Phase::Completed));
}

#[test]
fn nothing_to_do_says_nothing() {
    let mut lab = Lab::with(two_waves(), "v1");
    let forecast = lab.forecast("v1");
    assert_eq!((forecast.nothing, forecast.lines.len(), color(&forecast)), (true, 0, Color::Blue));
}

#[test]
fn a_third_version_takes_the_second_back_first() {
    let mut spec = two_waves();
    spec.hold = seconds(60);
    let mut lab = Lab::with(spec, "v1");
    lab.apply_while("v2", |_, journal| {
        if journal.release.as_ref().unwrap().phase == Phase::Holding {
            Happens::Kill
        } else {
            Happens::Nothing
        }
    })
    .unwrap();
    let forecast = lab.forecast("v3");
    let lines = lines(&forecast);
    assert_eq!(
        lines[..6],
        [
            "release ID: frontend v2 is taken back to blue",
            "  wave rest",
            "    aws: all traffic to blue, let green go",
            "    azure: all traffic to blue, let green go",
            "  wave first",
            "    gcp: all traffic to blue, let green go",
        ]
    );
    assert_eq!(lines[6], "release ID: frontend v3 → green");
    assert_eq!(forecast.active.unwrap().version, version("v3"));
}

#[test]
fn a_cluster_that_is_behind_catches_up() {
    let mut lab = Lab::with(two_waves(), "v1");
    lab.spec.waves[1].max_failures = MaxFailures::Clusters(1);
    lab.world.behave(Some("azure"), "v2", Pods::Crash);
    lab.apply("v2").unwrap();
    let forecast = lab.forecast("v2");
    assert_eq!(
        lines(&forecast)[..3],
        [
            "release ID: frontend v2 → green where it is missing",
            "  wave of all",
            "    azure: prepare 3 replicas, 100 %"
        ]
    );
    assert!(!forecast.nothing);
}

#[test]
fn what_is_updated_where_it_stands() {
    let mut spec = two_waves();
    spec.strategy = Strategy::InPlace;
    let mut lab = Lab::with(spec, "v1");
    let forecast = lab.forecast("v2");
    assert_eq!(
        lines(&forecast)[..3],
        ["release ID: frontend v2 where it stands", "  wave first", "    gcp: update 3 replicas"]
    );
}

#[test]
fn a_release_in_the_middle_tells_the_rest() {
    let mut spec = two_waves();
    spec.waves[0].steps = vec![Step { pause: seconds(30), ..Step::weight(20) }, Step::weight(100)];
    let mut lab = Lab::with(spec, "v1");
    lab.apply_while("v2", |_, journal| {
        let stage = journal.release.as_ref().unwrap().clusters[&cluster("gcp")].stage;
        if matches!(stage, Stage::Step { index: 0, verified: Some(_) }) {
            Happens::Kill
        } else {
            Happens::Nothing
        }
    })
    .unwrap();
    assert_eq!(
        lines(&lab.forecast("v2"))[..4],
        ["release ID: frontend v2 → green, goes on", "  wave first", "    gcp: 100 %", "  wave rest",]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is planned comes true, and the second plan says what the first one said.
    #[test]
    fn what_is_foretold_happens_if_all_goes_well(
        soak in 0_u64..20,
        hold in 0_u64..20,
        parallel in 0_u32..3,
        weights in prop_oneof![Just(vec![100]), Just(vec![1, 50, 100])],
        mode in prop_oneof![Just(Promotion::Auto), Just(Promotion::NextApply)],
        later in 0_u64..1_000_000,
    ) {
        let mut spec = two_waves();
        spec.promotion = mode;
        spec.hold = seconds(hold);
        for wave in &mut spec.waves {
            wave.soak = seconds(soak);
            wave.max_parallel = Some(parallel).filter(|count| *count > 0);
            wave.steps = weights.iter().map(|weight| Step::weight(*weight)).collect();
        }
        let mut lab = Lab::with(spec, "v1");
        for _ in 0..2 {
            let first = lab.forecast("v2");
            lab.world.now += seconds(later);
            prop_assert_eq!(&lab.forecast("v2"), &first);
            let applied = lab.apply("v2").unwrap();
            prop_assert_eq!(&applied.journal.active, &first.active);
            prop_assert_eq!(applied.phase(), first.phase);
            prop_assert!(matches!(applied.ended, Ended::Completed | Ended::Waiting));
        }
    }
}
