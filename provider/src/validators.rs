//! Checks of single attributes, with the words that users read.

use multicluster_core::federation::identity::DEFAULT_SET;
use multicluster_core::names::{ClusterName, FederationName};
use multicluster_core::{manifest as manifests, networking, overrides, selector};
use tfplugin::{Diagnostics, Node};

/// The keys of `clusters` and `members`.
pub(crate) fn cluster_names(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (name, entry) in node.entries() {
        if let Err(error) = ClusterName::new(name) {
            diagnostics.error_at(entry.path(), "Invalid cluster name", sentence(&error));
        }
    }
}

/// The name of one of the `clusters`.
pub(crate) fn cluster_name(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(ClusterName::new) {
        diagnostics.error_at(node.path(), "Invalid cluster name", sentence(&error));
    }
}

/// A federation's name.
pub(crate) fn federation_name(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(FederationName::new) {
        diagnostics.error_at(node.path(), "Invalid federation name", sentence(&error));
    }
}

/// The name of a separate set of a federation.
pub(crate) fn set_name(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    federation_name(node, diagnostics);
    if node.str() == Some(DEFAULT_SET) {
        let detail = format!("`{DEFAULT_SET}` stands for the federation's own objects.");
        diagnostics.error_at(node.path(), "Reserved name", detail);
    }
}

/// Kubernetes objects as text.
pub(crate) fn manifest(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    match node.str().map(manifests::parse) {
        Some(Err(error)) => diagnostics.error_at(node.path(), "Invalid manifest", sentence(&error)),
        Some(Ok(objects)) if objects.is_empty() => {
            diagnostics.error_at(node.path(), "Empty manifest", "The text holds no Kubernetes object.");
        }
        _ => {}
    }
}

/// A JSON patch as text.
pub(crate) fn patch(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(overrides::parse_patch) {
        diagnostics.error_at(node.path(), "Invalid patch", sentence(&error));
    }
}

/// A network such as `10.0.0.0/16`.
pub(crate) fn cidr(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(str::parse::<networking::Cidr>) {
        diagnostics.error_at(node.path(), "Invalid network", sentence(&error));
    }
}

/// The labels of a member, which placements select by.
pub(crate) fn labels(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (key, value) in node.entries() {
        let Some(text) = value.str() else { continue };
        if let Err(error) = selector::check_key(key).and_then(|()| selector::check_value(text)) {
            diagnostics.error_at(value.path(), "Invalid label", sentence(&error));
        }
    }
}

/// A JSON merge patch as text.
pub(crate) fn merge_patch(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(overrides::parse_merge_patch) {
        diagnostics.error_at(node.path(), "Invalid patch", sentence(&error));
    }
}

/// A JSON pointer to a field.
pub(crate) fn pointer(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let Some(text) = node.str() else { return };
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !text.starts_with('/') || text.len() < 2 || !escaped {
        let detail =
            "It must be a JSON pointer to a field, such as `/spec/replicas`; `/` in a name is written `~1`.";
        diagnostics.error_at(node.path(), "Invalid JSON pointer", detail);
    }
}

/// A whole number from 0 to 2³¹-1, which is what Kubernetes counts replicas with.
pub(crate) fn count(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let valid = node.i64().is_some_and(|count| (0..=i64::from(i32::MAX)).contains(&count));
    if !valid {
        diagnostics.error_at(
            node.path(),
            "Invalid number",
            "It must be a whole number from 0 to 2147483647.",
        );
    }
}

/// The attributes that make up the three forms of a connection.
const FORMS: [&str; 3] = ["kubeconfig_path", "kubeconfig", "host"];
/// The attributes that only make sense with `host`.
const WITH_HOST: [&str; 7] = [
    "cluster_ca_certificate",
    "token",
    "client_certificate",
    "client_key",
    "exec",
    "tls_server_name",
    "proxy_url",
];

/// Each entry of `clusters` has exactly one form. A value that is not known yet counts as given.
pub(crate) fn cluster_forms(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (_, entry) in node.entries() {
        if entry.is_null() {
            diagnostics.error_at(entry.path(), "Missing connection", "The entry is null.");
            continue;
        }
        if entry.is_unknown() {
            continue;
        }
        let given = |name: &&&str| !entry.attribute(name).is_null();
        let forms: Vec<&str> = FORMS.iter().filter(given).copied().collect();
        match forms.as_slice() {
            [] => diagnostics.error_at(
                entry.path(),
                "Missing connection",
                "Give the entry one of `kubeconfig_path`, `kubeconfig` and `host`. The provider never looks for a \
                 cluster by itself.",
            ),
            ["host"] => with_host(&entry, diagnostics),
            [_] => {
                for name in WITH_HOST.iter().filter(given) {
                    let detail = format!("`{name}` belongs to `host`; a kubeconfig brings its own.");
                    diagnostics.error_at(entry.attribute(name).path(), "Conflicting connection", detail);
                }
            }
            several => diagnostics.error_at(
                entry.path(),
                "Conflicting connection",
                format!("Give the entry only one of {}.", quoted(several)),
            ),
        }
    }
}

fn with_host(entry: &Node<'_>, diagnostics: &mut Diagnostics) {
    let given = |name: &str| !entry.attribute(name).is_null();
    if given("context") {
        let path = entry.attribute("context").path();
        diagnostics.error_at(path, "Conflicting connection", "`context` belongs to a kubeconfig.");
    }
    if given("client_certificate") != given("client_key") {
        let detail = "`client_certificate` and `client_key` go together.";
        diagnostics.error_at(entry.path(), "Incomplete connection", detail);
    }
    let credentials: Vec<&str> =
        ["token", "client_certificate", "exec"].into_iter().filter(|name| given(name)).collect();
    if credentials.len() > 1 {
        let detail = format!("Give the entry only one of {}.", quoted(&credentials));
        diagnostics.error_at(entry.path(), "Conflicting connection", detail);
    }
    if let Some(host) = entry.attribute("host").str()
        && !host.starts_with("https://")
    {
        let detail = "It must begin with `https://`: credentials are sent to it.";
        diagnostics.error_at(entry.attribute("host").path(), "Invalid host", detail);
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// An error as a sentence: capital first, full stop last.
pub(crate) fn sentence(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let mut sentence: String =
        characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
