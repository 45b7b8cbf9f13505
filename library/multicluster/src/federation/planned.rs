//! A whole federation in a few calls: planned as a value that can be shown, then applied, explained or removed.
//!
//! ```text
//! read members ─▶ core: render ─▶ read again with what is wanted ─▶ core: plan, forecast ◀─ dry runs
//!                                                                        └─▶ FederationPlan ─▶ apply
//! ```
//!
//! What a federation is called tells which one is meant: there is no state beside the records on the members. Who knows
//! the name and has the connections changes it, also if Terraform made it.
//!
//! Invariant: a plan writes nothing, and an apply begins only if nothing stood against the plan.

mod consult;
mod gather;
mod member_outlook;
mod sight;
mod survey;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use multicluster_core::federation::explain::{Explanation, Wanted};
use multicluster_core::federation::facts::Facts;
use multicluster_core::federation::identity::{DEFAULT_NAMESPACE, FederationSet};
use multicluster_core::federation::plan::Leave;
use multicluster_core::federation::render::{self, Rendered};
use multicluster_core::federation::spec::FederationSpec;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::ObjectKey;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::gather::Reads;
use self::member_outlook::{Asked, MemberOutlook};
pub use self::sight::{Sight, explain_all, look_at};
pub use self::survey::{Survey, survey};
pub use self::table::Row;
use super::apply::{ApplyJob, MemberJob, Report, apply};
use super::error::FederationError;
use super::records;
use super::remove::{RemoveJob, remove};
use super::run::{Mode, Run};
use crate::clock::Clock;
use crate::member::Member;

/// A pod that could not be scheduled for so long counts against a member's capacity, as for KubeFed.
const UNSCHEDULABLE: SignedDuration = SignedDuration::from_secs(60);
/// How long a lease holds without a sign of life, as controllers of Kubernetes itself have it.
const LEASE_DURATION: Duration = Duration::from_secs(15);

/// What is asked for, and the clusters that it is asked of.
#[derive(Clone, Debug)]
pub struct Federation {
    spec: FederationSpec,
    set: FederationSet,
    members: BTreeMap<ClusterName, Arc<Member>>,
    clock: Clock,
    leave: Leave,
    forget_unreachable: bool,
}

/// A federation that cannot be planned at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no way to a member.
    #[error("there is no connection to cluster `{0}`")]
    NoConnection(ClusterName),
    /// The specification contradicts itself.
    #[error("{}", Lines(.0))]
    Invalid(Vec<render::Problem>),
    /// What is to be copied cannot be had.
    #[error("resource `{resource}`: {error}")]
    Copy {
        /// The entry of `resources`.
        resource: String,
        /// Why not.
        error: FederationError,
    },
    /// A member does not answer, and what the others get follows from what it has.
    #[error(
        "resource `{resource}`: where it goes follows from what is on `{cluster}`, which cannot be read: {error}"
    )]
    NeedsMember {
        /// The entry of `resources`.
        resource: String,
        /// The member.
        cluster: ClusterName,
        /// Why it cannot be read.
        error: FederationError,
    },
    /// Something stands against the plan, so that it is not applied.
    #[error("the plan cannot be applied: {}", Lines(.0))]
    Refused(Vec<String>),
}

/// What an apply would do, on every member. As text it is a table; see also [`FederationPlan::rows`].
#[derive(Debug)]
pub struct FederationPlan {
    job: ApplyJob,
    members: BTreeMap<ClusterName, MemberOutlook>,
    warnings: Vec<String>,
}

impl Federation {
    /// A federation by its specification, over connected clusters. A cluster that the specification does not name is
    /// one that leaves, if the federation is on it.
    #[must_use]
    pub fn new(spec: FederationSpec, members: impl IntoIterator<Item = Member>, clock: Clock) -> Self {
        let set = FederationSet::default_of(spec.name.clone(), DEFAULT_NAMESPACE);
        let members = members.into_iter().map(|member| (member.name.clone(), Arc::new(member))).collect();
        Self { spec, set, members, clock, leave: Leave::Delete, forget_unreachable: false }
    }

    /// Keeps the records in another namespace than [`DEFAULT_NAMESPACE`].
    #[must_use]
    pub fn with_records_in(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.set.namespace);
        self
    }

    /// Says what happens to the objects of members that leave; they are deleted otherwise.
    #[must_use]
    pub fn leaving(mut self, leave: Leave) -> Self {
        self.leave = leave;
        self
    }

    /// Lets go of members that leave and do not answer, with all that is on them.
    #[must_use]
    pub fn forgetting_unreachable(mut self) -> Self {
        self.forget_unreachable = true;
        self
    }

    /// Says what an apply would do. Reads, and asks by dry runs about what would change; writes nothing.
    ///
    /// A member that does not answer is planned as unknown. What else stands against an apply is in
    /// [`FederationPlan::problems`].
    ///
    /// # Errors
    /// [`PlanError`] if nothing can be said at all.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn plan(&self) -> Result<FederationPlan, PlanError> {
        if let Some(name) = self.spec.members.keys().find(|name| !self.members.contains_key(*name)) {
            return Err(PlanError::NoConnection(name.clone()));
        }
        let mut reads = gather::read_all(&self.spec, &self.set, &self.members).await;
        let Planned { rendered, unselected, warnings, .. } = self.render(&mut reads).await?;
        let (mode, instance) = claim(&reads);
        let looks = self.members.iter().filter_map(|(name, member)| {
            let read = reads.remove(name)?;
            let desired = rendered.get(name);
            let asked = Asked { federation: self, name, desired, instance: &instance, mode };
            Some(async move {
                let outlook = match read {
                    Ok(read) => asked.look(member, read.observation, self.leave).await,
                    Err(error) => Some(MemberOutlook::not_read(&error)),
                };
                (name.clone(), outlook)
            })
        });
        let outlooks = join_all(looks).await;
        let mut members: BTreeMap<ClusterName, MemberOutlook> =
            outlooks.into_iter().filter_map(|(name, outlook)| Some((name, outlook?))).collect();
        member_outlook::refuse_duplicates(&mut members);
        let jobs = members.iter().filter_map(|(name, outlook)| {
            let job = MemberJob {
                member: Arc::clone(self.members.get(name)?),
                labels: self.spec.members.get(name).cloned().unwrap_or_default(),
                desired: rendered.get(name).cloned(),
                unselected: unselected.get(name).cloned().unwrap_or_default(),
                expected_uid: outlook.uid.clone(),
            };
            Some((name.clone(), job))
        });
        let job = ApplyJob {
            set: self.set.clone(),
            instance: instance.clone(),
            mode,
            leave: self.leave,
            forget_unreachable: self.forget_unreachable,
            members: jobs.collect(),
        };
        Ok(FederationPlan { job, members, warnings })
    }

    /// Says of every cluster why an object is, or is not, there. Reads only.
    ///
    /// `api_version` is that of the object's kind: `apps/v1`.
    ///
    /// # Errors
    /// [`PlanError`] if the specification contradicts itself. What cannot be read of one cluster is said for that one.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn explain(
        &self,
        key: &ObjectKey,
        api_version: &str,
    ) -> Result<BTreeMap<ClusterName, Result<Explanation, FederationError>>, PlanError> {
        let mut reads = gather::read_all(&self.spec, &self.set, &self.members).await;
        let Planned { facts, rendered, .. } = self.render(&mut reads).await?;
        let none = render::MemberDesired::new();
        let sights = join_all(self.members.iter().map(async |(name, member)| {
            let desired = rendered.get(name).unwrap_or(&none);
            (name.clone(), look_at(member, &self.set, key, api_version, desired).await)
        }))
        .await;
        let wanted = |name: &ClusterName| {
            let (member, desired) = rendered.get_key_value(name)?;
            Some(Wanted { spec: &self.spec, facts: &facts, member, desired })
        };
        Ok(explain_all(&self.set, key, sights.into_iter().collect(), wanted))
    }

    /// Takes the federation away from all clusters that were given: its objects, then its records. Those that fail do
    /// not hold up the others.
    ///
    /// # Cancel safety
    /// Not to be dropped: cancel `run` and await the report instead.
    pub async fn remove(&self, run: &Run) -> Report {
        let found =
            join_all(self.members.iter().map(async |(name, member)| {
                (name.clone(), records::read_inventory(member, &self.set).await)
            }))
            .await;
        // Records of several creates are there if some of them were cut short.
        let mut by_instance: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for (name, record) in found {
            let Some(member) = self.members.get(&name) else { continue };
            let (instance, uid) = match record {
                Ok(Some(record)) => (record.inventory.instance, Some(record.inventory.cluster_uid)),
                Ok(None) => continue,
                // The removal says what is wrong with it, or forgets it.
                Err(_) => (String::new(), None),
            };
            by_instance.entry(instance).or_default().insert(name, (Arc::clone(member), uid));
        }
        let mut report = Report::default();
        for (instance, members) in by_instance {
            let (leave, forget_unreachable) = (self.leave, self.forget_unreachable);
            let job = RemoveJob { set: self.set.clone(), instance, leave, forget_unreachable, members };
            let done = remove(&job, run).await;
            report.wrote |= done.wrote;
            report.members.extend(done.members);
        }
        report
    }

    /// Renders the specification by what the members tell.
    async fn render(&self, reads: &mut Reads) -> Result<Planned, PlanError> {
        let staying = |name: &ClusterName| self.spec.members.contains_key(name);
        let silent = reads.iter().find(|(name, read)| staying(name) && read.is_err()).map(|(name, _)| name);
        let past = self.spec.resources.iter().find(|(_, resource)| gather::rests_on_the_past(resource));
        if let (Some(cluster), Some((resource, _))) = (silent.cloned(), past)
            && let Some(Err(error)) = reads.remove(&cluster)
        {
            return Err(PlanError::NeedsMember { resource: resource.clone(), cluster, error });
        }
        let in_the_way = render::in_the_way(&self.spec, &self.set);
        if !in_the_way.is_empty() {
            return Err(PlanError::Invalid(in_the_way));
        }
        let mut facts = gather::facts(reads);
        facts.copies = gather::copies(&self.spec, &self.members).await?;
        let mut rendering = render::render_all(&self.spec, &facts).map_err(PlanError::Invalid)?;
        if !rendering.preferred.is_empty() {
            let before = (self.clock.now() - UNSCHEDULABLE).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            gather::note_live_replicas(&mut facts, reads, &self.members, &rendering.preferred, &before).await;
            rendering = render::render_all(&self.spec, &facts).map_err(PlanError::Invalid)?;
        }
        let warnings = rendering.warnings.iter().map(ToString::to_string).collect();
        Ok(Planned { facts, rendered: rendering.objects, unselected: rendering.unselected, warnings })
    }
}

/// A specification, rendered.
struct Planned {
    facts: Facts,
    rendered: Rendered,
    unselected: BTreeMap<ClusterName, BTreeSet<ObjectKey>>,
    warnings: Vec<String>,
}

/// Whether the federation is made or changed, and by which instance.
fn claim(reads: &Reads) -> (Mode, String) {
    match gather::records(reads).find(|record| gather::is_settled(record)) {
        Some(record) => (Mode::Update, record.instance.clone()),
        None => (Mode::Create, super::new_instance()),
    }
}

impl FederationPlan {
    /// What happens, by cluster and object, also where nothing does.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.members.iter().flat_map(|(name, outlook)| outlook.rows(name)).collect()
    }

    /// What stands against an apply, each with its cluster.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let problems = self.members.iter().flat_map(|(name, outlook)| {
            outlook.problems.iter().map(move |problem| format!("`{name}`: {problem}"))
        });
        problems.collect()
    }

    /// What of the specification is probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether every member is known to be as it should be, so that there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.values().all(|outlook| outlook.nothing_to_do)
    }

    /// Which cluster each member is, of those that answered.
    #[must_use]
    pub fn cluster_uids(&self) -> BTreeMap<ClusterName, ClusterUid> {
        let uids =
            self.members.iter().filter_map(|(name, outlook)| Some((name.clone(), outlook.uid.clone()?)));
        uids.collect()
    }

    /// Brings all members to what was planned. Everything is read again under the leases, so that what has changed since
    /// the plan is met as it is then: a foreign object or another cluster is refused, never overwritten.
    ///
    /// # Errors
    /// [`PlanError::Refused`] if something stands against the plan. What goes wrong later is in the report.
    ///
    /// # Cancel safety
    /// Not to be dropped: cancel `run` and await the report instead.
    pub async fn apply(&self, run: &Run) -> Result<Report, PlanError> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(PlanError::Refused(problems));
        }
        Ok(apply(&self.job, run).await)
    }
}

impl Run {
    /// A run that ends after some time at the latest, and that nobody else interrupts.
    #[must_use]
    pub fn within(time: Duration, clock: Clock) -> Self {
        Self {
            cancelled: CancellationToken::new(),
            deadline: Instant::now() + time,
            holder: format!("multicluster-{}", super::new_instance()),
            lease_duration: LEASE_DURATION,
            clock,
        }
    }
}

/// A list in a sentence.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, line) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            line.fmt(f)?;
        }
        Ok(())
    }
}
