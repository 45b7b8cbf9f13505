//! Operations that fail, crash, forget or are interrupted.

use std::time::Duration;

use rstest::rstest;
use tfplugin::Value;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tonic::Request;

use crate::harness::{Host, note};
use crate::memory::lock;

fn config(behaviour: &str) -> Value {
    note([("text", "a".into()), ("behaviour", behaviour.into())])
}

/// The attribute of the state that came back.
fn at<'a>(state: &'a Value, name: &str) -> Option<&'a Value> {
    state.get(name)
}

#[rstest]
#[case::a_failure_keeps_what_was_reached("fail", &["ERROR [] It failed"])]
#[case::a_forgotten_value("leave unknown", &["ERROR [.stamp] The provider left a value unknown"])]
#[case::a_contradiction("contradict", &["ERROR [.text] The provider broke a rule of the protocol"])]
#[case::values_of_other_types("wrong types", &[
    "ERROR [.weight] The provider returned a value that does not fit its schema",
    "ERROR [.colour] The provider returned a value that does not fit its schema",
])]
#[tokio::test]
async fn the_object_is_never_lost(#[case] behaviour: &str, #[case] expected: &[&str]) {
    let made = Host::new().create(&config(behaviour)).await;
    assert_eq!(made.messages, expected);
    assert!(at(&made.state, "id") == Some(&"n".into()));
    assert!(made.state.is_wholly_known());
}

#[tokio::test]
async fn a_secret_does_not_get_into_the_state() {
    let made = Host::new().create(&config("echo")).await;
    assert_eq!(made.messages, Vec::<String>::new());
    assert!(at(&made.state, "secret_wo") == Some(&Value::Null));
}

#[tokio::test]
async fn what_was_recorded_before_a_crash_is_kept() {
    let made = Host::new().create(&config("panic late")).await;
    assert_eq!(made.messages, ["ERROR [] The provider crashed"]);
    assert!(at(&made.state, "stamp") == Some(&"half done".into()));
    assert_eq!(made.private, b"half done");
}

#[tokio::test]
async fn a_crash_before_anything_was_done_makes_nothing() {
    let made = Host::new().create(&config("panic early")).await;
    assert_eq!(made.messages, ["ERROR [] The provider crashed"]);
    assert!(made.state.is_null());
}

#[tokio::test]
async fn a_creation_without_a_state_is_an_error() {
    let made = Host::new().create(&config("forget everything")).await;
    assert_eq!(made.messages, ["ERROR [] The provider lost an object"]);
}

#[tokio::test]
async fn a_crashed_update_keeps_the_prior_state() {
    let host = Host::new();
    let made = host.create(&config("none")).await;
    let mut planned = made.state.clone();
    planned.set("behaviour", "panic early".into());
    let updated = host.apply(&made.state, &planned, &config("panic early")).await;
    assert_eq!(updated.messages, ["ERROR [] The provider crashed"]);
    assert!(updated.state == made.state);
    assert_eq!(updated.private, b"planned");
}

#[rstest]
#[case("cannot go", "ERROR [] It stays")]
#[case("panic in delete", "ERROR [] The provider crashed")]
#[tokio::test]
async fn a_failed_delete_keeps_the_prior_state(#[case] behaviour: &str, #[case] message: &str) {
    let host = Host::new();
    let made = host.create(&config(behaviour)).await;
    let gone = host.apply(&made.state, &Value::Null, &Value::Null).await;
    assert_eq!(gone.messages, [message]);
    assert!(gone.state == made.state);
}

#[tokio::test]
async fn an_interrupted_creation_returns_what_it_reached_without_an_error() {
    let host = Host::new();
    let service = host.service.clone();
    let stop = async {
        // The operation waits for this; a stop that came before it began would be for nothing.
        while lock(&host.world.secret).is_none() {
            tokio::task::yield_now().await;
        }
        let stopped = service.stop_provider(Request::new(wire::stop_provider::Request {})).await;
        assert_eq!(stopped.expect("an answer").into_inner().error, "");
    };
    let mut config = config("wait");
    config.set("secret_wo", "s3cret".into());
    let both = async { tokio::join!(host.create(&config), stop) };
    let (made, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("it ends when told to");
    assert_eq!(made.messages, ["WARNING [] Interrupted"]);
    assert!(at(&made.state, "id") == Some(&"n".into()));
    assert!(at(&made.state, "stamp") == Some(&Value::Null), "what was not reached is null");
    let next = host.create(&note([("name", "next".into())])).await;
    assert_eq!(next.messages, Vec::<String>::new(), "the provider lives on");
}
