//! What a function of a provider implements.
//!
//! Functions are pure: the host calls them on a provider that is not configured, in any phase, and holds an answer
//! at apply against that at plan. So they have no context, no state and no time to wait.
//!
//! ```
//! use tfplugin::Type;
//! use tfplugin::function::{Parameter, Signature};
//!
//! let signature = Signature::new("Joins words.", Type::String)
//!     .parameter(Parameter::new("separator", Type::String, "What stands between them."))
//!     .variadic(Parameter::new("words", Type::String, "The words."));
//! assert_eq!(signature.parameter_of(3).map(|parameter| parameter.name.as_str()), Some("words"));
//! ```

use std::collections::BTreeSet;

use crate::schema::{has_dynamic_element, is_name};
use crate::value::{Type, Value};
use crate::wire::tfplugin6::{self as wire, function as message};

/// A function, called as `provider::NAME::FUNCTION(…)`.
pub trait Function: Send + Sync + 'static {
    /// Its name, without the provider's: `answer`.
    fn name(&self) -> &'static str;

    /// What it takes and returns. Called once.
    fn signature(&self) -> Signature;

    /// The result for these arguments: one for each parameter, and then those of the variadic one. They are of the
    /// parameters' types; null or unknown in themselves only where the parameter allows it, while parts of a collection
    /// may always be null and, where unknown values are allowed, unknown. The same arguments give the same result.
    ///
    /// # Errors
    /// [`FunctionError`], which the user reads.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// What a function takes and returns.
#[derive(Clone, Debug)]
pub struct Signature {
    /// One sentence.
    pub summary: String,
    /// Markdown; may be empty.
    pub description: String,
    /// In the order of the arguments.
    pub parameters: Vec<Parameter>,
    /// Takes the arguments that are left, which may be none.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// Why and what instead, where it should no longer be used.
    pub deprecated: Option<String>,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// How messages name it: `[a-z0-9_]+`.
    pub name: String,
    /// The type of its arguments.
    pub kind: Type,
    /// Markdown.
    pub description: String,
    /// Whether the function is called with null; otherwise null is an error.
    pub allow_null: bool,
    /// Whether the function is called with what is known only after apply; otherwise the result is then unknown.
    pub allow_unknown: bool,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// Full sentences, without any secret.
    pub text: String,
    /// The argument that is wrong, counted from zero, if one is.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error that no single argument is to blame for.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: None }
    }

    /// An error about one argument, counted from zero.
    pub fn argument(argument: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(argument) }
    }
}

impl Parameter {
    /// A parameter that takes neither null nor what is not known yet.
    pub fn new(name: impl Into<String>, kind: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            description: description.into(),
            allow_null: false,
            allow_unknown: false,
        }
    }

    /// The function is called with null, too.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allow_null = true;
        self
    }

    /// The function is called with unknown values, too.
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allow_unknown = true;
        self
    }

    fn to_wire(&self) -> message::Parameter {
        message::Parameter {
            name: self.name.clone(),
            r#type: self.kind.to_json().into_bytes(),
            allow_null_value: self.allow_null,
            allow_unknown_values: self.allow_unknown,
            description: self.description.clone(),
            description_kind: wire::StringKind::Markdown.into(),
        }
    }
}

impl Signature {
    /// Of a function without parameters.
    pub fn new(summary: impl Into<String>, returns: Type) -> Self {
        Self {
            summary: summary.into(),
            description: String::new(),
            parameters: Vec::new(),
            variadic: None,
            returns,
            deprecated: None,
        }
    }

    /// Says more than the summary does.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Takes any number of further arguments.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// Says why it should no longer be used, and what instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// The parameter that takes the argument at this position, counted from zero.
    #[must_use]
    pub fn parameter_of(&self, position: usize) -> Option<&Parameter> {
        self.parameters.get(position).or(self.variadic.as_ref())
    }

    /// The signature as the host takes it.
    #[must_use]
    pub fn to_wire(&self) -> wire::Function {
        wire::Function {
            parameters: self.parameters.iter().map(Parameter::to_wire).collect(),
            variadic_parameter: self.variadic.as_ref().map(Parameter::to_wire),
            r#return: Some(message::Return { r#type: self.returns.to_json().into_bytes() }),
            summary: self.summary.clone(),
            description: self.description.clone(),
            description_kind: wire::StringKind::Markdown.into(),
            deprecation_message: self.deprecated.clone().unwrap_or_default(),
        }
    }

    /// Everything that a host would refuse; one sentence each, and none for a valid signature.
    #[must_use]
    pub fn internal_validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for parameter in self.parameters.iter().chain(&self.variadic) {
            let name = &parameter.name;
            if !is_name(name) {
                problems.push(format!("{name}: a name has lower-case letters, digits and underscores only"));
            }
            if !names.insert(name) {
                problems.push(format!("{name}: there are two parameters of this name"));
            }
            if has_dynamic_element(&parameter.kind) {
                problems.push(format!("{name}: a collection's elements cannot be dynamic"));
            }
        }
        if has_dynamic_element(&self.returns) {
            problems.push("the result: a collection's elements cannot be dynamic".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_signature_has_no_problems() {
        let signature = Signature::new("Joins.", Type::String)
            .parameter(Parameter::new("separator", Type::String, "Between."))
            .variadic(Parameter::new("words", Type::list(Type::String), "Words."));
        assert_eq!(signature.internal_validate(), Vec::<String>::new());
    }

    #[test]
    fn what_hosts_would_refuse_is_named() {
        let signature = Signature::new("Joins.", Type::map(Type::Dynamic))
            .parameter(Parameter::new("a b", Type::String, ""))
            .parameter(Parameter::new("it", Type::list(Type::Dynamic), ""))
            .variadic(Parameter::new("it", Type::String, ""));
        assert_eq!(
            signature.internal_validate(),
            [
                "a b: a name has lower-case letters, digits and underscores only",
                "it: a collection's elements cannot be dynamic",
                "it: there are two parameters of this name",
                "the result: a collection's elements cannot be dynamic",
            ]
        );
    }
}
