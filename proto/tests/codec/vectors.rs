//! Bytes that go-cty made, as `tests/vectors/generate` wrote them down.

use std::collections::BTreeMap;

use serde::Deserialize;
use tfplugin::{Number, Type, Value};

#[derive(Deserialize)]
struct Vector {
    name: String,
    #[serde(rename = "type")]
    kind: serde_json::Value,
    value: Described,
    msgpack: String,
    #[serde(default)]
    refined: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Described {
    Null(bool),
    Unknown(bool),
    Bool(bool),
    Number(String),
    String(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Dynamic(serde_json::Value, Box<Self>),
}

impl Described {
    fn value(&self) -> Value {
        match self {
            Self::Null(said) if *said => Value::Null,
            Self::Unknown(said) if *said => Value::Unknown,
            Self::Null(_) | Self::Unknown(_) => panic!("neither known nor not"),
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => Value::Number(Number::parse(text).expect("a number")),
            Self::String(text) => Value::string(text),
            Self::List(values) => Value::List(values.iter().map(Self::value).collect()),
            Self::Map(values) => Value::map(values.iter().map(|(key, value)| (key, value.value()))),
            Self::Dynamic(kind, value) => Value::Dynamic(Box::new((type_of(kind), value.value()))),
        }
    }
}

fn type_of(json: &serde_json::Value) -> Type {
    Type::from_json(json.to_string().as_bytes()).expect("a type")
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]).expect("hex") << 4 | digit(pair[1]).expect("hex"))
        .collect()
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors/cty.json")).expect("the table")
}

#[test]
fn bytes_of_go_cty_are_understood() {
    let vectors = vectors();
    assert!(vectors.len() > 50, "the table is there");
    for vector in vectors {
        let kind = type_of(&vector.kind);
        let decoded = Value::from_msgpack(&kind, &unhex(&vector.msgpack));
        let decoded = decoded.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        // A float's shortest text is not always the number itself, so floats are compared as floats.
        match (&decoded, vector.value.value()) {
            (Value::Number(found @ Number::Float(_)), Value::Number(expected)) => {
                assert_eq!(found.as_f64(), expected.as_f64(), "{}", vector.name);
            }
            (found, expected) => assert!(*found == expected, "{}: {found:?}", vector.name),
        }
    }
}

#[test]
fn what_was_understood_goes_back_byte_for_byte() {
    for vector in vectors().iter().filter(|vector| !vector.refined) {
        let kind = type_of(&vector.kind);
        let bytes = unhex(&vector.msgpack);
        let value = Value::from_msgpack(&kind, &bytes).expect("understood");
        assert_eq!(value.to_msgpack(&kind).expect("encodes"), bytes, "{}", vector.name);
    }
}

#[test]
fn any_refined_unknown_goes_back_as_plain_unknown() {
    for vector in vectors().iter().filter(|vector| vector.refined) {
        let kind = type_of(&vector.kind);
        let value = Value::from_msgpack(&kind, &unhex(&vector.msgpack)).expect("understood");
        assert_eq!(value.to_msgpack(&kind).expect("encodes"), [0xd4, 0, 0], "{}", vector.name);
    }
}
