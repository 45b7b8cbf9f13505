//! The end of a workload that was taken over: blue is made anew, in the colour's own name.

use json_patch::Patch;
use serde_json::Value;

use super::Adopted;
use crate::object::{GroupKind, ObjectKey};
use crate::release::color::Color;
use crate::release::identity::{ADOPTED_ANNOTATION, POD_TEMPLATE_HASH, colored};
use crate::release::traffic::ops::Ops;
use crate::release::traffic::{Lead, Refused};

/// What is to be done with a workload that was taken over when blue is made anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Retirement {
    /// The patch of the stable Service: from then on blue is the colour's own.
    pub service: Patch,
    /// What is to be deleted. It has no pods any more.
    pub delete: Vec<ObjectKey>,
}

/// What is to be done before blue is made anew; `None` if nothing was taken over.
///
/// # Errors
/// [`Refused`] while the Service still leads to what was taken over.
pub fn retire(lead: &Lead, service: &Value) -> Result<Option<Retirement>, Refused> {
    let Some(adopted) = Adopted::of(service) else { return Ok(None) };
    if service.pointer("/spec/selector").and_then(|it| it.get(POD_TEMPLATE_HASH)).is_some() {
        return Err(Refused::Unsupported(format!(
            "Service `{}` still leads to Deployment `{}`, which was taken over",
            lead.service, adopted.deployment
        )));
    }
    let mut ops = Ops::default();
    ops.metadata(service, "annotations", [(ADOPTED_ANNOTATION, None)]);
    let key = |group: &str, kind: &str, name: String| ObjectKey {
        kind: GroupKind { group: group.to_owned(), kind: kind.to_owned() },
        namespace: Some(lead.release.namespace.clone()),
        name,
    };
    let autoscaler = adopted.autoscaler.map(|name| key("autoscaling", "HorizontalPodAutoscaler", name));
    let budget = adopted.budget.map(|name| key("policy", "PodDisruptionBudget", name));
    let deployment = key("apps", "Deployment", adopted.deployment);
    Ok(Some(Retirement {
        service: ops.tied_to(service, &[])?,
        delete: autoscaler.into_iter().chain(budget).chain([deployment]).collect(),
    }))
}

/// The name of blue's or green's Deployment on a cluster: that of the one that was taken over, as long as it is blue.
#[must_use]
pub fn deployment_name(main: &str, color: Color, adopted: Option<&Adopted>) -> String {
    match adopted.filter(|_| color == Color::Blue) {
        Some(adopted) => adopted.deployment.clone(),
        None => colored(main, color),
    }
}
