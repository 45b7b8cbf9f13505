//! Which objects a release has on a cluster: names and kinds, without looking at any.

use std::collections::BTreeSet;

use multicluster_core::object::{group_of, text};
use multicluster_core::release::Color;
use multicluster_core::release::adopt::{Adopted, deployment_name};
use multicluster_core::release::identity::{EPOCH_ANNOTATION, ReleaseIdentity, colored};
use multicluster_core::release::traffic::{Lead, Target, mark};
use multicluster_core::release::workload::Workload;
use serde_json::Value;

use super::observe::{Look, Which};
use super::sight::{Sight, Slot};
use crate::member::ResourceType;

/// Which objects a release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The release.
    pub release: ReleaseIdentity,
    /// What leads its traffic; `None` for a workload that is updated in place.
    pub lead: Option<Lead>,
    /// `Deployment` or `StatefulSet`.
    pub kind: String,
    /// The workload's name, without colour.
    pub name: String,
    /// The label selector of its pods, whichever their colour: `app=frontend`.
    pub selector: String,
}

/// An object on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) ty: ResourceType,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Layout {
    /// The objects of a workload as it is written.
    #[must_use]
    pub fn of(release: &ReleaseIdentity, workload: &Workload) -> Self {
        let main = workload.main();
        Self {
            release: release.clone(),
            lead: workload.lead(release),
            kind: main.kind().to_owned(),
            name: main.name().to_owned(),
            selector: selector(main.value()),
        }
    }

    /// The annotation of the epoch on objects of this release.
    pub(super) fn epoch_mark(&self) -> String {
        mark(&self.release, EPOCH_ANNOTATION)
    }

    pub(super) fn manager(&self) -> String {
        self.release.field_manager()
    }

    /// What leads traffic, the object with the weights first.
    pub(super) fn targets(&self) -> Vec<(Target, Subject)> {
        let targets = self.lead.iter().flat_map(Lead::targets);
        let subject = |target: Target| {
            let namespace = target.key.namespace.clone().unwrap_or_else(|| self.release.namespace.clone());
            let ty = known_type(target.api_version, &target.key.kind.kind);
            let subject = Subject { ty, namespace, name: target.key.name.clone() };
            (target, subject)
        };
        targets.map(subject).collect()
    }

    /// Where the stable Service is among the targets.
    fn stable_slot(&self) -> Slot {
        Slot::Target(self.targets().len().saturating_sub(1))
    }

    /// What was taken over on a cluster, as its stable Service says.
    pub(super) fn adopted(&self, sight: &Sight) -> Option<Adopted> {
        Adopted::of(sight.one(self.stable_slot())?)
    }

    /// The stable Service on a cluster.
    pub(super) fn stable<'a>(&self, sight: &'a Sight) -> Option<&'a Value> {
        self.lead.as_ref()?;
        sight.one(self.stable_slot())
    }

    /// The workload of a colour on a cluster. Updated in place, there is only one.
    pub(super) fn workload<'a>(&self, sight: &'a Sight, color: Color) -> Option<&'a Value> {
        sight.one(self.workload_slot(sight, color))
    }

    pub(super) fn workload_slot(&self, sight: &Sight, color: Color) -> Slot {
        let taken_over = color == Color::Blue && self.adopted(sight).is_some();
        if self.lead.is_none() || taken_over { Slot::Plain } else { Slot::Workload(color) }
    }

    /// The address of a colour's workload.
    pub(super) fn workload_subject(&self, adopted: Option<&Adopted>, color: Color) -> Subject {
        let name = match &self.lead {
            Some(_) => deployment_name(&self.name, color, adopted),
            None => self.name.clone(),
        };
        self.own("apps/v1", &self.kind, name)
    }

    /// An object in the release's namespace.
    pub(super) fn own(&self, api_version: &str, kind: &str, name: impl Into<String>) -> Subject {
        Subject {
            ty: known_type(api_version, kind),
            namespace: self.release.namespace.clone(),
            name: name.into(),
        }
    }

    /// The name of a colour's own Service; `None` without colours.
    pub(super) fn service_name(&self, color: Color) -> Option<String> {
        Some(colored(&self.lead.as_ref()?.service, color))
    }

    /// All that a later epoch is written onto.
    pub(super) fn switchable(&self) -> BTreeSet<Subject> {
        let targets = self.targets().into_iter().map(|(_, subject)| subject);
        let workloads = Color::BOTH.map(|color| self.workload_subject(None, color));
        targets.chain(workloads).collect()
    }

    /// What is watched on a cluster.
    pub(super) fn looks(&self) -> Vec<Look> {
        let namespace = self.release.namespace.as_str();
        let labelled = |selector: String| Which::Labelled { namespace: namespace.to_owned(), selector };
        let named = |Subject { ty, namespace, name }: Subject, slot| Look {
            slot,
            ty,
            which: Which::Named { namespace, name },
        };
        let look = |slot, ty, which| Look { slot, ty, which };
        let mut looks = vec![named(self.own("apps/v1", &self.kind, self.name.as_str()), Slot::Plain)];
        for (index, (_, subject)) in self.targets().into_iter().enumerate() {
            looks.push(named(subject, Slot::Target(index)));
        }
        if self.lead.is_some() {
            for color in Color::BOTH {
                looks.push(named(self.workload_subject(None, color), Slot::Workload(color)));
            }
            let services: Vec<String> =
                Color::BOTH.into_iter().filter_map(|color| self.service_name(color)).collect();
            looks.push(look(
                Slot::Slices,
                known_type("discovery.k8s.io/v1", "EndpointSlice"),
                labelled(format!("kubernetes.io/service-name in ({})", services.join(","))),
            ));
            looks.push(look(Slot::Services, known_type("v1", "Service"), labelled(self.release.selector())));
            looks.push(look(Slot::ReplicaSets, ResourceType::replica_set(), labelled(self.selector.clone())));
        }
        looks.push(look(Slot::Pods, ResourceType::pod(), labelled(self.selector.clone())));
        looks.push(look(
            Slot::Autoscalers,
            known_type("autoscaling/v2", "HorizontalPodAutoscaler"),
            Which::All { namespace: namespace.to_owned() },
        ));
        looks
    }
}

/// A kind whose plural is known, so that a cluster need not be asked for it. One that it does not serve is seen as such
/// when it is used.
pub(super) fn known_type(api_version: &str, kind: &str) -> ResourceType {
    let (_, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ResourceType {
        group: group_of(api_version).to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        // Every kind that is used here has a regular plural.
        plural: format!("{}s", kind.to_lowercase()),
        namespaced: true,
    }
}

/// The label selector of a workload, as the query of a list. Expressions are left out: they only select less.
fn selector(workload: &Value) -> String {
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| value.as_str().map(|value| format!("{key}={value}")));
    let expressions = workload.pointer("/spec/selector/matchExpressions").and_then(Value::as_array);
    let keys = expressions.into_iter().flatten().filter(|it| text(it, "/operator") == "Exists");
    labels.chain(keys.map(|it| text(it, "/key").to_owned())).collect::<Vec<_>>().join(",")
}
