//! What can be wrong with a change.

use super::image::InvalidImage;
use super::patch::{LARGEST_OBJECT, LARGEST_PATCH};
use crate::selector::InvalidLabel;

/// A change that cannot be read or applied. Operations are counted from 0, as RFC 6902's own errors do; values of the
/// change and of the object are never repeated, but names of containers and keys are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// The text is not JSON.
    #[error("the patch is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The JSON is not a list.
    #[error(
        "the patch must be a list of operations, as in `[{{ op = \"replace\", path = \"/spec/replicas\", value = 3 }}]`"
    )]
    NotAList,
    /// More operations than anyone writes.
    #[error("the patch has {count} operations, at most {LARGEST_PATCH} are allowed")]
    TooLong {
        /// How many there are.
        count: usize,
    },
    /// An operation is not one.
    #[error("operation {index}: {reason}")]
    Malformed {
        /// Which operation.
        index: usize,
        /// What is wrong with it.
        reason: Malformation,
    },
    /// The operation would turn the object into another one.
    #[error("operation {index} ({op} {path}): an override must not change `{protected}`")]
    Forbidden {
        /// Which operation.
        index: usize,
        /// `replace`, …
        op: &'static str,
        /// What it targets, as a JSON pointer; the root is `""`.
        path: String,
        /// What would change.
        protected: &'static str,
    },
    /// The object is not as the operation needs it.
    #[error("operation {index} ({op} {path}): {reason}")]
    Failed {
        /// Which operation.
        index: usize,
        /// `replace`, …
        op: &'static str,
        /// What it targets, as a JSON pointer.
        path: String,
        /// Why it cannot be done.
        reason: Failure,
    },
    /// The JSON is not a mapping.
    #[error("the merge patch must be a mapping, as in `{{ spec = {{ replicas = 3 }} }}`")]
    NotAMapping,
    /// The merge patch would turn the object into another one, or write what only a server writes.
    #[error("an override must not change `{protected}`")]
    Protected {
        /// What would change.
        protected: &'static str,
    },
    /// The label or annotation is written by a tool for itself.
    #[error("an override must not change `{key}`, which a tool keeps for itself")]
    Reserved {
        /// The label or annotation.
        key: String,
    },
    /// Not a label.
    #[error("label `{key}`: {reason}")]
    Label {
        /// Its key; the value may be what is wrong.
        key: String,
        /// What is wrong.
        reason: InvalidLabel,
    },
    /// Not an annotation.
    #[error("annotation `{key}`: {reason}")]
    Annotation {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: InvalidLabel,
    },
    /// Not an environment variable.
    #[error("`{name}` cannot be the name of an environment variable: it must be printable ASCII without `=`")]
    EnvName {
        /// What was given.
        name: String,
    },
    /// An image change is not one.
    #[error("image change {index}: {reason}")]
    Image {
        /// Which image change, counted from 0.
        index: usize,
        /// What is wrong with it.
        reason: InvalidImageChange,
    },
    /// The object runs no pods.
    #[error("the object has no pod template, and so no containers")]
    NoPodTemplate,
    /// The object's pods have no containers.
    #[error("the object's pod template has no containers")]
    NoContainers,
    /// No container is called so.
    #[error("there is no container `{container}`; there are {}", list(.containers))]
    NoSuchContainer {
        /// What was given.
        container: String,
        /// The containers there are.
        containers: Vec<String>,
    },
    /// A container without an image, and nothing that says which.
    #[error("container `{container}` has no image to change; give it a `repository`")]
    NoImage {
        /// Which container.
        container: String,
    },
    /// An image that cannot be taken apart.
    #[error("the image of container `{container}` cannot be changed: {reason}")]
    NotAnImage {
        /// Which container.
        container: String,
        /// What is wrong with its image.
        reason: InvalidImage,
    },
    /// One image for containers that have different ones.
    #[error("containers {} have different images; name the container whose repository or digest is to change", list(.containers))]
    SeveralImages {
        /// The containers.
        containers: Vec<String>,
    },
    /// The object is not shaped as its kind is.
    #[error("`{path}` of the object is not {expected}")]
    Shape {
        /// Where.
        path: String,
        /// `a list`, …
        expected: &'static str,
    },
}

/// What is wrong with an image change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidImageChange {
    /// It gives no part.
    #[error("one of `registry`, `repository`, `tag`, `digest` must be given")]
    Nothing,
    /// A part is not one.
    #[error("`{part}`: {reason}")]
    Part {
        /// `registry`, …
        part: &'static str,
        /// What is wrong with it.
        reason: InvalidImage,
    },
    /// A whole name where a part of it belongs.
    #[error("`repository` begins with a host, which belongs into `registry`")]
    HostInRepository,
}

/// What an operation of a patch lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformation {
    /// A list, a string, …
    #[error("it is not an object")]
    NotAnObject,
    /// No `op`, or none of RFC 6902.
    #[error("`op` must be one of `add`, `remove`, `replace`, `move`, `copy`, `test`")]
    UnknownOp,
    /// A member that this operation needs is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Not a JSON pointer (RFC 6901).
    #[error(
        "`{0}` must be a JSON pointer, such as `/spec/replicas` (`~1` stands for `/` within a name, `~0` for `~`)"
    )]
    NotAPointer(&'static str),
}

/// Why an operation cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// `path` leads nowhere.
    #[error("the path does not exist in the object")]
    NoSuchPath,
    /// `from` leads nowhere.
    #[error("its `from` does not exist in the object")]
    NoSuchSource,
    /// A `test` found something else.
    #[error("the object has another value there")]
    TestFailed,
    /// A `move` into its own part.
    #[error("a value cannot be moved into itself")]
    IntoItself,
    /// Copies upon copies.
    #[error("the object would grow beyond {LARGEST_OBJECT} values")]
    TooLarge,
    /// The patch library refused for a reason of its own.
    #[error("it cannot be applied")]
    Other,
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
