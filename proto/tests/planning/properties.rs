//! What holds for all configurations.

use proptest::prelude::*;
use tfplugin::check::{check_apply, check_plan, check_second_plan};
use tfplugin::planning::required_replacements;
use tfplugin::{Type, Value};

use crate::host::{applied, plan};
use crate::schema::{Unknowns, config, everything};

/// The state after creating what `config` says.
fn created(config: &Value) -> Value {
    let schema = everything();
    applied(&schema.value_type(), &plan(&schema, &Value::Null, config))
}

fn known() -> BoxedStrategy<Value> {
    config(&everything(), Unknowns::None)
}

fn partly_unknown() -> BoxedStrategy<Value> {
    config(&everything(), Unknowns::Some)
}

proptest! {
    #[test]
    fn planning_again_what_was_applied_changes_nothing(config in known()) {
        let (schema, state) = (everything(), created(&config));
        let again = plan(&schema, &state, &config);
        prop_assert!(again.same(&state, &schema.value_type()), "{again:?} is not {state:?}");
        prop_assert_eq!(required_replacements(&schema, &state, &again), []);
    }

    #[test]
    fn an_update_settles_as_well(before in known(), after in known()) {
        let (schema, state) = (everything(), created(&before));
        let kind = schema.value_type();
        let state = applied(&kind, &plan(&schema, &state, &after));
        prop_assert!(plan(&schema, &state, &after).same(&state, &kind));
    }

    #[test]
    fn the_host_accepts_every_plan_to_create(config in partly_unknown()) {
        let schema = everything();
        let planned = plan(&schema, &Value::Null, &config);
        prop_assert_eq!(check_plan(&schema, &Value::Null, &config, &planned), []);
    }

    #[test]
    fn the_host_accepts_every_plan_to_update(before in known(), after in partly_unknown()) {
        let (schema, prior) = (everything(), created(&before));
        let planned = plan(&schema, &prior, &after);
        prop_assert_eq!(check_plan(&schema, &prior, &after, &planned), []);
    }

    #[test]
    fn the_host_accepts_what_was_applied(before in known(), after in known()) {
        let (schema, prior) = (everything(), created(&before));
        let planned = plan(&schema, &prior, &after);
        let actual = applied(&schema.value_type(), &planned);
        prop_assert_eq!(check_apply(&schema, &planned, &actual), []);
    }

    #[test]
    fn a_second_plan_says_what_the_first_said(before in known(), after in partly_unknown(), other in known()) {
        let (schema, prior) = (everything(), created(&before));
        let first = plan(&schema, &prior, &after);
        let resolved = resolve(&schema.value_type(), &after, &other);
        let second = plan(&schema, &prior, &resolved);
        prop_assert_eq!(check_second_plan(&schema, &first, &second), []);
    }
}

/// `config` with its unknowns taken from `other`, where that has a value of the kind.
fn resolve(kind: &Type, config: &Value, other: &Value) -> Value {
    match (kind, config, other) {
        (_, Value::Unknown, Value::Unknown) => Value::Null,
        (kind, Value::Unknown, Value::Null) => applied(kind, &Value::Unknown),
        (_, Value::Unknown, other) => other.clone(),
        (Type::Object(kinds), Value::Map(values), other) => Value::map(values.iter().map(|(name, value)| {
            (name, resolve(&kinds[name], value, other.get(name).unwrap_or(&Value::Null)))
        })),
        (Type::Map(element), Value::Map(values), other) => Value::map(
            values
                .iter()
                .map(|(key, value)| (key, resolve(element, value, other.get(key).unwrap_or(&Value::Null)))),
        ),
        (Type::List(element), Value::List(values), _) => {
            Value::List(values.iter().map(|value| resolve(element, value, &Value::Null)).collect())
        }
        (_, config, _) => config.clone(),
    }
}
