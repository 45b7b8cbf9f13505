//! Schemas that hosts refuse, what goes over the wire, and defaults.

use rstest::rstest;

use super::{Attribute, Nesting, Presence, Role, Schema};
use crate::path::Path;
use crate::validators;
use crate::value::{Type, Value};
use crate::wire::tfplugin6::schema::object::NestingMode;

fn text() -> Attribute {
    Attribute::string("Text.")
}

fn of(name: &str, attribute: Attribute) -> Schema {
    Schema::new("A schema.").attribute(name, attribute)
}

fn nested(nesting: Nesting, attribute: Attribute) -> Attribute {
    Attribute::nested(nesting, "Nested.", [("a", attribute)])
}

#[rstest]
#[case::plain(of("a_1", text().required()))]
#[case::everything_nested(of(
    "a",
    nested(Nesting::Map, nested(Nesting::List, nested(Nesting::Set, text())))
))]
#[case::write_only_in_a_map(of("a", nested(Nesting::Map, text().write_only())))]
#[case::a_default_that_passes(of("a", text().default_value("x").validate(validators::non_empty())))]
#[case::a_default_that_is_completed(
    of("a", nested(Nesting::Single, text().default_value("x")).default_value(Value::map::<&str>([])))
)]
#[case::dynamic(of("a", Attribute::of(Type::Dynamic, "Any.")))]
fn valid(#[case] schema: Schema) {
    assert_eq!(schema.internal_validate(Role::Resource), Vec::<String>::new());
}

#[rstest]
#[case::upper_case(of("aB", text()), "aB: a name has lower-case letters, digits and underscores only")]
#[case::a_digit_first(of("1a", text()), "1a: a name has lower-case letters, digits and underscores only")]
#[case::reserved(of("count", text()), "count: the name is reserved")]
#[case::nested_name(
    of("a", Attribute::nested(Nesting::Single, "Nested.", [("b-c", text())])),
    "a.b-c: a name has lower-case letters, digits and underscores only"
)]
#[case::computed_write_only(of("a", text().computed().write_only()), "a: a write-only attribute cannot be computed")]
#[case::write_only_default(
    of("a", text().write_only().default_value("x")), "a: a write-only attribute cannot have a default"
)]
#[case::write_only_in_a_set(
    of("a", nested(Nesting::Set, text().write_only())), "a.a: a set cannot hold write-only attributes"
)]
#[case::write_only_deeper_in_a_set(
    of("a", nested(Nesting::Set, nested(Nesting::Single, text().write_only()))),
    "a.a.a: a set cannot hold write-only attributes"
)]
#[case::dynamic_in_a_set(
    of("a", nested(Nesting::Set, Attribute::of(Type::Dynamic, "Any."))),
    "a.a: a set cannot hold dynamic attributes"
)]
#[case::replacement_in_a_set(
    of("a", nested(Nesting::Set, text().requires_replace())),
    "a.a: elements of a set have no identity to keep or to replace"
)]
#[case::dynamic_elements(
    of("a", Attribute::of(Type::list(Type::Dynamic), "Any.")),
    "a: a collection's elements cannot be dynamic"
)]
#[case::a_required_default(
    of("a", text().required().default_value("x")), "a: only optional attributes can have a default"
)]
#[case::a_default_of_another_type(of("a", text().default_value(1)), "a: the default is of another type")]
#[case::an_unknown_default(of("a", text().default_value(Value::Unknown)), "a: a default must be known")]
#[case::a_default_that_is_refused(
    of("a", text().default_value("").validate(validators::non_empty())), "a: the default does not pass the validators"
)]
#[case::kept_but_not_computed(of("a", text().keep_state()), "a: an attribute that keeps its state must be computed")]
fn invalid(#[case] schema: Schema, #[case] problem: &str) {
    assert_eq!(schema.internal_validate(Role::Resource), [problem]);
}

#[rstest]
#[case(Role::Provider, "a: only resources can have write-only attributes")]
#[case(Role::DataSource, "a: only resources can have write-only attributes")]
fn only_resources_have_write_only_attributes(#[case] role: Role, #[case] problem: &str) {
    assert_eq!(of("a", text().write_only()).internal_validate(role), [problem]);
}

#[test]
fn reserved_names_depend_on_the_place() {
    assert_eq!(of("alias", text()).internal_validate(Role::Provider), ["alias: the name is reserved"]);
    assert_eq!(of("alias", text()).internal_validate(Role::Resource), Vec::<String>::new());
    assert_eq!(of("count", text()).internal_validate(Role::Provider), Vec::<String>::new());
}

/// Required, optional, computed.
#[rstest]
#[case(text().required(), Role::Resource, [true, false, false])]
#[case(text(), Role::Resource, [false, true, false])]
#[case(text().computed(), Role::Resource, [false, false, true])]
#[case(text().optional_computed(), Role::Resource, [false, true, true])]
#[case::a_default_is_computed(text().default_value("x"), Role::Resource, [false, true, true])]
#[case::except_in_a_provider(text().default_value("x"), Role::Provider, [false, true, false])]
fn presence_on_the_wire(#[case] attribute: Attribute, #[case] role: Role, #[case] expected: [bool; 3]) {
    let block = of("a", attribute).to_wire(role).block.expect("a block");
    let sent = &block.attributes[0];
    assert_eq!([sent.required, sent.optional, sent.computed], expected);
}

#[test]
fn an_attribute_has_a_type_or_is_nested() {
    let schema = of("plain", Attribute::of(Type::map(Type::Number), "Plain.").deprecated("Use another."))
        .attribute("nested", nested(Nesting::Map, text().sensitive().write_only()));
    let block = schema.to_wire(Role::Resource).block.expect("a block");
    let [nested, plain] = block.attributes.as_slice() else { panic!("two attributes") };
    assert_eq!(plain.r#type, br#"["map","number"]"#);
    assert!(plain.nested_type.is_none() && plain.deprecated);
    assert_eq!(plain.deprecation_message, "Use another.");
    assert!(nested.r#type.is_empty());
    let object = nested.nested_type.as_ref().expect("nested");
    assert_eq!(object.nesting(), NestingMode::Map);
    assert!(object.attributes[0].sensitive && object.attributes[0].write_only);
}

#[test]
fn the_type_of_values_follows_the_nesting() {
    let schema = of("a", nested(Nesting::List, text())).attribute("b", nested(Nesting::Set, text()));
    let expected =
        r#"["object",{"a":["list",["object",{"a":"string"}]],"b":["set",["object",{"a":"string"}]]}]"#;
    assert_eq!(schema.value_type().to_json(), expected);
}

#[test]
fn defaults_reach_any_depth_but_not_what_is_absent() {
    let schema = of("a", nested(Nesting::Map, nested(Nesting::List, text().default_value("x"))));
    let inner = |value: Value| Value::map([("a", Value::List(vec![Value::map([("a", value)])]))]);
    let config = Value::map([("a", Value::map([("k", inner(Value::Null)), ("l", inner("y".into()))]))]);
    let expected = Value::map([("a", Value::map([("k", inner("x".into())), ("l", inner("y".into()))]))]);
    assert!(schema.with_defaults(&config) == expected);
    let absent = Value::map([("a", Value::Null)]);
    assert!(schema.with_defaults(&absent) == absent);
    let unknown = Value::map([("a", Value::Unknown)]);
    assert!(schema.with_defaults(&unknown) == unknown);
}

#[test]
fn a_default_object_is_completed() {
    let schema = of(
        "a",
        Attribute::nested(
            Nesting::Single,
            "Nested.",
            [("given", text()), ("open", text()), ("own", text().default_value("x"))],
        )
        .default_value(Value::map([("given", Value::from("g"))])),
    );
    let config = Value::map([("a", Value::Null)]);
    let expected =
        Value::map([("given", Value::from("g")), ("open", Value::Null), ("own", Value::from("x"))]);
    assert!(schema.with_defaults(&config) == Value::map([("a", expected)]));
}

#[test]
fn timeouts_are_read_and_checked() {
    let attribute = crate::timeouts::attribute(&[("create", "30m")]);
    assert_eq!(attribute.presence, Presence::Optional);
    let schema = of("timeouts", attribute);
    assert_eq!(schema.internal_validate(Role::Resource), Vec::<String>::new());
    let config = Value::map([("timeouts", Value::map([("create", Value::from("soon"))]))]);
    let mut found = crate::Diagnostics::new();
    schema.validate(&crate::Node::root(&config), &mut found);
    let paths: Vec<_> = found.iter().map(|found| found.path.clone()).collect();
    assert_eq!(paths, [Some(Path::root().attribute("timeouts").attribute("create"))]);
}
