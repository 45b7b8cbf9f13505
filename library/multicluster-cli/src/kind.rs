//! Which kind somebody means. Pure.

use std::collections::BTreeSet;

use multicluster::member::ResourceType;

/// What people call kinds that they type often, as in kubectl.
const SHORT: [(&str, &str); 17] = [
    ("cm", "ConfigMap"),
    ("crd", "CustomResourceDefinition"),
    ("cj", "CronJob"),
    ("deploy", "Deployment"),
    ("ds", "DaemonSet"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("ing", "Ingress"),
    ("netpol", "NetworkPolicy"),
    ("ns", "Namespace"),
    ("pdb", "PodDisruptionBudget"),
    ("po", "Pod"),
    ("pv", "PersistentVolume"),
    ("pvc", "PersistentVolumeClaim"),
    ("sa", "ServiceAccount"),
    ("sc", "StorageClass"),
    ("sts", "StatefulSet"),
    ("svc", "Service"),
];

/// Finds the kind that is meant among those that are served: by its name in any case, its plural or a short name, and
/// by its group after a dot. The most stable version of it.
///
/// # Errors
/// In words, if there is none or more than one.
pub(crate) fn find<'a>(typed: &str, served: &'a BTreeSet<ResourceType>) -> Result<&'a ResourceType, String> {
    let (word, group) = match typed.split_once('.') {
        Some((word, group)) => (word, Some(group)),
        None => (typed, None),
    };
    let word = SHORT
        .iter()
        .find(|(short, _)| group.is_none() && short.eq_ignore_ascii_case(word))
        .map_or(word, |(_, kind)| kind);
    let is_meant = |ty: &&ResourceType| {
        let named = ty.kind.eq_ignore_ascii_case(word) || ty.plural.eq_ignore_ascii_case(word);
        named && group.is_none_or(|group| ty.group.eq_ignore_ascii_case(group))
    };
    let found: Vec<&ResourceType> = served.iter().filter(is_meant).collect();
    let groups: BTreeSet<&str> = found.iter().map(|ty| ty.group.as_str()).collect();
    // Kubernetes' own events and the like are served by two groups, and then the core one is meant.
    let group = if groups.contains("") { Some("") } else { groups.first().copied() };
    if groups.len() > 1 && group != Some("") {
        let choices: Vec<String> = groups.iter().map(|group| format!("`{word}.{group}`")).collect();
        return Err(format!("`{typed}` may be any of {}", choices.join(", ")));
    }
    let best = most_stable(found.into_iter().filter(|ty| Some(ty.group.as_str()) == group));
    best.ok_or_else(|| format!("no cluster serves a kind `{typed}`"))
}

/// The most stable of several versions of one kind.
pub(crate) fn most_stable<'a>(
    versions: impl IntoIterator<Item = &'a ResourceType>,
) -> Option<&'a ResourceType> {
    versions.into_iter().max_by_key(|ty| stability(ty))
}

/// `v2` before `v1`, both before `v3beta1`.
fn stability(ty: &ResourceType) -> (bool, &str) {
    (!ty.version.contains("alpha") && !ty.version.contains("beta"), ty.version.as_str())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ty(group: &str, version: &str, kind: &str, plural: &str) -> ResourceType {
        ResourceType {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
        }
    }

    fn served() -> BTreeSet<ResourceType> {
        BTreeSet::from([
            ty("", "v1", "Event", "events"),
            ty("", "v1", "Service", "services"),
            ty("apps", "v1", "Deployment", "deployments"),
            ty("autoscaling", "v2beta1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            ty("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            ty("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            ty("events.k8s.io", "v1", "Event", "events"),
            ty("a.example.com", "v1", "Gateway", "gateways"),
            ty("b.example.com", "v1", "Gateway", "gateways"),
        ])
    }

    #[rstest]
    #[case::by_kind("Deployment", Ok("apps/v1 deployments"))]
    #[case::in_any_case("deployment", Ok("apps/v1 deployments"))]
    #[case::by_plural("deployments", Ok("apps/v1 deployments"))]
    #[case::by_group("deployment.apps", Ok("apps/v1 deployments"))]
    #[case::short("svc", Ok("v1 services"))]
    #[case::the_most_stable_version("hpa", Ok("autoscaling/v2 horizontalpodautoscalers"))]
    #[case::the_core_group_first("events", Ok("v1 events"))]
    #[case::another_group("events.events.k8s.io", Ok("events.k8s.io/v1 events"))]
    #[case::two_of_them(
        "gateway",
        Err("`gateway` may be any of `gateway.a.example.com`, `gateway.b.example.com`")
    )]
    #[case::one_of_two("gateway.b.example.com", Ok("b.example.com/v1 gateways"))]
    #[case::unknown("widget", Err("no cluster serves a kind `widget`"))]
    #[case::another_groups(
        "deployment.example.com",
        Err("no cluster serves a kind `deployment.example.com`")
    )]
    fn kinds(#[case] typed: &str, #[case] expected: Result<&str, &str>) {
        let served = served();
        let found = find(typed, &served).map(|ty| format!("{} {}", ty.api_version(), ty.plural));
        assert_eq!(found.as_ref().map(String::as_str).map_err(String::as_str), expected);
    }
}
