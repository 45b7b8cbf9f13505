//! Bytes to values.

use std::collections::BTreeMap;

use super::reader::{Item, Reader};
use crate::path::Step;
use crate::value::error::{CodecError, Problem};
use crate::value::{MAX_DEPTH, Number, Type, Value, index_step, type_name};

/// Decodes `bytes` as one value of `kind`.
pub(in crate::value) fn decode(kind: &Type, bytes: &[u8]) -> Result<Value, CodecError> {
    let mut reader = Reader::new(bytes);
    let value = read(kind, &mut reader, 0)?;
    match reader.remaining() {
        0 => Ok(value),
        left => Err(Problem::TrailingBytes(left).into()),
    }
}

fn read(kind: &Type, reader: &mut Reader<'_>, depth: usize) -> Result<Value, CodecError> {
    if depth > MAX_DEPTH {
        return Err(Problem::TooDeep.into());
    }
    let item = reader.item()?;
    match (kind, item) {
        (_, Item::Nil) => Ok(Value::Null),
        (_, Item::Ext) => Ok(Value::Unknown),
        (Type::Bool, Item::Bool(value)) => Ok(Value::Bool(value)),
        (Type::String, Item::Str(text)) => Ok(Value::string(text)),
        (Type::Number, item @ (Item::Int(_) | Item::UInt(_) | Item::Float(_) | Item::Str(_))) => {
            Ok(Value::Number(number(&item)?))
        }
        (Type::List(element) | Type::Set(element), Item::Array(length)) => {
            let kinds = std::iter::repeat_n(element.as_ref(), length);
            elements(kinds, length, reader, depth)
        }
        (Type::Tuple(kinds), Item::Array(length)) => {
            if kinds.len() != length {
                return Err(Problem::WrongLength { expected: kinds.len(), found: length }.into());
            }
            elements(kinds.iter(), length, reader, depth)
        }
        (Type::Map(element), Item::Map(length)) => {
            entries(length, reader, depth, Step::Key, |_| Some(element.as_ref()))
        }
        (Type::Object(attributes), Item::Map(length)) => {
            let value = entries(length, reader, depth, Step::Attribute, |name| attributes.get(name))?;
            match attributes.keys().find(|name| value.get(name).is_none()) {
                None => Ok(value),
                Some(name) => {
                    Err(CodecError::new(Problem::MissingAttribute).within(Step::Attribute(name.clone())))
                }
            }
        }
        (Type::Dynamic, Item::Array(length)) => dynamic(length, reader, depth),
        (kind, item) => Err(Problem::WrongType { expected: type_name(kind), found: item.name() }.into()),
    }
}

fn number(item: &Item<'_>) -> Result<Number, Problem> {
    match item {
        Item::Int(value) => Ok(Number::Int(*value)),
        Item::UInt(value) => Ok(Number::from(*value)),
        Item::Float(value) if value.is_finite() => Ok(Number::Float(*value)),
        // Kept as text even where it would fit an integer: it goes back as it came.
        Item::Str(text) => match Number::Decimal((*text).to_owned()) {
            number if number.decimal().is_some() => Ok(number),
            _ => Err(Problem::NotANumber),
        },
        _ => Err(Problem::NotANumber),
    }
}

fn elements<'a>(
    kinds: impl Iterator<Item = &'a Type>,
    length: usize,
    reader: &mut Reader<'_>,
    depth: usize,
) -> Result<Value, CodecError> {
    // Every element takes at least one byte, so that a length that is a lie costs nothing.
    let mut values = Vec::with_capacity(length.min(reader.remaining()));
    for (position, kind) in kinds.enumerate() {
        let value = read(kind, reader, depth + 1).map_err(|error| error.within(index_step(position)))?;
        values.push(value);
    }
    Ok(Value::List(values))
}

fn entries<'a>(
    length: usize,
    reader: &mut Reader<'_>,
    depth: usize,
    step: fn(String) -> Step,
    kind_of: impl Fn(&str) -> Option<&'a Type>,
) -> Result<Value, CodecError> {
    let mut values = BTreeMap::new();
    for _ in 0..length {
        let key = match reader.item()? {
            Item::Str(key) => key.to_owned(),
            other => return Err(Problem::WrongType { expected: "a key", found: other.name() }.into()),
        };
        let kind = kind_of(&key)
            .ok_or_else(|| CodecError::new(Problem::UnknownAttribute).within(step(key.clone())))?;
        let value = read(kind, reader, depth + 1).map_err(|error| error.within(step(key.clone())))?;
        if values.contains_key(&key) {
            return Err(CodecError::new(Problem::RepeatedKey).within(step(key)));
        }
        values.insert(key, value);
    }
    Ok(Value::Map(values))
}

/// A pair of the type's JSON and the value.
fn dynamic(length: usize, reader: &mut Reader<'_>, depth: usize) -> Result<Value, CodecError> {
    if length != 2 {
        return Err(Problem::WrongLength { expected: 2, found: length }.into());
    }
    let json = match reader.item()? {
        Item::Bin(json) => json,
        Item::Str(json) => json.as_bytes(),
        _ => return Err(Problem::NotAType.into()),
    };
    let kind = Type::from_json(json).map_err(|_| Problem::NotAType)?;
    let value = read(&kind, reader, depth + 1)?;
    Ok(Value::Dynamic(Box::new((kind, value))))
}
