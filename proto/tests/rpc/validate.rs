//! Configurations that are refused, and where.

use rstest::rstest;
use tfplugin::Value;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tonic::Request;

use crate::harness::{Host, WRITE_ONLY, encode, messages, note};

async fn validate(config: &Value, client: Option<wire::ClientCapabilities>) -> Vec<String> {
    let request = wire::validate_resource_config::Request {
        type_name: "memory_note".into(),
        config: encode(config),
        client_capabilities: client,
    };
    let response = Host::new().service.validate_resource_config(Request::new(request)).await;
    messages(&response.expect("an answer").into_inner().diagnostics)
}

fn part<const N: usize>(values: [(&str, Value); N]) -> Value {
    let mut part = Value::map(["text", "token_wo", "weight"].map(|name| (name, Value::Null)));
    for (name, value) in values {
        part.set(name, value);
    }
    Value::map([("x", part)])
}

#[rstest]
#[case::plain(note([("text", "a".into())]))]
#[case::unknown_everywhere(note([
    ("name", Value::Unknown), ("text", Value::Unknown), ("parts", Value::Unknown), ("words", Value::Unknown),
]))]
#[case::unknown_within(note([("parts", part([("text", Value::Unknown)]))]))]
#[case::an_unknown_element(note([("parts", Value::map([("x", Value::Unknown)]))]))]
#[case::write_only(note([("secret_wo", "s".into()), ("parts", part([("text", "t".into()), ("token_wo", "t".into())]))]))]
#[tokio::test]
async fn good_configurations_pass(#[case] config: Value) {
    assert_eq!(validate(&config, WRITE_ONLY).await, Vec::<String>::new());
}

#[rstest]
#[case::a_validator(note([("text", "z".into())]), "ERROR [.text] Not one of the possible values")]
#[case::required(note([("name", Value::Null)]), "ERROR [.name] A required value is missing")]
#[case::nested_and_required(note([("parts", part([]))]), "ERROR [.parts[\"x\"].text] A required value is missing")]
#[case::a_nested_validator(note([("parts", part([("text", "".into())]))]), "ERROR [.parts[\"x\"].text] The value is empty")]
#[case::a_null_element(note([("parts", Value::map([("x", Value::Null)]))]), "ERROR [.parts[\"x\"]] An element is null")]
#[case::computed(note([("id", "mine".into())]), "ERROR [.id] A computed value is set")]
#[case::the_path_ends_at_a_set(
    note([("words", Value::List(vec!["ok".into(), "NOT OK".into()]))]), "ERROR [.words] Not a valid name"
)]
#[case::the_resource(note([("behaviour", "refuse".into())]), "ERROR [] Refused")]
#[case::a_crash(note([("behaviour", "panic in validate".into())]), "ERROR [] The provider crashed")]
#[tokio::test]
async fn bad_configurations_are_refused_with_a_path(#[case] config: Value, #[case] message: &str) {
    assert_eq!(validate(&config, WRITE_ONLY).await, [message]);
}

#[rstest]
#[case::at_the_top(note([("secret_wo", "s".into())]), &["ERROR [.secret_wo] Write-only attributes need a newer Terraform"])]
#[case::unknown(note([("secret_wo", Value::Unknown)]), &["ERROR [.secret_wo] Write-only attributes need a newer Terraform"])]
#[case::nested(
    note([("parts", part([("text", "t".into()), ("token_wo", "t".into())]))]),
    &["ERROR [.parts[\"x\"].token_wo] Write-only attributes need a newer Terraform"]
)]
#[case::not_set(note([]), &[])]
#[tokio::test]
async fn an_old_host_must_not_store_secrets(#[case] config: Value, #[case] expected: &[&str]) {
    assert_eq!(validate(&config, None).await, expected);
}

#[tokio::test]
async fn all_problems_are_reported_at_once() {
    let config = note([("name", Value::Null), ("text", "z".into()), ("id", "mine".into())]);
    assert_eq!(validate(&config, WRITE_ONLY).await.len(), 3);
}
