//! Events as JSON lines.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// The host's line buffer, less the line feed.
const LINE_LIMIT: usize = 64 * 1024 - 1;

/// What is left of a text in a line that would be too long, in bytes of UTF-8. Escaping makes a byte into six at
/// most, so that the message and a level, module and time fit for certain.
const SHORTENED: usize = 8 * 1024;

/// The host refuses the whole line unless there are exactly six digits behind the point.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// Writes every event as one line of JSON, with the fields of the spans it happened in; inner ones win.
pub struct HostLayer<W> {
    module: String,
    writer: Mutex<W>,
}

impl<W: Write> HostLayer<W> {
    /// Files the lines under `module` and writes them to `writer`, each in one call.
    pub fn new(module: impl Into<String>, writer: W) -> Self {
        Self { module: module.into(), writer: Mutex::new(writer) }
    }
}

impl<W> fmt::Debug for HostLayer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostLayer").field("module", &self.module).finish_non_exhaustive()
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S, W> Layer<S> for HostLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(SpanFields(fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(known) = span.extensions().get::<SpanFields>() {
                fields.0.extend(known.0.clone());
            }
        }
        event.record(&mut fields);
        let line = line(*event.metadata().level(), &self.module, Timestamp::now(), fields.0);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nowhere left to report to if stderr is closed.
        let _ = writer.write_all(&line);
    }
}

/// One line with its line feed.
fn line(level: Level, module: &str, time: Timestamp, mut fields: Map<String, Value>) -> Vec<u8> {
    // The host panics if the message is not a string.
    let message = match fields.remove("message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    fields.insert("@level".to_owned(), Value::from(level.as_str().to_ascii_lowercase()));
    fields.insert("@message".to_owned(), Value::from(message));
    fields.insert("@module".to_owned(), Value::from(module));
    fields.insert("@timestamp".to_owned(), Value::from(time.strftime(TIME_FORMAT).to_string()));
    let mut line = Value::Object(fields).to_string();
    if line.len() > LINE_LIMIT {
        line = shortened(line.as_str());
    }
    line.push('\n');
    line.into_bytes()
}

/// The same line with long texts cut, and if that is not enough, without its fields.
fn shortened(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else { return String::new() };
    for value in fields.values_mut() {
        if let Value::String(text) = value
            && text.len() > SHORTENED
        {
            text.truncate(text.floor_char_boundary(SHORTENED));
            text.push_str("… (shortened)");
        }
    }
    let with_fields = Value::Object(fields.clone()).to_string();
    if with_fields.len() <= LINE_LIMIT {
        return with_fields;
    }
    fields.retain(|name, _| name.starts_with('@'));
    Value::Object(fields).to_string()
}

/// Collects fields as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinity.
        if value.is_finite() {
            self.put(field, value);
        } else {
            self.put(field, value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, super::chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Written {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(line.to_vec());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `events` writes.
    fn lines(events: impl FnOnce()) -> Vec<String> {
        let written = Written::default();
        let layer = HostLayer::new("provider.test", written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        let lines = written.0.lock().unwrap().clone();
        lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    fn parse(line: &str) -> Map<String, Value> {
        assert!(line.ends_with('\n') && !line.trim_end().contains('\n'), "not one line: {line:?}");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_line_has_what_the_host_looks_for() {
        let time = Timestamp::new(1_700_000_000, 120_000_000).unwrap();
        let fields = Map::from_iter([
            ("message".to_owned(), Value::from("two\nlines \"quoted\"")),
            ("member".to_owned(), Value::from("eu")),
        ]);
        let line = String::from_utf8(line(Level::WARN, "provider.test", time, fields)).unwrap();
        let expected = serde_json::json!({
            "@level": "warn",
            "@message": "two\nlines \"quoted\"",
            "@module": "provider.test",
            "@timestamp": "2023-11-14T22:13:20.120000Z",
            "member": "eu",
        });
        assert_eq!(Value::Object(parse(&line)), expected);
    }

    #[test]
    fn each_event_is_one_write_with_the_fields_of_its_spans() {
        let lines = lines(|| {
            let outer =
                tracing::info_span!("rpc", tf_rpc = "ReadResource", step = 1, late = tracing::field::Empty);
            outer.record("late", true);
            let _outer = outer.entered();
            let _inner = tracing::info_span!("step", step = 2).entered();
            let error = Outer(io::Error::other("inner"));
            tracing::error!(error = &error as &dyn Error, ratio = 0.5, lost = f64::NAN, "no {}", "luck");
            tracing::trace!(count = 3_u64);
        });
        assert_eq!(lines.len(), 2);
        let first = parse(&lines[0]);
        assert_eq!(first["@level"], "error");
        assert_eq!(first["@message"], "no luck");
        assert_eq!(first["tf_rpc"], "ReadResource");
        assert_eq!(first["step"], 2);
        assert_eq!(first["late"], true);
        assert_eq!(first["ratio"], 0.5);
        assert_eq!(first["lost"], "NaN");
        assert_eq!(first["error"], "outer: inner");
        let second = parse(&lines[1]);
        assert_eq!(second["@level"], "trace");
        assert_eq!(second["@message"], "");
        assert_eq!(second["count"], 3);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[rstest::rstest]
    #[case::a_long_field(&"x".repeat(100_000), "short", true)]
    #[case::a_long_message("short", &"ä\u{1}".repeat(50_000), true)]
    #[case::many_long_fields(&"\u{1}".repeat(100_000), &"\u{1}".repeat(100_000), false)]
    fn a_line_fits_the_host_s_buffer(#[case] field: &str, #[case] message: &str, #[case] field_kept: bool) {
        let lines = lines(|| tracing::info!(field, "{message}"));
        assert!(lines[0].len() <= 64 * 1024, "{}", lines[0].len());
        let line = parse(&lines[0]);
        assert_eq!(line.contains_key("field"), field_kept);
        let kept = line["@message"].as_str().unwrap();
        assert!(message.starts_with(kept.trim_end_matches("… (shortened)")));
        assert!(!kept.is_empty());
    }
}
