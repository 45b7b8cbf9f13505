//! The objects of a colour.

use multicluster_core::object::Manifest;
use multicluster_core::release::Color;
use multicluster_core::release::journal::Version;
use multicluster_core::release::render::{Autoscaler, Colored, give_back, hold, render};
use multicluster_core::release::spec::Strategy;
use multicluster_core::release::traffic::{Role, shift};
use multicluster_core::release::workload::{Given, Secrets, Workload, parse};
use rstest::rstest;
use serde_json::{Value, json};

use super::objects::{
    FRONTEND, find, lead, live, only, release, service_traffic, try_parse, wanted, workload,
};

fn rendered_with(workload: &Workload, color: Color, service: Option<&Value>) -> Vec<Manifest> {
    let colored = Colored {
        release: &release(),
        color,
        version: &Version("0123456789".to_owned()),
        replicas: 6,
        autoscaler: Autoscaler::Held,
        service,
        serving: Color::Blue,
    };
    render(workload, &colored).unwrap()
}

fn rendered() -> Vec<Manifest> {
    rendered_with(&workload(), Color::Green, None)
}

#[test]
fn objects_come_in_the_order_of_writing() {
    let order: Vec<String> =
        rendered().iter().map(|object| format!("{} {}", object.kind(), object.name())).collect();
    assert_eq!(
        order,
        [
            "ConfigMap settings-green",
            "Secret password-green",
            "Service frontend-green",
            "Service frontend",
            "PodDisruptionBudget frontend-green",
            "Deployment frontend-green",
            "HorizontalPodAutoscaler frontend-green",
        ]
    );
}

#[test]
fn the_deployment_is_the_colours_own() {
    let objects = rendered();
    let green = find(&objects, "Deployment", "frontend-green");
    let marks = json!({
        "app": "guestbook", "tier": "frontend", "multicluster.dev/release": "frontend",
        "multicluster.dev/color": "green", "multicluster.dev/version": "0123456789"
    });
    assert_eq!(green.pointer("/spec/template/metadata/labels"), Some(&marks));
    assert_eq!(
        green.pointer("/spec/selector/matchLabels"),
        Some(&json!({ "app": "guestbook", "tier": "frontend", "multicluster.dev/color": "green" }))
    );
    assert_eq!(green.pointer("/spec/replicas"), Some(&json!(6)));
    assert_eq!(green.pointer("/spec/minReadySeconds"), Some(&json!(5)));
    assert_eq!(green.pointer("/metadata/annotations/owner"), Some(&json!("shop-team")));
}

#[test]
fn references_follow_what_travels_and_nothing_else() {
    let objects = rendered();
    let pod = find(&objects, "Deployment", "frontend-green").pointer("/spec/template/spec").unwrap();
    let at = |pointer| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(at("/initContainers/0/env/0/valueFrom/configMapKeyRef/name"), "settings-green");
    assert_eq!(at("/containers/0/envFrom/0/configMapRef/name"), "settings-green");
    assert_eq!(at("/containers/0/envFrom/1/secretRef/name"), "password-green");
    assert_eq!(at("/containers/0/envFrom/2/configMapRef/name"), "other");
    assert_eq!(at("/volumes/0/configMap/name"), "settings-green");
    assert_eq!(at("/volumes/1/projected/sources/0/secret/name"), "password-green");
    assert_eq!(at("/volumes/1/projected/sources/1/configMap/name"), "settings-green");
    assert_eq!(at("/imagePullSecrets/0/name"), "registry");
    assert_eq!(at("/volumes/0/name"), "files");
}

#[test]
fn image_pull_secrets_of_the_manifest_travel_too() {
    let text =
        FRONTEND.replace("imagePullSecrets: [{ name: registry }]", "imagePullSecrets: [{ name: password }]");
    let objects = rendered_with(&try_parse(&text, Some(&service_traffic())).unwrap(), Color::Blue, None);
    let pod = find(&objects, "Deployment", "frontend-blue").pointer("/spec/template/spec").unwrap();
    assert_eq!(pod.pointer("/imagePullSecrets/0/name"), Some(&json!("password-blue")));
}

#[test]
fn a_secret_has_data_only() {
    let objects = rendered();
    let secret = find(&objects, "Secret", "password-green");
    assert_eq!(secret.get("data"), Some(&json!({ "password": "aHVudGVyMg==" })));
    assert_eq!(secret.get("stringData"), None);
}

#[test]
fn a_colours_service_has_nothing_that_is_there_once() {
    let objects = rendered();
    assert_eq!(
        find(&objects, "Service", "frontend-green"),
        &json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "frontend-green", "namespace": "guestbook",
                "labels": { "multicluster.dev/release": "frontend", "multicluster.dev/color": "green" }
            },
            "spec": {
                "type": "ClusterIP", "sessionAffinity": "ClientIP",
                "selector": { "app": "guestbook", "tier": "frontend", "multicluster.dev/color": "green" },
                "ports": [{ "name": "http", "port": 80, "targetPort": 8080, "appProtocol": "http" }]
            }
        })
    );
}

#[test]
fn a_new_stable_service_leads_to_the_colour_that_serves() {
    let objects = rendered();
    let stable = find(&objects, "Service", "frontend");
    assert_eq!(
        stable.pointer("/spec/selector"),
        Some(&json!({ "app": "guestbook", "tier": "frontend", "multicluster.dev/color": "blue" }))
    );
    assert_eq!(stable.pointer("/spec/type"), Some(&json!("LoadBalancer")));
    assert_eq!(stable.pointer("/spec/externalIPs"), Some(&json!(["192.0.2.1"])));
}

/// Whatever traffic has made of the Service, rendering it again does not lead it elsewhere.
#[rstest]
#[case::not_led_yet(json!({ "app": "guestbook", "tier": "frontend" }))]
#[case::green(json!({ "app": "guestbook", "tier": "frontend", "multicluster.dev/color": "green" }))]
#[case::taken_over(json!({ "app": "guestbook", "tier": "frontend", "pod-template-hash": "6d4b" }))]
fn the_stable_service_stays_where_traffic_has_led_it(#[case] selector: Value) {
    let mut service = live(&only(&["Service"]));
    *service.pointer_mut("/spec/selector").unwrap() = selector.clone();
    let objects = rendered_with(&workload(), Color::Green, Some(&service));
    assert_eq!(find(&objects, "Service", "frontend").pointer("/spec/selector"), Some(&selector));
}

#[test]
fn rendering_after_a_switch_says_what_the_switch_wrote() {
    let mut service = live(&only(&["Service"]));
    let lead = lead(service_traffic());
    let patch = shift(&lead, Role::Service, &service, &wanted(Color::Green, 100)).unwrap();
    json_patch::patch(&mut service, &patch).unwrap();
    let objects = rendered_with(&workload(), Color::Green, Some(&service));
    assert_eq!(
        find(&objects, "Service", "frontend").pointer("/spec/selector"),
        service.pointer("/spec/selector")
    );
}

#[test]
fn the_service_of_somebody_else_is_copied_but_not_written() {
    let workload = try_parse(&only(&["Deployment"]), Some(&super::objects::http_route()));
    assert!(workload.is_err(), "the Service must be named");
    let traffic = multicluster_core::release::traffic::TrafficSpec::Service { name: Some("web".to_owned()) };
    let workload = try_parse(&only(&["Deployment"]), Some(&traffic)).unwrap();
    let service = live(&only(&["Service"]).replace("name: frontend, labels", "name: web, labels"));
    let objects = rendered_with(&workload, Color::Green, Some(&service));
    let names: Vec<&str> = objects.iter().map(Manifest::name).collect();
    assert_eq!(names, ["web-green", "frontend-green"]);
    assert_eq!(find(&objects, "Service", "web-green").pointer("/spec/ports/0/nodePort"), None);

    let version = Version("0".to_owned());
    let release = release();
    let colored = Colored {
        release: &release,
        color: Color::Green,
        version: &version,
        replicas: 1,
        autoscaler: Autoscaler::Free,
        service: None,
        serving: Color::Blue,
    };
    let error = render(&workload, &colored).unwrap_err();
    assert!(error.to_string().starts_with("Service `web` is neither in `manifest` nor on the cluster"));
}

#[test]
fn budget_and_autoscaler_are_of_the_colour_alone() {
    let objects = rendered();
    let budget = find(&objects, "PodDisruptionBudget", "frontend-green");
    assert_eq!(budget.pointer("/spec/selector/matchLabels/multicluster.dev~1color"), Some(&json!("green")));
    let autoscaler = find(&objects, "HorizontalPodAutoscaler", "frontend-green");
    assert_eq!(autoscaler.pointer("/spec/scaleTargetRef/name"), Some(&json!("frontend-green")));
    assert_eq!(autoscaler.pointer("/spec/minReplicas"), Some(&json!(6)));
}

#[rstest]
#[case::held(6, Autoscaler::Held, 6)]
#[case::held_below_the_minimum(1, Autoscaler::Held, 2)]
#[case::held_above_the_maximum(50, Autoscaler::Held, 10)]
#[case::free(6, Autoscaler::Free, 2)]
fn minimum_of_the_autoscaler(#[case] replicas: u32, #[case] autoscaler: Autoscaler, #[case] minimum: u32) {
    let (release, version) = (release(), Version("0".to_owned()));
    let colored = Colored {
        release: &release,
        color: Color::Green,
        version: &version,
        replicas,
        autoscaler,
        service: None,
        serving: Color::Blue,
    };
    let objects = render(&workload(), &colored).unwrap();
    let found = find(&objects, "HorizontalPodAutoscaler", "frontend-green").pointer("/spec/minReplicas");
    assert_eq!(found, Some(&json!(minimum)));
}

#[test]
fn an_autoscaler_is_held_once_and_gets_its_minimum_back() {
    let before = live(&only(&["HorizontalPodAutoscaler"]));
    let mut now = before.clone();
    let mut minimum_after = |patch: json_patch::Patch| {
        json_patch::patch(&mut now, &patch).unwrap();
        (now.clone(), now.pointer("/spec/minReplicas").and_then(Value::as_u64).unwrap())
    };
    let (held, minimum) = minimum_after(hold(&before, 6).unwrap());
    assert_eq!(minimum, 6);
    assert!(hold(&held, 6).unwrap().0.is_empty());
    // Held again at a larger size, it still knows what it had.
    let (held, minimum) = minimum_after(hold(&held, 8).unwrap());
    assert_eq!(minimum, 8);
    let (back, minimum) = minimum_after(give_back(&held).unwrap());
    assert_eq!(minimum, 2);
    assert!(give_back(&back).unwrap().0.is_empty());
}

#[test]
fn in_place_nothing_changes_its_name() {
    let text = only(&["Deployment", "ConfigMap", "Secret", "HorizontalPodAutoscaler", "PodDisruptionBudget"]);
    let workload = parse(Given {
        manifests: multicluster_core::manifest::parse(&text).unwrap(),
        namespace: "guestbook",
        traffic: None,
        strategy: Some(Strategy::InPlace),
        secrets: Secrets::Allowed,
    })
    .unwrap();
    let objects = rendered_with(&workload, Color::Blue, None);
    let names: Vec<&str> = objects.iter().map(Manifest::name).collect();
    assert_eq!(names, ["settings", "password", "frontend", "frontend", "frontend"]);
    let deployment = find(&objects, "Deployment", "frontend");
    let written = workload.main().value();
    assert_eq!(deployment.pointer("/spec/selector"), written.pointer("/spec/selector"));
    assert_eq!(deployment.pointer("/spec/template/spec"), written.pointer("/spec/template/spec"));
    assert_eq!(
        deployment.pointer("/spec/template/metadata/labels/multicluster.dev~1version"),
        Some(&json!("0123456789"))
    );
}
