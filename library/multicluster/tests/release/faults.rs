//! Releases that do not go well: what breaks, who interferes, and what is true afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use multicluster::core::analysis::spec::Metric;
use multicluster::core::analysis::{AnalysisSpec, Condition, Counting, SourceName, Value};
use multicluster::core::release::action::Ended;
use multicluster::core::release::journal::{Phase, Reason};
use multicluster::core::release::spec::{OnFailure, Step};
use multicluster::release::{Engine, Metrics, Outcome, Question, ReleaseError, apply};
use rstest::rstest;
use serde_json::json;

use crate::shop::{NAMES, Shop, aside, completed, spec, weights};

fn failure(outcome: &Outcome) -> (Phase, Reason, String) {
    let release = outcome.journal.as_ref().unwrap().release.as_ref().unwrap();
    let failure = release.failure.as_ref().unwrap();
    (release.phase, failure.reason, failure.message.clone())
}

/// Steps with time between them.
fn slowly(engine: &mut Engine) {
    for wave in &mut engine.spec.waves {
        wave.steps = vec![Step { pause: Duration::from_secs(30), ..Step::weight(20) }, Step::weight(100)];
    }
}

#[tokio::test(start_paused = true)]
async fn pods_that_crash_are_seen_at_once_and_everything_goes_back() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    shop.worlds["gcp"].set(|world| world.broken.push("web:2".to_owned()));
    let outcome = shop.release("web:2", |engine| engine.spec = spec(&[&["aws"], &["azure", "gcp"]])).await;
    let (phase, reason, message) = failure(&outcome);
    assert_eq!(outcome.ended.unwrap(), Ended::Failed);
    assert_eq!((phase, reason), (Phase::RolledBack, Reason::NotReady));
    assert!(message.contains("CrashLoopBackOff"), "{message}");
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (100, 0), "{cluster}");
        assert_eq!(shop.replicas(cluster, "blue"), Some(2));
    }
    assert_eq!(shop.replicas("aws", "green"), Some(0));
}

#[rstest]
#[case::the_route("httproutes", Phase::RolledBack)]
#[case::the_workload("deployments", Phase::RolledBack)]
#[tokio::test(start_paused = true)]
async fn what_a_server_refuses_is_not_asked_again_and_again(#[case] plural: &str, #[case] expected: Phase) {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let world = &shop.worlds["azure"];
    if plural == "deployments" {
        // What raises the epoch is a write, too: permissions go when the leases are taken.
        world.set(|world| world.broken.push("never".to_owned()));
    }
    let forbid = {
        let (world, plural) = (world.clone(), plural.to_owned());
        aside(async move {
            world
                .until("an apply has begun", |world| world.get("configmaps", "settings-green").is_some())
                .await;
            world.set(|world| world.forbidden.push(plural));
        })
    };
    let outcome = shop.release("web:2", slowly).await;
    forbid.end().await;
    let (phase, _, message) = failure(&outcome);
    let refused = world.state().writes.iter().filter(|it| it.plural == plural && !it.ok).count();
    assert!(message.contains("not allowed"), "{message}");
    assert!(refused <= 4, "{refused} refused writes");
    assert!(phase == expected || phase == Phase::PartiallyRolledBack, "{phase:?}");
    assert_eq!(shop.weights("aws"), (100, 0));
    assert_eq!(shop.weights("gcp"), (100, 0));
}

/// The process ends in the middle; the next apply waits for the leases to expire, takes over and goes on.
#[tokio::test(start_paused = true)]
async fn an_apply_that_dies_is_gone_on_with() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let mut engine = shop.engine("web:2");
    slowly(&mut engine);
    let (engine, run) = (Arc::new(engine), shop.run("first"));
    let world = shop.worlds["gcp"].clone();
    tokio::select! {
        outcome = apply(&engine, &run) => panic!("it came to its end: {outcome:?}"),
        () = world.until("the first step is there", |world| weights(world) == (80, 20)) => {}
    }
    let before = shop.journal("aws").unwrap();
    let stale = shop.worlds["aws"].get("httproutes", "shop").unwrap();
    let outcome = shop.release("web:2", slowly).await;
    completed(&outcome);
    let after = shop.journal("aws").unwrap();
    assert_eq!(before["release"]["id"], after["release"]["id"], "the same release went on");
    assert!(after["epoch"].as_u64() > before["epoch"].as_u64());
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (0, 100), "{cluster}");
        let route = shop.worlds[cluster].get("httproutes", "shop").unwrap();
        let epoch = &route["metadata"]["annotations"]["frontend.multicluster.dev/epoch"];
        assert_eq!(epoch.as_str().unwrap(), after["epoch"].to_string());
    }
    // What the dead one would still have sent is refused.
    let lead = engine.layout.lead.as_ref().unwrap();
    let wanted = multicluster::core::release::traffic::Wanted {
        color: multicluster::core::release::Color::Blue,
        weight: 100,
        headers: BTreeMap::new(),
        mirror: None,
        epoch: before["epoch"].as_u64().unwrap(),
        release: multicluster::core::release::journal::ReleaseId("r-stale".to_owned()),
        step: None,
        services: multicluster::core::release::Color::BOTH.into(),
    };
    let role = multicluster::core::release::traffic::Role::Route;
    let patch = multicluster::core::release::traffic::shift(lead, role, &stale, &wanted).unwrap();
    let ty = engine
        .places
        .values()
        .next()
        .unwrap()
        .member
        .resource_type("gateway.networking.k8s.io/v1", "HTTPRoute");
    let ty = ty.await.unwrap().unwrap();
    let member = shop.worlds["aws"].member("aws");
    let patch = serde_json::to_value(patch).unwrap();
    member.patch_json(&ty, Some("shop"), "shop", &patch, "stale").await.unwrap_err();
    assert_eq!(shop.weights("aws"), (0, 100));
}

/// Somebody who is taken for dead wakes up: it sees that another apply has taken over and writes nothing more.
#[tokio::test(start_paused = true)]
async fn who_is_superseded_stops() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let mut engine = shop.engine("web:2");
    slowly(&mut engine);
    let (engine, run) = (Arc::new(engine), shop.run("first"));
    let first = aside(async move { apply(&engine, &run).await });
    let world = shop.worlds["azure"].clone();
    world.until("the first step is there", |world| weights(world) == (80, 20)).await;
    // As if the first had hung for longer than its leases last.
    for world in shop.worlds.values() {
        world.edit("leases", "release.shop.frontend", |lease| {
            lease["spec"]["holderIdentity"] = "second".into();
            lease["spec"]["leaseTransitions"] = 99.into();
        });
    }
    let outcome = first.end().await;
    assert!(matches!(outcome.ended, Err(ReleaseError::Superseded { .. })), "{:?}", outcome.ended);
    for world in shop.worlds.values() {
        assert_eq!(weights(world), (80, 20));
        let lease = world.get("leases", "release.shop.frontend").unwrap();
        assert_eq!(lease["spec"]["holderIdentity"], "second");
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_died_is_not_gone_on_with_while_a_cluster_is_away() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let mut engine = shop.engine("web:2");
    slowly(&mut engine);
    let (engine, run) = (Arc::new(engine), shop.run("first"));
    let world = shop.worlds["gcp"].clone();
    tokio::select! {
        outcome = apply(&engine, &run) => panic!("it came to its end: {outcome:?}"),
        () = world.until("the first step is there", |world| weights(world) == (80, 20)) => {}
    }
    shop.worlds["azure"].set(|world| world.away = true);
    let writes = |shop: &Shop| {
        let of = |name: &str| {
            shop.worlds[name].state().writes.iter().filter(|it| it.plural == "httproutes").count()
        };
        (of("aws"), of("gcp"))
    };
    let before = writes(&shop);
    let outcome = shop.release("web:2", slowly).await;
    let error = outcome.ended.unwrap_err();
    assert!(matches!(&error, ReleaseError::NotAll { clusters, .. } if clusters.len() == 1), "{error}");
    assert!(error.to_string().contains("`azure` does not answer"), "{error}");
    assert_eq!(writes(&shop), before);
    assert!(shop.is_free("aws") && shop.is_free("gcp"));
}

/// A cluster that goes away in the middle of its wave fails; when it comes back it is taken back too.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_cut_off_and_comes_back_is_taken_back_with_the_others() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let world = shop.worlds["gcp"].clone();
    let other = shop.worlds["aws"].clone();
    let cut = aside(async move {
        world.until("the first step is there", |world| weights(world) == (80, 20)).await;
        world.set(|world| world.away = true);
        // The others go back without it.
        other.until("the others are taken back", |other| weights(other) == (100, 0)).await;
        assert_eq!(weights(&world), (80, 20));
        world.set(|world| world.away = false);
    });
    let outcome = shop
        .release("web:2", |engine| {
            slowly(engine);
            engine.spec.waves[0].steps[0].pause = Duration::from_secs(600);
        })
        .await;
    cut.end().await;
    let (phase, reason, message) = failure(&outcome);
    assert_eq!((phase, reason), (Phase::RolledBack, Reason::Cluster), "{message}");
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (100, 0), "{cluster}");
        assert!(shop.is_free(cluster), "{cluster}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_away_from_the_beginning_does_not_keep_the_others_from_going_back() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    shop.worlds["gcp"].set(|world| world.away = true);
    let outcome = shop.release("web:2", |engine| engine.spec = spec(&[&["aws", "azure"], &["gcp"]])).await;
    assert_eq!(outcome.ended.unwrap(), Ended::Failed);
    for cluster in ["aws", "azure"] {
        assert_eq!(shop.weights(cluster), (100, 0), "{cluster}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_few_clusters_begin_nothing() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    for cluster in ["aws", "gcp"] {
        shop.worlds[cluster].set(|world| world.away = true);
    }
    let outcome = shop.release("web:2", |_| {}).await;
    let error = outcome.ended.unwrap_err();
    assert!(matches!(error, ReleaseError::NoQuorum { answering: 1, all: 3, .. }), "{error}");
    assert_eq!(shop.replicas("azure", "green"), None);
}

/// Answers with a number per cluster, and remembers what was asked.
struct Rates {
    bad: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Metrics for Rates {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Value, String>> {
        self.asked.lock().unwrap().push(question.query.clone());
        let rate = if question.query.contains(&format!("\"{}\"", self.bad)) { 0.85 } else { 0.95 };
        Box::pin(std::future::ready(Ok(Value::list([rate]))))
    }
}

fn analysed(engine: &mut Engine, metrics: &Arc<Rates>) {
    let query = "rate{cluster=\"{{cluster}}\", color=\"{{color}}\"}";
    let metric = Metric {
        interval: Some(Duration::from_secs(1)),
        count: Some(3),
        success_condition: Some(Condition::parse("result[0] >= 0.90").unwrap()),
        ..Metric::new("success-rate", SourceName("main".to_owned()), query)
    };
    engine.spec.analysis = Some(AnalysisSpec {
        metrics: vec![metric],
        counting: Counting::Ours,
        args: BTreeMap::new(),
        error_retry_interval: None,
    });
    engine.metrics = Arc::clone(metrics) as Arc<dyn Metrics>;
    slowly(engine);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_too_low_on_one_cluster_takes_all_back() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let rates = Arc::new(Rates { bad: "azure", asked: Mutex::default() });
    let outcome = shop.release("web:2", |engine| analysed(engine, &rates)).await;
    let (phase, reason, message) = failure(&outcome);
    assert_eq!((phase, reason), (Phase::RolledBack, Reason::Analysis));
    assert!(message.contains("success-rate") && message.contains("azure"), "{message}");
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (100, 0), "{cluster}");
    }
    assert!(rates.asked.lock().unwrap().contains(&"rate{cluster=\"aws\", color=\"green\"}".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_high_enough_lets_it_go_on() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let rates = Arc::new(Rates { bad: "nowhere", asked: Mutex::default() });
    let outcome = shop.release("web:2", |engine| analysed(engine, &rates)).await;
    completed(&outcome);
    assert!(rates.asked.lock().unwrap().len() >= 9);
}

#[tokio::test(start_paused = true)]
async fn a_rival_who_changes_the_weights_is_a_failure() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let world = shop.worlds["aws"].clone();
    let rival = aside(async move {
        world.until("the first step is there", |world| weights(world) == (80, 20)).await;
        world.edit("httproutes", "shop", |route| {
            route["spec"]["rules"][0]["backendRefs"] = json!([
                { "name": "web-blue", "port": 80, "weight": 1 }, { "name": "web-green", "port": 80, "weight": 1 },
            ]);
        });
    });
    let outcome = shop
        .release("web:2", |engine| {
            slowly(engine);
            engine.spec.on_failure = OnFailure::RollbackAll;
        })
        .await;
    rival.end().await;
    let (_, reason, message) = failure(&outcome);
    assert_eq!(reason, Reason::Foreign, "{message}");
    assert_eq!(shop.weights("gcp"), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_leaves_a_release_that_is_gone_on_with() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let mut engine = shop.engine("web:2");
    slowly(&mut engine);
    let run = shop.run("first");
    let (world, cancelled) = (shop.worlds["gcp"].clone(), run.cancelled.clone());
    let interrupt = aside(async move {
        world.until("the first step is there", |world| weights(world) == (80, 20)).await;
        cancelled.cancel();
    });
    let outcome = apply(&Arc::new(engine), &run).await;
    interrupt.end().await;
    assert_eq!(outcome.ended.unwrap(), Ended::Interrupted);
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (80, 20), "{cluster}");
        assert!(shop.is_free(cluster));
    }
    completed(&shop.release("web:2", slowly).await);
}
