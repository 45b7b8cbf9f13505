//! From nothing to nothing again.

use tfplugin::{Number, Value};

use crate::harness::{Host, decode, note, path};
use crate::memory::lock;

fn configured() -> Value {
    note([
        ("text", "a".into()),
        ("weight", Value::Number(Number::Decimal("0.1".into()))),
        ("secret_wo", "s3cret".into()),
        ("parts", Value::map([("x", part())])),
    ])
}

fn part() -> Value {
    Value::map([("text", Value::from("p")), ("weight", Value::Null), ("token_wo", "t0ken".into())])
}

#[tokio::test]
async fn a_note_is_made_read_changed_and_removed() {
    let host = Host::new();
    let config = configured();
    let (plan, found) = host.plan(&Value::Null, &config).await;
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(plan.planned_private, b"prior+plan");
    assert_eq!(plan.requires_replace, []);
    let planned = decode(plan.planned_state.as_ref());
    assert!(planned.get("id") == Some(&Value::Unknown));
    assert!(planned.get("secret_wo") == Some(&Value::Null));
    let stored = Value::map([("text", Value::from("p")), ("weight", 1.into()), ("token_wo", Value::Null)]);
    assert!(planned.get("parts") == Some(&Value::map([("x", stored)])));

    let made = host.apply(&Value::Null, &planned, &config).await;
    assert_eq!(made.messages, Vec::<String>::new());
    assert_eq!(made.private, b"written");
    assert_eq!(lock(&host.world.secret).as_deref(), Some("s3cret"), "the operation sees the secret");
    assert!(made.state.get("secret_wo") == Some(&Value::Null), "the state does not");
    assert!(made.state.get("weight") == Some(&Value::Number(Number::Decimal("0.1".into()))));

    let read = host.read(&made.state).await;
    assert!(read.state == made.state);
    assert_eq!(read.private, b"stored");

    let mut changed = config.clone();
    changed.set("text", "b".into());
    let (plan, _) = host.plan(&made.state, &changed).await;
    let planned = decode(plan.planned_state.as_ref());
    assert!(planned.get("id") == Some(&"n".into()), "it keeps its state");
    assert!(planned.get("stamp") == Some(&Value::Unknown));
    let updated = host.apply(&made.state, &planned, &changed).await;
    assert!(updated.state.get("text") == Some(&"b".into()));

    let (plan, found) = host.plan_with(&updated.state, &Value::Null, &Value::Null).await;
    assert_eq!(found, ["WARNING [] Going"]);
    assert!(decode(plan.planned_state.as_ref()).is_null());
    assert_eq!(plan.requires_replace, []);
    let gone = host.apply(&updated.state, &Value::Null, &Value::Null).await;
    assert_eq!(gone.messages, Vec::<String>::new());
    assert!(gone.state.is_null(), "a delete without errors needs to say nothing");
    assert!(host.read(&updated.state).await.state.is_null());
}

#[tokio::test]
async fn a_second_plan_after_the_apply_changes_nothing() {
    let host = Host::new();
    let made = host.create(&configured()).await;
    let (plan, found) = host.plan(&made.state, &configured()).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(decode(plan.planned_state.as_ref()) == made.state);
}

#[tokio::test]
async fn another_name_is_another_note() {
    let host = Host::new();
    let made = host.create(&configured()).await;
    let mut renamed = configured();
    renamed.set("name", "m".into());
    let (plan, _) = host.plan(&made.state, &renamed).await;
    assert_eq!(plan.requires_replace.iter().map(path).collect::<Vec<_>>(), [".name"]);
}
