//! GetFunctions and CallFunction: there are none.

use crate::wire::tfplugin6::{FunctionError, call_function};

pub(super) fn call(request: &call_function::Request) -> call_function::Response {
    let text = format!("The provider has no function `{}`.", request.name);
    call_function::Response { result: None, error: Some(FunctionError { text, function_argument: None }) }
}
