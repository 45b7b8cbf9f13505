//! From text to values: the part that knows YAML and JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Options, Spanned};

use super::{ManifestError, Position, Unreadable};
use crate::digest::whole;

/// One document that is not empty.
pub(super) struct Document {
    pub(super) value: Value,
    /// Where it begins, counted from 1.
    pub(super) line: Option<u64>,
}

/// Levels of mappings and lists. The deepest schemas of published definitions have about 40. A level costs some 16 KiB
/// of stack in an unoptimised build, and threads have 2 MiB.
const DEEPEST: usize = 64;

/// Aliases in one document, and the bytes of text that its anchors may hold. Together they bound how much a document
/// can grow when aliases are expanded, to 32 MB. (The parser also refuses more than 100 aliases if that is more than
/// ten for each anchor.)
const MOST_ALIASES: usize = 500;
const ANCHORED_BYTES: usize = 64 * 1024;

/// Values in all documents, aliases expanded. Few bytes of text can hold many values, and each costs memory.
const MOST_VALUES: usize = 200_000;

/// Bytes of text in all documents, aliases expanded.
const MOST_BYTES: usize = 8 * super::LARGEST_TEXT;

/// What [`Node`] says to the parser about a key that is not text; it comes back inside of the parser's error.
const KEY_NOT_TEXT: &str = "a key is not text";
/// As above, for a number that JSON cannot hold.
const NOT_FINITE: &str = "a number is not finite";
/// As above, for a key that comes twice.
const DUPLICATE_KEY: &str = "a key comes twice";

/// Reads all documents that are not empty.
pub(super) fn read(text: &str) -> Result<Vec<Document>, ManifestError> {
    let text = text.trim_start_matches('\u{feff}');
    // As kubectl does: what begins as a JSON object and is JSON is read as such. YAML reads most JSON too, but not
    // escaped surrogates. Errors are the YAML reader's, since `{` also begins YAML's flow style.
    if text.trim_start().starts_with('{')
        && let Ok(documents) = read_json(text)
    {
        return Ok(documents);
    }
    read_yaml(text)
}

fn read_json(text: &str) -> Result<Vec<Document>, serde_json::Error> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Node>()
        .map(|node| node.map(|Node(value)| Document { value, line: None }))
        .collect()
}

fn read_yaml(text: &str) -> Result<Vec<Document>, ManifestError> {
    let mut documents = Vec::new();
    let mut size = Size::default();
    let mut bytes = text.as_bytes();
    for read in serde_saphyr::read_with_options::<_, Spanned<Node>>(&mut bytes, options()) {
        let position = |line: u64| Position {
            document: documents.len() + 1,
            item: None,
            line: (line > 0).then_some(line),
        };
        let (line, node) = match read {
            Ok(spanned) => (spanned.referenced.line(), spanned.value),
            Err(error) => {
                let line = error.location().map_or(0, |location| location.line());
                return Err(ManifestError::Unreadable { at: position(line), reason: reason(&error) });
            }
        };
        size.add(&node.0);
        if size.values > MOST_VALUES || size.bytes > MOST_BYTES {
            return Err(ManifestError::Unreadable { at: position(line), reason: Unreadable::TooComplex });
        }
        documents.push(Document { value: node.0, line: (line > 0).then_some(line) });
    }
    Ok(documents)
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_nodes: MOST_VALUES,
            max_aliases: MOST_ALIASES,
            max_recorded_anchor_bytes: ANCHORED_BYTES,
            // A comment is no part of the object, however long the block of comments is.
            max_buffered_comment_events: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_VALUES,
            max_replay_stack_depth: 32,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        emit_comments: false,
        // YAML 1.1, as kubectl reads it.
        legacy_octal_numbers: true,
        strict_booleans: false,
        reject_unsupported_tags: true,
        // Errors with snippets would carry the text.
        with_snippet: false,
    }
}

/// The reason of an error, without the parts of the text that the parser's own messages repeat.
fn reason(error: &Error) -> Unreadable {
    match error.without_snippet() {
        Error::AliasError { error, .. } => reason(error),
        Error::Message { msg, .. } if msg.contains(KEY_NOT_TEXT) => Unreadable::KeyNotText,
        Error::Message { msg, .. } if msg.contains(NOT_FINITE) => Unreadable::NotFinite,
        Error::Message { msg, .. } if msg.contains(DUPLICATE_KEY) => Unreadable::DuplicateKey,
        Error::NonFiniteFloat { .. } => Unreadable::NotFinite,
        Error::DuplicateMappingKey { .. } => Unreadable::DuplicateKey,
        Error::Eof { .. } => Unreadable::End,
        Error::UnknownAnchor { .. } => Unreadable::UnknownAnchor,
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => Unreadable::Aliases,
        Error::Budget { breach, .. } => budget_reason(breach),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => Unreadable::Merge,
        Error::InvalidBinaryBase64 { .. }
        | Error::BinaryNotUtf8 { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnsupportedTag { .. }
        | Error::InvalidScalar { .. } => Unreadable::Tag,
        Error::ExternalMessage { .. }
        | Error::Unexpected { .. }
        | Error::FoldedBlockScalarMustIndentContent { .. }
        | Error::ContainerEndMismatch { .. } => Unreadable::Syntax,
        _ => Unreadable::Other,
    }
}

fn budget_reason(breach: &serde_saphyr::budget::BudgetBreach) -> Unreadable {
    use serde_saphyr::budget::BudgetBreach::{
        AliasAnchorRatio, Aliases, Anchors, RecordedAnchorBytes, RecordedAnchorEvents,
    };
    match breach {
        Aliases { .. }
        | Anchors { .. }
        | RecordedAnchorBytes { .. }
        | RecordedAnchorEvents { .. }
        | AliasAnchorRatio { .. } => Unreadable::Aliases,
        _ => Unreadable::TooComplex,
    }
}

#[derive(Default)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    fn add(&mut self, value: &Value) {
        self.values += 1;
        match value {
            Value::String(text) => self.bytes += text.len(),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.bytes += name.len();
                    self.add(field);
                }
            }
            _ => {}
        }
    }
}

/// A JSON value that is read strictly: keys are text and come once, numbers are finite.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor).map(Self)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom(NOT_FINITE))?;
        Ok(Value::Number(whole(&number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Node(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(Key(name)) = entries.next_key()? {
            let Node(value) = entries.next_value()?;
            if fields.insert(name, value).is_some() {
                return Err(de::Error::custom(DUPLICATE_KEY));
            }
        }
        Ok(Value::Object(fields))
    }
}

/// A key that is text as written, not something that only looks so once it is printed.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node(Value::String(name)) => Ok(Self(name)),
            _ => Err(de::Error::custom(KEY_NOT_TEXT)),
        }
    }
}
