//! Leases, with time that passes when all wait.

use std::time::Duration;

use jiff::Timestamp;
use multicluster::{
    clock::Clock,
    lease::{self, LeaseError, LeaseSpec},
    member::Member,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{store::Store, waits_gone::within};

/// A clock that follows the runtime's, from a fixed start, `behind` seconds late.
fn clock(behind: i64) -> Clock {
    let start = Instant::now();
    Clock::new(move || {
        let passed = i64::try_from(start.elapsed().as_millis()).unwrap();
        Timestamp::from_millisecond(1_767_000_000_000 + passed - behind * 1000).unwrap()
    })
}

fn spec(holder: &str) -> LeaseSpec {
    LeaseSpec {
        namespace: "multicluster".into(),
        name: "world".into(),
        holder: holder.into(),
        duration: Duration::from_secs(30),
    }
}

fn cluster() -> (Store, Member) {
    let store = Store::new();
    let member = store.member("leases").0;
    (store, member)
}

fn holder(store: &Store) -> Value {
    store.get("world").unwrap()["spec"]["holderIdentity"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_taken_kept_and_given_back() {
    let (store, member) = cluster();
    let clock = clock(0);
    let guard = lease::acquire(&member, &spec("one"), &clock).await.unwrap();
    assert_eq!((holder(&store), guard.epoch()), ("one".into(), 1));
    let taken = store.get("world").unwrap()["spec"]["renewTime"].clone();
    sleep(Duration::from_secs(300)).await;
    assert!(!guard.lost().is_cancelled());
    assert_ne!(store.get("world").unwrap()["spec"]["renewTime"], taken);
    guard.release().await;
    assert_eq!(holder(&store), Value::Null);
    let next = lease::acquire(&member, &spec("two"), &clock).await.unwrap();
    assert_eq!((holder(&store), next.epoch()), ("two".into(), 2));
    next.delete().await;
    assert_eq!(store.get("world"), None);
}

#[tokio::test(start_paused = true)]
async fn a_second_one_is_told_who_is_at_work() {
    let (_store, member) = cluster();
    let clock = clock(0);
    let _guard = lease::acquire(&member, &spec("one"), &clock).await.unwrap();
    let error = lease::acquire(&member, &spec("two"), &clock).await.unwrap_err();
    assert_eq!(error.to_string(), "`one` is at work (last sign of life 2025-12-29T09:20:00Z)");
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_it_when_it_is_given_back() {
    let (store, member) = cluster();
    let clock = clock(0);
    let first = lease::acquire(&member, &spec("one"), &clock).await.unwrap();
    let start = Instant::now();
    let release = async {
        sleep(Duration::from_secs(100)).await;
        first.release().await;
    };
    let (spec, limits) = (spec("two"), within(600));
    let (second, ()) = tokio::join!(lease::acquire_or_wait(&member, &spec, &clock, &limits), release);
    assert_eq!((holder(&store), second.unwrap().epoch()), ("two".into(), 2));
    assert_eq!(start.elapsed().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_waited_out_by_our_own_clock() {
    for their_clock in [-3600, -60, 0, 60] {
        let (store, member) = cluster();
        let first = lease::acquire(&member, &spec("one"), &clock(their_clock)).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        drop(first);
        let start = Instant::now();
        let second = lease::acquire_or_wait(&member, &spec("two"), &clock(0), &within(600)).await.unwrap();
        assert_eq!((holder(&store), second.epoch()), ("two".into(), 2));
        assert_eq!(start.elapsed().as_secs(), 30, "their clock is {their_clock} s behind");
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_long_after_a_crash_does_not_wait() {
    let (_store, member) = cluster();
    let clock = clock(0);
    drop(lease::acquire(&member, &spec("one"), &clock).await.unwrap());
    sleep(Duration::from_secs(48 * 3600)).await;
    lease::acquire(&member, &spec("two"), &clock).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_never_robbed_however_wrong_its_clock_is() {
    for their_clock in [-50_000, 0, 50_000] {
        let (store, member) = cluster();
        let first = lease::acquire(&member, &spec("one"), &clock(their_clock)).await.unwrap();
        let waited = lease::acquire_or_wait(&member, &spec("two"), &clock(0), &within(3600)).await;
        assert!(matches!(waited, Err(LeaseError::Held { holder, .. }) if holder == "one"));
        assert!(!first.lost().is_cancelled());
        assert_eq!(holder(&store), "one");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_who_wait_one_gets_it_at_a_time() {
    let (_store, member) = cluster();
    let clock = clock(0);
    let running = std::sync::atomic::AtomicUsize::new(0);
    let work = async |name: &str| {
        let guard = lease::acquire_or_wait(&member, &spec(name), &clock, &within(3600)).await.unwrap();
        assert_eq!(running.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
        sleep(Duration::from_secs(40)).await;
        assert!(!guard.lost().is_cancelled());
        running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        let epoch = guard.epoch();
        guard.release().await;
        epoch
    };
    let mut epochs = <[u64; 4]>::from(tokio::join!(work("a"), work("b"), work("c"), work("d")));
    epochs.sort_unstable();
    assert_eq!(epochs, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_cannot_renew_stops_before_others_may_take_over() {
    let (store, member) = cluster();
    let guard = lease::acquire(&member, &spec("one"), &clock(0)).await.unwrap();
    let start = Instant::now();
    store.away(usize::MAX);
    guard.lost().cancelled().await;
    assert!((20..30).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_of_the_server_is_survived() {
    let (store, member) = cluster();
    let guard = lease::acquire(&member, &spec("one"), &clock(0)).await.unwrap();
    store.away(3);
    sleep(Duration::from_secs(120)).await;
    assert!(!guard.lost().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_away_is_lost_and_not_given_back() {
    let (store, member) = cluster();
    let guard = lease::acquire(&member, &spec("one"), &clock(0)).await.unwrap();
    let mut stolen = store.get("world").unwrap();
    stolen["spec"]["holderIdentity"] = "thief".into();
    stolen["spec"]["leaseTransitions"] = 2.into();
    store.put(stolen);
    guard.lost().cancelled().await;
    guard.release().await;
    assert_eq!(holder(&store), "thief");
}

#[tokio::test(start_paused = true)]
async fn a_label_on_the_lease_does_no_harm() {
    let (store, member) = cluster();
    let guard = lease::acquire(&member, &spec("one"), &clock(0)).await.unwrap();
    let mut labelled = store.get("world").unwrap();
    labelled["metadata"]["labels"] = serde_json::json!({ "a": "b" });
    store.put(labelled);
    sleep(Duration::from_secs(60)).await;
    assert!(!guard.lost().is_cancelled());
    guard.release().await;
    assert_eq!(store.get("world").unwrap()["metadata"]["labels"]["a"], "b");
    assert_eq!(holder(&store), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_is_lost() {
    let (store, member) = cluster();
    let guard = lease::acquire(&member, &spec("one"), &clock(0)).await.unwrap();
    store.delete("world");
    guard.lost().cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_the_wait() {
    let (_store, member) = cluster();
    let clock = clock(0);
    let _guard = lease::acquire(&member, &spec("one"), &clock).await.unwrap();
    let limits = within(600);
    let interrupt = async {
        sleep(Duration::from_secs(1)).await;
        limits.cancelled.cancel();
    };
    let spec = spec("two");
    let (waited, ()) = tokio::join!(lease::acquire_or_wait(&member, &spec, &clock, &limits), interrupt);
    assert_eq!(waited.unwrap_err(), LeaseError::Cancelled);
}
