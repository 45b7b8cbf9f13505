//! The generated wire code is what `proto/wire` says.
//!
//! Generated code is committed, so that building the crate needs neither a build script nor a compiler for
//! definitions. This test makes it again and compares. `UPDATE_WIRE=1 cargo test -p tfplugin --test wire` writes it.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use tfplugin::wire::tfplugin6;

/// Messages whose bytes can hold what users keep secret. The derived `Debug` would print them; `wire.rs` writes
/// one by hand.
const WITHOUT_DEBUG: [&str; 15] = [
    "DynamicValue",
    "RawState",
    "MoveResourceState.Request",
    "MoveResourceState.Response",
    "ImportResourceState.ImportedResource",
    "ReadResource.Request",
    "ReadResource.Response",
    "PlanResourceChange.Request",
    "PlanResourceChange.Response",
    "ApplyResourceChange.Request",
    "ApplyResourceChange.Response",
    "OpenEphemeralResource.Response",
    "RenewEphemeralResource.Request",
    "RenewEphemeralResource.Response",
    "CloseEphemeralResource.Request",
];

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn definitions() -> prost_types::FileDescriptorSet {
    let wire = crate_root().join("wire");
    protox::compile(["provider.proto", "plugin.proto"], [wire]).expect("proto/wire compiles")
}

/// File name to contents.
fn generated() -> BTreeMap<String, String> {
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .out_dir(out.path())
        .build_client(false)
        .build_server(true)
        .generate_default_stubs(true)
        .btree_map(".")
        .skip_debug(WITHOUT_DEBUG.map(|message| format!(".tfplugin6.{message}")))
        .compile_fds(definitions())
        .expect("code can be generated");
    files_of(out.path())
}

fn files_of(directory: &Path) -> BTreeMap<String, String> {
    let entries: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    entries
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn generated_code_is_up_to_date() {
    let committed = crate_root().join("src/gen");
    let generated = generated();
    if std::env::var_os("UPDATE_WIRE").is_some() {
        for (name, contents) in &generated {
            fs::write(committed.join(name), contents).unwrap();
        }
    }
    let found = files_of(&committed);
    assert_eq!(found.keys().collect::<Vec<_>>(), generated.keys().collect::<Vec<_>>());
    for (name, contents) in &generated {
        assert!(
            found.get(name) == Some(contents),
            "src/gen/{name} is not what proto/wire says; run this test with UPDATE_WIRE=1"
        );
    }
}

/// Every message that can carry private bytes is in the list above; a new one must not be forgotten.
#[test]
fn no_private_bytes_in_debug() {
    let mut found = Vec::new();
    for file in definitions().file.into_iter().filter(|file| file.package() == "tfplugin6") {
        for outer in file.message_type {
            for message in std::iter::once(&outer).chain(&outer.nested_type) {
                let name = if std::ptr::eq(message, &outer) {
                    outer.name().to_owned()
                } else {
                    format!("{}.{}", outer.name(), message.name())
                };
                // The bytes of a schema are types.
                let holds_bytes = message.field.iter().any(|field| {
                    field.r#type() == prost_types::field_descriptor_proto::Type::Bytes
                        && field.name() != "type"
                });
                if holds_bytes && !WITHOUT_DEBUG.contains(&name.as_str()) {
                    found.push(name);
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn debug_shows_sizes_instead_of_secrets() {
    let value = tfplugin6::DynamicValue { msgpack: b"hunter2".to_vec(), json: Vec::new() };
    let request = tfplugin6::apply_resource_change::Request {
        type_name: "fixture_note".to_owned(),
        config: Some(value),
        planned_private: b"hunter2".to_vec(),
        ..Default::default()
    };
    let shown = format!("{request:?}");
    assert!(shown.contains("fixture_note"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
}

/// A sample of the numbers on the wire, by hand: tag byte, length, contents.
#[test]
fn field_numbers_are_those_of_the_protocol() {
    let plan = tfplugin6::plan_resource_change::Request {
        type_name: "t".to_owned(),
        config: Some(tfplugin6::DynamicValue { msgpack: vec![0xc0], json: Vec::new() }),
        planned_private: vec![7],
        ..Default::default()
    };
    assert_eq!(plan.encode_to_vec(), [0x0a, 1, b't', 0x22, 3, 0x0a, 1, 0xc0, 0x4a, 1, 7]);

    let schema = tfplugin6::get_provider_schema::Response {
        server_capabilities: Some(tfplugin6::ServerCapabilities {
            plan_destroy: true,
            move_resource_state: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(schema.encode_to_vec(), [0x32, 4, 0x08, 1, 0x18, 1]);
}
