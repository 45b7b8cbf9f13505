//! Schemas, configuration, data sources, and what there is not.

use rstest::rstest;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tfplugin::{Number, Type, Value};
use tonic::Request;

use crate::harness::{Host, messages, note};
use crate::memory::{lock, lookup_schema};

#[tokio::test]
async fn the_schema_is_complete() {
    let response =
        Host::new().service.get_provider_schema(Request::new(wire::get_provider_schema::Request {})).await;
    let response = response.expect("an answer").into_inner();
    assert!(response.provider.is_some(), "hosts refuse a provider without");
    assert_eq!(response.resource_schemas.keys().collect::<Vec<_>>(), ["memory_note"]);
    assert_eq!(response.data_source_schemas.keys().collect::<Vec<_>>(), ["memory_lookup"]);
    let capabilities = response.server_capabilities.expect("capabilities");
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state && !capabilities.generate_resource_config);
    assert_eq!(response.resource_schemas["memory_note"].version, 2);
}

#[tokio::test]
async fn the_metadata_names_the_same() {
    let response = Host::new()
        .service
        .get_metadata(Request::new(wire::get_metadata::Request {}))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(response.resources.iter().map(|named| &named.type_name).collect::<Vec<_>>(), ["memory_note"]);
    assert_eq!(
        response.data_sources.iter().map(|named| &named.type_name).collect::<Vec<_>>(),
        ["memory_lookup"]
    );
    assert!(response.server_capabilities.is_some());
}

fn encode(kind: &Type, value: &Value) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue { msgpack: value.to_msgpack(kind).expect("fits"), json: Vec::new() })
}

fn provider_type() -> Type {
    Type::from_json(br#"["object",{"endpoint":"string","retries":"number"}]"#).expect("a type")
}

fn provider_config(endpoint: Value) -> Option<wire::DynamicValue> {
    encode(&provider_type(), &Value::map([("endpoint", endpoint), ("retries", Value::Null)]))
}

#[rstest]
#[case::known("here".into(), &[])]
#[case::unknown(Value::Unknown, &[])]
#[case::refused("nowhere".into(), &["ERROR [.endpoint] Nowhere"])]
#[tokio::test]
async fn the_provider_block_is_checked(#[case] endpoint: Value, #[case] expected: &[&str]) {
    let request = wire::validate_provider_config::Request { config: provider_config(endpoint) };
    let response = Host::new().service.validate_provider_config(Request::new(request)).await;
    assert_eq!(messages(&response.expect("an answer").into_inner().diagnostics), expected);
}

#[tokio::test]
async fn the_provider_is_configured_with_defaults_and_unknowns() {
    let host = Host::new();
    let request = wire::configure_provider::Request {
        terraform_version: "1.11.4".into(),
        config: provider_config(Value::Unknown),
        client_capabilities: None,
    };
    let response = host.service.configure_provider(Request::new(request)).await.expect("an answer");
    assert_eq!(messages(&response.into_inner().diagnostics), Vec::<String>::new());
    let (config, version) = lock(&host.world.configured).clone().expect("configured");
    assert_eq!(version, "1.11.4");
    assert!(config == Value::map([("endpoint", Value::Unknown), ("retries", 2.into())]));
}

async fn look_up(host: &Host, name: &str) -> (Value, Vec<String>) {
    let kind = lookup_schema().value_type();
    let mut config = Value::blank(&kind);
    config.set("name", name.into());
    let request = wire::read_data_source::Request {
        type_name: "memory_lookup".into(),
        config: encode(&kind, &config),
        ..Default::default()
    };
    let response =
        host.service.read_data_source(Request::new(request)).await.expect("an answer").into_inner();
    let state = response.state.map(|state| Value::from_msgpack(&kind, &state.msgpack).expect("fits"));
    (state.unwrap_or(Value::Null), messages(&response.diagnostics))
}

#[tokio::test]
async fn a_data_source_is_read_with_its_defaults() {
    let host = Host::new();
    host.create(&note([("text", "a".into())])).await;
    let (state, found) = look_up(&host, "n").await;
    assert_eq!(found, Vec::<String>::new());
    assert!(state.get("text") == Some(&"a".into()));
    assert!(state.get("mode") == Some(&"exact".into()));
    assert!(state.get("share") == Some(&Value::Number(Number::Decimal("0.1".into()))));
}

#[rstest]
#[case("gone", "ERROR [.name] Not found")]
#[case("panic", "ERROR [] The provider crashed")]
#[tokio::test]
async fn a_failed_look_up_is_an_error(#[case] name: &str, #[case] message: &str) {
    assert_eq!(look_up(&Host::new(), name).await.1, [message]);
}

#[tokio::test]
async fn a_data_source_is_checked() {
    let kind = lookup_schema().value_type();
    let request = wire::validate_data_resource_config::Request {
        type_name: "memory_lookup".into(),
        config: encode(&kind, &Value::blank(&kind)),
    };
    let response = Host::new().service.validate_data_resource_config(Request::new(request)).await;
    let found = messages(&response.expect("an answer").into_inner().diagnostics);
    assert_eq!(found, ["ERROR [.name] A required value is missing"]);
}

#[tokio::test]
async fn there_are_no_identities() {
    let service = Host::new().service;
    let identities = service
        .get_resource_identity_schemas(Request::new(wire::get_resource_identity_schemas::Request {}))
        .await
        .expect("an answer");
    assert!(identities.into_inner().identity_schemas.is_empty());
}

#[tokio::test]
async fn there_are_no_ephemeral_resources() {
    let request =
        wire::open_ephemeral_resource::Request { type_name: "memory_key".into(), ..Default::default() };
    let response = Host::new().service.open_ephemeral_resource(Request::new(request)).await;
    let found = messages(&response.expect("an answer").into_inner().diagnostics);
    assert_eq!(found, ["ERROR [] There is no ephemeral resource `memory_key`"]);
}

#[rstest]
#[case::no_such_type("memory_poem", b"\x80", "ERROR [] There is no resource `memory_poem`")]
#[case::no_msgpack("memory_note", b"\xc1", "ERROR [] The state does not fit the provider's schema")]
#[case::other_attributes(
    "memory_note",
    b"\x81\xa1a\xc0",
    "ERROR [.a] The state does not fit the provider's schema"
)]
#[tokio::test]
async fn bad_requests_get_an_error_and_not_a_crash(
    #[case] type_name: &str,
    #[case] bytes: &[u8],
    #[case] message: &str,
) {
    let request = wire::read_resource::Request {
        type_name: type_name.into(),
        current_state: Some(wire::DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() }),
        ..Default::default()
    };
    let response = Host::new().service.read_resource(Request::new(request)).await;
    assert_eq!(messages(&response.expect("an answer").into_inner().diagnostics), [message]);
}
