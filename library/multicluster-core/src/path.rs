//! Where in an object a field is, in a form for code and a form for humans.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// One step into an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A field of a mapping.
    Field(String),
    /// The item of a list whose fields have these values: `containers[name=web]`.
    Key(Vec<(String, Value)>),
    /// The item of a list of plain values: `finalizers["example.com/guard"]`.
    Value(Value),
    /// The item at a place, counted from 0.
    Index(usize),
}

/// The way from an object's root to one of its fields.
///
/// # Examples
/// ```
/// use multicluster_core::path::{FieldPath, Step};
/// use serde_json::json;
///
/// let path = FieldPath::fields(["spec", "containers"])
///     .with(Step::Key(vec![("name".into(), json!("web"))]))
///     .with(Step::Field("image".into()));
/// assert_eq!(path.to_string(), "spec.containers[name=web].image");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// A path of fields only: `["spec", "replicas"]`.
    pub fn fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| Step::Field(name.to_owned())).collect())
    }

    /// The path one step further.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path one field further.
    pub(crate) fn field(&self, name: &str) -> Self {
        self.with(Step::Field(name.to_owned()))
    }
}

/// `spec.containers[name=web].image`; names that are not plain words are quoted:
/// `metadata.labels["app.kubernetes.io/name"]`.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if is_word(name) => {
                    if index > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(name)?;
                }
                Step::Field(name) => write!(f, "[{}]", Value::from(name.as_str()))?,
                Step::Key(fields) => {
                    f.write_str("[")?;
                    for (index, (name, value)) in fields.iter().enumerate() {
                        if index > 0 {
                            f.write_str(",")?;
                        }
                        match value {
                            Value::String(text) => write!(f, "{name}={text}")?,
                            other => write!(f, "{name}={other}")?,
                        }
                    }
                    f.write_str("]")?;
                }
                Step::Value(value) => write!(f, "[{value}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a name reads well after a dot.
fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
}

/// The fields by which Kubernetes tells items of a list apart, most telling first. A pair is for lists where the
/// first field alone is not unique (a port for TCP and UDP).
const KEYS: [&[&str]; 16] = [
    &["containerPort"],
    &["containerPort", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["port"],
    &["port", "protocol"],
    &["name"],
    &["key"],
    &["uid"],
    &["ip"],
    &["topologyKey"],
    &["topologyKey", "whenUnsatisfiable"],
    &["type"],
    &["host"],
    &["path"],
    &["id"],
];

/// The fields that tell all items of all these lists apart, if any do: present in every item, plain values, and
/// unique within each list.
pub(crate) fn list_key(lists: &[&[Value]]) -> Option<&'static [&'static str]> {
    KEYS.into_iter().find(|key| {
        lists.iter().all(|items| {
            let mut seen = BTreeSet::new();
            items.iter().all(|item| key_text(item, key).is_some_and(|text| seen.insert(text)))
        })
    })
}

/// The step to an item of a list that is told apart by these fields.
pub(crate) fn key_step(item: &Value, key: &[&str]) -> Option<Step> {
    key.iter()
        .map(|field| plain(item.get(field)?).map(|value| ((*field).to_owned(), value.clone())))
        .collect::<Option<Vec<_>>>()
        .map(Step::Key)
}

/// The values of an item's key fields as text, to be compared.
pub(crate) fn key_text(item: &Value, key: &[&str]) -> Option<Vec<String>> {
    key.iter().map(|field| plain(item.get(field)?).map(ToString::to_string)).collect()
}

fn plain(value: &Value) -> Option<&Value> {
    (!value.is_object() && !value.is_array() && !value.is_null()).then_some(value)
}
