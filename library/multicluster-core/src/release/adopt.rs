//! Taking over a plain Deployment with its Service as the blue colour, without a restart or a lost request.
//!
//! ```text
//! pause and mark the Deployment ─▶ narrow Service and budget to its replica set, make the colour's Service ─▶ done
//! ```
//!
//! Invariant: at no time does the Service lead to fewer pods than before. It is narrowed to the hash of the one replica
//! set that has pods, and the Deployment is paused before, since another rollout would make pods of another hash. Nothing
//! is added to the pods: they would be made anew.
//!
//! [`next()`] looks at what is there and says what is to be written next; it can be interrupted anywhere. What was taken
//! over is written on the Service in the same patch that narrows it ([`Adopted`]). The way back is [`orphan`].
//!
//! The Deployment keeps its name for as long as it is blue. When blue is made anew, in the colour's own name, the one that
//! was taken over has no pods any more and goes ([`retire()`]).

mod comparison;
mod look;
pub mod orphan;
mod retire;

use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::comparison::standing_version;
pub use self::retire::{Retirement, deployment_name, retire};
use super::color::Color;
use super::identity::{
    ADOPTED_ANNOTATION, EPOCH_ANNOTATION, POD_TEMPLATE_HASH, RELEASE_LABEL, WEIGHTS_ANNOTATION,
};
use super::journal::{Active, ReleaseId, Version};
use super::render::color_service;
use super::traffic::ops::Ops;
use super::traffic::{Lead, Refused, mark};
use crate::object::{GroupKind, Manifest, ObjectKey, text};

/// What was taken over on one cluster: all that is needed to give it back. It stands on the stable Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// The Deployment.
    pub deployment: String,
    /// The `pod-template-hash` of its pods.
    pub hash: String,
    /// The disruption budget that was narrowed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The autoscaler that scales it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<String>,
}

impl Adopted {
    /// What a stable Service says was taken over; `None` if nothing was, or not any more.
    #[must_use]
    pub fn of(service: &Value) -> Option<Self> {
        let noted = service.pointer("/metadata/annotations")?.get(ADOPTED_ANNOTATION)?.as_str()?;
        serde_json::from_str(noted).ok()
    }

    /// What the journal says about a workload that was taken over, before the first release.
    #[must_use]
    pub fn active(version: Version) -> Active {
        let release = ReleaseId::new(&version, None);
        Active { color: Color::Blue, version, release }
    }
}

/// What is there on one cluster.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The Deployment.
    pub deployment: &'a Value,
    /// The replica sets of the namespace; others' do not matter.
    pub replica_sets: &'a [Value],
    /// The stable Service.
    pub service: &'a Value,
    /// Blue's own Service, if it is there.
    pub color_service: Option<&'a Value>,
    /// The disruption budget that the manifest names, if it is there.
    pub budget: Option<&'a Value>,
    /// The autoscaler of the Deployment, if there is one.
    pub autoscaler: Option<&'a Value>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// This is to be written, in this order; then to look again.
    Write(Vec<Write>),
    /// Everything is as it should be. Blue serves; before anything else is done, its own Service must have as many ready
    /// endpoints as the stable one.
    Done(Adopted),
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A patch of an object that is there.
    Patch {
        /// Which object.
        object: ObjectKey,
        /// It begins with tests.
        patch: Patch,
    },
    /// An object that is to be there, by server-side apply.
    Apply(Manifest),
}

/// Why a workload is not taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdopted {
    /// Another tool rolls it out.
    #[error("Deployment `{deployment}` is controlled by {owner}: take it out of that first")]
    Controlled {
        /// The Deployment.
        deployment: String,
        /// Kind and name.
        owner: String,
    },
    /// It belongs to another release.
    #[error("Deployment `{deployment}` belongs to release `{release}`")]
    OtherRelease {
        /// The Deployment.
        deployment: String,
        /// The release.
        release: String,
    },
    /// It is not at rest.
    #[error(
        "a rollout of Deployment `{deployment}` is under way ({why}): wait until it is through, or undo it"
    )]
    RollingOut {
        /// The Deployment.
        deployment: String,
        /// What shows it.
        why: String,
    },
    /// There is nothing to take over.
    #[error(
        "Deployment `{deployment}` has no pods: scale it up, or delete it and let the release make its own"
    )]
    NoPods {
        /// The Deployment.
        deployment: String,
    },
    /// Its Service leads elsewhere.
    #[error("Service `{service}` does not lead to the pods of Deployment `{deployment}`: {why}")]
    Service {
        /// The stable Service.
        service: String,
        /// The Deployment.
        deployment: String,
        /// What is wrong.
        why: String,
    },
    /// An object cannot be written.
    #[error("{object}: {refused}")]
    Refused {
        /// Which one.
        object: Box<ObjectKey>,
        /// Why.
        refused: Refused,
    },
}

/// What is to be done next to take a workload over. `epoch` is that of the apply that does it.
///
/// # Errors
/// [`NotAdopted`] says what stands in the way, and what to do about it.
pub fn next(lead: &Lead, found: &Found<'_>, epoch: u64) -> Result<Next, NotAdopted> {
    let hash = look::hash_of(lead, found)?;
    look::leads_there(lead, found, &hash)?;
    let namespace = lead.release.namespace.as_str();
    let key = |group: &str, kind: &str, object: &Value| ObjectKey {
        kind: GroupKind { group: group.to_owned(), kind: kind.to_owned() },
        namespace: Some(namespace.to_owned()),
        name: text(object, "/metadata/name").to_owned(),
    };
    let patch =
        |object: ObjectKey, ops: Ops, live: &Value, tested: &[&[&str]]| match ops.tied_to(live, tested) {
            Ok(patch) if patch.0.is_empty() => Ok(None),
            Ok(patch) => Ok(Some(Write::Patch { object, patch })),
            Err(refused) => Err(NotAdopted::Refused { object: Box::new(object), refused }),
        };

    let mut pause = Ops::default();
    labelled(&mut pause, lead, found.deployment);
    pause.set(found.deployment, &["spec", "paused"], true.into());
    let deployment = key("apps", "Deployment", found.deployment);
    if let Some(write) = patch(deployment, pause, found.deployment, &[])? {
        return Ok(Next::Write(vec![write]));
    }

    let mut writes = Vec::new();
    let name = |object: Option<&Value>| object.map(|it| text(it, "/metadata/name").to_owned());
    let adopted = Adopted {
        deployment: text(found.deployment, "/metadata/name").to_owned(),
        hash: hash.clone(),
        budget: name(found.budget),
        autoscaler: name(found.autoscaler),
    };
    let service = key("", "Service", found.service);
    super::traffic::fenced(&lead.release, found.service, epoch)
        .map_err(|refused| NotAdopted::Refused { object: Box::new(service.clone()), refused })?;
    let noted = serde_json::to_string(&adopted).unwrap_or_default();
    let (epoch_mark, weights) =
        (mark(&lead.release, EPOCH_ANNOTATION), mark(&lead.release, WEIGHTS_ANNOTATION));
    let mut narrow = Ops::default();
    narrow.metadata(found.service, "labels", [(RELEASE_LABEL, Some(lead.release.name.to_string()))]);
    narrow.metadata(
        found.service,
        "annotations",
        [
            (ADOPTED_ANNOTATION, Some(noted)),
            (epoch_mark.as_str(), Some(epoch.to_string())),
            (weights.as_str(), Some(format!("{POD_TEMPLATE_HASH}={hash}"))),
        ],
    );
    narrow.set(found.service, &["spec", "selector", POD_TEMPLATE_HASH], hash.as_str().into());
    writes.extend(patch(service, narrow, found.service, &[&["metadata", "annotations", &epoch_mark]])?);
    if let Some(live) = found.budget {
        // Pods with two budgets cannot be evicted at all, so that this one must not be one of the new colour's.
        let mut narrow = Ops::default();
        labelled(&mut narrow, lead, live);
        if live.pointer("/spec/selector/matchLabels").is_none() {
            narrow.set(
                live,
                &["spec", "selector", "matchLabels"],
                serde_json::json!({ POD_TEMPLATE_HASH: hash }),
            );
        } else {
            narrow.set(live, &["spec", "selector", "matchLabels", POD_TEMPLATE_HASH], hash.as_str().into());
        }
        writes.extend(patch(key("policy", "PodDisruptionBudget", live), narrow, live, &[])?);
    }
    let wanted = color_service(&lead.release, &lead.service, found.service, Color::Blue, Some(&hash));
    let selects = |service: &Value| service.pointer("/spec/selector") == wanted.pointer("/spec/selector");
    if !found.color_service.is_some_and(selects) {
        writes.extend(Manifest::new(wanted).ok().map(Write::Apply));
    }
    if writes.is_empty() { Ok(Next::Done(adopted)) } else { Ok(Next::Write(writes)) }
}

/// Marks an object as blue's. Its pods are not touched by that.
fn labelled(ops: &mut Ops, lead: &Lead, live: &Value) {
    let labels = lead.release.color_labels(Color::Blue);
    ops.metadata(live, "labels", labels.iter().map(|(key, value)| (key.as_str(), Some(value.clone()))));
}
