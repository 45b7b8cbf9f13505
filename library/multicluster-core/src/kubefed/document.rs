//! Reading a document field by field, with every mistake named by its place.

use serde_json::Value;

use super::Problem;
use crate::object::{Manifest, text};
use crate::path::{FieldPath, Step};

/// What is said of documents while they are read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Reads one document.
pub(super) struct Reader<'f> {
    document: String,
    findings: &'f mut Findings,
}

/// A place in a document. Null is as good as absent, as it is to Kubernetes.
#[derive(Clone)]
pub(super) struct At<'v> {
    value: Option<&'v Value>,
    pub(super) path: FieldPath,
}

impl<'v> At<'v> {
    pub(super) fn root(value: &'v Value) -> Self {
        Self { value: Some(value), path: FieldPath::default() }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        let value = self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        Self { value, path: self.path.field(name) }
    }

    pub(super) fn value(&self) -> Option<&'v Value> {
        self.value
    }

    pub(super) fn is_there(&self) -> bool {
        self.value.is_some()
    }
}

/// How a document is called: `FederatedDeployment shop/web`.
pub(super) fn name(manifest: &Manifest) -> String {
    let kind = manifest.kind();
    match text(manifest.value(), "/metadata/namespace") {
        "" => format!("{kind} {}", manifest.name()),
        namespace => format!("{kind} {namespace}/{}", manifest.name()),
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(manifest: &Manifest, findings: &'f mut Findings) -> Self {
        Self { document: name(manifest), findings }
    }

    /// Says that something cannot be.
    pub(super) fn problem(&mut self, path: &FieldPath, message: impl Into<String>) {
        let problem = self.finding(path, message.into());
        self.findings.problems.push(problem);
    }

    /// Says that something is probably not meant.
    pub(super) fn warn(&mut self, path: &FieldPath, message: impl Into<String>) {
        let warning = self.finding(path, message.into());
        self.findings.warnings.push(warning);
    }

    fn finding(&self, path: &FieldPath, message: String) -> Problem {
        Problem { document: self.document.clone(), path: path.clone(), message }
    }

    /// The fields of a mapping; none if it is absent or something else.
    pub(super) fn fields<'v>(&mut self, at: &At<'v>) -> Vec<(&'v str, At<'v>)> {
        match at.value {
            None => Vec::new(),
            Some(Value::Object(fields)) => {
                fields.keys().map(|name| (name.as_str(), at.field(name))).collect()
            }
            Some(_) => {
                self.problem(&at.path, "it must be a mapping");
                Vec::new()
            }
        }
    }

    /// The items of a list; `None` if it is absent or something else.
    pub(super) fn items<'v>(&mut self, at: &At<'v>) -> Option<Vec<At<'v>>> {
        match at.value? {
            Value::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(place, item)| At { value: Some(item), path: at.path.with(Step::Index(place)) })
                    .collect(),
            ),
            _ => {
                self.problem(&at.path, "it must be a list");
                None
            }
        }
    }

    /// A text; `None` if it is absent or something else.
    pub(super) fn text<'v>(&mut self, at: &At<'v>) -> Option<&'v str> {
        let text = at.value?.as_str();
        if text.is_none() {
            self.problem(&at.path, "it must be text: quote it");
        }
        text
    }

    /// A text that must be there and not be empty.
    pub(super) fn required_text<'v>(&mut self, at: &At<'v>) -> Option<&'v str> {
        if at.is_there() {
            let text = self.text(at)?;
            if !text.is_empty() {
                return Some(text);
            }
        }
        self.problem(&at.path, "it is missing");
        None
    }

    /// A switch that is off unless it is set.
    pub(super) fn flag(&mut self, at: &At<'_>) -> bool {
        match at.value {
            None => false,
            Some(Value::Bool(set)) => *set,
            Some(_) => {
                self.problem(&at.path, "it must be `true` or `false`");
                false
            }
        }
    }

    /// A number of things; `None` if it is absent or something else.
    pub(super) fn count(&mut self, at: &At<'_>) -> Option<u64> {
        let count = at.value?.as_u64();
        if count.is_none() {
            self.problem(&at.path, "it must be a whole number from 0 on");
        }
        count
    }

    /// Warns of fields that KubeFed does not know and so drops.
    pub(super) fn knows(&mut self, at: &At<'_>, known: &[&str]) {
        let Some(Value::Object(fields)) = at.value else { return };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            self.warn(&at.path.field(name), "KubeFed knows no such field, so it means nothing");
        }
    }
}
