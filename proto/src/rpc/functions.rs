//! GetFunctions and CallFunction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::call::Call;
use super::catalogue::{Callable, Catalogue};
use super::convert;
use crate::diagnostics::Diagnostics;
use crate::function::{FunctionError, Signature};
use crate::operations::panic_message;
use crate::value::Value;
use crate::wire::tfplugin6::{self as wire, call_function, get_functions};

pub(super) fn functions(catalogue: &Catalogue) -> get_functions::Response {
    let functions = catalogue.functions.iter();
    let functions = functions.map(|(name, it)| ((*name).to_owned(), it.signature.to_wire()));
    get_functions::Response { functions: functions.collect(), diagnostics: Vec::new() }
}

pub(super) fn call(call: &Call, request: &call_function::Request) -> call_function::Response {
    let outcome = match call.catalogue.functions.get(request.name.as_str()) {
        Some(callable) => outcome(callable, &request.arguments),
        None => Err(FunctionError::new(format!("The provider has no function `{}`.", request.name))),
    };
    match outcome {
        Ok(result) => call_function::Response { result: Some(result), error: None },
        Err(error) => {
            let function_argument = error.argument.and_then(|position| i64::try_from(position).ok());
            let error = wire::FunctionError { text: error.text, function_argument };
            call_function::Response { result: None, error: Some(error) }
        }
    }
}

/// Diagnostics as the one message that a function may answer with.
pub(super) fn in_words(diagnostics: &[wire::Diagnostic]) -> wire::FunctionError {
    let texts: Vec<String> =
        diagnostics.iter().map(|found| format!("{}. {}", found.summary, found.detail)).collect();
    wire::FunctionError { text: texts.join("\n"), function_argument: None }
}

fn outcome(callable: &Callable, sent: &[wire::DynamicValue]) -> Result<wire::DynamicValue, FunctionError> {
    let signature = &callable.signature;
    let arguments = arguments(signature, sent)?;
    let result = if is_open(signature, &arguments) {
        Value::Unknown
    } else {
        // What a panic leaves behind is nothing: functions have no state.
        let called = catch_unwind(AssertUnwindSafe(|| callable.implementation.call(&arguments)));
        called.unwrap_or_else(|payload| Err(crashed(panic_message(payload.as_ref()))))?
    };
    convert::encode(&signature.returns, &result).map_err(|found| as_error(&found))
}

fn arguments(signature: &Signature, sent: &[wire::DynamicValue]) -> Result<Vec<Value>, FunctionError> {
    let fixed = signature.parameters.len();
    if sent.len() < fixed || (sent.len() > fixed && signature.variadic.is_none()) {
        let text = format!("It takes {fixed} arguments and was given {}.", sent.len());
        return Err(FunctionError::new(text));
    }
    let mut arguments = Vec::new();
    for (position, (sent, parameter)) in
        sent.iter().zip((0..).map_while(|at| signature.parameter_of(at))).enumerate()
    {
        let value = convert::decode(&parameter.kind, "argument", Some(sent))
            .map_err(|found| FunctionError { argument: Some(position), ..as_error(&found) })?;
        if value.is_null() && !parameter.allow_null {
            return Err(FunctionError::argument(position, "It must not be null."));
        }
        arguments.push(value);
    }
    Ok(arguments)
}

/// Whether an argument is not known that the function wants to know. Hosts do not call it then.
fn is_open(signature: &Signature, arguments: &[Value]) -> bool {
    let open = |(position, value): (usize, &Value)| {
        !value.is_wholly_known()
            && signature.parameter_of(position).is_some_and(|parameter| !parameter.allow_unknown)
    };
    arguments.iter().enumerate().any(open)
}

fn as_error(found: &Diagnostics) -> FunctionError {
    FunctionError::new(in_words(&convert::diagnostics(found, None)).text)
}

fn crashed(message: &str) -> FunctionError {
    FunctionError::new(format!(
        "The provider crashed. This is a bug of the provider; please report it with the lines that start with \
         \"panic:\" in the log. The message was: {message}"
    ))
}
