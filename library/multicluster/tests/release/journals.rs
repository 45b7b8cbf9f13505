//! Which journal counts, and which is an error.

use multicluster::core::release::journal::Journal;
use multicluster::release::{JournalError, ReleaseError, choose};
use rstest::rstest;
use serde_json::json;

use crate::shop::{Shop, completed};

fn journal(instance: &str, epoch: u64, seq: u64) -> Journal {
    Journal { epoch, seq, ..Journal::new(instance) }
}

#[rstest]
#[case::the_later_epoch(&[("a", 3, 9), ("a", 4, 0)], None, Some(1))]
#[case::the_later_write(&[("a", 4, 2), ("a", 4, 1)], None, Some(0))]
#[case::what_the_caller_knows_of(&[("a", 2, 0), ("b", 9, 9)], Some("a"), Some(0))]
#[case::nobody_knows_it(&[("a", 2, 0), ("b", 9, 9)], Some("c"), Some(1))]
#[case::none(&[], Some("a"), None)]
fn the_last_one_counts(
    #[case] found: &[(&str, u64, u64)],
    #[case] instance: Option<&str>,
    #[case] expected: Option<usize>,
) {
    let journals: Vec<Journal> =
        found.iter().map(|(instance, epoch, seq)| journal(instance, *epoch, *seq)).collect();
    assert_eq!(choose(&journals, instance), expected.map(|place| &journals[place]));
}

#[rstest]
#[case::damaged("{", |reason: &JournalError| matches!(reason, JournalError::Damaged(_)))]
#[case::of_a_later_program("{\"version\":2}", |reason: &JournalError| matches!(reason, JournalError::Newer { found: 2 }))]
#[case::without_a_version("{}", |reason: &JournalError| matches!(reason, JournalError::Damaged(_)))]
#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_understood_stops_everything(
    #[case] written: &str,
    #[case] expected: fn(&JournalError) -> bool,
) {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    shop.worlds["azure"].edit("configmaps", "release.shop.frontend", |map| {
        map["data"]["journal.json"] = written.into();
    });
    let error = shop.release("web:2", |_| {}).await.ended.unwrap_err();
    let ReleaseError::Journal { cluster, reason } = &error else { panic!("{error}") };
    assert!(cluster.as_str() == "azure" && expected(reason), "{error}");
    assert_eq!(shop.replicas("aws", "green"), None);
    assert!(shop.is_free("aws") && shop.is_free("azure"));
}

#[tokio::test(start_paused = true)]
async fn something_else_under_the_journals_name_is_left_alone() {
    let shop = Shop::with_route();
    shop.worlds["gcp"].put(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "release.shop.frontend", "namespace": "multicluster-system" },
        "data": { "mine": "1" },
    }));
    let error = shop.release("web:1", |_| {}).await.ended.unwrap_err();
    assert!(matches!(&error, ReleaseError::Journal { reason: JournalError::Foreign(_), .. }), "{error}");
    assert_eq!(shop.worlds["gcp"].get("configmaps", "release.shop.frontend").unwrap()["data"]["mine"], "1");
}

/// A cluster that lost its journal gets it back from the others.
#[tokio::test(start_paused = true)]
async fn a_lost_journal_is_written_again() {
    let shop = Shop::with_route();
    completed(&shop.release("web:1", |_| {}).await);
    shop.worlds["aws"].remove("configmaps", "release.shop.frontend");
    completed(&shop.release("web:2", |_| {}).await);
    assert_eq!(shop.journal("aws"), shop.journal("gcp"));
    assert_eq!(shop.weights("aws"), (0, 100));
}
