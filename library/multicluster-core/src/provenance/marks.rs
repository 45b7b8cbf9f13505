//! What tools write on an object to find it again.

use serde_json::Value;

use super::Owner;
use super::managers::{entries, is_argo_cd, is_fleet};
use crate::federation::identity::FEDERATION_LABEL;
use crate::kubefed::MANAGED_LABEL;
use crate::object::{group_of, text};

/// The annotation of client-side apply.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Owners by labels, annotations and owner references, the most telling first.
pub(super) fn marks(live: &Value) -> Vec<Owner> {
    let label = |name: &str| in_metadata(live, "labels", name);
    let annotation = |name: &str| in_metadata(live, "annotations", name);
    let named = |namespace: Option<&str>, name: &str| match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    let mut found = Vec::new();
    found.extend(label(FEDERATION_LABEL).map(|name| Owner::Federation(name.to_owned())));
    if label(MANAGED_LABEL) == Some("true") {
        found.push(Owner::KubeFed);
    }
    let work = annotation("work.karmada.io/name");
    if label("karmada.io/managed") == Some("true") || work.is_some() {
        found.push(Owner::Karmada(work.map(|name| named(annotation("work.karmada.io/namespace"), name))));
    }
    let (works, objects) = references(live);
    found.extend(works);
    // An application in another namespace than Argo CD's own is written `namespace_name`.
    let tracked = annotation("argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split_once(':'))
        .map(|(application, _)| application.replacen('_', "/", 1));
    let by_label = || {
        // The usual name of an installation is Argo CD's mark by default, and many others' too.
        let usual = || label("app.kubernetes.io/instance").filter(|_| has_manager(live, is_argo_cd));
        label("argocd.argoproj.io/instance").or_else(usual).map(str::to_owned)
    };
    let application = tracked.or_else(by_label);
    if let Some(application) = application.filter(|name| !name.is_empty()) {
        found.push(Owner::ArgoCd { application: Some(application) });
    }
    for (prefix, kind) in
        [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")]
    {
        if let Some(name) = label(&format!("{prefix}/name")) {
            let name = named(label(&format!("{prefix}/namespace")), name);
            found.push(Owner::Flux { kind: Some(kind), name: Some(name) });
        }
    }
    // Other tools of Rancher write object sets as well, but not as Fleet's agent.
    if has_manager(live, is_fleet) {
        found.push(Owner::Fleet(annotation("objectset.rio.cattle.io/id").map(str::to_owned)));
    }
    let release = annotation("meta.helm.sh/release-name");
    if release.is_some() || label("app.kubernetes.io/managed-by") == Some("Helm") {
        let release = release.map(|name| named(annotation("meta.helm.sh/release-namespace"), name));
        found.push(Owner::Helm(release));
    }
    if label("app.kubernetes.io/managed-by").is_some_and(|by| by.eq_ignore_ascii_case("terraform")) {
        found.push(Owner::Terraform);
    }
    found.extend(objects);
    found
}

/// Whether client-side apply made it. Argo CD leaves the same trace, so that it counts only where nothing else does.
pub(super) fn was_applied_by_kubectl(live: &Value) -> bool {
    in_metadata(live, "annotations", LAST_APPLIED).is_some()
}

/// The owner references: works of federations, and other objects.
fn references(live: &Value) -> (Vec<Owner>, Vec<Owner>) {
    let references = live.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let mut works = Vec::new();
    let mut objects = Vec::new();
    for reference in references.into_iter().flatten() {
        let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
        match (group_of(text(reference, "/apiVersion")), kind) {
            (_, "") => {}
            ("work.open-cluster-management.io", "AppliedManifestWork") => {
                works.push(Owner::Ocm(Some(name.to_owned())));
            }
            ("placement.kubernetes-fleet.io", "AppliedWork") => {
                works.push(Owner::KubeFleet(Some(name.to_owned())));
            }
            _ => objects.push(Owner::Object { kind: kind.to_owned(), name: name.to_owned() }),
        }
    }
    (works, objects)
}

fn in_metadata<'a>(live: &'a Value, part: &str, name: &str) -> Option<&'a str> {
    live.get("metadata")?.get(part)?.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn has_manager(live: &Value, is_meant: fn(&str) -> bool) -> bool {
    entries(live).any(|entry| is_meant(entry.manager))
}
