//! Taking over a plain workload, and giving it back.

use multicluster_core::release::Color;
use multicluster_core::release::adopt::{
    Adopted, Found, Next, NotAdopted, Write, deployment_name, next, orphan, retire, standing_version,
};
use multicluster_core::release::traffic::{Lead, Role, read, shift};
use multicluster_core::release::version::version;
use rstest::rstest;
use serde_json::{Value, json};

use super::objects::{http_route, lead, live, only, service_traffic, wanted, workload};

/// A namespace with a plain workload at rest.
#[derive(Clone)]
struct World {
    deployment: Value,
    sets: Vec<Value>,
    service: Value,
    color_service: Option<Value>,
    budget: Option<Value>,
    autoscaler: Option<Value>,
}

fn replica_set(hash: &str, revision: &str, replicas: u32) -> Value {
    json!({
        "metadata": {
            "name": format!("frontend-{hash}"), "labels": { "pod-template-hash": hash },
            "annotations": { "deployment.kubernetes.io/revision": revision },
            "ownerReferences": [{ "kind": "Deployment", "name": "frontend", "uid": "00000000-0000-0000-0000-000000000001" }]
        },
        "spec": { "replicas": replicas }, "status": { "replicas": replicas }
    })
}

fn world() -> World {
    let mut deployment = live(&only(&["Deployment"]));
    deployment["metadata"]["generation"] = json!(4);
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
    deployment["status"] =
        json!({ "observedGeneration": 4, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3 });
    World {
        deployment,
        sets: vec![replica_set("aaaa", "1", 0), replica_set("bbbb", "2", 3)],
        service: live(&only(&["Service"])),
        color_service: None,
        budget: Some(live(&only(&["PodDisruptionBudget"]))),
        autoscaler: Some(live(&only(&["HorizontalPodAutoscaler"]))),
    }
}

impl World {
    fn next(&self, lead: &Lead) -> Result<Next, NotAdopted> {
        let found = Found {
            deployment: &self.deployment,
            replica_sets: &self.sets,
            service: &self.service,
            color_service: self.color_service.as_ref(),
            budget: self.budget.as_ref(),
            autoscaler: self.autoscaler.as_ref(),
        };
        next(lead, &found, 5)
    }

    /// Writes as a server would.
    fn write(&mut self, write: &Write) {
        match write {
            Write::Apply(manifest) => {
                assert_eq!(manifest.name(), "frontend-blue");
                self.color_service = Some(manifest.value().clone());
            }
            Write::Patch { object, patch } => {
                let live = match object.kind.kind.as_str() {
                    "Deployment" => &mut self.deployment,
                    "Service" => &mut self.service,
                    "PodDisruptionBudget" => self.budget.as_mut().unwrap(),
                    other => panic!("{other}"),
                };
                json_patch::patch(live, patch).unwrap();
                let generation = live["metadata"]["generation"].as_u64().unwrap_or(0);
                live["metadata"]["generation"] = json!(generation + 1);
                live["status"]["observedGeneration"] = json!(generation + 1);
            }
        }
    }

    /// Goes on to the end, one write after the other, looking again after each: as if killed after every one of them.
    fn adopted(&mut self, lead: &Lead) -> (Adopted, Vec<String>) {
        let mut order = Vec::new();
        loop {
            match self.next(lead).unwrap() {
                Next::Done(adopted) => return (adopted, order),
                Next::Write(writes) => {
                    let first = writes.first().unwrap();
                    order.push(match first {
                        Write::Patch { object, .. } => object.kind.kind.clone(),
                        Write::Apply(manifest) => format!("new {}", manifest.name()),
                    });
                    self.write(first);
                    assert!(order.len() < 10, "{order:?}");
                }
            }
        }
    }
}

#[test]
fn a_plain_workload_becomes_blue_without_a_restart() {
    let lead = lead(service_traffic());
    let mut world = world();
    let before = world.clone();
    let (adopted, order) = world.adopted(&lead);
    assert_eq!(order, ["Deployment", "Service", "PodDisruptionBudget", "new frontend-blue"]);
    assert_eq!(adopted.hash, "bbbb");
    assert_eq!(
        world.deployment.pointer("/spec/template"),
        before.deployment.pointer("/spec/template"),
        "nothing is added to the pods"
    );
    assert_eq!(world.deployment.pointer("/spec/paused"), Some(&json!(true)));
    let narrowed = json!({ "app": "guestbook", "tier": "frontend", "pod-template-hash": "bbbb" });
    assert_eq!(world.service.pointer("/spec/selector"), Some(&narrowed));
    assert_eq!(world.color_service.as_ref().unwrap().pointer("/spec/selector"), Some(&narrowed));
    assert_eq!(world.budget.as_ref().unwrap().pointer("/spec/selector/matchLabels"), Some(&narrowed));
    assert_eq!(Adopted::of(&world.service), Some(adopted));
    let reading = read(&lead, Role::Service, &world.service).unwrap();
    assert_eq!((reading.weights.unwrap().blue, reading.foreign, reading.epoch), (100, None, Some(5)));
}

#[test]
fn what_was_taken_over_is_blue_until_blue_is_made_anew() {
    let lead = lead(service_traffic());
    let mut world = world();
    let (adopted, _) = world.adopted(&lead);
    assert_eq!(deployment_name("frontend", Color::Blue, Some(&adopted)), "frontend");
    assert_eq!(deployment_name("frontend", Color::Green, Some(&adopted)), "frontend-green");
    assert_eq!(deployment_name("frontend", Color::Blue, None), "frontend-blue");
    assert!(retire(&lead, &world.service).is_err(), "it serves");
    let shifted = |service: &Value, color| {
        let mut service = service.clone();
        let patch = shift(&lead, Role::Service, &service, &wanted(color, 100)).unwrap();
        json_patch::patch(&mut service, &patch).unwrap();
        service
    };
    let green = shifted(&world.service, Color::Green);
    assert_eq!(green.pointer("/spec/selector/pod-template-hash"), None);
    let back = shifted(&green, Color::Blue);
    assert_eq!(back.pointer("/spec/selector"), world.service.pointer("/spec/selector"));

    let retirement = retire(&lead, &green).unwrap().unwrap();
    let gone: Vec<String> = retirement.delete.iter().map(ToString::to_string).collect();
    assert_eq!(
        gone,
        [
            "HorizontalPodAutoscaler guestbook/frontend",
            "PodDisruptionBudget guestbook/frontend",
            "Deployment guestbook/frontend"
        ]
    );
    let mut anew = green.clone();
    json_patch::patch(&mut anew, &retirement.service).unwrap();
    assert_eq!(retire(&lead, &anew).unwrap(), None);
    let blue = shifted(&anew, Color::Blue);
    assert_eq!(blue.pointer("/spec/selector/multicluster.dev~1color"), Some(&json!("blue")));
}

#[test]
fn what_was_taken_over_can_be_given_back() {
    for spec in [service_traffic(), http_route()] {
        let lead = lead(spec);
        let mut world = world();
        let before = world.clone();
        let (adopted, _) = world.adopted(&lead);
        let patch = orphan::traffic(&lead, Role::Service, &world.service, 6).unwrap();
        json_patch::patch(&mut world.service, &patch).unwrap();
        assert_eq!(world.service.pointer("/spec"), before.service.pointer("/spec"));
        assert_eq!(world.service.pointer("/metadata/labels"), before.service.pointer("/metadata/labels"));
        assert_eq!(
            world.service.pointer("/metadata/annotations"),
            before.service.pointer("/metadata/annotations")
        );
        let plain = |live: &Value| {
            let mut live = live.clone();
            let patch = orphan::object(&live, Some(&adopted)).unwrap();
            json_patch::patch(&mut live, &patch).unwrap();
            live
        };
        let deployment = plain(&world.deployment);
        assert_eq!(deployment.pointer("/spec"), before.deployment.pointer("/spec"));
        assert_eq!(deployment.pointer("/metadata/labels"), before.deployment.pointer("/metadata/labels"));
        let budget = plain(world.budget.as_ref().unwrap());
        assert_eq!(budget.pointer("/spec"), before.budget.as_ref().unwrap().pointer("/spec"));
    }
}

#[rstest]
#[case::unseen(&[("/status/observedGeneration", json!(3))], "its controller has not seen the latest change")]
#[case::other_pods(&[("/status/replicas", json!(4))], "pods of another template run")]
#[case::paused(&[("/spec/paused", json!(true))], "it is paused")]
#[case::going(&[("/metadata/deletionTimestamp", json!("2030-01-01T00:00:00Z"))], "being deleted")]
#[case::another_revision(&[("/metadata/annotations/deployment.kubernetes.io~1revision", json!("3"))], "of an earlier revision")]
#[case::controlled(&[("/metadata/ownerReferences", json!([{ "kind": "Rollout", "name": "r", "controller": true }]))], "controlled by Rollout `r`")]
#[case::other_release(&[("/metadata/labels/multicluster.dev~1release", json!("shop"))], "belongs to release `shop`")]
fn a_workload_that_is_not_at_rest_is_refused(#[case] set: &[(&str, Value)], #[case] says: &str) {
    let mut world = world();
    for (pointer, value) in set {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let field = field.replace("~1", "/");
        world.deployment.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(field, value.clone());
    }
    let error = world.next(&lead(service_traffic())).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case::two(vec![replica_set("aaaa", "1", 1), replica_set("bbbb", "2", 3)], "2 of its replica sets have pods")]
#[case::none(vec![replica_set("aaaa", "1", 0)], "has no pods")]
#[case::of_others(vec![json!({ "metadata": { "labels": { "pod-template-hash": "x" } }, "spec": { "replicas": 3 } })], "has no pods")]
fn only_one_replica_set_may_have_pods(#[case] sets: Vec<Value>, #[case] says: &str) {
    let world = World { sets, ..world() };
    let error = world.next(&lead(service_traffic())).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case::elsewhere(json!({ "app": "shop" }), "its selector does not select them")]
#[case::a_colour(json!({ "app": "guestbook", "multicluster.dev/color": "green" }), "it leads to colour \"green\"")]
#[case::other_hash(json!({ "app": "guestbook", "pod-template-hash": "cccc" }), "and these have `bbbb`")]
#[case::everything(json!({}), "its selector does not select them")]
#[case::none(json!(null), "it has no selector")]
fn the_service_must_lead_there(#[case] selector: Value, #[case] says: &str) {
    let mut world = world();
    world.service["spec"]["selector"] = selector;
    let error = world.next(&lead(service_traffic())).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_later_epoch_takes_nothing_over_again() {
    let lead = lead(service_traffic());
    let mut world = world();
    let Next::Write(pause) = world.next(&lead).unwrap() else { panic!("nothing to pause") };
    world.write(&pause[0]);
    world.service["metadata"]["annotations"]["frontend.multicluster.dev/epoch"] = json!("6");
    let error = world.next(&lead).unwrap_err();
    assert!(error.to_string().contains("epoch 6"), "{error}");
}

/// What a server fills in is no difference.
#[test]
fn what_runs_already_needs_no_release() {
    let workload = workload();
    let wanted = version(&workload, &[].into());
    let mut deployment = world().deployment;
    let template = deployment.pointer_mut("/spec/template/spec").unwrap();
    template["restartPolicy"] = json!("Always");
    template["containers"][0]["imagePullPolicy"] = json!("IfNotPresent");
    template["containers"][0]["resources"]["requests"]["cpu"] = json!("0.1");
    let configs = [
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "guestbook" }, "data": { "mode": "fast" } }),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "password", "namespace": "guestbook" }, "data": { "password": "aHVudGVyMg==" } }),
    ];
    let standing =
        |deployment: &Value, configs: &[Value]| standing_version(&wanted, [(&workload, deployment, configs)]);
    assert_eq!(standing(&deployment, &configs), wanted);
    assert_ne!(standing(&deployment, &configs[..1]), wanted, "a secret is missing");
    let mut other = configs.clone();
    other[0]["data"]["mode"] = json!("slow");
    assert_ne!(standing(&deployment, &other), wanted, "another config");
    let mut image = deployment.clone();
    image["spec"]["template"]["spec"]["containers"][0]["image"] = json!("gb-frontend:v4");
    assert_ne!(standing(&image, &configs), wanted, "another image");
    assert_eq!(standing(&image, &configs), standing(&image, &configs));
}
