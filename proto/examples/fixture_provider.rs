//! A provider whose objects are files, for holding the protocol against real hosts.
//!
//! A `fixture_note` is the file `directory/name.json`. Whoever edits or removes the file makes drift. A note can be
//! slow (`create_seconds`, `update_seconds`), crash (`panic_on`), and be interrupted: then it is kept with
//! `complete = false`, and the next apply finishes it. It can be slow in that, too (`stop_seconds`). In states of
//! schema version 0, `text` was called `body`.

use std::path::{Path as FilePath, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tfplugin::provider::{ClientInfo, Context, DataSource, Provider};
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::rpc::Service;
use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Diagnostics, Node, Value, duration, serve, timeouts, validators};

/// How long a creation may take where `timeouts` says nothing.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

fn main() -> ExitCode {
    serve::run("provider.fixture", |operations| Service::new(Arc::new(Fixture::default()), operations))
}

/// The provider block, as it was last configured.
#[derive(Clone, Default)]
struct Settings {
    /// None while it is not known.
    endpoint: Option<String>,
    delay: Duration,
}

#[derive(Clone, Default)]
struct Fixture {
    settings: Arc<Mutex<Settings>>,
}

impl Fixture {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The endpoint, after the configured delay. An error if it is unknown.
    async fn connect(&self, context: &Context, diagnostics: &mut Diagnostics) -> Option<String> {
        let Settings { endpoint, delay } = self.settings().clone();
        wait(context, delay).await;
        if endpoint.is_none() {
            diagnostics
                .error("The endpoint is unknown", "It is known only after something else was applied.");
        }
        endpoint
    }
}

#[async_trait]
impl Provider for Fixture {
    fn schema(&self) -> Schema {
        Schema::new("Files as objects, for tests.")
            .attribute("endpoint", Attribute::string("Where notes are written to.").default_value("here"))
            .attribute(
                "delay",
                Attribute::string("Time that every operation takes.").validate(validators::duration()),
            )
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Note(self.clone()))]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(NoteLookup(self.clone()))]
    }

    async fn configure(
        &self,
        _context: &Context,
        config: &Value,
        _client: &ClientInfo,
        _diagnostics: &mut Diagnostics,
    ) {
        let config = Node::root(config);
        let delay = config.attribute("delay").str().and_then(|text| duration::parse(text).ok());
        let endpoint = config.attribute("endpoint").str().map(str::to_owned);
        *self.settings() = Settings { endpoint, delay: delay.unwrap_or_default() };
    }
}

struct Note(Fixture);

fn note_schema() -> Schema {
    let part = [
        ("text", Attribute::string("What.").required().validate(validators::non_empty())),
        ("size", Attribute::number("How much.").default_value(1).validate(validators::range(0..=100))),
        ("labels", Attribute::of(tfplugin::Type::map(tfplugin::Type::String), "Labels.")),
        ("uid", Attribute::string("Made once.").computed().keep_state()),
    ];
    let moments = ["plan", "create", "update", "delete", "read"];
    let seconds = |description: &str| Attribute::number(description).validate(validators::range(0..=3600));
    Schema { version: 1, ..Schema::new("A file.") }
        .attribute("directory", Attribute::string("Where the file is.").required().requires_replace())
        .attribute(
            "name",
            Attribute::string("Its name.").required().requires_replace().validate(validators::dns_label()),
        )
        .attribute("kind", Attribute::string("What it is.").default_value("plain").requires_replace())
        .attribute("text", Attribute::string("Text of any size."))
        .attribute("weight", Attribute::number("Any number, kept exactly."))
        .attribute("tags", Attribute::of(tfplugin::Type::set(tfplugin::Type::String), "Words in no order."))
        .attribute("parts", Attribute::nested(Nesting::Map, "Parts by key.", part))
        .attribute("password", Attribute::string("Hidden, but stored.").sensitive())
        .attribute("secret_wo", Attribute::string("Never stored.").write_only())
        .attribute("secret_wo_version", Attribute::number("Raise it to write the secret again."))
        .attribute("secret_bytes", Attribute::number("Length of the secret that was written.").computed())
        .attribute("create_seconds", seconds("How long creation takes."))
        .attribute("update_seconds", seconds("How long an update takes."))
        .attribute("stop_seconds", seconds("How long it takes to stop when interrupted."))
        .attribute("panic_on", Attribute::string("When to crash.").validate(validators::one_of(&moments)))
        .attribute("timeouts", timeouts::attribute(&[("create", "30m")]))
        .attribute("id", Attribute::string("The file without `.json`.").computed().keep_state())
        .attribute("stamp", Attribute::string("Changes with every write.").computed())
        .attribute("written_to", Attribute::string("The provider's endpoint.").computed())
        .attribute("complete", Attribute::bool("Whether the last write came to its end.").computed())
}

#[async_trait]
impl Resource for Note {
    fn name(&self) -> &'static str {
        "fixture_note"
    }

    fn schema(&self) -> Schema {
        note_schema()
    }

    async fn plan(&self, _context: &Context, request: PlanRequest<'_>, response: &mut PlanResponse) {
        crash(&response.planned, "plan");
        // What was interrupted is finished by the next apply, also where the configuration has not changed.
        if !response.planned.is_null() && request.prior.get("complete") == Some(&Value::Bool(false)) {
            response.planned.set("complete", Value::Unknown);
            response.planned.set("stamp", Value::Unknown);
        }
        if self.0.settings().endpoint.is_none() {
            response
                .diagnostics
                .warning("The endpoint is unknown", "What is written where is known after apply.");
        }
    }

    async fn create(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        let Some(endpoint) = self.0.connect(context, &mut response.diagnostics).await else { return };
        let Some(file) = file_of(request.planned) else { return };
        if tokio::fs::try_exists(&file).await.unwrap_or(false) {
            response.diagnostics.error("The note exists", "Import it instead.");
            return;
        }
        finish(context, request, &file, written(request, 1, &endpoint), Moment::Create, response).await;
    }

    async fn update(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        let Some(endpoint) = self.0.connect(context, &mut response.diagnostics).await else { return };
        let Some(file) = file_of(request.planned) else { return };
        let state = written(request, revision(request.prior) + 1, &endpoint);
        finish(context, request, &file, state, Moment::Update, response).await;
    }

    async fn delete(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        if self.0.connect(context, &mut response.diagnostics).await.is_none() {
            return;
        }
        let Some(file) = file_of(request.prior) else { return };
        crash(request.prior, "delete");
        match tokio::fs::remove_file(&file).await {
            Ok(()) => tracing::info!(file = %file.display(), "note removed"),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                response.diagnostics.error("The note cannot be removed", error.to_string());
            }
            _ => {}
        }
    }

    async fn read(&self, context: &Context, response: &mut StateResponse) {
        crash(&response.state, "read");
        if self.0.settings().endpoint.is_none() {
            response.diagnostics.warning("The endpoint is unknown", "The last known values are kept.");
            return;
        }
        let mut unheard = Diagnostics::new();
        let _ = self.0.connect(context, &mut unheard).await;
        let Some(file) = file_of(&response.state) else { return };
        match stored(&file).await {
            Ok(state) => response.state = state,
            Err(why) => response.diagnostics.error("The note cannot be read", why),
        }
    }

    async fn import(&self, _context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        match stored(&PathBuf::from(format!("{id}.json"))).await {
            Ok(state) => Some(Imported { state, private: Vec::new() }),
            Err(why) => {
                diagnostics.error("The note cannot be read", why);
                None
            }
        }
    }

    fn upgrade(&self, _version: i64, mut state: serde_json::Value) -> Result<serde_json::Value, String> {
        let attributes = state.as_object_mut().ok_or("it is not an object")?;
        let text = attributes.remove("body").ok_or("it has no `body`")?;
        attributes.insert("text".to_owned(), text);
        Ok(state)
    }
}

/// What takes time.
#[derive(Clone, Copy)]
enum Moment {
    Create,
    Update,
}

impl Moment {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }

    /// How long it is to take, and how long it may.
    fn lengths(self, planned: &Node<'_>) -> (Duration, Duration) {
        match self {
            Self::Create => {
                let limit = timeouts::get(&planned.attribute("timeouts"), "create");
                (seconds(planned, "create_seconds"), limit.unwrap_or(CREATE_TIMEOUT))
            }
            Self::Update => (seconds(planned, "update_seconds"), Duration::MAX),
        }
    }
}

/// Writes a note as begun, lets the time pass that it is to take, and writes it as complete.
async fn finish(
    context: &Context,
    request: ApplyRequest<'_>,
    file: &FilePath,
    mut state: Value,
    moment: Moment,
    response: &mut StateResponse,
) {
    state.set("complete", false.into());
    write(file, &state, response).await;
    crash(request.planned, moment.name());

    let planned = Node::root(request.planned);
    let (length, limit) = moment.lengths(&planned);
    if !wait(context, length.min(limit)).await {
        tokio::time::sleep(seconds(&planned, "stop_seconds")).await;
        let summary = format!("The {} was interrupted", moment.name());
        response.diagnostics.warning(summary, "The next apply finishes it.");
    } else if length > limit {
        let summary = format!("The {} took too long", moment.name());
        let limit = duration::format(limit);
        response.diagnostics.error(summary, format!("It was not done after {limit}."));
    } else {
        state.set("complete", true.into());
        write(file, &state, response).await;
    }
}

fn seconds(note: &Node<'_>, name: &str) -> Duration {
    Duration::from_secs(note.attribute(name).i64().unwrap_or_default().unsigned_abs())
}

struct NoteLookup(Fixture);

#[async_trait]
impl DataSource for NoteLookup {
    fn name(&self) -> &'static str {
        "fixture_note"
    }

    fn schema(&self) -> Schema {
        Schema::new("Reads a note.")
            .attribute("directory", Attribute::string("Where the file is.").required())
            .attribute("name", Attribute::string("Its name.").required())
            .attribute("text", Attribute::string("What it says.").computed())
            .attribute("weight", Attribute::number("How heavy it is.").computed())
            .attribute("endpoint", Attribute::string("Where it was read.").computed())
    }

    async fn read(
        &self,
        context: &Context,
        config: &Value,
        state: &mut Value,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(endpoint) = self.0.connect(context, diagnostics).await else { return };
        let Some(file) = file_of(config) else { return };
        match stored(&file).await {
            Ok(note) if !note.is_null() => {
                for name in ["text", "weight"] {
                    state.set(name, note.get(name).cloned().unwrap_or(Value::Null));
                }
                state.set("endpoint", endpoint.into());
            }
            Ok(_) => {
                diagnostics.error("There is no such note", format!("{} does not exist.", file.display()));
            }
            Err(why) => diagnostics.error("The note cannot be read", why),
        }
    }
}

fn crash(note: &Value, moment: &str) {
    let wanted = Node::root(note).attribute("panic_on").str() == Some(moment);
    assert!(!wanted, "asked to crash in {moment}");
}

/// Waits, and says whether it was not interrupted.
async fn wait(context: &Context, length: Duration) -> bool {
    tokio::select! {
        biased;
        () = context.cancelled.cancelled() => false,
        () = tokio::time::sleep(length) => true,
    }
}

fn file_of(note: &Value) -> Option<PathBuf> {
    let note = Node::root(note);
    let (directory, name) = (note.attribute("directory").str()?, note.attribute("name").str()?);
    Some(FilePath::new(directory).join(format!("{name}.json")))
}

/// The number in a stamp; notes that were never written have none.
fn revision(note: &Value) -> u64 {
    let note = Node::root(note);
    note.attribute("stamp").str().and_then(|stamp| stamp.strip_prefix('r')?.parse().ok()).unwrap_or(0)
}

/// The planned note with what is computed. A note keeps the parts' uids that it had.
fn written(request: ApplyRequest<'_>, revision: u64, endpoint: &str) -> Value {
    let mut note = request.planned.clone();
    let id = file_of(&note).map(|file| file.with_extension("").display().to_string());
    note.set("id", id.map_or(Value::Null, Value::String));
    note.set("stamp", format!("r{revision}").into());
    note.set("written_to", endpoint.into());
    note.set("complete", true.into());
    let secret = Node::root(request.config).attribute("secret_wo").str();
    let bytes = secret.and_then(|secret| i64::try_from(secret.len()).ok()).unwrap_or(0);
    note.set("secret_bytes", bytes.into());
    if let Some(Value::Map(parts)) = note.get("parts").cloned() {
        let with_uid = |(key, mut part): (String, Value)| {
            if part.get("uid").is_none_or(Value::is_unknown) {
                part.set("uid", format!("{key}-r{revision}").into());
            }
            (key, part)
        };
        note.set("parts", Value::map(parts.into_iter().map(with_uid)));
    }
    note
}

/// Writes the file and records it in the response; if that fails, the response says so and stays as it was.
async fn write(file: &FilePath, note: &Value, response: &mut StateResponse) {
    let directory = file.parent().unwrap_or(file);
    let done = async {
        tokio::fs::create_dir_all(directory).await?;
        tokio::fs::write(file, json(note)).await
    };
    match done.await {
        Ok(()) => {
            tracing::info!(file = %file.display(), "note written");
            response.state = note.clone();
        }
        Err(error) => response.diagnostics.error("The note cannot be written", error.to_string()),
    }
}

/// The note in a file; null if there is no file.
async fn stored(file: &FilePath) -> Result<Value, String> {
    match tokio::fs::read(file).await {
        Ok(bytes) => Value::from_json(&note_schema().value_type(), &bytes).map_err(|error| error.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(error.to_string()),
    }
}

/// A known value as JSON, numbers digit for digit.
fn json(value: &Value) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Value::Null | Value::Unknown | Value::Dynamic(_) => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::List(values) => format!("[{}]", values.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Map(values) => {
            let entry = |(name, value): (&String, &Value)| format!("{}:{}", quoted(name), json(value));
            format!("{{{}}}", values.iter().map(entry).collect::<Vec<_>>().join(","))
        }
    }
}
