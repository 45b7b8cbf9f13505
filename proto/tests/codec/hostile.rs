//! Bytes that no host would send.

use proptest::prelude::*;
use rstest::rstest;
use tfplugin::{Type, Value};

use crate::strategies::{kind, value};

fn kind_of(json: &str) -> Type {
    Type::from_json(json.as_bytes()).expect("a type")
}

#[rstest]
#[case::nothing(r#""string""#, b"", "the bytes end too early")]
#[case::trailing(r#""bool""#, b"\xc3\xc3\xc2", "2 bytes follow the value")]
#[case::another_type(r#""bool""#, b"\x01", "expected a bool, found a number")]
#[case::bytes_for_text(r#""string""#, b"\xc4\x01a", "expected a string, found bytes")]
#[case::not_utf8(r#""string""#, b"\xa1\xff", "text is not UTF-8")]
#[case::no_number(r#""number""#, b"\xa3abc", "not a finite decimal number")]
#[case::infinity(r#""number""#, b"\xcb\x7f\xf0\0\0\0\0\0\0", "not a finite decimal number")]
#[case::nan(r#""number""#, b"\xcb\x7f\xf8\0\0\0\0\0\0", "not a finite decimal number")]
#[case::huge_list(r#"["list","bool"]"#, b"\xdd\xff\xff\xff\xff", "[0]: the bytes end too early")]
#[case::huge_text(r#""string""#, b"\xdb\xff\xff\xff\xff", "the bytes end too early")]
#[case::huge_map(r#"["map","bool"]"#, b"\xdf\xff\xff\xff\xff", "the bytes end too early")]
#[case::truncated_extension(r#""string""#, b"\xc7\x05\x0c\x00", "the bytes end too early")]
#[case::reserved(r#""string""#, b"\xc1", "expected a value, found a reserved byte")]
#[case::key_of_another_type(r#"["map","bool"]"#, b"\x81\x01\xc3", "expected a key, found a number")]
#[case::repeated_key(r#"["map","bool"]"#, b"\x82\xa1a\xc3\xa1a\xc2", "[\"a\"]: the key occurs twice")]
#[case::unknown_attribute(
    r#"["object",{"a":"bool"}]"#,
    b"\x82\xa1a\xc3\xa1b\xc3",
    "b: there is no such attribute"
)]
#[case::missing_attribute(
    r#"["object",{"a":"bool","b":"bool"}]"#,
    b"\x81\xa1a\xc3",
    "b: the attribute is missing"
)]
#[case::short_tuple(r#"["tuple",["bool","bool"]]"#, b"\x91\xc3", "expected 2 elements, found 1")]
#[case::deep_path(
    r#"["list",["object",{"a":["map","bool"]}]]"#,
    b"\x91\x81\xa1a\x81\xa1k\x01",
    "[0].a[\"k\"]: expected a bool, found a number"
)]
#[case::dynamic_of_three(r#""dynamic""#, b"\x93\xc4\x06\"bool\"\xc3\xc3", "expected 2 elements, found 3")]
#[case::dynamic_without_type(
    r#""dynamic""#,
    b"\x92\xc4\x01x\xc3",
    "the type of a dynamic value cannot be read"
)]
fn bad_bytes_are_refused_with_a_path(#[case] kind: &str, #[case] bytes: &[u8], #[case] message: &str) {
    let error = Value::from_msgpack(&kind_of(kind), bytes).expect_err("refused");
    assert_eq!(error.to_string(), message);
}

#[test]
fn dynamic_values_cannot_nest_without_end() {
    let level = b"\x92\xc4\x09\"dynamic\"";
    let mut bytes = level.repeat(100_000);
    bytes.push(0xc0);
    let error = Value::from_msgpack(&Type::Dynamic, &bytes).expect_err("refused");
    assert_eq!(error.to_string(), "nested too deeply");
}

#[rstest]
#[case::type_of_a_leaf(Value::map([("a", Value::from(1))]), "a: expected a bool, found a number")]
#[case::missing(Value::map::<&str>([]), "a: the attribute is missing")]
#[case::unknown(Value::map([("a", Value::Null), ("b", Value::Null)]), "b: there is no such attribute")]
fn values_that_do_not_fit_are_not_encoded(#[case] value: Value, #[case] message: &str) {
    let error = value.to_msgpack(&kind_of(r#"["object",{"a":"bool"}]"#)).expect_err("refused");
    assert_eq!(error.to_string(), message);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(kind in kind(), bytes in any::<Vec<u8>>()) {
        let _ = Value::from_msgpack(&kind, &bytes);
    }

    #[test]
    fn damaged_bytes_never_panic(
        (kind, value) in kind().prop_flat_map(|kind| { let value = value(&kind); (Just(kind), value) }),
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = value.to_msgpack(&kind).expect("encodes");
        let length = bytes.len();
        bytes[position.index(length)] = byte;
        let _ = Value::from_msgpack(&kind, &bytes);
        let _ = Value::from_msgpack(&kind, &bytes[..cut.index(length)]);
    }
}
