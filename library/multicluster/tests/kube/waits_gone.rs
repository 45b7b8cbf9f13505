//! Waiting until objects are gone.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use multicluster::member::{Member, MemberError, ResourceType, Wait, WaitError};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any},
    proptest,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{answers, store::Store};

pub(crate) fn within(seconds: u64) -> Wait {
    Wait { cancelled: CancellationToken::new(), deadline: Instant::now() + Duration::from_secs(seconds) }
}

fn service(uid: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "web", "namespace": "shop", "uid": uid, "finalizers": ["service.kubernetes.io/load-balancer-cleanup"] },
    })
}

fn services() -> ResourceType {
    ResourceType {
        group: String::new(),
        version: "v1".into(),
        kind: "Service".into(),
        plural: "services".into(),
        namespaced: true,
    }
}

async fn wait(store: &Store, wait: &Wait) -> Result<(), WaitError> {
    let (member, _) = store.member("services");
    member.wait_gone(&services(), Some("shop"), "web", "u-1", wait).await
}

/// Lets `change` happen once the wait is under way.
async fn wait_while(store: &Store, change: impl AsyncFnOnce(&Store)) -> Result<(), WaitError> {
    let change = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        change(store).await;
    };
    let limits = within(60);
    tokio::join!(wait(store, &limits), change).0
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_gone() {
    assert_eq!(wait(&Store::new(), &within(60)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn another_uid_is_another_object() {
    let store = Store::new();
    store.put(service("u-2"));
    assert_eq!(wait(&store, &within(60)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_the_wait_at_once() {
    let store = Store::new();
    store.put(service("u-1"));
    let start = Instant::now();
    assert_eq!(wait_while(&store, async |store| store.delete("web")).await, Ok(()));
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_object_in_its_place_ends_the_wait() {
    let store = Store::new();
    store.put(service("u-1"));
    let change = async |store: &Store| {
        store.put(service("u-2"));
    };
    assert_eq!(wait_while(&store, change).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_cut_watch_goes_on_where_it_was() {
    let store = Store::new();
    store.put(service("u-1"));
    let change = async |store: &Store| {
        store.away(3);
        store.cut();
        tokio::time::sleep(Duration::from_millis(10)).await;
        store.delete("web");
    };
    assert_eq!(wait_while(&store, change).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_leads_to_a_new_list() {
    let store = Store::new();
    store.put(service("u-1"));
    let change = async |store: &Store| {
        store.forget(1);
        store.delete("web");
        store.cut();
    };
    assert_eq!(wait_while(&store, change).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_unnoticed_is_given_up_after_a_minute() {
    let store = Store::new();
    store.put(service("u-1"));
    store.deafen(1);
    let limits = within(600);
    let start = Instant::now();
    let change = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        store.delete("web");
    };
    assert_eq!(tokio::join!(wait(&store, &limits), change).0, Ok(()));
    assert_eq!(start.elapsed().as_secs(), 65);
}

/// A server whose first watches say these bytes, in these pieces, and whose later watches say that the object is gone.
fn saying(pieces: Vec<Vec<u8>>) -> Member {
    let watches = AtomicUsize::new(0);
    let list = json!({ "metadata": { "resourceVersion": "1" }, "items": [service("u-1")] });
    let gone = format!("{}\n", json!({ "type": "DELETED", "object": service("u-1") }));
    let answer = move |asked: &answers::Asked| {
        if !asked.query.contains("watch=true") {
            return answers::json(200, &list);
        }
        match watches.fetch_add(1, Ordering::SeqCst) {
            0 => answers::pieces(pieces.clone()),
            _ => answers::text(200, &gone),
        }
    };
    answers::member(answer).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn events_arrive_in_any_pieces(cuts in vec(0_usize..1000, 0..20)) {
        let mut changed = service("u-1");
        changed["metadata"]["labels"] = json!({ "über": "größe" });
        let events = format!(
            "{}\n\n{}\n{}\n",
            json!({ "type": "BOOKMARK", "object": { "metadata": { "resourceVersion": "2" } } }),
            json!({ "type": "MODIFIED", "object": changed }),
            json!({ "type": "DELETED", "object": changed }),
        );
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
        cuts.extend([0, events.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| events.as_bytes()[ends[0]..ends[1]].to_vec()).collect();
        block_on(async {
            let start = Instant::now();
            let waited = saying(pieces).wait_gone(&services(), Some("shop"), "web", "u-1", &within(60)).await;
            assert_eq!(waited, Ok(()));
            assert!(start.elapsed().is_zero(), "the events were read at once");
        });
    }

    #[test]
    fn whatever_a_watch_says_the_next_one_is_read(bytes in vec(any::<u8>(), 0..300)) {
        block_on(async {
            let waited = saying(vec![bytes]).wait_gone(&services(), Some("shop"), "web", "u-1", &within(60)).await;
            assert_eq!(waited, Ok(()));
        });
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_says_what_holds_it() {
    let store = Store::new();
    store.put(service("u-1"));
    let error = wait(&store, &within(600)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "still there after the time allowed, held by finalizers service.kubernetes.io/load-balancer-cleanup"
    );
}

#[tokio::test(start_paused = true)]
async fn a_namespace_says_what_is_left_in_it() {
    let store = Store::new();
    store.put(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop", "uid": "u-1" },
        "spec": { "finalizers": ["kubernetes"] },
        "status": { "conditions": [
            { "type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: services. has 1 resource instances" },
            { "type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "All resources successfully discovered" },
        ] },
    }));
    let (member, _) = store.member("namespaces");
    let error =
        member.wait_gone(&ResourceType::namespace(), None, "shop", "u-1", &within(60)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "still there after the time allowed, held by finalizers kubernetes: Some resources are remaining: services. has 1 resource instances"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_is_named_at_the_deadline() {
    let store = Store::new();
    store.away(usize::MAX);
    let error = wait(&store, &within(60)).await.unwrap_err();
    assert!(matches!(error, WaitError::Member(MemberError::Unreachable { .. })), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_not_waited_for() {
    let (member, log) = answers::member(|_| answers::status(403, "Forbidden", "may not list", json!({})));
    let start = Instant::now();
    let error = member.wait_gone(&services(), Some("shop"), "web", "u-1", &within(60)).await.unwrap_err();
    assert!(matches!(error, WaitError::Member(MemberError::Forbidden { .. })));
    assert_eq!((log.all().len(), start.elapsed().as_secs()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_server_does_not_understand_is_not_repeated() {
    let (member, log) =
        answers::member(|_| answers::status(400, "BadRequest", "field label not supported", json!({})));
    let error = member.wait_gone(&services(), Some("shop"), "web", "u-1", &within(60)).await.unwrap_err();
    assert!(matches!(error, WaitError::Member(MemberError::Other { .. })));
    assert_eq!(log.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_kind_that_is_no_longer_served_are_gone() {
    let (member, _) = answers::member(|_| answers::text(404, "404 page not found"));
    assert_eq!(member.wait_gone(&services(), Some("shop"), "web", "u-1", &within(60)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_the_wait() {
    let store = Store::new();
    store.put(service("u-1"));
    let limits = within(60);
    let interrupt = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        limits.cancelled.cancel();
    };
    assert_eq!(tokio::join!(wait(&store, &limits), interrupt).0, Err(WaitError::Cancelled));
}
