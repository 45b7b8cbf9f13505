//! The emulator judges the libraries of this workspace, so it must not be made of them.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

#[test]
fn no_crate_of_the_workspace_is_a_dependency() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    // Without `--no-deps`, the list would hold every package there is.
    let ours: BTreeSet<String> = metadata["packages"].as_array().unwrap().iter().map(name).collect();
    assert!(ours.contains("multicluster") && ours.contains("tfplugin"), "{ours:?}");
    let packages = metadata["packages"].as_array().unwrap();
    let emulator = packages.iter().find(|package| name(package) == env!("CARGO_PKG_NAME")).unwrap();
    let dependencies: BTreeSet<String> =
        emulator["dependencies"].as_array().unwrap().iter().map(name).collect();
    assert!(dependencies.len() > 5, "{dependencies:?}");
    let shared: Vec<_> = dependencies.intersection(&ours).collect();
    assert!(shared.is_empty(), "{shared:?}");
}
