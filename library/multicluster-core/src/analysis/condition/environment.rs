//! The names and functions that a condition can use, and its value.

use expr::{Context, Environment, Program, Value as Term};

use super::ConditionError;
use super::guard::OUTSIDE;
use super::types::Type;
use crate::analysis::value::{Measured, Value};

/// The longest text that a function makes.
const MAX_TEXT: usize = 64 * 1024;

/// The value of a condition.
pub(super) fn evaluate(program: &Program, measured: &Measured) -> Result<bool, ConditionError> {
    let result = term(&measured.value);
    let mut context = Context::default();
    context.insert("result", result.clone());
    if let Some(baseline) = &measured.baseline {
        context.insert("baseline", term(baseline));
        if let (Some(new), Some(old)) = (one(&measured.value), one(baseline)) {
            context.insert("ratio", new / old);
            context.insert("difference", new - old);
        }
    }
    let value = environment(&result)
        .run(program, &context)
        .map_err(|error| ConditionError::Evaluation(words(&error.to_string())))?;
    match value {
        Term::Bool(value) => Ok(value),
        other => Err(ConditionError::NotBoolean(kind(&other))),
    }
}

/// An error of the evaluator, in words of users where its own are those of its code.
fn words(error: &str) -> String {
    if error.starts_with("Invalid operand for operator []") {
        return "only a list can be indexed, and only by a whole number".to_owned();
    }
    if error.contains("requires expr-lang's") || error.contains("feature") {
        return "it uses a function or operator that is not supported here (times, regular expressions, JSON)".to_owned();
    }
    if let Some(operator) = error.strip_prefix("Invalid operands for operator ") {
        return format!("the operator `{operator}` does not go with these operands");
    }
    error.to_owned()
}

/// What was answered, as an operand.
fn term(value: &Value) -> Term {
    match value {
        Value::Scalar(value) => Term::Float(*value),
        Value::Series(_) => Term::Array(value.numbers().map(Term::Float).collect()),
        Value::Text(text) => Term::String(text.clone()),
    }
}

/// What an answer is as an operand.
pub(super) fn kind_of(value: &Value) -> Type {
    match value {
        Value::Scalar(_) => Type::Number,
        Value::Series(_) => Type::Numbers,
        Value::Text(_) => Type::Text,
    }
}

/// The only number in an answer.
fn one(value: &Value) -> Option<f64> {
    let mut numbers = value.numbers();
    numbers.next().filter(|_| numbers.next().is_none())
}

/// What a value is, in the words of Argo Rollouts.
fn kind(value: &Term) -> &'static str {
    match value {
        Term::Bool(_) => "bool",
        Term::Integer(_) => "int",
        Term::Float(_) => "float64",
        Term::String(_) => "string",
        Term::Nil => "nil",
        Term::Bytes(_) => "bytes",
        Term::Array(_) => "list",
        Term::Map(_) | Term::KeyedMap(_) => "map",
    }
}

fn fail<T>(text: impl Into<String>) -> expr::Result<T> {
    Err(expr::Error::ExprError(text.into()))
}

/// The functions.
fn environment(result: &Term) -> Environment<'_> {
    let mut functions = Environment::new();
    functions.add_function(OUTSIDE, |_| fail("index out of range"));
    functions.add_function("asInt", |call| match call.args.as_slice() {
        [Term::String(text)] => match text.parse::<i64>() {
            Ok(number) => Ok(Term::Integer(number)),
            Err(_) => fail(format!("asInt: `{text}` is not a whole number")),
        },
        _ => fail("asInt takes one text"),
    });
    functions.add_function("asFloat", |call| match call.args.as_slice() {
        [Term::String(text)] => match text.parse::<f64>() {
            Ok(number) if number.is_finite() || !text.contains(|char: char| char.is_ascii_digit()) => {
                Ok(Term::Float(number))
            }
            _ => fail(format!("asFloat: `{text}` is not a number")),
        },
        _ => fail("asFloat takes one text"),
    });
    functions.add_function("isNaN", |call| match call.args.as_slice() {
        [Term::Float(number)] => Ok(Term::Bool(number.is_nan())),
        [Term::Integer(_)] => Ok(Term::Bool(false)),
        _ => fail("isNaN takes one number; for a list, write `isNaN(result[0])`"),
    });
    functions.add_function("isInf", |call| match call.args.as_slice() {
        [Term::Float(number)] => Ok(Term::Bool(number.is_infinite())),
        [Term::Integer(_)] => Ok(Term::Bool(false)),
        _ => fail("isInf takes one number; for a list, write `isInf(result[0])`"),
    });
    functions.add_function("isNil", move |call| match call.args.len() {
        1 => Ok(Term::Bool(result.is_nil())),
        _ => fail("isNil takes one value"),
    });
    functions.add_function("default", move |call| match call.args.as_slice() {
        [_, default] => Ok(if result.is_nil() { default.clone() } else { result.clone() }),
        _ => fail("default takes two values"),
    });
    functions.add_function("repeat", |call| match call.args.as_slice() {
        [Term::String(text), Term::Integer(times)] => {
            let times = usize::try_from(*times).unwrap_or(usize::MAX);
            match text.len().checked_mul(times) {
                Some(length) if length <= MAX_TEXT => Ok(Term::String(text.repeat(times))),
                _ => fail("repeat: the text would be too long"),
            }
        }
        _ => fail("repeat takes a text and a whole number"),
    });
    functions
}

/// Whether there is a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    // The environment does not tell its names, so that the function is called without arguments: if there is none, the
    // error says so.
    let nil = Term::Nil;
    match environment(&nil).eval(&format!("{name}()"), &Context::default()) {
        Ok(_) => true,
        Err(error) => !error.to_string().starts_with("Unknown function"),
    }
}
