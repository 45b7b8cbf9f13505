//! What a plan warns of: advice, once, and what is wrong now, always.

use tfplugin::{Diagnostics, Node, Path, Value};

use super::super::GeoDns;
use super::super::model::Model;
use super::super::state;
use super::super::zone::View;
use crate::validators::sentence;

/// Gives advice, if there is any that is new.
pub(super) fn of_news(prior: &Value, model: &Model, diagnostics: &mut Diagnostics) {
    if is_news(prior, model) {
        model.warn(diagnostics);
    }
}

/// Whether there is something to know that was not said when the name was last changed: it is new, or others answer, or
/// something else is worth knowing of it.
fn is_news(prior: &Value, model: &Model) -> bool {
    let before = Some(prior).filter(|prior| !prior.is_null()).and_then(state::quiet_model);
    before.is_none_or(|before| {
        before.tree != model.tree || before.findings != model.findings || before.nearest != model.nearest
    })
}

/// A zone that the world does not find answers nobody, whatever stands in it.
pub(super) async fn of_delegation(shared: &GeoDns, view: &View, diagnostics: &mut Diagnostics) {
    if let Some(warning) = shared.route53.check_delegation(&view.zone, &view.name_servers).await {
        let detail = format!(
            "{} If that is as it should be, set `delegation_check = false` in `route53` of the provider block.",
            sentence(&warning)
        );
        diagnostics.warning_at(
            Path::root().attribute("zone_id"),
            "The zone is not found by everybody",
            detail,
        );
    }
}

/// Terraform destroys a cluster that leaves before it updates a name that was served by it.
pub(super) fn of_departures(prior: &Value, model: &Model, diagnostics: &mut Diagnostics) {
    let before = Node::root(prior).attribute("endpoints");
    let gone: Vec<String> = before
        .entries()
        .iter()
        .filter(|(_, node)| ["service", "ingress", "gateway"].iter().any(|it| !node.attribute(it).is_null()))
        // Nobody is sent to one that was drained before.
        .filter(|(_, node)| node.attribute("state").str() != Some("drained"))
        .filter(|(name, _)| !model.intent.endpoints.keys().any(|it| it.as_str() == *name))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !gone.is_empty() {
        let detail = format!(
            "If the cluster of {} is destroyed in the same apply, Terraform destroys it before it changes this name: clients \
             would be sent to what is gone. Set `state = \"drained\"` and apply that first, or let a `multicluster_drain` stand \
             beside the cluster, or set `create_before_destroy` on it.",
            gone.join(", ")
        );
        diagnostics.warning_at(Path::root().attribute("endpoints"), "Endpoints leave", detail);
    }
}
