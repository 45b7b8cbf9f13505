//! Releases that go well.

use std::time::Duration;

use multicluster::core::release::action::Ended;
use multicluster::core::release::journal::Phase;
use multicluster::core::release::spec::{Promotion, Step};
use multicluster::release::Kind;

use crate::shop::{NAMES, Shop, aside, completed, spec};

#[tokio::test(start_paused = true)]
async fn the_first_release_makes_blue_and_leads_everything_there() {
    let shop = Shop::with_route();
    let outcome = shop.release("web:1", |_| {}).await;
    completed(&outcome);
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (100, 0), "{cluster}");
        assert_eq!(shop.replicas(cluster, "blue"), Some(2));
        assert_eq!(shop.replicas(cluster, "green"), None);
        assert_eq!(shop.journal(cluster).unwrap()["active"]["color"], "blue");
        assert!(shop.is_free(cluster));
        let world = &shop.worlds[cluster];
        assert!(world.names("configmaps").contains(&"settings-blue".to_owned()));
        assert!(!world.names("events").is_empty());
    }
    let kinds: Vec<Kind> = shop.told.0.lock().unwrap().iter().map(|event| event.kind).collect();
    assert_eq!(kinds.first(), Some(&Kind::Started));
    assert_eq!(kinds.last(), Some(&Kind::Ended));
}

#[tokio::test(start_paused = true)]
async fn the_second_release_goes_by_steps_and_lets_the_old_colour_go_at_the_end() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let watched = shop.worlds["gcp"].clone();
    let seen = aside(async move {
        let mut seen = Vec::new();
        for expected in [(80, 20), (50, 50), (0, 100)] {
            watched.until("the step is there", |world| crate::shop::weights(world) == expected).await;
            seen.push((crate::shop::weights(&watched), watched.get("deployments", "web-blue").unwrap()));
        }
        seen
    });
    let outcome = shop
        .release("web:2", |engine| {
            engine.spec = spec(&[&["aws"], &["azure", "gcp"]]);
            for wave in &mut engine.spec.waves {
                let pause = Duration::from_secs(20);
                wave.steps = vec![
                    Step { pause, ..Step::weight(20) },
                    Step { pause, ..Step::weight(50) },
                    Step::weight(100),
                ];
                wave.soak = Duration::from_secs(5);
            }
            engine.spec.hold = Duration::from_secs(60);
        })
        .await;
    completed(&outcome);
    for (weights, blue) in seen.end().await {
        assert_eq!(blue["spec"]["replicas"], 2, "the old colour is warm at {weights:?}");
    }
    for cluster in NAMES {
        assert_eq!(shop.weights(cluster), (0, 100), "{cluster}");
        assert_eq!(shop.replicas(cluster, "blue"), Some(0));
        assert_eq!(shop.replicas(cluster, "green"), Some(2));
        assert_eq!(shop.journal(cluster).unwrap()["history"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_alone_is_flipped() {
    let shop = Shop::with_service();
    completed(&shop.release("web:1", |_| {}).await);
    let selector =
        |cluster: &str| shop.worlds[cluster].get("services", "web").unwrap()["spec"]["selector"].clone();
    assert_eq!(selector("aws")["multicluster.dev/color"], "blue");
    completed(&shop.release("web:2", |_| {}).await);
    for cluster in NAMES {
        assert_eq!(selector(cluster)["multicluster.dev/color"], "green");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_version_again_changes_nothing() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let before: Vec<_> = NAMES.map(|cluster| shop.worlds[cluster].get("deployments", "web-blue")).into();
    completed(&shop.release("web:1", |_| {}).await);
    let spec = |object: &Option<serde_json::Value>| object.as_ref().unwrap()["spec"].clone();
    let after: Vec<_> = NAMES.map(|cluster| shop.worlds[cluster].get("deployments", "web-blue")).into();
    assert_eq!(before.iter().map(spec).collect::<Vec<_>>(), after.iter().map(spec).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_promotion_by_the_next_apply_waits_with_green_ready_everywhere() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    let outcome = shop.release("web:2", |engine| engine.spec.promotion = Promotion::NextApply).await;
    assert_eq!(outcome.ended.unwrap(), Ended::Waiting);
    assert_eq!(outcome.journal.unwrap().release.unwrap().phase, Phase::AwaitingPromotion);
    for cluster in NAMES {
        assert_eq!((shop.weights(cluster), shop.replicas(cluster, "green")), ((100, 0), Some(2)));
        assert!(shop.is_free(cluster));
    }
    let outcome = shop.release("web:2", |engine| engine.spec.promotion = Promotion::NextApply).await;
    completed(&outcome);
    assert_eq!(shop.weights("azure"), (0, 100));
}
