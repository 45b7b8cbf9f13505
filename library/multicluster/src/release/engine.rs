//! What is released, how, and where: all that an apply is given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use multicluster_core::digest::digest;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::Manifest;
use multicluster_core::release::Color;
use multicluster_core::release::journal::{Journal, Release, Version};
use multicluster_core::release::render::{Autoscaler, Colored, NoService, render};
use multicluster_core::release::spec::{ReleaseSpec, Step, Strategy};
use multicluster_core::release::traffic::Wanted;
use multicluster_core::release::workload::Workload;
use serde_json::Value;

use super::layout::Layout;
use super::ports::{Dns, Metrics, Progress};
use crate::member::Member;

/// A release with everything that it is carried out with.
pub struct Engine {
    /// Which objects it has.
    pub layout: Layout,
    /// The creation that the caller knows of; `None` where nobody knows of one.
    pub instance: Option<String>,
    /// Order, steps, limits and judgement.
    pub spec: ReleaseSpec,
    /// The version that is asked for.
    pub version: Version,
    /// The clusters, in the order in which their leases are taken.
    pub places: BTreeMap<ClusterName, Place>,
    /// Whether a Deployment that is there under the workload's own name is taken over. Otherwise it is left alone.
    pub adopt: bool,
    /// The metrics services.
    pub metrics: Arc<dyn Metrics>,
    /// The names in DNS that waves are coupled to.
    pub dns: Option<Arc<dyn Dns>>,
    /// Who is told.
    pub progress: Arc<dyn Progress>,
}

/// One cluster of a release.
#[derive(Clone)]
pub struct Place {
    /// The cluster.
    pub member: Arc<Member>,
    /// The cluster that it must be, if that is known.
    pub uid: Option<ClusterUid>,
    /// What is released, as it is on this cluster.
    pub workload: Workload,
}

/// A release and its clusters: enough to take their leases, to look at it and to take it away.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) layout: Layout,
    pub(super) instance: Option<String>,
    pub(super) sites: BTreeMap<ClusterName, Site>,
}

/// A cluster, and the one that it must be.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) member: Arc<Member>,
    pub(super) uid: Option<ClusterUid>,
}

impl Place {
    pub(super) fn site(&self) -> Site {
        Site { member: Arc::clone(&self.member), uid: self.uid.clone() }
    }
}

/// Without the workload, which may hold secrets.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("member", &self.member).field("uid", &self.uid).finish_non_exhaustive()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Engine");
        shown.field("layout", &self.layout).field("places", &self.places).field("version", &self.version);
        shown.finish_non_exhaustive()
    }
}

/// What the objects of a colour depend on, apart from the manifest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub(super) color: Color,
    pub(super) replicas: u32,
    pub(super) autoscaler: Autoscaler,
    /// The stable Service as it is on the cluster.
    pub(super) stable: Option<&'a Value>,
    /// The colour that a stable Service leads to that is not there yet.
    pub(super) serving: Color,
}

impl Engine {
    pub(super) fn ground(&self) -> Ground {
        Ground {
            layout: self.layout.clone(),
            instance: self.instance.clone(),
            sites: self.places.iter().map(|(cluster, place)| (cluster.clone(), place.site())).collect(),
        }
    }

    pub(super) fn is_in_place(&self) -> bool {
        self.spec.strategy == Strategy::InPlace
    }

    /// The objects of a colour in the version that is asked for, in the order of writing.
    pub(super) fn render(&self, place: &Place, shape: &Shape<'_>) -> Result<Vec<Manifest>, String> {
        let colored = Colored {
            release: &self.layout.release,
            color: shape.color,
            version: &self.version,
            replicas: shape.replicas,
            autoscaler: shape.autoscaler,
            service: shape.stable,
            serving: shape.serving,
        };
        render(&place.workload, &colored).map_err(|error: NoService| error.to_string())
    }

    /// A digest of all objects of a colour in the version that is asked for, whatever their size and wherever the stable
    /// Service leads.
    pub(super) fn rendered_digest(
        &self,
        place: &Place,
        color: Color,
        stable: Option<&Value>,
    ) -> Option<String> {
        // A stable Service of the manifest is rendered to lead where the live one does.
        let stable = stable.filter(|_| !place.workload.has_service());
        let shape = Shape { color, replicas: 1, autoscaler: Autoscaler::Free, stable, serving: color };
        let rendered = self.render(place, &shape).ok()?;
        // What the colour's Service is made from may be changed by others at any time.
        let written =
            rendered.iter().filter(|object| object.kind() != "Service" || place.workload.has_service());
        Some(digest(&Value::Array(written.map(|object| object.value().clone()).collect())))
    }

    /// How traffic shall be led on a cluster at some step.
    pub(super) fn wish(
        &self,
        journal: &Journal,
        release: &Release,
        cluster: &ClusterName,
        (step, to): (Option<usize>, Color),
        services: BTreeSet<Color>,
    ) -> Wanted {
        let wave = self.spec.wave_of(cluster).and_then(|wave| self.spec.waves.get(wave));
        let shown = step.and_then(|step| wave?.steps.get(step)).cloned();
        let Step { weight, headers, mirror, .. } = shown.unwrap_or_else(|| Step::weight(100));
        Wanted {
            color: to,
            weight,
            headers,
            mirror,
            epoch: journal.epoch,
            release: release.id.clone(),
            step,
            services,
        }
    }
}
