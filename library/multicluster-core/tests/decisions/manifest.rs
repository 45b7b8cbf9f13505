use multicluster_core::digest::canonical;
use multicluster_core::manifest::{LARGEST_TEXT, ManifestError, Unreadable, parse};
use multicluster_core::object::{Manifest, NotAnObject};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::values::value;

/// An object with more lines.
fn object(lines: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\n{lines}\n")
}

/// An object, as a value, with a further field.
fn with(field: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "value": field })
}

fn values(text: &str) -> Vec<Value> {
    parse(text).unwrap().into_iter().map(Manifest::into_value).collect()
}

/// Where plain scalars differ between the versions of YAML, kubectl's reading.
#[rstest]
#[case::octal("0644", json!(420))]
#[case::negative_octal("-0644", json!(-420))]
#[case::octal_of_yaml_1_2("0o644", json!(420))]
#[case::not_octal("0888", json!(888))]
#[case::quoted_octal("'0644'", json!("0644"))]
#[case::hexadecimal("0x1F", json!(31))]
#[case::binary("0b101", json!(5))]
#[case::underscores("1_000", json!(1000))]
#[case::yes("yes", json!(true))]
#[case::no("No", json!(false))]
#[case::on("on", json!(true))]
#[case::off("OFF", json!(false))]
#[case::short_yes("y", json!(true))]
#[case::short_no("N", json!(false))]
#[case::quoted_yes("\"yes\"", json!("yes"))]
#[case::block_text_is_text("|\n  yes", json!("yes\n"))]
#[case::tilde("~", json!(null))]
#[case::nothing("", json!(null))]
#[case::whole_float("1e3", json!(1000))]
#[case::fraction("1.10", json!(1.1))]
#[case::version("1.0.0", json!("1.0.0"))]
#[case::date("2001-01-01", json!("2001-01-01"))]
#[case::time("12:30:45", json!("12:30:45"))]
#[case::largest("18446744073709551615", json!(18_446_744_073_709_551_615_u64))]
#[case::smallest("-9223372036854775808", json!(-9_223_372_036_854_775_808_i64))]
#[case::text_by_tag("!!str 1", json!("1"))]
#[case::number_by_tag("!!int '3'", json!(3))]
#[case::encoded_text("!!binary aGk=", json!("hi"))]
#[case::flow("{ a: [1, 'x'], b: {} }", json!({ "a": [1, "x"], "b": {} }))]
#[case::alias("{ a: &x [1], b: *x }", json!({ "a": [1], "b": [1] }))]
#[case::merge("{ a: &x { p: 1, q: 2 }, b: { <<: *x, q: 3 } }", json!({ "a": { "p": 1, "q": 2 }, "b": { "p": 1, "q": 3 } }))]
#[case::a_quoted_key("{ 'yes': 1, '2': 2 }", json!({ "yes": 1, "2": 2 }))]
fn scalars(#[case] text: &str, #[case] expect: Value) {
    assert_eq!(values(&object(&format!("value: {text}"))), [with(&expect)]);
}

#[rstest]
#[case::nothing("", 0)]
#[case::only_comments("# nothing\n", 0)]
#[case::only_separators("---\n---\n", 0)]
#[case::null("~\n", 0)]
#[case::one(&object(""), 1)]
#[case::empty_ones_between(&format!("---\n# none\n---\n{}---\n\n---\n{}...\n", object(""), object("").replace("name: a", "name: b")), 2)]
#[case::a_byte_order_mark(&format!("\u{feff}{}", object("")), 1)]
#[case::a_directive(&format!("%YAML 1.2\n---\n{}", object("")), 1)]
#[case::windows_lines(&object("data:\n  a: b").replace('\n', "\r\n"), 1)]
#[case::many_comments(&object(&"# why\n".repeat(3000)), 1)]
#[case::json(r#" { "apiVersion": "v1", "kind": "A", "metadata": { "name": "a" } } "#, 1)]
#[case::json_one_after_the_other(
    r#"{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}"#, 2
)]
#[case::flow_style_that_is_no_json("{apiVersion: v1, kind: A, metadata: {name: a}}", 1)]
fn documents(#[case] text: &str, #[case] count: usize) {
    assert_eq!(parse(text).unwrap().len(), count);
}

#[test]
fn json_with_escaped_surrogates_is_read() {
    let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"value":"\ud83d\ude00"}"#;
    assert_eq!(values(text), [with(&json!("😀"))]);
}

#[test]
fn lists_give_their_items() {
    let text = "
apiVersion: v1
kind: List
items:
- { apiVersion: v1, kind: Secret, metadata: { name: a } }
- { apiVersion: v1, kind: Secret, metadata: { name: a, namespace: b } }
---
{ apiVersion: apps/v1, kind: DeploymentList, items: [{ apiVersion: apps/v1, kind: Deployment, metadata: { name: c } }] }
---
{ apiVersion: v1, kind: List, items: [] }
---
{ apiVersion: v1, kind: List }
";
    let keys: Vec<String> = parse(text).unwrap().iter().map(|object| object.key().to_string()).collect();
    assert_eq!(keys, ["Secret a", "Secret b/a", "Deployment c"]);
}

#[test]
fn an_object_may_be_called_a_list() {
    let text = "{ apiVersion: example.com/v1, kind: AllowList, metadata: { name: a }, items: [1] }";
    assert_eq!(parse(text).unwrap().len(), 1);
}

#[rstest]
#[case::key_twice("a: 1\nb: 2\na: 3", 6, Unreadable::DuplicateKey)]
#[case::key_twice_once_quoted("a: 1\n'a': 2", 5, Unreadable::DuplicateKey)]
#[case::key_of_the_object_twice("kind: Secret", 4, Unreadable::DuplicateKey)]
#[case::numeric_key("data:\n  1: x", 5, Unreadable::KeyNotText)]
#[case::boolean_key("on: x", 4, Unreadable::KeyNotText)]
#[case::null_key("~: x", 4, Unreadable::KeyNotText)]
#[case::list_as_key("? [a]\n: x", 4, Unreadable::KeyNotText)]
#[case::not_a_number("a: .nan", 4, Unreadable::NotFinite)]
#[case::infinite("a: -.inf", 4, Unreadable::NotFinite)]
#[case::a_commit_that_looks_like_a_number("a: 12e4567", 4, Unreadable::NotFinite)]
#[case::no_anchor("a: *b", 4, Unreadable::UnknownAnchor)]
#[case::an_alias_in_its_anchor("a: &x [*x]", 4, Unreadable::Aliases)]
#[case::merge_of_a_number("a: { <<: 3 }", 4, Unreadable::Merge)]
#[case::unknown_tag("a: !vault x", 4, Unreadable::Tag)]
#[case::malformed_binary("a: !!binary '*'", 4, Unreadable::Tag)]
#[case::tab("a:\n\tb: 1", 5, Unreadable::Syntax)]
#[case::two_colons("a: b: c", 4, Unreadable::Syntax)]
#[case::open_list("a: [1,\nb", 4, Unreadable::Syntax)]
#[case::control_character("a: \u{1}", 4, Unreadable::Syntax)]
fn unreadable(#[case] lines: &str, #[case] line: u64, #[case] reason: Unreadable) {
    let text = format!("{}---\n{}", object("").replace("name: a", "name: b"), object(lines));
    match parse(&text).unwrap_err() {
        ManifestError::Unreadable { at, reason: found } => {
            assert_eq!((found, at.document, at.line), (reason, 2, Some(line + 5)));
        }
        other => panic!("{other}"),
    }
}

#[rstest]
#[case::a_list("- a", NotAnObject::NotAMapping)]
#[case::text("hello", NotAnObject::NotAMapping)]
#[case::no_version("{ kind: A, metadata: { name: a } }", NotAnObject::Missing("apiVersion"))]
#[case::no_kind("{ apiVersion: v1, metadata: { name: a } }", NotAnObject::Missing("kind"))]
#[case::no_name("{ apiVersion: v1, kind: A }", NotAnObject::Missing("metadata.name"))]
#[case::a_name_that_is_a_number(
    "{ apiVersion: v1, kind: A, metadata: { name: 1 } }",
    NotAnObject::Missing("metadata.name")
)]
#[case::a_namespace_that_is_a_boolean(
    "{ apiVersion: v1, kind: A, metadata: { name: a, namespace: n } }",
    NotAnObject::Missing("metadata.namespace")
)]
#[case::a_generated_name(
    "{ apiVersion: v1, kind: A, metadata: { generateName: a- } }",
    NotAnObject::GenerateName
)]
fn no_object(#[case] text: &str, #[case] expect: NotAnObject) {
    match parse(text).unwrap_err() {
        ManifestError::NotAnObject { problem, .. } => assert_eq!(problem, expect),
        other => panic!("{other}"),
    }
}

#[rstest]
#[case::in_a_list(
    "{ kind: List, items: [{ apiVersion: v1, kind: A, metadata: { name: a } }, 3] }",
    "document 1, item 2 (line 1) is not a Kubernetes object: it is not a mapping"
)]
#[case::items_that_are_no_list("{ kind: List, items: 3 }", "document 1 (line 1): `items` is not a list")]
#[case::twice(
    "{ apiVersion: v1, kind: A, metadata: { name: a } }\n---\n{ apiVersion: v1, kind: A, metadata: { name: a } }",
    "document 2 (line 3): A a is already in document 1 (line 1)"
)]
#[case::twice_in_two_versions(
    "{ apiVersion: apps/v1, kind: A, metadata: { name: a, namespace: b } }\n---\n{ apiVersion: apps/v2, kind: A, metadata: { name: a, namespace: b } }",
    "document 2 (line 3): A b/a is already in document 1 (line 1)"
)]
fn messages(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), message);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let text = object(&format!("a: {}", "x".repeat(LARGEST_TEXT)));
    assert_eq!(parse(&text).unwrap_err(), ManifestError::TooLarge { bytes: text.len() });
}

fn reason(text: &str) -> Unreadable {
    match parse(text).unwrap_err() {
        ManifestError::Unreadable { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[rstest]
#[case::nine_to_the_eleventh({
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","));
    format!("a0: &a0 [x,x,x,x,x,x,x,x,x]\n{}", (1..12).map(level).collect::<String>())
}, Unreadable::Aliases)]
#[case::one_long_text_many_times(
    format!("a: &a {}\nb: [{}]", "x".repeat(500_000), vec!["*a"; 90].join(",")), Unreadable::Aliases
)]
#[case::many_values(format!("a: [{}]", "1,".repeat(200_001)), Unreadable::TooComplex)]
#[case::many_values_in_several_documents(
    format!("a: [{}]\n---\nb: [{}]", "1,".repeat(110_000), "1,".repeat(100_000)), Unreadable::TooComplex
)]
#[case::much_text_by_few_aliases_in_several_documents(
    format!("a: &a {0}\nb: [{1}]\n---\na: &a {0}\nb: [{1}]", "x".repeat(60_000), vec!["*a"; 90].join(",")),
    Unreadable::TooComplex
)]
#[case::deep_lists(format!("a: {}{}", "[".repeat(100), "]".repeat(100)), Unreadable::TooComplex)]
#[case::deep_mappings((0..100).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), Unreadable::TooComplex)]
fn bombs(#[case] lines: String, #[case] expect: Unreadable) {
    assert_eq!(reason(&object(&lines)), expect);
}

#[test]
fn what_is_as_deep_as_allowed_fits_onto_a_small_stack() {
    // 60 levels and the object's own.
    let text = object(&format!("a: {}{}", "[".repeat(60), "]".repeat(60)));
    let read = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || parse(&text).is_ok());
    assert!(read.unwrap().join().unwrap());
    for depth in [200, 100_000] {
        assert!(parse(&object(&format!("a: {}", "[".repeat(depth)))).is_err());
        assert!(parse(&format!("{{\"a\":{}", "[".repeat(depth))).is_err());
    }
}

proptest! {
    #[test]
    fn what_is_written_as_yaml_or_json_is_read_back(value in value()) {
        let object = with(&value);
        for text in [object.to_string(), format!("{object:#}"), serde_saphyr::to_string(&object).unwrap()] {
            let read = values(&text);
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(canonical(&read[0]), canonical(&object), "{}", text);
        }
    }

    #[test]
    fn no_text_panics(text in "[-{}\\[\\]:,&*!|>'\"%@`#?~a0. \n\t]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&object(&text));
    }

    #[test]
    fn no_characters_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn errors_never_repeat_the_text(
        broken in proptest::sample::select(vec![
            "HUSH: 1\nHUSH: 2", "a: *HUSH", "a: !HUSH x", "a: !!int HUSH", "a: !!binary HUSH*", "HUSH: { <<: 3 }", "[HUSH",
            "a: 'HUSH", "a: HUSH: b", "- HUSH", "? [HUSH]\n: 1", "a: \"\\HUSH\"", "%HUSH", "a: &HUSH [*HUSH]", "\tHUSH",
            "a: 1e999 # HUSH", "HUSH\n---\nHUSH", "{ kind: List, items: HUSH }",
        ]),
        json in any::<bool>(),
    ) {
        let text = if json { format!("{{ \"a\": \"HUSH\", {broken} }}") } else { object(broken) };
        let error = parse(&text).unwrap_err();
        prop_assert!(!format!("{error} {error:?}").contains("HUSH"), "{} {:?}", error, error);
    }
}
