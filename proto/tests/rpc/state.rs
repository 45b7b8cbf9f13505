//! Reading, upgrading, moving and importing states.

use rstest::rstest;
use tfplugin::Value;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tonic::Request;

use crate::harness::{Host, decode, messages, note};

fn config(behaviour: &str) -> Value {
    note([("text", "a".into()), ("behaviour", behaviour.into())])
}

#[rstest]
#[case("unreachable", &["WARNING [] Unreachable"])]
#[case("panic in read", &["ERROR [] The provider crashed"])]
#[case("echo in read", &[])]
#[tokio::test]
async fn a_read_keeps_last_known_values(#[case] behaviour: &str, #[case] expected: &[&str]) {
    let host = Host::new();
    let made = host.create(&config(behaviour)).await;
    let read = host.read(&made.state).await;
    assert_eq!(read.messages, expected);
    assert!(read.state == made.state);
}

#[tokio::test]
async fn what_is_gone_reads_as_null() {
    let read = Host::new().read(&note([("name", "gone".into())])).await;
    assert_eq!(read.messages, Vec::<String>::new());
    assert!(read.state.is_null());
}

async fn upgrade(version: i64, raw_state: Option<wire::RawState>) -> (Value, Vec<wire::Diagnostic>) {
    let request =
        wire::upgrade_resource_state::Request { type_name: "memory_note".into(), version, raw_state };
    let response = Host::new().service.upgrade_resource_state(Request::new(request)).await;
    let response = response.expect("an answer").into_inner();
    (decode(response.upgraded_state.as_ref()), response.diagnostics)
}

fn raw(json: &str) -> Option<wire::RawState> {
    Some(wire::RawState { json: json.into(), ..Default::default() })
}

#[rstest]
#[case::the_same_version(2, r#"{"name":"n","text":"a"}"#)]
#[case::attributes_that_are_gone(2, r#"{"name":"n","text":"a","colour":"red","parts":null}"#)]
#[case::an_older_version(1, r#"{"title":"n","text":"a"}"#)]
#[tokio::test]
async fn a_stored_state_is_brought_up_to_date(#[case] version: i64, #[case] json: &str) {
    let (state, found) = upgrade(version, raw(json)).await;
    assert_eq!(messages(&found), Vec::<String>::new());
    assert!(state == note([("text", "a".into())]));
}

#[tokio::test]
async fn a_stored_secret_is_forgotten() {
    let (state, _) = upgrade(2, raw(r#"{"name":"n","secret_wo":"s3cret"}"#)).await;
    assert!(state == note([]));
}

#[rstest]
#[case::newer(3, raw("{}"), "The state was stored by a newer version of the provider")]
#[case::too_old(0, raw("{}"), "The stored state cannot be brought up to date")]
#[case::another_type(2, raw(r#"{"name":1}"#), "The stored state does not fit the provider's schema")]
#[case::no_json(2, raw("{"), "The stored state does not fit the provider's schema")]
#[case::no_json_of_an_older_version(1, raw("{"), "The stored state does not fit the provider's schema")]
#[case::flatmap(
    2,
    Some(wire::RawState { flatmap: [("name".into(), "n".into())].into(), ..Default::default() }),
    "The stored state does not fit the provider's schema"
)]
#[tokio::test]
async fn other_states_are_refused(
    #[case] version: i64,
    #[case] raw: Option<wire::RawState>,
    #[case] summary: &str,
) {
    let (state, found) = upgrade(version, raw).await;
    assert_eq!(found.iter().map(|found| found.summary.as_str()).collect::<Vec<_>>(), [summary]);
    assert!(state.is_null());
}

async fn moved(source: &str, version: i64, json: &str) -> wire::move_resource_state::Response {
    let request = wire::move_resource_state::Request {
        source_provider_address: "registry.example.com/elsewhere/memory".into(),
        source_type_name: source.into(),
        source_schema_version: version,
        source_state: raw(json),
        target_type_name: "memory_note".into(),
        source_private: b"stored".to_vec(),
        ..Default::default()
    };
    let response = Host::new().service.move_resource_state(Request::new(request)).await;
    response.expect("an answer").into_inner()
}

#[tokio::test]
async fn a_state_moves_from_another_address_of_the_provider() {
    let moved = moved("memory_note", 1, r#"{"title":"n","text":"a"}"#).await;
    assert_eq!(messages(&moved.diagnostics), Vec::<String>::new());
    assert!(decode(moved.target_state.as_ref()) == note([("text", "a".into())]));
    assert_eq!(moved.target_private, b"stored");
}

#[tokio::test]
async fn a_state_does_not_move_from_another_type() {
    let moved = moved("other_note", 2, "{}").await;
    assert_eq!(messages(&moved.diagnostics), ["ERROR [] The object cannot become another type of resource"]);
    assert!(moved.target_state.is_none());
}

async fn import(host: &Host, id: &str) -> wire::import_resource_state::Response {
    let request = wire::import_resource_state::Request {
        type_name: "memory_note".into(),
        id: id.into(),
        ..Default::default()
    };
    host.service.import_resource_state(Request::new(request)).await.expect("an answer").into_inner()
}

#[tokio::test]
async fn what_exists_is_imported_by_its_id() {
    let host = Host::new();
    let made = host.create(&config("echo")).await;
    let imported = import(&host, "n").await;
    assert_eq!(messages(&imported.diagnostics), Vec::<String>::new());
    let [resource] = imported.imported_resources.as_slice() else { panic!("one resource") };
    assert_eq!(resource.type_name, "memory_note");
    assert!(decode(resource.state.as_ref()) == made.state, "without the secret");
    assert_eq!(resource.private, b"imported");
}

#[rstest]
#[case("gone", "ERROR [] There is nothing to import")]
#[case("", "ERROR [] Import needs an id")]
#[case("broken", "ERROR [] Broken")]
#[case("panic", "ERROR [] The provider crashed")]
#[tokio::test]
async fn nothing_else_is_imported(#[case] id: &str, #[case] message: &str) {
    let imported = import(&Host::new(), id).await;
    assert_eq!(messages(&imported.diagnostics), [message]);
    assert_eq!(imported.imported_resources.len(), 0);
}
