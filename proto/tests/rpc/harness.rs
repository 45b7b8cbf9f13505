//! What a host does around a request.

use std::sync::Arc;

use tfplugin::operations::Operations;
use tfplugin::rpc::Service;
use tfplugin::wire::tfplugin6 as wire;
use tfplugin::wire::tfplugin6::attribute_path::step::Selector;
use tfplugin::wire::tfplugin6::provider_server::Provider as _;
use tfplugin::{Type, Value};
use tonic::Request;

use crate::memory::{Memory, World, note_schema};

pub(crate) struct Host {
    pub(crate) service: Service,
    pub(crate) world: Arc<World>,
}

/// What an apply or a read answered.
pub(crate) struct Answered {
    pub(crate) state: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) messages: Vec<String>,
}

pub(crate) const WRITE_ONLY: Option<wire::ClientCapabilities> = Some(wire::ClientCapabilities {
    deferral_allowed: false,
    write_only_attributes_allowed: true,
    store_planned_private: false,
    computed_blocks_allowed: false,
});

impl Host {
    pub(crate) fn new() -> Self {
        crate::logs::install();
        let world = Arc::new(World::default());
        let memory = Memory { world: Arc::clone(&world) };
        Self { service: Service::new(Arc::new(memory), Operations::new()), world }
    }

    pub(crate) async fn plan(
        &self,
        prior: &Value,
        config: &Value,
    ) -> (wire::plan_resource_change::Response, Vec<String>) {
        self.plan_with(prior, &proposed(prior, config), config).await
    }

    pub(crate) async fn plan_with(
        &self,
        prior: &Value,
        proposed: &Value,
        config: &Value,
    ) -> (wire::plan_resource_change::Response, Vec<String>) {
        let request = wire::plan_resource_change::Request {
            type_name: "memory_note".into(),
            prior_state: encode(prior),
            proposed_new_state: encode(proposed),
            config: encode(config),
            prior_private: b"prior".to_vec(),
            client_capabilities: WRITE_ONLY,
            ..Default::default()
        };
        let response = self.service.plan_resource_change(Request::new(request)).await;
        let response = response.expect("an answer").into_inner();
        let messages = messages(&response.diagnostics);
        (response, messages)
    }

    pub(crate) async fn apply(&self, prior: &Value, planned: &Value, config: &Value) -> Answered {
        let request = wire::apply_resource_change::Request {
            type_name: "memory_note".into(),
            prior_state: encode(prior),
            planned_state: encode(planned),
            config: encode(config),
            planned_private: b"planned".to_vec(),
            ..Default::default()
        };
        let response = self.service.apply_resource_change(Request::new(request)).await;
        let response = response.expect("an answer").into_inner();
        Answered {
            state: decode(response.new_state.as_ref()),
            private: response.private,
            messages: messages(&response.diagnostics),
        }
    }

    /// Plans and applies a creation.
    pub(crate) async fn create(&self, config: &Value) -> Answered {
        let (plan, found) = self.plan(&Value::Null, config).await;
        assert_eq!(found, Vec::<String>::new(), "the plan is accepted");
        self.apply(&Value::Null, &decode(plan.planned_state.as_ref()), config).await
    }

    pub(crate) async fn read(&self, state: &Value) -> Answered {
        let request = wire::read_resource::Request {
            type_name: "memory_note".into(),
            current_state: encode(state),
            private: b"stored".to_vec(),
            ..Default::default()
        };
        let response = self.service.read_resource(Request::new(request)).await;
        let response = response.expect("an answer").into_inner();
        Answered {
            state: decode(response.new_state.as_ref()),
            private: response.private,
            messages: messages(&response.diagnostics),
        }
    }
}

pub(crate) fn note_type() -> Type {
    note_schema().value_type()
}

/// A note with these attributes, the others null.
pub(crate) fn note<const N: usize>(values: [(&str, Value); N]) -> Value {
    let mut note = Value::blank(&note_type());
    note.set("name", "n".into());
    for (name, value) in values {
        note.set(name, value);
    }
    note
}

/// The host's proposal for a flat object: the configuration, with prior computed values.
fn proposed(prior: &Value, config: &Value) -> Value {
    let mut proposed = config.clone();
    for name in ["id", "stamp"] {
        if let Some(value) = prior.get(name) {
            proposed.set(name, value.clone());
        }
    }
    proposed
}

pub(crate) fn encode(value: &Value) -> Option<wire::DynamicValue> {
    let msgpack = value.to_msgpack(&note_type()).expect("a note");
    Some(wire::DynamicValue { msgpack, json: Vec::new() })
}

pub(crate) fn decode(value: Option<&wire::DynamicValue>) -> Value {
    value.map_or(Value::Null, |value| Value::from_msgpack(&note_type(), &value.msgpack).expect("a note"))
}

/// Diagnostics as one line each: severity, path, summary.
pub(crate) fn messages(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|found| {
            let severity = found.severity().as_str_name();
            let path = found.attribute.as_ref().map(path).unwrap_or_default();
            format!("{severity} [{path}] {}", found.summary)
        })
        .collect()
}

pub(crate) fn path(path: &wire::AttributePath) -> String {
    path.steps
        .iter()
        .map(|step| match step.selector.as_ref().expect("a step") {
            Selector::AttributeName(name) => format!(".{name}"),
            Selector::ElementKeyString(key) => format!("[{key:?}]"),
            Selector::ElementKeyInt(index) => format!("[{index}]"),
        })
        .collect()
}
