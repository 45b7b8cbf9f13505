//! What `status` has seen, in the shape that `--json` prints. The README describes it; fields may be added, none is
//! ever taken away or given another meaning under the same version.

use std::collections::BTreeMap;

use multicluster::core::federation::explain::{others, replicas, status_words};
use multicluster::core::federation::identity::FederationSet;
use multicluster::core::federation::inventory::{Entry, State};
use multicluster::core::federation::observation::{Live, Status, status};
use multicluster::federation::Survey;
use serde::Serialize;

/// The version of the shape.
const VERSION: u32 = 1;

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct StatusReport {
    version: u32,
    federation: String,
    /// Whether nothing differs and every cluster answered.
    well: bool,
    /// In the order in which they were asked for.
    pub(crate) clusters: Vec<Named>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Named {
    pub(crate) context: String,
    pub(crate) status: ClusterReport,
}

/// One cluster.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ClusterReport {
    /// Whether it answered.
    pub(crate) reachable: bool,
    /// Why not.
    pub(crate) error: Option<String>,
    /// The UID of its namespace kube-system.
    pub(crate) uid: Option<String>,
    /// Its version of Kubernetes.
    pub(crate) kubernetes: Option<String>,
    pub(crate) record: Option<Record>,
    pub(crate) labels: BTreeMap<String, String>,
    /// Who may write now.
    pub(crate) lease_holder: Option<String>,
    /// Other sets of the federation.
    pub(crate) other_sets: Vec<String>,
    pub(crate) objects: Vec<ObjectReport>,
}

/// The federation's record on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Record {
    /// There is none: the federation is not on the cluster.
    None,
    /// The last apply did not come to its end.
    Incomplete,
    /// It did.
    Complete,
}

/// One recorded object.
#[derive(Debug, Serialize)]
pub(crate) struct ObjectReport {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    /// `Deployment shop/web`.
    pub(crate) object: String,
    /// The entry of `resources` that keeps it.
    resource: String,
    pub(crate) status: &'static str,
    /// The same in words, with the fields that are known to have changed.
    pub(crate) words: String,
    /// Who else has it.
    pub(crate) owners: Vec<String>,
    /// Its replicas, where the federation divides them.
    pub(crate) replicas: Option<ReplicasReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReplicasReport {
    given: u64,
    now: Option<u64>,
    autoscaled: bool,
    #[serde(skip)]
    pub(crate) words: String,
    #[serde(skip)]
    as_given: bool,
}

impl StatusReport {
    pub(crate) fn new(set: &FederationSet, clusters: Vec<(String, ClusterReport)>) -> Self {
        let clusters: Vec<Named> =
            clusters.into_iter().map(|(context, status)| Named { context, status }).collect();
        let well = clusters.iter().all(|cluster| cluster.status.is_well());
        Self { version: VERSION, federation: set.federation.to_string(), well, clusters }
    }

    pub(crate) fn is_well(&self) -> bool {
        self.well
    }
}

impl ClusterReport {
    pub(crate) fn unreachable(error: String) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    pub(crate) fn of(survey: &Survey, set: &FederationSet) -> Self {
        let record = survey.observation.inventory.as_ref().map(|recorded| &recorded.inventory);
        let state = match record.map(|record| record.state) {
            None => Record::None,
            Some(State::Incomplete) => Record::Incomplete,
            Some(State::Complete) => Record::Complete,
        };
        let objects = survey
            .observation
            .recorded()
            .into_iter()
            .map(|(key, entry)| ObjectReport::of(entry, survey.observation.live.get(&key), set));
        Self {
            reachable: true,
            error: None,
            uid: Some(survey.observation.cluster_uid.to_string()),
            kubernetes: Some(survey.version.to_string()),
            record: Some(state),
            labels: record.map(|record| record.labels.clone()).unwrap_or_default(),
            lease_holder: survey.lease_holder.clone(),
            other_sets: survey.other_sets.clone(),
            objects: objects.collect(),
        }
    }

    /// Whether the last apply came to its end, and nothing has changed since.
    fn is_well(&self) -> bool {
        self.record == Some(Record::Complete) && self.objects.iter().all(ObjectReport::is_well)
    }
}

impl ObjectReport {
    pub(crate) fn of(entry: &Entry, live: Option<&Live>, set: &FederationSet) -> Self {
        let status = status(Some(entry), live);
        let key = entry.key();
        let replicas = replicas(entry, live).map(|replicas| ReplicasReport {
            given: replicas.given,
            now: replicas.now,
            autoscaled: replicas.autoscaled,
            words: replicas.to_string(),
            as_given: replicas.is_as_given(),
        });
        Self {
            object: key.to_string(),
            group: key.kind.group,
            kind: key.kind.kind,
            namespace: key.namespace,
            name: key.name,
            resource: entry.resource.clone(),
            words: status_words(&status),
            status: code(&status),
            owners: live.map(|live| others(&live.object, set)).unwrap_or_default(),
            replicas,
        }
    }

    pub(crate) fn is_well(&self) -> bool {
        self.status == code(&Status::InSync) && self.replicas.as_ref().is_none_or(ReplicasReport::is_as_given)
    }
}

impl ReplicasReport {
    pub(crate) fn is_as_given(&self) -> bool {
        self.as_given
    }
}

/// A status in one word, for programs.
fn code(status: &Status) -> &'static str {
    match status {
        Status::Absent => "absent",
        Status::InSync => "in_sync",
        Status::Pending => "pending",
        Status::Drifted { .. } => "drifted",
        Status::Outdated => "outdated",
        Status::Missing => "missing",
        Status::Removing => "removing",
        Status::Foreign { .. } => "foreign",
    }
}

#[cfg(test)]
pub(crate) mod tests;
