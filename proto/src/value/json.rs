//! Values as JSON: the form in which stored states come back.
//!
//! Unlike the wire, a stored state may be older than the schema: attributes that are gone are dropped, and new ones
//! are null. Everything else is as strict. Numbers are taken from the text itself, since a float would change them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::path::Step;
use crate::value::error::{CodecError, Problem};
use crate::value::{MAX_DEPTH, Number, Type, Value, index_step, type_name};

/// Reads `bytes` as a stored value of `kind`.
pub(super) fn decode(kind: &Type, bytes: &[u8]) -> Result<Value, CodecError> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::NotUtf8)?;
    read(kind, parse::<&RawValue>(text)?, 0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dynamic<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn read(kind: &Type, raw: &RawValue, depth: usize) -> Result<Value, CodecError> {
    if depth > MAX_DEPTH {
        return Err(Problem::TooDeep.into());
    }
    let text = raw.get();
    let found = found(text);
    if found == "null" {
        return Ok(Value::Null);
    }
    let wrong_type = || CodecError::new(Problem::WrongType { expected: type_name(kind), found });
    match (kind, found) {
        (Type::Bool, "a bool") => Ok(Value::Bool(parse(text)?)),
        (Type::String, "a string") => Ok(Value::String(parse(text)?)),
        (Type::Number, "a number") => {
            Number::parse(text).map(Value::Number).map_err(|_| Problem::NotANumber.into())
        }
        (Type::List(element) | Type::Set(element), "an array") => {
            let values: Vec<&RawValue> = parse(text)?;
            elements(std::iter::repeat(element.as_ref()), &values, depth)
        }
        (Type::Tuple(kinds), "an array") => {
            let values: Vec<&RawValue> = parse(text)?;
            if kinds.len() != values.len() {
                return Err(Problem::WrongLength { expected: kinds.len(), found: values.len() }.into());
            }
            elements(kinds.iter(), &values, depth)
        }
        (Type::Map(element), "an object") => {
            let values: BTreeMap<String, &RawValue> = parse(text)?;
            let read = |(key, raw): (String, &RawValue)| {
                let value =
                    read(element, raw, depth + 1).map_err(|error| error.within(Step::Key(key.clone())))?;
                Ok((key, value))
            };
            Ok(Value::Map(values.into_iter().map(read).collect::<Result<_, CodecError>>()?))
        }
        (Type::Object(attributes), "an object") => object(attributes, &parse(text)?, depth),
        (Type::Dynamic, "an object") => {
            let dynamic: Dynamic<'_> = parse(text)?;
            let kind = Type::from_json(dynamic.kind.get().as_bytes()).map_err(|_| Problem::NotAType)?;
            let value = read(&kind, dynamic.value, depth + 1)?;
            Ok(Value::Dynamic(Box::new((kind, value))))
        }
        _ => Err(wrong_type()),
    }
}

fn elements<'a>(
    kinds: impl Iterator<Item = &'a Type>,
    values: &[&RawValue],
    depth: usize,
) -> Result<Value, CodecError> {
    let read = |(position, (kind, raw)): (usize, (&Type, &&RawValue))| {
        read(kind, raw, depth + 1).map_err(|error| error.within(index_step(position)))
    };
    Ok(Value::List(kinds.zip(values).enumerate().map(read).collect::<Result<_, _>>()?))
}

fn object(
    attributes: &BTreeMap<String, Type>,
    values: &BTreeMap<String, &RawValue>,
    depth: usize,
) -> Result<Value, CodecError> {
    let read = |(name, kind): (&String, &Type)| {
        let value = match values.get(name) {
            None => Value::Null,
            Some(raw) => {
                read(kind, raw, depth + 1).map_err(|error| error.within(Step::Attribute(name.clone())))?
            }
        };
        Ok((name.clone(), value))
    };
    Ok(Value::Map(attributes.iter().map(read).collect::<Result<_, CodecError>>()?))
}

/// What stands there, told by its first byte: a raw value is valid JSON without space around it.
fn found(text: &str) -> &'static str {
    match text.bytes().next() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "a bool",
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, CodecError> {
    serde_json::from_str(text)
        .map_err(|error| Problem::NotJson { line: error.line(), column: error.column() }.into())
}
