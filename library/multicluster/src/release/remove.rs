//! Taking a release away: its objects or only what is not needed to serve, its marks, and at last its journal.
//!
//! Invariant: only what carries the release's label *and* was made by it is deleted, each by its UID; what was taken over is
//! given back. The journal goes last, so that a removal that is cut short is gone on with.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use json_patch::Patch;
use multicluster_core::managed_fields;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::text;
use multicluster_core::release::Color;
use multicluster_core::release::adopt::{Adopted, orphan};
use multicluster_core::release::identity::COLOR_LABEL;
use multicluster_core::release::journal::Journal;
use multicluster_core::release::traffic::{self, Refused};
use serde_json::{Value, json};

use super::engine::{Ground, Site};
use super::error::ReleaseError;
use super::journal;
use super::layout::{Layout, Subject, known_type};
use super::patch::{meet, parse};
use super::read::{self, Looked};
use super::take::{self, Seat};
use super::view;
use crate::failpoint;
use crate::federation::Run;
use crate::member::{Deletion, Member, MemberError, Propagation, Wait};

/// How often an object that changes under our hands is read again.
const ATTEMPTS: u32 = 8;

/// What happens to the objects of a release that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// All that the release made goes.
    Delete,
    /// What serves stays, plain; the idle colour goes.
    KeepActive,
    /// Everything stays, plain. An idle colour has no pods afterwards.
    Orphan,
}

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct RemoveJob {
    /// Which objects the release has.
    pub layout: Layout,
    /// The creation that is removed. Where the journal knows another one, nothing is touched.
    pub instance: String,
    /// What happens to the objects.
    pub policy: DeletionPolicy,
    /// The clusters, and which they must be.
    pub members: BTreeMap<ClusterName, (Arc<Member>, Option<ClusterUid>)>,
    /// Clusters that cannot be connected to, and why.
    pub missing: BTreeMap<ClusterName, String>,
}

/// What a removal did.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    /// Where something is left, and why.
    pub failed: BTreeMap<ClusterName, String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Removed {
    /// Whether nothing is left anywhere.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Removes a release from clusters: all of them, or those that leave it.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the answer instead.
pub async fn remove(job: &RemoveJob, run: &Run) -> Removed {
    let mut removed = Removed { failed: job.missing.clone(), warnings: Vec::new() };
    let sites = job.members.iter().map(|(cluster, (member, uid))| {
        (cluster.clone(), Site { member: Arc::clone(member), uid: uid.clone() })
    });
    let mut sites: BTreeMap<ClusterName, Site> = sites.collect();
    let looks =
        sites.iter().map(async |(cluster, site)| (cluster.clone(), read::look(&job.layout, site).await));
    for (cluster, looked) in join_all(looks).await {
        match looked {
            Ok(Looked { journal: Some(journal), .. }) if journal.instance == job.instance => {}
            // Nothing of this creation is there (any more).
            Ok(_) => drop(sites.remove(&cluster)),
            Err(error) => {
                sites.remove(&cluster);
                removed.failed.insert(cluster, error.to_string());
            }
        }
    }
    if sites.is_empty() {
        return removed;
    }
    let ground = Ground { layout: job.layout.clone(), instance: Some(job.instance.clone()), sites };
    let taken = match take::take(&ground, run).await {
        Ok(taken) => taken,
        Err(error) => {
            let why = error.to_string();
            removed.failed.extend(ground.sites.keys().map(|cluster| (cluster.clone(), why.clone())));
            return removed;
        }
    };
    for (cluster, why) in taken.away {
        removed.failed.insert(cluster, why);
    }
    let journal = taken.journal;
    let work = taken.seats.into_iter().map(async |(cluster, seat)| {
        let site = ground.sites.get(&cluster);
        let Some((site, journal)) = site.zip(journal.as_ref()) else { return (cluster, Ok(())) };
        let done = remove_one(job, site, journal, seat, run).await;
        (cluster, done)
    });
    for (cluster, done) in join_all(work).await {
        if let Err(error) = done {
            removed.failed.insert(cluster, error.to_string());
        }
    }
    removed
}

async fn remove_one(
    job: &RemoveJob,
    site: &Site,
    journal: &Journal,
    seat: Seat,
    run: &Run,
) -> Result<(), ReleaseError> {
    let lost = seat.lease.lost();
    let removal = Removal { job, site, journal, run };
    let work = async {
        tokio::select! {
            biased;
            () = lost.cancelled() => {
                Err(ReleaseError::Superseded { cluster: site.member.name.clone() })
            }
            () = run.cancelled.cancelled() => Err(ReleaseError::Interrupted),
            done = removal.carry_out() => done,
        }
    };
    match work.await {
        Ok(()) => {
            seat.lease.delete().await;
            Ok(())
        }
        Err(error) => {
            seat.lease.release().await;
            Err(error)
        }
    }
}

/// The removal from one cluster.
struct Removal<'a> {
    job: &'a RemoveJob,
    site: &'a Site,
    journal: &'a Journal,
    run: &'a Run,
}

impl Removal<'_> {
    async fn carry_out(&self) -> Result<(), ReleaseError> {
        let layout = &self.job.layout;
        let looked = read::look(layout, self.site).await?;
        let adopted = layout.adopted(&looked.sight);
        let active = super::apply::serving(layout, &looked.sight).or(self
            .journal
            .active
            .as_ref()
            .map(|active| active.color));
        let idle = active.map(Color::other);
        let own_service = layout.stable(&looked.sight).is_some_and(|live| {
            adopted.is_none() && managed_fields::owned(live, &layout.manager()).is_some()
        });
        if self.job.policy != DeletionPolicy::Delete
            && let Some(idle) = idle
        {
            self.empty(layout.workload_subject(adopted.as_ref(), idle)).await?;
        }
        if layout.lead.is_some() {
            self.make_traffic_plain(adopted.as_ref(), own_service).await?;
        }
        let mut gone = Vec::new();
        for (subject, live) in self.objects().await? {
            let taken_over = adopted.as_ref().is_some_and(|adopted| is_adopted(adopted, &live));
            let color = view::label_of(&live, COLOR_LABEL).map(str::to_owned);
            let is_idle = color.is_some() && color.as_deref() == idle.map(Color::as_str);
            let colored_service = subject.ty.kind == "Service" && color.is_some();
            let goes = match self.job.policy {
                DeletionPolicy::Delete => !taken_over,
                DeletionPolicy::KeepActive => !taken_over && (is_idle || colored_service),
                DeletionPolicy::Orphan => false,
            };
            if goes {
                gone.push((subject.clone(), self.delete(&subject, &live).await?));
            } else {
                self.change(&subject, |live| orphan::object(live, adopted.as_ref())).await?;
            }
        }
        let wait = Wait { cancelled: self.run.cancelled.clone(), deadline: self.run.deadline };
        for (Subject { ty, namespace, name }, uid) in gone {
            let Some(uid) = uid else { continue };
            let gone = self.site.member.wait_gone(&ty, Some(&namespace), &name, &uid, &wait).await;
            gone.map_err(|reason| ReleaseError::Wait {
                cluster: self.site.member.name.clone(),
                doing: "wait until the release's objects are gone",
                reason: Box::new(reason),
            })?;
        }
        let removed = journal::remove_one(&self.site.member, &layout.release).await;
        removed.map_err(self.on("remove the release's journal"))
    }

    fn on(&self, doing: &'static str) -> impl FnOnce(MemberError) -> ReleaseError {
        ReleaseError::on(&self.site.member.name, doing)
    }

    /// What leads traffic leads to the stable Service again, and that to all pods of the workload.
    async fn make_traffic_plain(
        &self,
        adopted: Option<&Adopted>,
        own_service: bool,
    ) -> Result<(), ReleaseError> {
        let layout = &self.job.layout;
        let Some(lead) = &layout.lead else { return Ok(()) };
        // The Service first, so that the route never leads to one without endpoints.
        for (target, subject) in layout.targets().into_iter().rev() {
            let patch = |live: &Value| match traffic::read(lead, target.role, live) {
                // A route that does not lead to the workload (any more) is not ours to change.
                Err(_) if target.role == traffic::Role::Route => Ok(Patch(Vec::new())),
                _ => orphan::traffic(lead, target.role, live, self.journal.epoch),
            };
            self.change(&subject, patch).await?;
            let made_by_us = own_service && adopted.is_none() && subject.ty.kind == "Service";
            if made_by_us && self.job.policy == DeletionPolicy::Delete {
                let live = self.get(&subject).await?;
                if let Some(live) = live {
                    self.delete(&subject, &live).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a workload's pods away.
    async fn empty(&self, subject: Subject) -> Result<(), ReleaseError> {
        self.change(&subject, |live| {
            if view::replicas(live) == 0 {
                return Ok(Patch(Vec::new()));
            }
            parse(json!([meet(live), { "op": "add", "path": "/spec/replicas", "value": 0 }]))
        })
        .await
    }

    /// All objects in the release's namespace with its label, those that scale and own others first.
    async fn objects(&self) -> Result<Vec<(Subject, Value)>, ReleaseError> {
        let layout = &self.job.layout;
        let kinds = [
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("policy/v1", "PodDisruptionBudget"),
            ("v1", "Service"),
            ("v1", "ConfigMap"),
            ("v1", "Secret"),
        ];
        let mut objects = Vec::new();
        for (api_version, kind) in kinds {
            let ty = known_type(api_version, kind);
            let listed = match self.site.member.list(&ty, &layout.release.selector()).await {
                // Who may not see a kind has not made any of it; without the kind there is none.
                Err(MemberError::UnknownKind | MemberError::Forbidden { .. }) => continue,
                listed => listed.map_err(self.on("list the release's objects"))?,
            };
            for live in listed {
                let here = text(&live, "/metadata/namespace") == layout.release.namespace;
                let name = text(&live, "/metadata/name");
                let is_journal = kind == "ConfigMap" && name == layout.release.journal_name();
                if here && !is_journal {
                    objects.push((layout.own(api_version, kind, name), live));
                }
            }
        }
        Ok(objects)
    }

    async fn get(&self, subject: &Subject) -> Result<Option<Value>, ReleaseError> {
        match self.site.member.get(&subject.ty, Some(&subject.namespace), &subject.name).await {
            Err(MemberError::UnknownKind) => Ok(None),
            answer => answer.map_err(self.on("read the release's objects")),
        }
    }

    /// Deletes an object; gives its UID if it is still on its way out.
    async fn delete(&self, subject: &Subject, live: &Value) -> Result<Option<String>, ReleaseError> {
        let Subject { ty, namespace, name } = subject;
        let uid = text(live, "/metadata/uid");
        failpoint::hit("release-delete-before");
        let member = &self.site.member;
        let deleted = member.delete(ty, Some(namespace), name, uid, Propagation::Background).await;
        failpoint::hit("release-delete-after");
        match deleted.map_err(self.on("delete the release's objects"))? {
            Deletion::Gone => Ok(None),
            Deletion::Started => Ok(Some(uid.to_owned())),
        }
    }

    /// Changes an object, if it is there.
    async fn change(
        &self,
        subject: &Subject,
        patch: impl Fn(&Value) -> Result<Patch, Refused>,
    ) -> Result<(), ReleaseError> {
        let Subject { ty, namespace, name } = subject;
        let manager = self.job.layout.manager();
        let mut last = MemberError::Changed;
        for _ in 0..ATTEMPTS {
            let Some(live) = self.get(subject).await? else { return Ok(()) };
            let operations = match patch(&live) {
                Ok(patch) if patch.0.is_empty() => return Ok(()),
                Ok(patch) => serde_json::to_value(&patch).unwrap_or_default(),
                Err(Refused::Superseded { .. }) => {
                    return Err(ReleaseError::Superseded { cluster: self.site.member.name.clone() });
                }
                Err(refused) => {
                    let what = format!("{} {name}", ty.kind);
                    return Err(ReleaseError::Refused(format!("{what} cannot be made plain: {refused}")));
                }
            };
            failpoint::hit("release-plain-before");
            let answer = self.site.member.patch_json(ty, Some(namespace), name, &operations, &manager).await;
            failpoint::hit("release-plain-after");
            match answer {
                Ok(_) | Err(MemberError::NotFound { .. }) => return Ok(()),
                // A test that fails is answered as a patch that is wrong.
                Err(error @ (MemberError::Changed | MemberError::Invalid { .. })) => last = error,
                Err(error) => return Err(self.on("make the release's objects plain")(error)),
            }
        }
        Err(self.on("make the release's objects plain")(last))
    }
}

/// Whether an object was there before the release.
fn is_adopted(adopted: &Adopted, live: &Value) -> bool {
    let name = text(live, "/metadata/name");
    match text(live, "/kind") {
        "Deployment" => adopted.deployment == name,
        "PodDisruptionBudget" => adopted.budget.as_deref() == Some(name),
        "HorizontalPodAutoscaler" => adopted.autoscaler.as_deref() == Some(name),
        // The stable Service, which has no colour.
        "Service" => view::label_of(live, COLOR_LABEL).is_none(),
        _ => false,
    }
}
