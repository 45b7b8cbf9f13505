//! Types as JSON: how they stand in schemas and beside values of dynamic type.
//!
//! `"string"`, `["map","number"]`, `["tuple",["bool"]]`, `["object",{"a":"string"}]`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::value::Type;

/// Bytes that do not describe a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON of a type")]
pub struct NotAType;

impl Type {
    /// The type as compact JSON, object attributes in the order of their names.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self).to_string()
    }

    /// Reads what [`Type::to_json`] writes, and what the host writes.
    ///
    /// # Errors
    /// [`NotAType`], also for nesting beyond what the JSON reader allows (128).
    pub fn from_json(bytes: &[u8]) -> Result<Self, NotAType> {
        let json = serde_json::from_slice(bytes).map_err(|_| NotAType)?;
        from_json(&json)
    }
}

fn to_json(kind: &Type) -> Json {
    match kind {
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::Dynamic => json!("dynamic"),
        Type::List(element) => json!(["list", to_json(element)]),
        Type::Set(element) => json!(["set", to_json(element)]),
        Type::Map(element) => json!(["map", to_json(element)]),
        Type::Tuple(elements) => json!(["tuple", elements.iter().map(to_json).collect::<Vec<_>>()]),
        Type::Object(attributes) => {
            let attributes: BTreeMap<_, _> =
                attributes.iter().map(|(name, kind)| (name, to_json(kind))).collect();
            json!(["object", attributes])
        }
    }
}

fn from_json(json: &Json) -> Result<Type, NotAType> {
    match json {
        Json::String(name) => match name.as_str() {
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "dynamic" => Ok(Type::Dynamic),
            _ => Err(NotAType),
        },
        Json::Array(parts) => match parts.as_slice() {
            [Json::String(name), argument] => constructed(name, argument),
            // The third part names optional attributes. It describes conversions, not values.
            [Json::String(name), argument, Json::Array(_)] if name == "object" => constructed(name, argument),
            _ => Err(NotAType),
        },
        _ => Err(NotAType),
    }
}

fn constructed(name: &str, argument: &Json) -> Result<Type, NotAType> {
    match (name, argument) {
        ("list", element) => Ok(Type::list(from_json(element)?)),
        ("set", element) => Ok(Type::set(from_json(element)?)),
        ("map", element) => Ok(Type::map(from_json(element)?)),
        ("tuple", Json::Array(elements)) => {
            Ok(Type::Tuple(elements.iter().map(from_json).collect::<Result<_, _>>()?))
        }
        ("object", Json::Object(attributes)) => Ok(Type::Object(
            attributes
                .iter()
                .map(|(name, kind)| Ok((name.clone(), from_json(kind)?)))
                .collect::<Result<_, NotAType>>()?,
        )),
        _ => Err(NotAType),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#""dynamic""#)]
    #[case(r#"["list","string"]"#)]
    #[case(r#"["map",["object",{"a":"string","b":["set","number"]}]]"#)]
    #[case(r#"["tuple",["bool",["tuple",[]]]]"#)]
    #[case(r#"["object",{}]"#)]
    fn types_go_both_ways(#[case] json: &str) {
        assert_eq!(Type::from_json(json.as_bytes()).expect("type").to_json(), json);
    }

    #[rstest]
    #[case("")]
    #[case("null")]
    #[case(r#""strang""#)]
    #[case(r#"["list"]"#)]
    #[case(r#"["list","string","string"]"#)]
    #[case(r#"["object",["string"]]"#)]
    #[case(r#"["tuple","string"]"#)]
    fn other_json_is_refused(#[case] json: &str) {
        assert_eq!(Type::from_json(json.as_bytes()), Err(NotAType));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{}\"string\"{}", r#"["list","#.repeat(100_000), "]".repeat(100_000));
        assert_eq!(Type::from_json(deep.as_bytes()), Err(NotAType));
    }

    #[test]
    fn optional_attributes_of_an_object_are_ignored() {
        let kind = Type::from_json(br#"["object",{"a":"string"},["a"]]"#).expect("type");
        assert_eq!(kind.to_json(), r#"["object",{"a":"string"}]"#);
    }
}
