//! What is released: the objects of a manifest, each with its part.
//!
//! Invariant: a [`Workload`] holds exactly one Deployment or StatefulSet, and beside it only objects that belong to it
//! and that `render` knows how to keep apart by colour.
//!
//! | object | colours | in place |
//! |---|---|---|
//! | Deployment | one per colour | updated |
//! | StatefulSet | refused: its pods and volumes have names that cannot exist twice | updated |
//! | ConfigMap, Secret that the pods refer to | one per colour, references rewritten | updated |
//! | HorizontalPodAutoscaler of the workload | one per colour | updated |
//! | PodDisruptionBudget of its pods | one per colour | updated |
//! | Service | the stable one; each colour gets one made from it | updated |
//! | anything else | refused | refused |

pub(in crate::release) mod belongs;
mod change;
mod parse;
pub(in crate::release) mod references;

use serde_json::Value;

pub use self::change::{Change, change};
pub use self::parse::{Given, Secrets, parse};
use super::identity::ReleaseIdentity;
use super::spec::Strategy;
use super::traffic::{Lead, TrafficSpec};
pub use crate::dns::Problem;
use crate::object::Manifest;

/// What is released. See [`parse()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub(super) namespace: String,
    pub(super) strategy: Strategy,
    /// The Deployment or StatefulSet.
    pub(super) main: Manifest,
    /// ConfigMaps and Secrets.
    pub(super) configs: Vec<Manifest>,
    pub(super) autoscaler: Option<Manifest>,
    pub(super) budget: Option<Manifest>,
    /// With colours at most one, the stable one.
    pub(super) services: Vec<Manifest>,
    pub(super) traffic: Option<TrafficSpec>,
    /// The stable Service's name; with colours only.
    pub(super) service: Option<String>,
}

impl Workload {
    /// The namespace of all its objects.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// With colours or in place.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The Deployment or StatefulSet as written, in the release's namespace.
    #[must_use]
    pub fn main(&self) -> &Manifest {
        &self.main
    }

    /// The stable Service's name; `None` in place.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Whether the manifest holds the stable Service, so that the release makes it. Else it must be on the cluster.
    #[must_use]
    pub fn has_service(&self) -> bool {
        !self.services.is_empty()
    }

    /// The autoscaler of the manifest.
    #[must_use]
    pub fn autoscaler(&self) -> Option<&Manifest> {
        self.autoscaler.as_ref()
    }

    /// How traffic is led; `None` in place.
    #[must_use]
    pub fn lead(&self, release: &ReleaseIdentity) -> Option<Lead> {
        let (spec, service) = self.traffic.clone().zip(self.service.clone())?;
        Some(Lead { release: release.clone(), spec, service })
    }

    /// The size where nothing serves yet: `spec.replicas`, and at least the autoscaler's minimum. 1 if neither says.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        let of = |object: &Value, pointer| {
            object.pointer(pointer).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok())
        };
        let written = of(self.main.value(), "/spec/replicas");
        let least = self.autoscaler.as_ref().map(|it| of(it.value(), "/spec/minReplicas").unwrap_or(1));
        match (written, least) {
            (Some(written), Some(least)) => written.max(least),
            (written, least) => written.or(least).unwrap_or(1),
        }
    }

    /// All objects as written, the workload first.
    pub fn objects(&self) -> impl Iterator<Item = &Manifest> {
        std::iter::once(&self.main)
            .chain(&self.configs)
            .chain(&self.autoscaler)
            .chain(&self.budget)
            .chain(&self.services)
    }
}
