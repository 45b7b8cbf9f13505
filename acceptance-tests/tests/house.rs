//! The rules of the house that no compiler knows: which crate may depend on which, one TLS stack, licences.

#![expect(clippy::unwrap_used, reason = "what is not as expected fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Who may depend on whom among our own crates; tests and builds included.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("tfplugin", &[]),
    ("multicluster-core", &[]),
    // The emulator serves tests only, and has no edge back.
    ("multicluster", &["multicluster-core", "route53-emulator"]),
    ("multicluster-cli", &["multicluster"]),
    ("terraform-provider-multicluster", &["tfplugin", "multicluster", "multicluster-core"]),
    ("route53-emulator", &[]),
    ("acceptance-tests", &["route53-emulator"]),
];

/// What the deciding crate must not be able to do, nor anything it stands on. Moments and time zones it has as values (jiff,
/// and chrono below the recurrence rules); that it asks no clock for them is held by its `clippy.toml`.
const NOT_IN_CORE: &[&str] =
    &["tokio", "futures", "kube", "reqwest", "hyper", "tonic", "rustls", "tracing-subscriber", "rand"];

/// Of these, two versions would not understand each other's types, or would be two TLS stacks.
const ONLY_ONE: &[&str] = &[
    "tonic",
    "prost",
    "hyper",
    "h2",
    "http",
    "rustls",
    "tokio-rustls",
    "tokio",
    "kube-client",
    "k8s-openapi",
    "thiserror",
    "serde_json",
    "aws-lc-rs",
];

/// Other TLS stacks.
const NONE_OF: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "boring"];

/// Licences that go with Apache-2.0 without further duties than a notice.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

struct Package {
    name: String,
    ours: bool,
    /// Names of direct dependencies as resolved for this platform, without development ones.
    needs: BTreeSet<String>,
    /// Names of our crates among all declared dependencies.
    declares: BTreeSet<String>,
    lints_of_workspace: bool,
}

/// The packages of the lock file, by id.
static PACKAGES: LazyLock<BTreeMap<String, Package>> = LazyLock::new(packages);

/// Name, version and licence of every package that is really built here: unlike the metadata, the tree knows which
/// optional dependencies are off.
static BUILT: LazyLock<BTreeSet<(String, String, String)>> = LazyLock::new(|| {
    let tree = [
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let package = |line: &str| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned(), licence.to_owned()))
    };
    cargo(&tree).lines().filter_map(package).collect()
});

fn cargo(arguments: &[&str]) -> String {
    let directory = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn packages() -> BTreeMap<String, Package> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let names: BTreeSet<&str> = DIRECTIONS.iter().map(|(name, _)| *name).collect();
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let id = package["id"].as_str().unwrap();
        let declared =
            package["dependencies"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap());
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        packages.insert(
            id.to_owned(),
            Package {
                name: package["name"].as_str().unwrap().to_owned(),
                ours: members.contains(id),
                needs: BTreeSet::new(),
                declares: declared.filter(|name| names.contains(name)).map(str::to_owned).collect(),
                lints_of_workspace: manifest.contains("[lints]\nworkspace = true"),
            },
        );
    }
    let mut used = BTreeSet::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let id = node["id"].as_str().unwrap();
        used.insert(id.to_owned());
        let normal = |edge: &&Value| {
            edge["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].as_str() != Some("dev"))
        };
        let edges = node["deps"].as_array().unwrap().iter().filter(normal);
        packages.get_mut(id).unwrap().needs =
            edges.map(|edge| edge["pkg"].as_str().unwrap().to_owned()).collect();
    }
    packages.retain(|id, _| used.contains(id));
    packages
}

fn named(name: &str) -> (&'static str, &'static Package) {
    let (id, package) = PACKAGES.iter().find(|(_, package)| package.ours && package.name == name).unwrap();
    (id, package)
}

/// All that a crate stands on, without what only its tests need.
fn closure(id: &str) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![id.to_owned()];
    while let Some(id) = open.pop() {
        let package = &PACKAGES[&id];
        if seen.insert(package.name.as_str()) {
            open.extend(package.needs.iter().cloned());
        }
    }
    seen
}

#[test]
fn dependencies_point_one_way() {
    let ours: BTreeSet<&str> = PACKAGES.values().filter(|it| it.ours).map(|it| it.name.as_str()).collect();
    assert_eq!(ours, DIRECTIONS.iter().map(|(name, _)| *name).collect(), "a crate without a rule");
    for (name, allowed) in DIRECTIONS {
        let declared = &named(name).1.declares;
        let strays: Vec<&String> = declared.iter().filter(|it| !allowed.contains(&it.as_str())).collect();
        assert!(strays.is_empty(), "{name} must not depend on {strays:?}");
    }
}

#[test]
fn the_deciding_crate_cannot_do_anything() {
    let stands_on = closure(named("multicluster-core").0);
    assert!(stands_on.contains("serde_json"), "the closure is not one: {stands_on:?}");
    let found: Vec<&&str> = NOT_IN_CORE.iter().filter(|name| stands_on.contains(**name)).collect();
    assert!(found.is_empty(), "multicluster-core stands on {found:?}");
}

#[test]
fn the_protocol_crate_knows_no_cluster() {
    let stands_on = closure(named("tfplugin").0);
    assert!(stands_on.contains("tonic"), "the closure is not one: {stands_on:?}");
    assert!(!stands_on.contains("kube") && !stands_on.contains("k8s-openapi"), "{stands_on:?}");
}

#[test]
fn one_version_of_what_must_agree_and_one_tls_stack() {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _, _) in BUILT.iter() {
        *versions.entry(name).or_default() += 1;
    }
    for name in ONLY_ONE {
        assert_eq!(versions.get(*name), Some(&1), "versions of {name}");
    }
    for name in NONE_OF {
        assert_eq!(versions.get(*name), None, "{name} is a second TLS stack");
    }
}

#[test]
fn every_licence_is_one_of_those_we_accept() {
    let refused: Vec<_> = BUILT.iter().filter(|(_, _, licence)| !acceptable(licence)).collect();
    assert!(BUILT.len() > 100, "the list is not one: {BUILT:?}");
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(
        !acceptable("AGPL-3.0 AND MIT")
            && !acceptable("GPL-2.0 OR LGPL-2.1")
            && acceptable("GPL-2.0 OR (MIT AND ISC)")
    );
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for package in PACKAGES.values().filter(|package| package.ours) {
        assert!(package.lints_of_workspace, "{}", package.name);
    }
}

/// Whether an SPDX expression can be met with our list: one side of each OR, both of each AND.
fn acceptable(expression: &str) -> bool {
    // The old way to write OR.
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    if let Some((left, right)) = split(expression, " OR ") {
        return acceptable(left) || acceptable(right);
    }
    if let Some((left, right)) = split(expression, " AND ") {
        return acceptable(left) && acceptable(right);
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => acceptable(inner),
        None => LICENCES.contains(&expression),
    }
}

/// Splits at the first operator that stands outside of parentheses.
fn split<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let depth = |end: usize| {
        let before = &expression[..end];
        before.matches('(').count() - before.matches(')').count()
    };
    let (position, _) = expression.match_indices(operator).find(|(position, _)| depth(*position) == 0)?;
    Some((&expression[..position], &expression[position + operator.len()..]))
}
