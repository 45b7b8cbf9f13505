//! What of a manifest belongs to a release.

use multicluster_core::federation::spec::Target;
use multicluster_core::manifest;
use multicluster_core::names::ClusterName;
use multicluster_core::overrides::{self, Scope};
use multicluster_core::release::spec::Strategy;
use multicluster_core::release::traffic::TrafficSpec;
use multicluster_core::release::workload::{Change, Given, Secrets, change, parse};
use multicluster_core::selector::Labels;
use rstest::rstest;
use serde_json::json;

use super::objects::{FRONTEND, http_route, only, service_traffic, try_parse, workload};

#[test]
fn everything_that_travels_with_a_deployment_is_part_of_it() {
    let workload = workload();
    let mut objects: Vec<String> = workload.objects().map(|object| object.key().to_string()).collect();
    objects.sort();
    assert_eq!(
        objects,
        [
            "ConfigMap guestbook/settings",
            "Deployment guestbook/frontend",
            "HorizontalPodAutoscaler guestbook/frontend",
            "PodDisruptionBudget guestbook/frontend",
            "Secret guestbook/password",
            "Service guestbook/frontend",
        ]
    );
    assert_eq!((workload.strategy(), workload.service()), (Strategy::BlueGreen, Some("frontend")));
}

const STATEFUL: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: redis }
spec:
  serviceName: redis
  selector: { matchLabels: { app: redis } }
  template: { metadata: { labels: { app: redis } }, spec: { containers: [{ name: redis, image: redis }] } }
  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce] } }]
"#;

#[test]
fn a_stateful_set_is_updated_in_place() {
    let workload = try_parse(STATEFUL, None).unwrap();
    assert_eq!((workload.strategy(), workload.replicas()), (Strategy::InPlace, 1));
}

#[rstest]
#[case::nothing(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }",
    "manifest: there is no Deployment and no StatefulSet"
)]
#[case::two(&format!("{}\n---{STATEFUL}", only(&["Deployment"])), "manifest: Deployment guestbook/frontend and StatefulSet guestbook/redis stand in it")]
#[case::ingress(&format!("{FRONTEND}---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{ name: gb }}"), "Ingress guestbook/gb does not belong to a colour of the workload: keep it with multicluster_federation")]
#[case::route(&format!("{FRONTEND}---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: gb }}"), "is what the release leads traffic with, and does not make")]
#[case::keda(&format!("{FRONTEND}---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{ name: gb }}"), "use a HorizontalPodAutoscaler")]
#[case::elsewhere(&FRONTEND.replace("metadata: { name: settings }", "metadata: { name: settings, namespace: shop }"), "ConfigMap shop/settings is in namespace `shop`, and the release in `guestbook`")]
#[case::no_selector(&FRONTEND.replace("  selector: { matchLabels: { app: guestbook, tier: frontend } }\n  template", "  template"), "Deployment guestbook/frontend has no `spec.selector`")]
#[case::other_selector(&FRONTEND.replace("selector: { matchLabels: { app: guestbook, tier: frontend } }\n  template", "selector: { matchLabels: { app: shop } }\n  template"), "does not select the pods of its own template")]
#[case::every_pod(&FRONTEND.replace("selector: { matchLabels: { app: guestbook, tier: frontend } }\n  template", "selector: {}\n  template"), "selects every pod")]
#[case::expression(&FRONTEND.replace("selector: { matchLabels: { app: guestbook, tier: frontend } }\n  template", "selector: { matchExpressions: [{ key: tier, operator: Im, values: [a] }] }\n  template"), "`operator` must be one of")]
#[case::paused(&FRONTEND.replace("minReadySeconds: 5", "paused: true"), "is `paused`")]
#[case::service_elsewhere(&FRONTEND.replace("  selector: { app: guestbook, tier: frontend }\n", "  selector: { app: shop }\n"), "the selector of Service guestbook/frontend does not select the pods")]
#[case::no_service_selector(&FRONTEND.replace("  selector: { app: guestbook, tier: frontend }\n", ""), "the selector of Service guestbook/frontend does not select")]
#[case::second_service(&format!("{FRONTEND}---\napiVersion: v1\nkind: Service\nmetadata: {{ name: second }}\nspec: {{ selector: {{ tier: frontend }} }}"), "traffic.service.name: several Services stand in the `manifest` (frontend, second): name one")]
#[case::scales_another(&FRONTEND.replace("kind: Deployment, name: frontend", "kind: Deployment, name: backend"), "does not scale Deployment guestbook/frontend")]
#[case::two_autoscalers(&format!("{FRONTEND}---\n{}", only(&["HorizontalPodAutoscaler"]).replace("{ name: frontend }\nspec", "{ name: second }\nspec")), "one is enough")]
#[case::budget_of_others(&FRONTEND.replace("maxUnavailable: 1, selector: { matchLabels: { app: guestbook", "maxUnavailable: 1, selector: { matchLabels: { app: shop"), "PodDisruptionBudget guestbook/frontend does not select the pods")]
#[case::unused_config(&FRONTEND.replace("metadata: { name: settings }", "metadata: { name: unused }"), "do not refer to ConfigMap guestbook/unused")]
#[case::our_label(&FRONTEND.replace("metadata: { labels: { app", "metadata: { labels: { multicluster.dev/color: blue, app"), "the release sets the label `multicluster.dev/color` itself")]
#[case::status(&FRONTEND.replace("spec: { maxUnavailable", "status: {}\nspec: { maxUnavailable"), "has a `status`")]
#[case::uid(&FRONTEND.replace("metadata: { name: settings }", "metadata: { name: settings, uid: x }"), "has a `metadata.uid`")]
#[case::long_service(&FRONTEND.replace("metadata: { name: frontend, labels: { app: guestbook }, annotations: { \"ext", &format!("metadata: {{ name: {}, annotations: {{ \"ext", "s".repeat(58))), "58 characters, and 57 leave room for `-green`")]
fn what_cannot_be_released_is_refused(#[case] text: &str, #[case] says: &str) {
    let problems = try_parse(text, Some(&service_traffic())).unwrap_err();
    assert!(problems.iter().any(|problem| problem.to_string().contains(says)), "{problems:#?}");
}

#[test]
fn a_secret_is_refused_unless_allowed() {
    let given = |secrets| Given {
        manifests: manifest::parse(FRONTEND).unwrap(),
        namespace: "guestbook",
        traffic: Some(&TrafficSpec::Service { name: None }),
        strategy: None,
        secrets,
    };
    let problems = parse(given(Secrets::Refused)).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].text.contains("Secret guestbook/password holds data"), "{problems:?}");
    assert!(!format!("{problems:?}").contains("hunter2"));
    let allowed = parse(given(Secrets::Allowed)).unwrap();
    assert!(!format!("{allowed:?}").contains("hunter2"));
}

#[rstest]
#[case::claims(STATEFUL, "two colours cannot share. With `strategy = \"in_place\"`", "volumeClaimTemplates")]
#[case::no_claims(STATEFUL.split("  volumeClaimTemplates").next().unwrap(), "names and an order of their own", "in_place")]
fn colours_for_a_stateful_set_are_refused_with_advice(
    #[case] text: &str,
    #[case] says: &str,
    #[case] and: &str,
) {
    let problems = parse(Given {
        manifests: manifest::parse(text).unwrap(),
        namespace: "guestbook",
        traffic: None,
        strategy: Some(Strategy::BlueGreen),
        secrets: Secrets::Refused,
    })
    .unwrap_err();
    assert_eq!(problems[0].path, ["strategy"]);
    assert!(problems[0].text.contains(says) && problems[0].text.contains(and), "{problems:?}");
}

#[test]
fn traffic_is_for_colours_and_colours_need_it() {
    let problems = try_parse(STATEFUL, Some(&service_traffic())).unwrap_err();
    assert_eq!(problems[0].path, ["traffic"]);
    let problems = try_parse(FRONTEND, None).unwrap_err();
    assert_eq!(problems[0].path, ["traffic"]);
    let problems = try_parse(&only(&["Deployment"]), Some(&http_route())).unwrap_err();
    assert_eq!(problems[0].path, ["traffic", "http_route", "service"]);
}

#[test]
fn a_service_of_somebody_else_can_be_led() {
    let traffic = TrafficSpec::Service { name: Some("web".to_owned()) };
    let workload = try_parse(&only(&["Deployment"]), Some(&traffic)).unwrap();
    assert_eq!((workload.service(), workload.has_service()), (Some("web"), false));
}

#[test]
fn the_size_is_at_least_the_autoscalers_minimum() {
    let size = |text: &str| try_parse(text, Some(&service_traffic())).unwrap().replicas();
    assert_eq!(size(FRONTEND), 3);
    assert_eq!(size(&FRONTEND.replace("minReplicas: 2", "minReplicas: 4")), 4);
    assert_eq!(size(&FRONTEND.replace("  replicas: 3\n", "")), 2);
    assert_eq!(size(&only(&["Deployment", "Service"]).replace("  replicas: 3\n", "")), 1);
}

fn override_of(target: Option<(&str, &str)>, patch: &str) -> Vec<Change> {
    vec![Change {
        target: target.map(|(kind, name)| Target { kind: kind.to_owned(), name: name.to_owned() }),
        scope: Scope { clusters: Some([ClusterName::new("gcp").unwrap()].into()), selector: None },
        changes: vec![overrides::Change::JsonPatch(overrides::parse_patch(patch).unwrap())],
    }]
}

#[test]
fn a_change_is_for_the_clusters_that_it_names() {
    let image = override_of(
        None,
        r#"[{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other" }]"#,
    );
    let on = |name| change(&workload(), &image, &ClusterName::new(name).unwrap(), &Labels::new()).unwrap();
    let image = |name| on(name).main().value().pointer("/spec/template/spec/containers/0/image").cloned();
    assert_eq!(image("gcp"), Some(json!("other")));
    assert_eq!(on("aws"), workload());
}

#[rstest]
#[case::no_target(Some(("Deployment", "backend")), r#"[]"#, "Deployment `backend` does not stand in the `manifest`")]
#[case::no_path(None, r#"[{ "op": "remove", "path": "/spec/none" }]"#, "on `gcp`")]
#[case::torn_apart(
    None,
    r#"[{ "op": "replace", "path": "/spec/template/metadata/labels/tier", "value": "x" }]"#,
    "does not select the pods of its own template"
)]
fn a_change_that_does_not_fit_is_refused(
    #[case] target: Option<(&str, &str)>,
    #[case] patch: &str,
    #[case] says: &str,
) {
    let gcp = ClusterName::new("gcp").unwrap();
    let problems = change(&workload(), &override_of(target, patch), &gcp, &Labels::new()).unwrap_err();
    assert_eq!(problems[0].path[0], "overrides");
    assert!(problems[0].text.contains(says), "{problems:?}");
}
