//! The planned values of the computed attributes, and what is said about all members together.

use std::collections::BTreeMap;

use multicluster_core::federation::forecast::{Forecast, LEFT_AS_IT_IS};
use multicluster_core::names::ClusterName;
use tfplugin::{Diagnostics, Node, Path, Value};

use super::super::model::Model;
use super::super::preflight;
use super::super::state::{self, PerMember, member_path};

/// The planned values of the computed attributes; `None` is unknown.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) cluster_uids: PerMember<String>,
    pub(super) sync: PerMember<String>,
    pub(super) forecast: PerMember<Forecast>,
}

impl Outcome {
    /// Two names for one cluster would fight over every object.
    pub(super) fn refuse_duplicates(&self, diagnostics: &mut Diagnostics) {
        let mut first: BTreeMap<&str, &ClusterName> = BTreeMap::new();
        for (name, uid) in &self.cluster_uids {
            let Some(uid) = uid else { continue };
            if let Some(other) = first.insert(uid, name) {
                diagnostics.error_at(
                    member_path(name),
                    format!("`{name}` is the same cluster as `{other}`"),
                    format!("Both names lead to the cluster whose namespace kube-system has UID {uid}."),
                );
            }
        }
    }

    /// Writes the computed attributes, unless nothing differs: then the prior ones stay, the last forecast too.
    /// Refuses to delete more than the user allows at once.
    pub(super) fn refuse_mass_deletion(&self, model: &Model, diagnostics: &mut Diagnostics) {
        let Some(most) = model.options.max_deletions else { return };
        let texts = self.forecast.values().flatten().flat_map(BTreeMap::values).flatten();
        let deleted = texts.filter(|text| *text == "delete" || text.starts_with("replace")).count();
        if deleted as u64 > most {
            diagnostics.error_at(
                Path::root().attribute("max_deletions"),
                "Too many deletions",
                format!("The apply would delete {deleted} objects, and at most {most} are allowed at once."),
            );
        }
    }

    /// Names the objects whose drift is only to be shown.
    pub(super) fn warn_of_drift(&self, diagnostics: &mut Diagnostics) {
        for (name, forecast) in &self.forecast {
            let drifted = forecast.iter().flatten().filter_map(|(object, text)| {
                let text = text.as_ref().filter(|text| text.starts_with(LEFT_AS_IT_IS))?;
                Some(format!("{object}: {text}"))
            });
            let drifted: Vec<String> = drifted.collect();
            if !drifted.is_empty() {
                let title = format!("Objects on cluster `{name}` have drifted");
                diagnostics.warning_at(member_path(name), title, format!("{}.", drifted.join(". ")));
            }
        }
    }

    pub(super) fn write(self, prior: &Value, model: &Model, planned: &mut Value) {
        let names = model.spec.members.keys().map(|name| Value::from(name.as_str())).collect();
        planned.set("member_names", Value::List(names));
        planned.set("objects", state::objects(&model.rendered));
        planned.set("services", state::services(&model.rendered));
        planned.set("required_rbac", preflight::required_rbac(model).into());
        planned.set("member_status", planned_status(prior, model));
        planned.set("cluster_uids", state::partial_text_map(self.cluster_uids));
        // A create may be interrupted, and then leaves the state with a warning: what it reached is not known before.
        let sync = if prior.is_null() { Value::Unknown } else { state::partial_text_map(self.sync) };
        planned.set("sync", sync);
        let mut unchanged = planned.clone();
        unchanged.set("forecast", prior.get("forecast").cloned().unwrap_or(Value::Null));
        *planned = if unchanged == *prior {
            unchanged
        } else {
            planned.set("forecast", state::forecasts(self.forecast));
            std::mem::replace(planned, Value::Null)
        };
    }
}

/// What is known of the members stays as it was read; what joins is told after the apply.
fn planned_status(prior: &Value, model: &Model) -> Value {
    let prior = Node::root(prior);
    let known = prior.attribute("member_status");
    let status = |name: &ClusterName| {
        let known = known.entries().into_iter().find(|(known, _)| *known == name.as_str());
        let value = known.map_or(Value::Unknown, |(_, status)| status.value().clone());
        (name.to_string(), value)
    };
    Value::map(model.spec.members.keys().map(status))
}
