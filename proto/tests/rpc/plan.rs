//! Plans of resources that do what they should not.

use rstest::rstest;
use tfplugin::Value;

use crate::harness::{Host, decode, note, path};

fn config(behaviour: &str) -> Value {
    note([("text", "a".into()), ("behaviour", behaviour.into())])
}

#[rstest]
#[case("panic in plan", "ERROR [] The provider crashed")]
#[case("overrule", "ERROR [.text] The provider broke a rule of the protocol")]
#[tokio::test]
async fn a_bug_becomes_an_error(#[case] behaviour: &str, #[case] message: &str) {
    let (_, found) = Host::new().plan(&Value::Null, &config(behaviour)).await;
    assert_eq!(found, [message]);
}

#[tokio::test]
async fn a_write_only_value_does_not_get_out_of_a_plan() {
    let (plan, found) = Host::new().plan(&Value::Null, &config("echo in plan")).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(decode(plan.planned_state.as_ref()).get("secret_wo") == Some(&Value::Null));
}

#[tokio::test]
async fn a_resource_may_know_more() {
    let (plan, found) = Host::new().plan(&Value::Null, &config("know")).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(decode(plan.planned_state.as_ref()).get("stamp") == Some(&"known".into()));
}

#[tokio::test]
async fn a_resource_may_ask_for_replacement_of_what_exists() {
    let host = Host::new();
    let (plan, _) = host.plan(&Value::Null, &config("replace")).await;
    assert_eq!(plan.requires_replace, [], "nothing is there to be replaced");
    let made = host.apply(&Value::Null, &decode(plan.planned_state.as_ref()), &config("replace")).await;
    let mut changed = config("replace");
    changed.set("name", "m".into());
    let (plan, _) = host.plan(&made.state, &changed).await;
    assert_eq!(plan.requires_replace.iter().map(path).collect::<Vec<_>>(), [".name", ".text"]);
}
