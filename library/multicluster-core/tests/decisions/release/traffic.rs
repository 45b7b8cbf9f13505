//! Leading traffic, with objects as clusters show them.

use json_patch::PatchOperation;
use multicluster_core::release::Color;
use multicluster_core::release::spec::Step;
use multicluster_core::release::traffic::{
    Lead, Refused, Role, RuleRef, TrafficSpec, Wanted, accepted, check, epoch_of, lb_warning, raise_epoch,
    read, shift, view,
};
use rstest::rstest;
use serde_json::{Value, json};

use super::objects::{http_route, lead, live, only, service_traffic, virtual_service, wanted};

fn switch(lead: &Lead, role: Role, object: &mut Value, wanted: &Wanted) {
    let patch = shift(lead, role, object, wanted).unwrap();
    json_patch::patch(object, &patch).unwrap();
}

fn patched(lead: &Lead, role: Role, object: &Value, color: Color, weight: u8) -> Value {
    let mut object = object.clone();
    switch(lead, role, &mut object, &wanted(color, weight));
    object
}

fn service() -> Value {
    live(&only(&["Service"]))
}

/// As a server returns it, defaults filled in.
fn route() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "shop", "namespace": "guestbook", "generation": 3, "resourceVersion": "4711" },
        "spec": {
            "parentRefs": [{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public" }],
            "hostnames": ["shop.example.com"],
            "rules": [
                {
                    "matches": [{ "path": { "type": "PathPrefix", "value": "/api" } }],
                    "backendRefs": [{ "group": "", "kind": "Service", "name": "api", "port": 80, "weight": 1 }]
                },
                {
                    "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
                    "timeouts": { "request": "5s" },
                    "backendRefs": [{ "group": "", "kind": "Service", "name": "frontend", "port": 80, "weight": 1 }]
                }
            ]
        },
        "status": { "parents": [parent("True", "True", 3)] }
    })
}

fn parent(accepted: &str, resolved: &str, generation: u64) -> Value {
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "observedGeneration": generation, "reason": "Because", "message": "so it is" });
    json!({
        "parentRef": { "name": "public" },
        "conditions": [condition("Accepted", accepted), condition("ResolvedRefs", resolved)]
    })
}

fn virtual_shop() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": { "name": "shop", "namespace": "guestbook", "resourceVersion": "4711" },
        "spec": {
            "hosts": ["shop.example.com"],
            "http": [
                { "name": "api", "match": [{ "uri": { "prefix": "/api" } }], "route": [{ "destination": { "host": "api" } }] },
                { "name": "web", "retries": { "attempts": 3 }, "route": [{ "destination": { "host": "frontend", "port": { "number": 80 } } }] }
            ]
        }
    })
}

#[test]
fn a_patch_begins_with_what_it_rests_on() {
    let lead = lead(http_route());
    let first = shift(&lead, Role::Route, &route(), &wanted(Color::Green, 20)).unwrap();
    let tests = |patch: &json_patch::Patch| -> Vec<String> {
        patch
            .0
            .iter()
            .take_while(|operation| matches!(operation, PatchOperation::Test(_)))
            .map(|operation| operation.path().to_string())
            .collect()
    };
    assert_eq!(tests(&first), ["/metadata/resourceVersion"]);
    let mut object = route();
    json_patch::patch(&mut object, &first).unwrap();
    let second = shift(&lead, Role::Route, &object, &wanted(Color::Green, 50)).unwrap();
    assert_eq!(
        tests(&second),
        ["/metadata/resourceVersion", "/metadata/annotations/frontend.multicluster.dev~1epoch"]
    );
}

#[test]
fn the_first_switch_makes_colours_of_the_stable_service() {
    let object = patched(&lead(http_route()), Role::Route, &route(), Color::Green, 0);
    assert_eq!(
        object.pointer("/spec/rules/1"),
        Some(&json!({
            "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
            "timeouts": { "request": "5s" },
            "backendRefs": [
                { "group": "", "kind": "Service", "name": "frontend-blue", "port": 80, "weight": 100 },
                { "group": "", "kind": "Service", "name": "frontend-green", "port": 80, "weight": 0 }
            ]
        }))
    );
    assert_eq!(object.pointer("/spec/rules/0"), route().pointer("/spec/rules/0"));
    assert_eq!(
        object.pointer("/metadata/annotations"),
        Some(&json!({
            "frontend.multicluster.dev/epoch": "7",
            "frontend.multicluster.dev/release-id": "r-0123456789",
            "frontend.multicluster.dev/step": "0",
            "frontend.multicluster.dev/weights": "frontend-blue=100,frontend-green=0"
        }))
    );
}

#[test]
fn a_colour_that_does_not_exist_is_never_led_to() {
    let lead = lead(http_route());
    let mut first = wanted(Color::Blue, 100);
    first.services = [Color::Blue].into();
    let mut object = route();
    switch(&lead, Role::Route, &mut object, &first);
    assert_eq!(
        object.pointer("/spec/rules/1/backendRefs"),
        Some(
            &json!([{ "group": "", "kind": "Service", "name": "frontend-blue", "port": 80, "weight": 100 }])
        )
    );
    let mut second = wanted(Color::Green, 20);
    second.services = [Color::Blue].into();
    let missing = Refused::Service { name: "frontend-green".to_owned() };
    assert_eq!(shift(&lead, Role::Route, &object, &second), Err(missing.clone()));
    // Neither by headers nor by a mirror, with no weight at all.
    second.weight = 0;
    second.mirror = Some(5);
    assert_eq!(shift(&lead, Role::Route, &object, &second), Err(missing.clone()));
    second.mirror = None;
    second.headers.insert("x-canary".to_owned(), "yes".to_owned());
    assert_eq!(shift(&lead, Role::Route, &object, &second), Err(missing));
}

#[test]
fn headers_and_mirror_of_an_http_route() {
    let lead = lead(http_route());
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("X-Canary".to_owned(), "yes".to_owned());
    step.mirror = Some(5);
    let mut object = route();
    switch(&lead, Role::Route, &mut object, &step);
    assert_eq!(
        object.pointer("/spec/rules/1"),
        Some(&json!({
            "name": "multicluster-frontend",
            "matches": [{
                "path": { "type": "PathPrefix", "value": "/" },
                "headers": [{ "type": "Exact", "name": "X-Canary", "value": "yes" }]
            }],
            "timeouts": { "request": "5s" },
            "backendRefs": [{ "group": "", "kind": "Service", "name": "frontend-green", "port": 80, "weight": 100 }]
        }))
    );
    assert_eq!(
        object.pointer("/spec/rules/2/filters"),
        Some(&json!([{
            "type": "RequestMirror",
            "requestMirror": {
                "percent": 5, "backendRef": { "group": "", "kind": "Service", "name": "frontend-green", "port": 80 }
            }
        }]))
    );
    let after = patched(&lead, Role::Route, &object, Color::Green, 100);
    assert_eq!(after.pointer("/spec/rules").unwrap().as_array().unwrap().len(), 2);
    assert_eq!(after.pointer("/spec/rules/1/filters"), None);
    assert_eq!(after.pointer("/metadata/annotations/frontend.multicluster.dev~1headers"), None);
}

#[test]
fn headers_and_mirror_of_a_virtual_service() {
    let lead = lead(virtual_service());
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("X-Canary".to_owned(), "yes".to_owned());
    step.mirror = Some(5);
    let mut object = virtual_shop();
    switch(&lead, Role::Route, &mut object, &step);
    let green = json!({ "host": "frontend-green", "port": { "number": 80 } });
    assert_eq!(
        object.pointer("/spec/http/1"),
        Some(&json!({
            "name": "multicluster-frontend", "retries": { "attempts": 3 },
            "match": [{ "headers": { "x-canary": { "exact": "yes" } } }],
            "route": [{ "destination": green, "weight": 100 }]
        }))
    );
    assert_eq!(
        object.pointer("/spec/http/2"),
        Some(&json!({
            "name": "web", "retries": { "attempts": 3 },
            "mirror": green, "mirrorPercentage": { "value": 5 },
            "route": [
                { "destination": { "host": "frontend-blue", "port": { "number": 80 } }, "weight": 80 },
                { "destination": green, "weight": 20 }
            ]
        }))
    );
    // Names of headers are read as the step wrote them.
    let reading = read(&lead, Role::Route, &object).unwrap();
    assert_eq!(reading.headers, Some((Color::Green, step.headers)));
}

#[test]
fn a_header_rule_follows_the_workloads_rule() {
    let lead = lead(http_route());
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("x-canary".to_owned(), "yes".to_owned());
    let mut object = route();
    switch(&lead, Role::Route, &mut object, &step);
    *object.pointer_mut("/spec/rules/2/timeouts/request").unwrap() = json!("9s");
    assert_eq!(read(&lead, Role::Route, &object).unwrap().headers, None);
    switch(&lead, Role::Route, &mut object, &step);
    assert_eq!(object.pointer("/spec/rules/1/timeouts/request"), Some(&json!("9s")));
    assert_eq!(read(&lead, Role::Route, &object).unwrap().headers, Some((Color::Green, step.headers)));
}

#[test]
fn a_rule_that_asks_for_another_value_of_a_header_cannot_be_narrowed_by_it() {
    let mut object = route();
    object.pointer_mut("/spec/rules/1/matches").unwrap()[0]["headers"] =
        json!([{ "type": "Exact", "name": "X-User", "value": "a" }]);
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("x-user".to_owned(), "b".to_owned());
    let error = shift(&lead(http_route()), Role::Route, &object, &step).unwrap_err();
    assert!(error.to_string().contains("matches by `x-user`"), "{error}");
}

#[rstest]
#[case::kept(json!([{ "name": "frontend", "weight": 100 }, { "name": "old", "weight": 300 }]), json!([["frontend-blue", 80], ["frontend-green", 20], ["old", 300]]))]
#[case::multiplied(json!([{ "name": "frontend", "weight": 90 }, { "name": "old", "weight": 10 }]), json!([["frontend-blue", 720], ["frontend-green", 180], ["old", 100]]))]
#[case::reduced(json!([{ "name": "frontend", "weight": 3000 }, { "name": "old", "weight": 1000 }]), json!([["frontend-blue", 2400], ["frontend-green", 600], ["old", 1000]]))]
#[case::by_default_one(json!([{ "name": "frontend" }, { "name": "old" }]), json!([["frontend-blue", 80], ["frontend-green", 20], ["old", 100]]))]
#[case::switched_off(json!([{ "name": "frontend", "weight": 7 }, { "name": "old", "weight": 0 }]), json!([["frontend-blue", 80], ["frontend-green", 20], ["old", 0]]))]
fn other_backends_keep_their_share(#[case] before: Value, #[case] after: Value) {
    let mut object = route();
    *object.pointer_mut("/spec/rules/1/backendRefs").unwrap() = before;
    let object = patched(&lead(http_route()), Role::Route, &object, Color::Green, 20);
    let list = object.pointer("/spec/rules/1/backendRefs").unwrap().as_array().unwrap();
    let found: Vec<Value> = list.iter().map(|it| json!([it["name"], it["weight"]])).collect();
    assert_eq!(Value::from(found), after);
}

#[rstest]
#[case::no_share(json!([{ "name": "frontend", "weight": 0 }, { "name": "old", "weight": 1 }]), "leads to other backends")]
#[case::too_fine(json!([{ "name": "frontend", "weight": 999_983 }, { "name": "old", "weight": 999_979 }]), "weights up to 1000000")]
#[case::no_number(json!([{ "name": "frontend", "weight": "1" }]), "the weight of `frontend`")]
#[case::nobody(json!([{ "name": "api" }]), "no rule does not lead")]
#[case::other_namespace(json!([{ "name": "frontend", "namespace": "shop" }]), "no rule does not lead")]
#[case::no_service(json!([{ "name": "frontend", "kind": "ServiceImport", "group": "multicluster.x-k8s.io" }]), "no rule does not lead")]
fn a_rule_that_cannot_be_led_is_refused(#[case] backends: Value, #[case] says: &str) {
    let mut object = route();
    *object.pointer_mut("/spec/rules/1/backendRefs").unwrap() = backends;
    let error = shift(&lead(http_route()), Role::Route, &object, &wanted(Color::Green, 20)).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

fn named(rule: Option<RuleRef>) -> Lead {
    lead(TrafficSpec::HttpRoute { name: "shop".to_owned(), namespace: None, rule, service: None })
}

#[test]
fn which_rule_is_meant() {
    let mut object = route();
    *object.pointer_mut("/spec/rules/0/backendRefs/0/name").unwrap() = json!("frontend");
    let error = read(&named(None), Role::Route, &object).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 rules lead to Service `frontend`: say which one is the release's (`traffic.http_route.rule`)"
    );
    let second = named(Some(RuleRef::Index(1)));
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("x-canary".to_owned(), "yes".to_owned());
    switch(&second, Role::Route, &mut object, &step);
    // The header rule before it does not move it.
    assert_eq!(read(&second, Role::Route, &object).unwrap().weights.unwrap().green, 20);
    let error = read(&named(Some(RuleRef::Index(7))), Role::Route, &object).unwrap_err();
    assert!(error.to_string().starts_with("rule 7 does not lead to Service `frontend`"), "{error}");
    let error = read(&named(Some(RuleRef::Name("main".to_owned()))), Role::Route, &object).unwrap_err();
    assert!(error.to_string().starts_with("rule `main` does not lead"), "{error}");
}

#[rstest]
#[case::short("frontend", true, "frontend-green")]
#[case::with_namespace("frontend.guestbook", true, "frontend-green.guestbook")]
#[case::with_svc("frontend.guestbook.svc", true, "frontend-green.guestbook.svc")]
#[case::full("frontend.guestbook.svc.cluster.local", true, "frontend-green.guestbook.svc.cluster.local")]
#[case::other_namespace("frontend.shop.svc.cluster.local", false, "")]
#[case::external("frontend.guestbook.com", false, "")]
fn hosts_of_istio(#[case] host: &str, #[case] ours: bool, #[case] green: &str) {
    let mut object = virtual_shop();
    *object.pointer_mut("/spec/http/1/route/0/destination/host").unwrap() = json!(host);
    let shifted = shift(&lead(virtual_service()), Role::Route, &object, &wanted(Color::Green, 20));
    assert_eq!(shifted.is_ok(), ours, "{shifted:?}");
    if let Ok(patch) = shifted {
        json_patch::patch(&mut object, &patch).unwrap();
        assert_eq!(object.pointer("/spec/http/1/route/1/destination/host"), Some(&json!(green)));
    }
}

#[test]
fn a_short_host_is_in_the_virtual_services_namespace() {
    let mut object = virtual_shop();
    *object.pointer_mut("/metadata/namespace").unwrap() = json!("istio-ingress");
    assert!(read(&lead(virtual_service()), Role::Route, &object).is_err());
}

#[rstest]
#[case::subset("/spec/http/1/route/0/destination/subset", json!("v1"), "subset \"v1\"")]
#[case::mirrors_already("/spec/http/1/mirror", json!({ "host": "audit" }), "mirrors to somewhere else already")]
fn what_istio_has_already(#[case] pointer: &str, #[case] value: Value, #[case] says: &str) {
    let mut object = virtual_shop();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(field.to_owned(), value);
    let mut step = wanted(Color::Green, 20);
    step.mirror = Some(10);
    let error = shift(&lead(virtual_service()), Role::Route, &object, &step).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn the_service_leads_to_one_colour() {
    let lead = lead(service_traffic());
    assert_eq!(read(&lead, Role::Service, &service()).unwrap().weights, None);
    let green = patched(&lead, Role::Service, &service(), Color::Green, 100);
    assert_eq!(
        green.pointer("/spec/selector"),
        Some(&json!({ "app": "guestbook", "tier": "frontend", "multicluster.dev/color": "green" }))
    );
    assert_eq!(read(&lead, Role::Service, &green).unwrap().weights.unwrap().green, 100);
    let none_to_green = patched(&lead, Role::Service, &green, Color::Green, 0);
    assert_eq!(read(&lead, Role::Service, &none_to_green).unwrap().weights.unwrap().blue, 100);
    let error = shift(&lead, Role::Service, &green, &wanted(Color::Green, 20)).unwrap_err();
    assert!(error.to_string().contains("one colour only"), "{error}");
    let mut step = wanted(Color::Green, 100);
    step.mirror = Some(1);
    assert!(shift(&lead, Role::Service, &green, &step).is_err());
}

/// Such as Argo CD healing the object to what stands in git.
#[test]
fn a_selector_that_is_put_back_is_foreign() {
    let lead = lead(service_traffic());
    let mut green = patched(&lead, Role::Service, &service(), Color::Green, 100);
    green.pointer_mut("/spec/selector").unwrap().as_object_mut().unwrap().remove("multicluster.dev/color");
    let foreign = read(&lead, Role::Service, &green).unwrap().foreign.unwrap();
    assert_eq!(foreign, "frontend was left with `multicluster.dev/color=green` and has `open` now");
    let foreign = view(&lead, &[Some(&green)], Color::Green, 7).unwrap().foreign;
    assert!(foreign.is_some());
}

#[test]
fn a_service_without_selector_is_not_the_workloads() {
    let mut object = service();
    object.pointer_mut("/spec").unwrap().as_object_mut().unwrap().remove("selector");
    assert!(matches!(read(&lead(service_traffic()), Role::Service, &object), Err(Refused::Unreadable(_))));
}

#[test]
fn beside_a_route_the_service_changes_with_the_last_step() {
    let lead = lead(http_route());
    let targets = lead.targets();
    let keys: Vec<String> = targets.iter().map(|target| target.key.to_string()).collect();
    assert_eq!(keys, ["HTTPRoute guestbook/shop", "Service guestbook/frontend"]);
    let color = |object: &Value| read(&lead, Role::Service, object).unwrap().weights.unwrap();
    let at_20 = patched(&lead, Role::Service, &service(), Color::Green, 20);
    assert_eq!(color(&at_20).blue, 100);
    let at_100 = patched(&lead, Role::Service, &at_20, Color::Green, 100);
    assert_eq!(color(&at_100).green, 100);

    // A kill between the two patches shows.
    let mut whole = patched(&lead, Role::Route, &route(), Color::Green, 100);
    let seen =
        |route: &Value, service: &Value| view(&lead, &[Some(route), Some(service)], Color::Green, 7).unwrap();
    assert!(!seen(&whole, &at_20).accepted);
    assert!(seen(&whole, &at_100).accepted);
    assert_eq!(seen(&whole, &at_100).weight, 100);
    *whole.pointer_mut("/metadata/generation").unwrap() = json!(4);
    assert!(!seen(&whole, &at_100).accepted);
    assert!(view(&lead, &[None, Some(&at_20)], Color::Green, 7).is_none());
    assert!(view(&lead, &[Some(&route()), None], Color::Green, 7).is_some());
}

#[test]
fn a_view_is_of_the_new_colour() {
    let lead = lead(http_route());
    let mut step = wanted(Color::Green, 20);
    step.headers.insert("x-canary".to_owned(), "yes".to_owned());
    step.mirror = Some(5);
    let mut object = route();
    switch(&lead, Role::Route, &mut object, &step);
    let green = view(&lead, &[Some(&object), None], Color::Green, 7).unwrap();
    assert_eq!((green.weight, green.mirror, green.headers, green.foreign), (20, Some(5), step.headers, None));
    let blue = view(&lead, &[Some(&object), None], Color::Blue, 7).unwrap();
    assert_eq!((blue.weight, blue.mirror, blue.headers.len()), (80, None, 0));
}

#[test]
fn a_later_epoch_is_never_overwritten() {
    for (spec, role, object) in
        [(http_route(), Role::Route, route()), (service_traffic(), Role::Service, service())]
    {
        let lead = lead(spec);
        let mut taken = patched(&lead, role, &object, Color::Green, 100);
        let patch = raise_epoch(&lead, &taken, 8).unwrap();
        json_patch::patch(&mut taken, &patch).unwrap();
        assert_eq!(epoch_of(&lead.release, &taken), Some(8));
        assert_eq!(raise_epoch(&lead, &taken, 8).unwrap().0, []);
        let superseded = Refused::Superseded { found: 8, ours: 7 };
        assert_eq!(shift(&lead, role, &taken, &wanted(Color::Blue, 100)), Err(superseded.clone()));
        assert_eq!(raise_epoch(&lead, &taken, 7), Err(superseded));
        assert!(view(&lead, &[Some(&taken)], Color::Green, 7).unwrap().foreign.unwrap().contains("epoch 8"));
        assert_eq!(view(&lead, &[Some(&taken)], Color::Green, 8).unwrap().foreign, None);
    }
}

/// What was read before a takeover cannot be written after it, even if nobody looked again.
#[test]
fn a_patch_that_was_made_before_a_takeover_fails() {
    let lead = lead(http_route());
    let mut object = patched(&lead, Role::Route, &route(), Color::Green, 20);
    let late = shift(&lead, Role::Route, &object, &wanted(Color::Green, 50)).unwrap();
    let mut takeover = object.clone();
    json_patch::patch(&mut takeover, &raise_epoch(&lead, &object, 8).unwrap()).unwrap();
    // Even on a server that kept the resource version.
    assert!(json_patch::patch(&mut takeover, &late).is_err());
    assert!(json_patch::patch(&mut object, &late).is_ok());
}

#[test]
fn two_releases_lead_one_route_by_rules_of_their_own() {
    let frontend = lead(http_route());
    let mut api = frontend.clone();
    api.release.name = multicluster_core::names::ReleaseName::new("api").unwrap();
    api.service = "api".to_owned();
    let mut object = patched(&frontend, Role::Route, &route(), Color::Green, 20);
    let mut other = wanted(Color::Green, 60);
    other.epoch = 2;
    switch(&api, Role::Route, &mut object, &other);
    let of = |lead: &Lead| read(lead, Role::Route, &object).unwrap();
    assert_eq!((of(&frontend).weights.unwrap().green, of(&frontend).epoch), (20, Some(7)));
    assert_eq!((of(&api).weights.unwrap().green, of(&api).epoch), (60, Some(2)));
}

#[rstest]
#[case::all(json!([parent("True", "True", 3)]), "")]
#[case::none(json!([]), "no gateway has reported on it yet")]
#[case::refused(json!([parent("False", "True", 3)]), "gateway `public`: Accepted is not true (Because: so it is)")]
#[case::unresolved(json!([parent("True", "False", 3)]), "gateway `public`: ResolvedRefs is not true")]
#[case::old(json!([parent("True", "True", 2)]), "gateway `public` has not seen the latest change")]
#[case::one_of_two(json!([parent("True", "True", 3), parent("True", "Unknown", 3)]), "ResolvedRefs is not true")]
#[case::silent(json!([{ "parentRef": { "name": "public" }, "conditions": [] }]), "has not said yet whether Accepted")]
#[case::nonsense(json!("x"), "no gateway")]
fn conditions_of_a_route(#[case] parents: Value, #[case] says: &str) {
    let mut object = route();
    *object.pointer_mut("/status/parents").unwrap() = parents;
    match accepted(&object) {
        Ok(()) => assert_eq!(says, ""),
        Err(error) => assert!(!says.is_empty() && error.contains(says), "{error}"),
    }
}

#[test]
fn istio_and_kubernetes_report_nothing() {
    assert_eq!(accepted(&virtual_shop()), Ok(()));
    assert_eq!(accepted(&service()), Ok(()));
}

fn step(weight: u8, headers: &[(&str, &str)], mirror: Option<u8>) -> Step {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Step { headers, mirror, ..Step::weight(weight) }
}

#[rstest]
#[case::canary(http_route(), vec![step(20, &[("x-a", "b")], Some(5)), step(20, &[], None), step(100, &[], None)], "")]
#[case::blue_green(service_traffic(), vec![step(100, &[], None)], "")]
#[case::preview_then_all(service_traffic(), vec![step(0, &[], Some(0)), step(100, &[], None)], "")]
#[case::weights_of_a_service(service_traffic(), vec![step(20, &[], None), step(100, &[], None)], "0.weight: a Service leads")]
#[case::headers_of_a_service(service_traffic(), vec![step(0, &[("a", "b")], None), step(100, &[], None)], "0.headers: a Service does not see")]
#[case::mirror_of_a_service(service_traffic(), vec![step(0, &[], Some(1)), step(100, &[], None)], "0.mirror: a Service does not mirror")]
#[case::no_steps(http_route(), vec![], "the last step must have `weight = 100`")]
#[case::not_to_the_end(http_route(), vec![step(80, &[], None)], "the last step must have")]
#[case::descending(http_route(), vec![step(50, &[], None), step(20, &[], None), step(100, &[], None)], "1.weight: 20 is less than 50")]
#[case::beyond(http_route(), vec![step(101, &[], None), step(100, &[], None)], "0.weight: 101 is more than 100")]
#[case::mirror_beyond(virtual_service(), vec![step(1, &[], Some(101)), step(100, &[], None)], "0.mirror: it is a percentage")]
#[case::bad_name(http_route(), vec![step(1, &[("a b", "c")], None), step(100, &[], None)], "0.headers: `a b` cannot be the name")]
#[case::no_value(http_route(), vec![step(1, &[("a", "")], None), step(100, &[], None)], "the value of `a` must have")]
#[case::same_name(http_route(), vec![step(1, &[("a", "b"), ("A", "c")], None), step(100, &[], None)], "0.headers: `a` comes twice")]
fn what_steps_may_be(#[case] spec: TrafficSpec, #[case] steps: Vec<Step>, #[case] says: &str) {
    let found: Vec<String> = check(&spec, &steps).iter().map(ToString::to_string).collect();
    if says.is_empty() {
        assert_eq!(found, Vec::<String>::new());
    } else {
        assert!(found.iter().any(|problem| problem.contains(says)), "{found:?}");
    }
}

fn ingress(annotations: &Value, class: &str) -> Value {
    json!({
        "metadata": { "name": "web", "annotations": annotations },
        "spec": {
            "ingressClassName": class,
            "rules": [{ "http": { "paths": [{ "backend": { "service": { "name": "frontend" } } }] } }]
        }
    })
}

#[rstest]
#[case::plain(json!({}), "ClusterIP", vec![], "")]
#[case::by_node_ports(json!({}), "LoadBalancer", vec![], "")]
#[case::nlb_of_addresses(json!({ "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip" }), "LoadBalancer", vec![], "nlb-target-type: ip")]
#[case::nlb_of_nodes(json!({ "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "instance" }), "LoadBalancer", vec![], "")]
#[case::neg(json!({ "cloud.google.com/neg": "{\"exposed_ports\": {\"80\":{}}}" }), "ClusterIP", vec![], "cloud.google.com/neg")]
#[case::neg_off(json!({ "cloud.google.com/neg": "{\"ingress\": false}" }), "ClusterIP", vec![], "")]
#[case::alb(json!({}), "ClusterIP", vec![ingress(&json!({ "alb.ingress.kubernetes.io/target-type": "ip" }), "alb")], "Ingress `web`")]
#[case::alb_of_nodes(json!({}), "NodePort", vec![ingress(&json!({}), "alb")], "")]
#[case::application_gateway(json!({}), "ClusterIP", vec![ingress(&json!({}), "azure-application-gateway")], "addresses of pods")]
#[case::nginx(json!({}), "ClusterIP", vec![ingress(&json!({}), "nginx")], "")]
fn load_balancers_that_follow_pods(
    #[case] annotations: Value,
    #[case] kind: &str,
    #[case] ingresses: Vec<Value>,
    #[case] says: &str,
) {
    let mut object = service();
    *object.pointer_mut("/spec/type").unwrap() = json!(kind);
    *object.pointer_mut("/metadata/annotations").unwrap() = annotations;
    let warning = lb_warning(&lead(service_traffic()), &object, &ingresses);
    assert_eq!(warning.is_some(), !says.is_empty(), "{warning:?}");
    assert!(warning.unwrap_or_default().contains(says));
    assert_eq!(lb_warning(&lead(http_route()), &object, &ingresses), None);
}
