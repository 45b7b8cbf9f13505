//! A provider whose objects live in memory and misbehave as their `behaviour` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tfplugin::function::{Function, FunctionError, Parameter, Signature};
use tfplugin::provider::{ClientInfo, Context, DataSource, Provider};
use tfplugin::resource::{ApplyRequest, Imported, PlanRequest, PlanResponse, Resource, StateResponse};
use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Diagnostics, Node, Number, Path, Type, Value, validators};

/// What the provider was configured with, and what exists.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) configured: Mutex<Option<(Value, String)>>,
    pub(crate) notes: Mutex<BTreeMap<String, Value>>,
    /// The write-only value that the last apply saw.
    pub(crate) secret: Mutex<Option<String>>,
}

/// Crashes are part of the game, so a poisoned lock is nothing special.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Memory {
    pub(crate) world: Arc<World>,
}

#[async_trait::async_trait]
impl Provider for Memory {
    fn schema(&self) -> Schema {
        Schema::new("Memory.")
            .attribute("endpoint", Attribute::string("Where."))
            .attribute("retries", Attribute::number("How often.").default_value(2))
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Note { world: Arc::clone(&self.world) })]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Lookup { world: Arc::clone(&self.world) })]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Join)]
    }

    async fn validate(&self, config: Node<'_>, diagnostics: &mut Diagnostics) {
        let endpoint = config.attribute("endpoint");
        if endpoint.str() == Some("nowhere") {
            diagnostics.error_at(endpoint.path(), "Nowhere", "It must be somewhere.");
        }
    }

    async fn configure(
        &self,
        _context: &Context,
        config: &Value,
        client: &ClientInfo,
        _diagnostics: &mut Diagnostics,
    ) {
        *lock(&self.world.configured) = Some((config.clone(), client.terraform_version.clone()));
    }
}

pub(crate) struct Note {
    world: Arc<World>,
}

pub(crate) fn note_schema() -> Schema {
    let part = [
        ("text", Attribute::string("What.").required().validate(validators::non_empty())),
        ("weight", Attribute::number("How much.").default_value(1)),
        ("token_wo", Attribute::string("Never stored.").write_only()),
    ];
    let mut schema = Schema::new("A note.")
        .attribute("name", Attribute::string("Its name.").required().requires_replace())
        .attribute("text", Attribute::string("What it says.").validate(validators::one_of(&["a", "b", "c"])))
        .attribute("weight", Attribute::number("How heavy."))
        .attribute(
            "words",
            Attribute::of(Type::set(Type::String), "Words.")
                .validate(validators::each(validators::dns_label())),
        )
        .attribute("parts", Attribute::nested(Nesting::Map, "By key.", part))
        .attribute("secret_wo", Attribute::string("Never stored.").write_only())
        .attribute("behaviour", Attribute::string("How it misbehaves."))
        .attribute("id", Attribute::string("Stays.").computed().keep_state())
        .attribute("stamp", Attribute::string("Changes.").computed());
    schema.version = 2;
    schema
}

impl Note {
    /// What create and update do alike.
    async fn write(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        let config = Node::root(request.config);
        *lock(&self.world.secret) = config.attribute("secret_wo").str().map(str::to_owned);
        let mut state = request.planned.clone();
        let name = Node::root(&state).attribute("name").str().unwrap_or_default().to_owned();
        match Node::root(request.planned).attribute("behaviour").str() {
            Some("forget everything") => return,
            Some("panic early") => panic!("before anything was done"),
            Some("panic late") => {
                state.set("id", name.as_str().into());
                state.set("stamp", "half done".into());
                response.state = state;
                response.private = b"half done".to_vec();
                tokio::task::yield_now().await;
                panic!("after something was done");
            }
            Some("fail") => {
                state.set("id", name.as_str().into());
                response.state = state;
                response.diagnostics.error("It failed", "On purpose.");
                return;
            }
            Some("leave unknown") => {
                state.set("id", name.as_str().into());
                response.state = state;
                return;
            }
            Some("wait") => {
                state.set("id", name.as_str().into());
                context.cancelled.cancelled().await;
                response.state = state;
                response.diagnostics.warning("Interrupted", "The rest is for the next apply.");
                return;
            }
            Some("warn") => tracing::warn!("something is odd"),
            Some("echo") => state.set("secret_wo", "s3cret".into()),
            Some("contradict") => state.set("text", "something else".into()),
            Some("wrong types") => {
                state.set("weight", "heavy".into());
                state.set("colour", "red".into());
            }
            _ => {}
        }
        state.set("id", name.as_str().into());
        state.set("stamp", "done".into());
        lock(&self.world.notes).insert(name, state.clone());
        response.state = state;
        response.private = b"written".to_vec();
    }
}

#[async_trait::async_trait]
impl Resource for Note {
    fn name(&self) -> &'static str {
        "memory_note"
    }

    fn schema(&self) -> Schema {
        note_schema()
    }

    async fn validate(&self, config: Node<'_>, diagnostics: &mut Diagnostics) {
        match config.attribute("behaviour").str() {
            Some("refuse") => diagnostics.error("Refused", "On purpose."),
            Some("panic in validate") => panic!("while validating"),
            _ => {}
        }
    }

    async fn plan(&self, _context: &Context, request: PlanRequest<'_>, response: &mut PlanResponse) {
        let behaviour =
            Node::root(&response.planned).attribute("behaviour").str().unwrap_or_default().to_owned();
        match behaviour.as_str() {
            "panic in plan" => panic!("while planning"),
            "overrule" => response.planned.set("text", "c".into()),
            "replace" => response.requires_replace.push(Path::root().attribute("text")),
            "echo in plan" => response.planned.set("secret_wo", "s3cret".into()),
            "know" => response.planned.set("stamp", "known".into()),
            _ => {}
        }
        if response.planned.is_null() {
            // A removal stays one whatever is said here.
            response.planned = request.prior.clone();
            response.diagnostics.warning("Going", "It will be gone.");
        }
        response.private.extend_from_slice(b"+plan");
    }

    async fn create(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        assert!(response.state.is_null());
        self.write(context, request, response).await;
    }

    async fn update(&self, context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        assert!(response.state == *request.prior);
        self.write(context, request, response).await;
    }

    async fn delete(&self, _context: &Context, request: ApplyRequest<'_>, response: &mut StateResponse) {
        assert!(response.state == *request.prior);
        let prior = Node::root(request.prior);
        match prior.attribute("behaviour").str() {
            Some("cannot go") => response.diagnostics.error("It stays", "On purpose."),
            Some("panic in delete") => panic!("while deleting"),
            _ => {
                lock(&self.world.notes).remove(prior.attribute("name").str().unwrap_or_default());
            }
        }
    }

    async fn read(&self, _context: &Context, response: &mut StateResponse) {
        let state = Node::root(&response.state);
        let name = state.attribute("name").str().unwrap_or_default().to_owned();
        let behaviour = state.attribute("behaviour").str().unwrap_or_default().to_owned();
        match behaviour.as_str() {
            "panic in read" => panic!("while reading"),
            "unreachable" => response.diagnostics.warning("Unreachable", "Last known values are kept."),
            "echo in read" => response.state.set("secret_wo", "s3cret".into()),
            _ => response.state = lock(&self.world.notes).get(&name).cloned().unwrap_or(Value::Null),
        }
    }

    async fn import(&self, _context: &Context, id: &str, diagnostics: &mut Diagnostics) -> Option<Imported> {
        match id {
            "panic" => panic!("while importing"),
            "broken" => diagnostics.error("Broken", "On purpose."),
            _ => {}
        }
        let state = lock(&self.world.notes).get(id)?.clone();
        Some(Imported { state, private: b"imported".to_vec() })
    }

    fn upgrade(&self, version: i64, mut state: serde_json::Value) -> Result<serde_json::Value, String> {
        if version < 1 {
            return Err("version 0 was never released.".into());
        }
        if let Some(object) = state.as_object_mut()
            && let Some(title) = object.remove("title")
        {
            object.insert("name".into(), title);
        }
        Ok(state)
    }
}

struct Lookup {
    world: Arc<World>,
}

#[async_trait::async_trait]
impl DataSource for Lookup {
    fn name(&self) -> &'static str {
        "memory_lookup"
    }

    fn schema(&self) -> Schema {
        lookup_schema()
    }

    async fn read(
        &self,
        _context: &Context,
        config: &Value,
        state: &mut Value,
        diagnostics: &mut Diagnostics,
    ) {
        let config = Node::root(config);
        let name = config.attribute("name");
        match (name.str(), lock(&self.world.notes).get(name.str().unwrap_or_default())) {
            (Some("panic"), _) => panic!("while looking up"),
            (_, Some(note)) => state.set("text", note.get("text").cloned().unwrap_or(Value::Null)),
            (_, None) => diagnostics.error_at(name.path(), "Not found", "There is no such note."),
        }
        state.set("share", Value::Number(Number::Decimal("0.1".into())));
    }
}

pub(crate) fn lookup_schema() -> Schema {
    Schema::new("Looks a note up.")
        .attribute("name", Attribute::string("Its name.").required())
        .attribute("mode", Attribute::string("How.").default_value("exact"))
        .attribute("text", Attribute::string("What it says.").computed())
        .attribute("share", Attribute::number("A tenth.").computed())
}

/// Joins words, and misbehaves if the separator says so.
pub(crate) struct Join;

impl Function for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> Signature {
        Signature::new("Joins words.", Type::String)
            .description("Null words are left out.")
            .parameter(Parameter::new("separator", Type::String, "What stands between them."))
            .parameter(Parameter::new("options", join_options(), "How.").allow_null().allow_unknown())
            .variadic(Parameter::new("words", Type::list(Type::String), "The words."))
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let separator = arguments.first().and_then(Value::as_str).unwrap_or_default();
        match separator {
            "panic" => panic!("while joining"),
            "wrong type" => return Ok(Value::List(Vec::new())),
            "refuse" => return Err(FunctionError::argument(0, "That separates nothing.")),
            "refuse all" => return Err(FunctionError::new("Not today.")),
            _ => {}
        }
        let options = &arguments[1];
        if options.is_unknown() {
            return Ok(Value::Unknown);
        }
        let quote = options.get("quote").and_then(Value::as_str).unwrap_or_default();
        let lists = arguments[2..].iter().map(Node::root);
        let words = lists.flat_map(|list| list.elements()).filter_map(|word| word.str().map(str::to_owned));
        let words: Vec<String> = words.map(|word| format!("{quote}{word}{quote}")).collect();
        Ok(words.join(separator).into())
    }
}

pub(crate) fn join_options() -> Type {
    Type::object([("quote", Type::String)])
}
