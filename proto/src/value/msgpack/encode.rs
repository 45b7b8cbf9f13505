//! Values to bytes.

use std::collections::BTreeMap;

use rmp::encode as rmp;

use crate::path::Step;
use crate::value::error::{CodecError, Problem};
use crate::value::{Number, Type, Value, index_step, type_name, value_name};

/// What the host writes for unknown: an extension of type 0 with one byte.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Encodes `value` as one of `kind`.
pub(in crate::value) fn encode(kind: &Type, value: &Value) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    write(kind, value, &mut out)?;
    Ok(out)
}

fn write(kind: &Type, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match (kind, value) {
        (_, Value::Null) => done(rmp::write_nil(out)),
        (_, Value::Unknown) => {
            out.extend_from_slice(&UNKNOWN);
            Ok(())
        }
        (Type::Bool, Value::Bool(value)) => done(rmp::write_bool(out, *value)),
        (Type::String, Value::String(text)) => write_text(text, out),
        (Type::Number, Value::Number(number)) => write_number(number, out),
        (Type::List(element) | Type::Set(element), Value::List(values)) => {
            write_elements(std::iter::repeat(element.as_ref()), values, out)
        }
        (Type::Tuple(kinds), Value::List(values)) => {
            if kinds.len() != values.len() {
                let problem = Problem::WrongLength { expected: kinds.len(), found: values.len() };
                return Err(problem.into());
            }
            write_elements(kinds.iter(), values, out)
        }
        (Type::Map(element), Value::Map(entries)) => {
            done(rmp::write_map_len(out, length(entries.len())?))?;
            for (key, value) in entries {
                write_text(key, out)?;
                write(element, value, out).map_err(|error| error.within(Step::Key(key.clone())))?;
            }
            Ok(())
        }
        (Type::Object(attributes), Value::Map(values)) => write_object(attributes, values, out),
        (Type::Dynamic, Value::Dynamic(inner)) => {
            let (kind, value) = inner.as_ref();
            let json = kind.to_json();
            length(json.len())?;
            done(rmp::write_array_len(out, 2))?;
            done(rmp::write_bin(out, json.as_bytes()))?;
            write(kind, value, out)
        }
        (kind, value) => {
            Err(Problem::WrongType { expected: type_name(kind), found: value_name(value) }.into())
        }
    }
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match number {
        Number::Int(value) => done(rmp::write_sint(out, *value)),
        Number::UInt(value) => match i64::try_from(*value) {
            Ok(value) => done(rmp::write_sint(out, value)),
            // Beyond `i64` the host itself writes text.
            Err(_) => write_text(&value.to_string(), out),
        },
        Number::Float(value) if value.is_finite() => done(rmp::write_f64(out, *value)),
        Number::Float(_) => Err(Problem::NotANumber.into()),
        Number::Decimal(text) if number.decimal().is_some() => write_text(text, out),
        Number::Decimal(_) => Err(Problem::NotANumber.into()),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), CodecError> {
    length(text.len())?;
    done(rmp::write_str(out, text))
}

fn write_elements<'a>(
    kinds: impl Iterator<Item = &'a Type>,
    values: &[Value],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    done(rmp::write_array_len(out, length(values.len())?))?;
    for (position, (kind, value)) in kinds.zip(values).enumerate() {
        write(kind, value, out).map_err(|error| error.within(index_step(position)))?;
    }
    Ok(())
}

fn write_object(
    attributes: &BTreeMap<String, Type>,
    values: &BTreeMap<String, Value>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    if let Some(name) = values.keys().find(|name| !attributes.contains_key(*name)) {
        return Err(CodecError::new(Problem::UnknownAttribute).within(Step::Attribute(name.clone())));
    }
    done(rmp::write_map_len(out, length(attributes.len())?))?;
    for (name, kind) in attributes {
        let at_attribute = |error: CodecError| error.within(Step::Attribute(name.clone()));
        let value = values.get(name).ok_or_else(|| at_attribute(Problem::MissingAttribute.into()))?;
        write_text(name, out)?;
        write(kind, value, out).map_err(at_attribute)?;
    }
    Ok(())
}

fn length(length: usize) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(|_| Problem::TooLarge.into())
}

/// A vector takes all bytes, so that nothing is left to report.
fn done<T, E>(result: Result<T, E>) -> Result<(), CodecError> {
    result.map(|_| ()).map_err(|_| Problem::TooLarge.into())
}
