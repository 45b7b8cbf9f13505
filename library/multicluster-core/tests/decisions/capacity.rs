use std::collections::BTreeMap;

use multicluster_core::capacity::{NodeCapacity, Quantity, fits, requests, summarise};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::values::value;

#[rstest]
#[case("0", "0")]
#[case("2", "2")]
#[case("+2", "2")]
#[case("500m", "500m")]
#[case("1500m", "1500m")]
#[case("2000m", "2")]
#[case("0.5", "500m")]
#[case(".5", "500m")]
#[case("5.", "5")]
#[case("0.1Ki", "102400m")]
#[case("1.5Gi", "1610612736")]
#[case("1k", "1000")]
#[case("1M", "1000000")]
#[case("1Ki", "1024")]
#[case("1Ei", "1152921504606846976")]
#[case::exa("1E", "1000000000000000000")]
#[case::an_exponent("1E3", "1000")]
#[case("1e3", "1000")]
#[case("12e-1", "1200m")]
#[case("1e-3", "1m")]
#[case("2000000u", "2")]
#[case("1000000n", "1m")]
#[case::zeros_that_say_nothing("1.5000000000000000000000000000000000000000000000", "1500m")]
#[case::nothing_is_nothing("-0", "0")]
#[case::nothing_however_large("0e99999", "0")]
fn quantities(#[case] text: &str, #[case] canonical: &str) {
    let quantity: Quantity = text.parse().unwrap();
    assert_eq!(quantity.to_string(), canonical);
    assert_eq!(serde_json::from_value::<Quantity>(json!(text)).unwrap(), quantity);
    assert_eq!(serde_json::to_value(quantity).unwrap(), json!(canonical));
}

#[rstest]
#[case::empty(
    "",
    "`` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::unknown_suffix(
    "1K",
    "`1K` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::no_number(
    "Gi",
    "`Gi` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::a_point(
    ".",
    "`.` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::points(
    "1.2.3",
    "`1.2.3` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::blank(
    "1 Gi",
    "`1 Gi` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::no_exponent(
    "1e",
    "`1e` is not a quantity: it must be a number, with a suffix such as `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi` or none"
)]
#[case::negative("-1", "`-1` is negative")]
#[case::fine("100u", "`100u` is finer than a thousandth")]
#[case::finer("1e-99999", "`1e-99999` is finer than a thousandth")]
#[case::third("0.0005", "`0.0005` is finer than a thousandth")]
#[case::large("1e40", "`1e40` is too large")]
#[case::larger("9e2147483647", "`9e2147483647` is too large")]
#[case::digits(
    "99999999999999999999999999999999999999999",
    "`9999999999999999999999999999999999999999…` is too large"
)]
fn what_is_no_quantity(#[case] text: &str, #[case] message: &str) {
    assert_eq!(text.parse::<Quantity>().unwrap_err().to_string(), message);
}

#[rstest]
#[case::a_number(json!(2), Some("2"))]
#[case::a_fraction(json!(0.5), Some("500m"))]
#[case::a_list(json!([2]), None)]
#[case::null(json!(null), None)]
fn quantities_of_values(#[case] value: Value, #[case] expect: Option<&str>) {
    assert_eq!(Quantity::of(&value).ok().map(|it| it.to_string()).as_deref(), expect);
}

fn container(requests: &Value) -> Value {
    json!({ "name": "web", "resources": { "requests": requests } })
}

#[rstest]
#[case::nothing(json!({ "containers": [{ "name": "web" }] }), &[])]
#[case::the_sum(
    json!({ "containers": [container(&json!({ "cpu": "1", "memory": "1Gi" })), container(&json!({ "cpu": 0.5 }))] }),
    &["cpu 1500m", "memory 1073741824"]
)]
#[case::limits_stand_for_requests(
    json!({ "containers": [{ "resources": { "limits": { "cpu": "2", "x.io/gpu": "1" }, "requests": { "cpu": "1" } } }] }),
    &["cpu 1", "x.io/gpu 1"]
)]
#[case::the_largest_init_container(
    json!({ "initContainers": [container(&json!({ "cpu": "3" })), container(&json!({ "cpu": "2", "memory": "1" }))],
            "containers": [container(&json!({ "cpu": "1" }))] }),
    &["cpu 3", "memory 1"]
)]
#[case::a_sidecar_goes_on_running(
    json!({
        "initContainers": [
            { "restartPolicy": "Always", "resources": { "requests": { "cpu": "1" } } }, container(&json!({ "cpu": "4" })),
        ],
        "containers": [container(&json!({ "cpu": "2" }))],
    }),
    &["cpu 5"]
)]
#[case::a_sidecar_after_the_others(
    json!({
        "initContainers": [
            container(&json!({ "cpu": "2" })), { "restartPolicy": "Always", "resources": { "requests": { "cpu": "1" } } },
        ],
        "containers": [container(&json!({ "cpu": "2" }))],
    }),
    &["cpu 3"]
)]
#[case::overhead(
    json!({ "overhead": { "cpu": "250m" }, "containers": [container(&json!({ "cpu": "1" }))] }), &["cpu 1250m"]
)]
#[case::of_the_whole_pod(
    json!({ "resources": { "requests": { "cpu": "4" } }, "containers": [container(&json!({ "cpu": "1", "memory": "7" }))] }),
    &["cpu 4", "memory 7"]
)]
#[case::malformed(json!({ "containers": "none", "initContainers": [7], "resources": [] }), &[])]
fn what_a_pod_asks_for(#[case] spec: Value, #[case] expect: &[&str]) {
    let found = requests(&json!({ "spec": spec })).unwrap();
    assert_eq!(found.iter().map(|(it, amount)| format!("{it} {amount}")).collect::<Vec<_>>(), expect);
}

#[test]
fn an_amount_that_is_none_is_named() {
    let template = json!({ "spec": { "initContainers": [{ "name": "prepare", "resources": { "limits": { "cpu": "-1" } } }] } });
    assert_eq!(
        fits(&[], &template).unwrap_err().to_string(),
        "the request for `cpu` of init container `prepare` cannot be counted: `-1` is negative"
    );
}

/// A node that takes pods.
fn node(name: &str, allocatable: &Value) -> Value {
    json!({
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name, "zone": "a", "cores": "8" } },
        "status": { "allocatable": allocatable, "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}

#[test]
fn equal_nodes_are_one_and_those_that_take_no_pods_none() {
    let size = json!({ "cpu": "4", "pods": "110", "hugepages-2Mi": "0", "odd": "much" });
    let cordoned = with(node("d", &size), "/metadata", json!({ "name": "d" }));
    let mut cordoned = cordoned;
    cordoned["spec"] = json!({ "unschedulable": true });
    let mut tainted = node("e", &size);
    tainted["spec"] = json!({ "taints": [
        { "key": "b", "effect": "NoExecute" }, { "key": "a", "value": "x", "effect": "NoSchedule" },
        { "key": "c", "effect": "PreferNoSchedule" },
    ] });
    let nodes = [
        node("a", &size),
        node("b", &size),
        with(node("c", &size), "/status/conditions/0/status", json!("Unknown")),
        cordoned,
        tainted,
        json!({ "metadata": { "name": "f" } }),
    ];
    let summary = summarise(&nodes);
    let labels = json!({ "zone": "a", "cores": "8" });
    let allocatable = json!({ "cpu": "4", "pods": "110" });
    assert_eq!(
        serde_json::to_value(&summary).unwrap(),
        json!([
            { "count": 2, "allocatable": allocatable, "labels": labels },
            { "count": 1, "allocatable": allocatable, "labels": labels, "taints": [
                { "key": "a", "value": "x", "effect": "NoSchedule" }, { "key": "b", "effect": "NoExecute" },
            ] },
        ])
    );
    let kept = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Vec<NodeCapacity>>(&kept).unwrap(), summary);
}

#[rstest]
#[case::no_requests(json!({}), 10)]
#[case::cpu(json!({ "cpu": "1500m" }), 2)]
#[case::the_scarcest(json!({ "cpu": "500m", "memory": "3Gi" }), 5)]
#[case::exactly(json!({ "memory": "16Gi" }), 1)]
#[case::too_large(json!({ "memory": "16385Mi" }), 0)]
#[case::storage(json!({ "ephemeral-storage": "40G" }), 2)]
#[case::an_extended_resource(json!({ "x.io/gpu": "1" }), 2)]
#[case::a_resource_that_is_not_there(json!({ "y.io/fpga": "1" }), 0)]
#[case::none_of_a_resource_that_is_not_there(json!({ "y.io/fpga": "0" }), 10)]
fn one_node(#[case] requests: Value, #[case] expect: u64) {
    let size =
        json!({ "cpu": "4", "memory": "16Gi", "pods": "10", "ephemeral-storage": "100G", "x.io/gpu": "2" });
    let nodes = summarise(&[node("a", &size)]);
    let template = json!({ "spec": { "containers": [container(&requests)] } });
    assert_eq!(fits(&nodes, &template), Ok(expect));
}

#[test]
fn a_pod_does_not_run_on_two_nodes() {
    let nodes = summarise(&[
        node("a", &json!({ "cpu": "3", "pods": "9" })),
        node("b", &json!({ "cpu": "3", "pods": "9" })),
    ]);
    let template = json!({ "spec": { "containers": [container(&json!({ "cpu": "2" }))] } });
    assert_eq!(fits(&nodes, &template), Ok(2));
    assert_eq!(fits(&[], &template), Ok(0));
}

fn toleration(toleration: &Value) -> Value {
    json!({ "tolerations": [toleration] })
}

#[rstest]
#[case::none(json!({}), false)]
#[case::by_key(toleration(&json!({ "key": "team", "operator": "Exists" })), true)]
#[case::by_value(toleration(&json!({ "key": "team", "value": "shop" })), true)]
#[case::by_value_and_effect(toleration(&json!({ "key": "team", "operator": "Equal", "value": "shop", "effect": "NoSchedule" })), true)]
#[case::another_value(toleration(&json!({ "key": "team", "value": "bank" })), false)]
#[case::another_effect(toleration(&json!({ "key": "team", "operator": "Exists", "effect": "NoExecute" })), false)]
#[case::another_key(toleration(&json!({ "key": "role", "operator": "Exists" })), false)]
#[case::everything(toleration(&json!({ "operator": "Exists" })), true)]
#[case::nothing(toleration(&json!({})), false)]
#[case::an_operator_of_the_future(toleration(&json!({ "key": "team", "operator": "Gt", "value": "shop" })), false)]
fn tolerated(#[case] spec: Value, #[case] expect: bool) {
    let mut tainted = node("a", &json!({ "pods": "1" }));
    tainted["spec"] = json!({ "taints": [{ "key": "team", "value": "shop", "effect": "NoSchedule" }] });
    assert_eq!(fits(&summarise(&[tainted]), &json!({ "spec": spec })), Ok(u64::from(expect)));
}

fn affinity(terms: &Value) -> Value {
    json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } } })
}

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    affinity(&json!([{ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }]))
}

#[rstest]
#[case::selected(json!({ "nodeSelector": { "zone": "a" } }), true)]
#[case::not_selected(json!({ "nodeSelector": { "zone": "a", "disk": "ssd" } }), false)]
#[case::another_value(json!({ "nodeSelector": { "zone": "b" } }), false)]
#[case::a_value_that_is_no_text(json!({ "nodeSelector": { "disk": 1 } }), false)]
#[case::within(expression("zone", "In", &["b", "a"]), true)]
#[case::not_within(expression("zone", "In", &["b"]), false)]
#[case::not_in(expression("zone", "NotIn", &["b"]), true)]
#[case::not_in_but_is(expression("zone", "NotIn", &["a"]), false)]
#[case::not_in_without_the_label(expression("disk", "NotIn", &["ssd"]), true)]
#[case::exists(expression("zone", "Exists", &[]), true)]
#[case::does_not_exist(expression("zone", "DoesNotExist", &[]), false)]
#[case::more_than(expression("cores", "Gt", &["7"]), true)]
#[case::not_more_than(expression("cores", "Gt", &["8"]), false)]
#[case::less_than(expression("cores", "Lt", &["9"]), true)]
#[case::less_than_no_number(expression("zone", "Lt", &["9"]), false)]
#[case::an_operator_of_the_future(expression("zone", "Near", &["a"]), false)]
#[case::one_of_two_terms(affinity(&json!([{ "matchExpressions": [{ "key": "x", "operator": "Exists" }] }, { "matchExpressions": [{ "key": "zone", "operator": "Exists" }] }])), true)]
#[case::both_expressions(affinity(&json!([{ "matchExpressions": [{ "key": "x", "operator": "Exists" }, { "key": "zone", "operator": "Exists" }] }])), false)]
#[case::an_empty_term(affinity(&json!([{}])), false)]
#[case::no_terms(affinity(&json!([])), false)]
#[case::a_node_by_name(affinity(&json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["a"] }] }])), false)]
#[case::preferences_do_not_bind(json!({ "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [] } } }), true)]
fn placed(#[case] spec: Value, #[case] expect: bool) {
    let nodes = summarise(&[node("a", &json!({ "pods": "1" }))]);
    assert_eq!(fits(&nodes, &json!({ "spec": spec })), Ok(u64::from(expect)));
}

fn any_nodes() -> impl Strategy<Value = Vec<Value>> {
    let one = (0_u64..5, 0_u64..8000, 0_u64..5000, any::<bool>()).prop_map(|(pods, cpu, memory, ready)| {
        let node = node(
            "n",
            &json!({ "cpu": format!("{cpu}m"), "memory": format!("{memory}Ki"), "pods": pods.to_string() }),
        );
        if ready { node } else { with(node, "/status/conditions/0/status", json!("False")) }
    });
    proptest::collection::vec(one, 0..8)
}

fn count(node: &Value, cpu: u64, memory: u64) -> u64 {
    let number = |pointer: &str, unit: &str| -> u64 {
        node.pointer(pointer).and_then(Value::as_str).unwrap().trim_end_matches(unit).parse().unwrap()
    };
    let mut free = (
        number("/status/allocatable/pods", ""),
        number("/status/allocatable/cpu", "m"),
        number("/status/allocatable/memory", "Ki"),
    );
    let mut pods = 0;
    while free.0 >= 1 && free.1 >= cpu && free.2 >= memory {
        free = (free.0 - 1, free.1 - cpu, free.2 - memory);
        pods += 1;
    }
    pods
}

proptest! {
    #[test]
    fn as_many_fit_as_can_be_put_there_one_by_one(nodes in any_nodes(), cpu in 0_u64..3000, memory in 0_u64..3000) {
        let template = json!({ "spec": { "containers": [
            container(&json!({ "cpu": format!("{cpu}m"), "memory": format!("{memory}Ki") })),
        ] } });
        let ready = nodes.iter().filter(|node| node["status"]["conditions"][0]["status"] == "True");
        let expect: u64 = ready.map(|node| count(node, cpu, memory)).sum();
        prop_assert_eq!(fits(&summarise(&nodes), &template), Ok(expect));
        let mut turned = nodes.clone();
        turned.reverse();
        prop_assert_eq!(summarise(&turned), summarise(&nodes));
    }

    #[test]
    fn what_is_written_is_read_back(whole in any::<u64>(), thousandths in 0_u32..1000) {
        let quantity: Quantity = format!("{whole}.{thousandths:03}").parse().unwrap();
        prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
        let written: Quantity = format!("{}m", u128::from(whole) * 1000 + u128::from(thousandths)).parse().unwrap();
        prop_assert_eq!(written, quantity);
    }

    #[test]
    fn amounts_are_in_the_order_of_their_numbers(a in any::<u32>(), b in any::<u32>(), suffix in "(m||k|Mi|E|e3)") {
        let [x, y] = [a, b].map(|it| format!("{it}{suffix}").parse::<Quantity>().unwrap());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        if let Some(expect) = a.checked_div(b) {
            prop_assert_eq!(x.times(y), Some(u64::from(expect)));
        }
    }

    #[test]
    fn nothing_that_is_read_breaks_it(any in value(), text in ".{0,12}|[0-9.eEmKki+-]{0,12}") {
        let _ = text.parse::<Quantity>();
        let mut odd = node("a", &any);
        odd["spec"] = any.clone();
        let nodes = summarise(&[odd, any.clone()]);
        let _ = fits(&nodes, &any);
        let labels: BTreeMap<String, String> = [("zone".to_owned(), text)].into();
        let full = NodeCapacity { count: u64::MAX, allocatable: [("pods".to_owned(), Quantity::of(&json!("9E")).unwrap())].into(), labels, taints: Vec::new() };
        prop_assert_eq!(fits(&[full.clone(), full], &json!({})), Ok(u64::MAX));
    }
}
