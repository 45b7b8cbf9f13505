//! Carries out the plan of one member. All choices were made by the plan; what is decided here is only when to stop.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use multicluster_core::digest::SecretDigest;
use multicluster_core::federation::identity::{FederationSet, PART_OF_LABEL};
use multicluster_core::federation::inventory::{Entry, Inventory, Origin, Phase, State};
use multicluster_core::federation::observation::{Eye, LEFT_DRIFTED, content_digest, owned_digest};
use multicluster_core::federation::plan::{Apply, Deletion, MemberPlan, OnlyIf, Release, Stays};
use multicluster_core::federation::policy::Wait;
use multicluster_core::managed_fields::{self, Owners, Rest};
use multicluster_core::object::{ObjectKey, text};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::concurrent::some_at_a_time;
use super::error::{FederationError, Reason};
use super::kinds::{check_scope, type_of};
use super::migrate::{self, TakeOver};
use super::run::Run;
use super::{leftovers, records};
use crate::failpoint;
use crate::member::{self, ApplyOptions, Member, Propagation, ResourceType, Until};

/// How far a plan came on one member.
#[derive(Default)]
pub(super) struct Outcome {
    /// The record as it was written last; `None` if it was not written at all.
    pub(super) inventory: Option<Inventory>,
    /// What went wrong first, if anything.
    pub(super) error: Option<FederationError>,
    /// What the user should know.
    pub(super) warnings: Vec<String>,
}

/// One member at work.
struct Worker<'a> {
    member: &'a Member,
    set: &'a FederationSet,
    run: &'a Run,
    /// The record as intended now.
    inventory: Inventory,
    /// The revision of the record that is on the member.
    revision: Option<String>,
    /// `metadata.generation` of what was applied.
    generations: BTreeMap<ObjectKey, i64>,
    warnings: Vec<String>,
    /// For digests of secrets.
    key: Option<SecretDigest>,
}

/// Carries out a plan. The record is written first and last, also after a failure.
///
/// # Cancel safety
/// Not to be dropped: cancel `run` and await the outcome instead.
pub(super) async fn carry_out(
    member: &Member,
    set: &FederationSet,
    plan: &MemberPlan,
    run: &Run,
    lost: &CancellationToken,
) -> Outcome {
    if plan.is_empty() {
        return Outcome { inventory: Some(plan.inventory.clone()), error: None, warnings: Vec::new() };
    }
    let mut worker = Worker::new(member, set, run, plan);
    let types = match worker.begin(plan).await {
        Ok(types) => types,
        Err(error) => return Outcome { inventory: None, error: Some(error), warnings: worker.warnings },
    };
    let result = worker.work(plan, types).await;
    if result.is_ok() {
        worker.inventory.complete();
    }
    // What was reached is written down also after a failure; if that fails too, the record still says "incomplete".
    // Once the lease is lost the record is its new holder's.
    let written = if lost.is_cancelled() {
        Err(FederationError::while_("write the federation's record")(Reason::LeaseLost))
    } else {
        worker.write().await
    };
    let error = result.and(written).err();
    if error.is_some() {
        worker.inventory.state = State::Incomplete;
    }
    Outcome { inventory: Some(worker.inventory), error, warnings: worker.warnings }
}

/// Deletes what a removal's plan says. Without an error nothing is left of the set but its records.
pub(super) async fn carry_out_removal(
    member: &Member,
    set: &FederationSet,
    plan: &MemberPlan,
    run: &Run,
) -> Outcome {
    let mut worker = Worker::new(member, set, run, plan);
    let result = async {
        worker.write().await?;
        worker.delete(plan).await?;
        worker.check()
    }
    .await;
    Outcome { inventory: Some(worker.inventory), error: result.err(), warnings: worker.warnings }
}

impl<'a> Worker<'a> {
    fn new(member: &'a Member, set: &'a FederationSet, run: &'a Run, plan: &MemberPlan) -> Self {
        Self {
            member,
            set,
            run,
            inventory: plan.inventory.clone(),
            revision: plan.replaces.clone(),
            generations: BTreeMap::new(),
            warnings: Vec::new(),
            key: None,
        }
    }

    /// Writes down every object that will be touched, before any is.
    async fn begin(&mut self, plan: &MemberPlan) -> Result<Vec<Vec<Option<ResourceType>>>, FederationError> {
        if plan.waves.iter().flatten().any(|apply| apply.desired.is_secret()) {
            self.key = records::ensure_key(self.member, self.set).await?;
        }
        let mut types = Vec::new();
        for wave in &plan.waves {
            let mut served = Vec::new();
            for apply in wave {
                let ty = self.resource_type(apply).await?;
                let plural = match &ty {
                    Some(ty) => ty.plural.clone(),
                    None => defined_plural(plan, apply).ok_or_else(|| no_such_kind(apply))?,
                };
                self.note(apply, plural, Phase::Pending);
                served.push(ty);
            }
            types.push(served);
        }
        self.write().await?;
        Ok(types)
    }

    async fn work(
        &mut self,
        plan: &MemberPlan,
        types: Vec<Vec<Option<ResourceType>>>,
    ) -> Result<(), FederationError> {
        for (wave, types) in plan.waves.iter().zip(types) {
            self.apply_wave(wave, types).await?;
        }
        self.await_all(&plan.awaited).await?;
        self.delete(plan).await
    }

    /// How an object's kind is served. A kind that a definition of an earlier wave brings is not served yet.
    async fn resource_type(&self, apply: &Apply) -> Result<Option<ResourceType>, FederationError> {
        let api_version = text(&apply.body, "/apiVersion");
        self.member
            .resource_type(api_version, &apply.key.kind.kind)
            .await
            .map_err(FederationError::with("apply", &apply.key))
    }

    async fn apply_wave(
        &mut self,
        wave: &[Apply],
        types: Vec<Option<ResourceType>>,
    ) -> Result<(), FederationError> {
        self.check()?;
        let this = &*self;
        // Every object of the wave gets its chance; the first failure is reported after the last has answered.
        let work = wave.iter().zip(types).map(async |(apply, ty)| (apply, this.apply(apply, ty).await));
        let results = some_at_a_time(work.collect()).await;
        let mut failure = None;
        for (apply, result) in results {
            match result {
                Ok((ty, live)) => self.applied(apply, &ty, &live),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn apply(
        &self,
        apply: &Apply,
        ty: Option<ResourceType>,
    ) -> Result<(ResourceType, Value), FederationError> {
        self.check()?;
        let key = &apply.key;
        let ty = match ty {
            Some(ty) => ty,
            None => self.resource_type(apply).await?.ok_or_else(|| no_such_kind(apply))?,
        };
        check_scope(&ty, key).map_err(FederationError::with("apply", key))?;
        if let Some(uid) = &apply.after {
            tracing::debug!(cluster = %self.member.name, object = %key, "waiting until the old one is gone");
            self.member
                .wait_gone(&ty, key.namespace.as_deref(), &key.name, uid, &self.run.wait())
                .await
                .map_err(FederationError::with("make way for", key))?;
        }
        self.take_over(&ty, apply, Rest::Ours).await?;
        failpoint::hit("object-apply-before");
        let options = self.options(apply.force, apply.desired.confidential);
        let live = match self.member.apply(&ty, &apply.body, options.clone()).await {
            Err(error) if error.is_immutable() && apply.replace.is_some() => {
                self.make_way(&ty, apply).await?;
                self.member.apply(&ty, &apply.body, options).await
            }
            answer => answer,
        };
        let live = live.map_err(FederationError::with("apply", key))?;
        failpoint::hit("object-apply-after");
        tracing::info!(cluster = %self.member.name, object = %key, "applied");
        let live = self.take_over(&ty, apply, Rest::Nobodys).await?.unwrap_or(live);
        if key.kind.kind == "CustomResourceDefinition" {
            self.member
                .wait_established(&key.name, &self.run.wait())
                .await
                .map_err(FederationError::with("wait for", key))?;
            self.member.forget_discovery();
        }
        Ok((ty, live))
    }

    /// Makes the fields of whoever made an object that is adopted ours, or nobody's. Returns the object as it is then.
    async fn take_over(
        &self,
        ty: &ResourceType,
        apply: &Apply,
        rest: Rest,
    ) -> Result<Option<Value>, FederationError> {
        let Some(takeover) = apply.adopt.as_ref().filter(|takeover| takeover.rest == rest) else {
            return Ok(None);
        };
        failpoint::hit("object-adopt-before");
        let from = Owners::tools();
        let what = TakeOver { key: &apply.key, uid: &takeover.uid, ty, from: &from, rest };
        let live = migrate::take_over(self.member, self.set, what).await?;
        failpoint::hit("object-adopt-after");
        tracing::info!(cluster = %self.member.name, object = %apply.key, "taken over");
        Ok(live)
    }

    /// Deletes an object that cannot be changed as wanted, so that it can be made anew.
    async fn make_way(&self, ty: &ResourceType, apply: &Apply) -> Result<(), FederationError> {
        let (key, uid) = (&apply.key, apply.replace.as_deref().unwrap_or_default());
        let namespace = key.namespace.as_deref();
        failpoint::hit("object-replace-before");
        self.member
            .delete(ty, namespace, &key.name, uid, Propagation::Background)
            .await
            .map_err(FederationError::with("replace", key))?;
        failpoint::hit("object-replace-after");
        tracing::info!(cluster = %self.member.name, object = %key, "deleted, to be made anew");
        self.member
            .wait_gone(ty, namespace, &key.name, uid, &self.run.wait())
            .await
            .map_err(FederationError::with("replace", key))
            .map(drop)
    }

    async fn await_all(&self, awaited: &BTreeMap<ObjectKey, Wait>) -> Result<(), FederationError> {
        // The first that cannot become ready ends the wait for the others, which may be waiting for it themselves.
        try_join_all(awaited.iter().map(|(key, wait)| self.await_one(key, wait))).await.map(drop)
    }

    async fn await_one(&self, key: &ObjectKey, wait: &Wait) -> Result<(), FederationError> {
        let Some(entry) = self.inventory.entry(key) else { return Ok(()) };
        let ty = type_of(entry);
        tracing::debug!(cluster = %self.member.name, object = %key, "waiting until it is ready");
        let until = Until {
            // What was not applied just now is ready for any generation that it has.
            generation: self.generations.get(key).copied().unwrap_or(0),
            ready: wait.is_ready(&key.kind),
            conditions: &wait.conditions,
        };
        let mut frame = self.run.wait();
        if let Some(seconds) = wait.timeout {
            frame.deadline = frame.deadline.min(Instant::now() + Duration::from_secs(seconds));
        }
        self.member
            .wait_until(&ty, key.namespace.as_deref(), &key.name, until, &frame)
            .await
            .map_err(FederationError::with("wait for", key))?;
        tracing::info!(cluster = %self.member.name, object = %key, "ready");
        Ok(())
    }

    async fn delete(&mut self, plan: &MemberPlan) -> Result<(), FederationError> {
        for forgotten in &plan.forget {
            self.inventory.remove(&forgotten.key);
            if forgotten.exists {
                self.warnings.push(format!(
                    "{} on `{}` is left alone: it does not show that it is ours any more (our label is gone, or it was \
                     made anew).",
                    forgotten.key, self.member.name
                ));
            }
        }
        for Release { key, why } in &plan.release {
            let Some(entry) = self.inventory.entry(key) else { continue };
            migrate::release(self.member, self.set, &type_of(entry), key).await?;
            self.warnings.extend(self.stays(key, *why));
            self.inventory.remove(key);
        }
        for rank in &plan.deletions {
            self.check()?;
            let this = &*self;
            let work = rank.iter().map(async |deletion| (deletion, this.delete_object(deletion).await));
            let results = some_at_a_time(work.collect()).await;
            let mut failure = None;
            for (deletion, result) in results {
                match result {
                    Ok(kept) => {
                        self.inventory.remove(&deletion.key);
                        self.warnings.extend(kept);
                    }
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Deletes one object and waits until it is gone. Says so if it was left instead, for the sake of others.
    async fn delete_object(&self, deletion: &Deletion) -> Result<Option<String>, FederationError> {
        self.check()?;
        let key = &deletion.key;
        let Some(entry) = self.inventory.entry(key) else { return Ok(None) };
        let ty = type_of(entry);
        let namespace = key.namespace.as_deref();
        let others = match deletion.only_if {
            OnlyIf::Always => Ok(Vec::new()),
            OnlyIf::NamespaceIsOurs => {
                leftovers::in_namespace(self.member, &key.name, |object| self.is_ours(object)).await
            }
            OnlyIf::DefinitionIsUnused => leftovers::of_definition(self.member, &key.name).await,
        };
        let keep = match others {
            Ok(others) if others.is_empty() => None,
            Ok(others) => Some(format!("holds {}", leftovers::list(&others))),
            Err(error) => Some(format!("may hold something else ({error})")),
        };
        if let Some(why) = keep {
            migrate::release(self.member, self.set, &ty, key).await?;
            return Ok(Some(format!("{key} on `{}` is kept: it {why}.", self.member.name)));
        }
        failpoint::hit("object-delete-before");
        let how_far = self
            .member
            .delete(&ty, namespace, &key.name, &deletion.uid, Propagation::Background)
            .await
            .map_err(FederationError::with("delete", key))?;
        failpoint::hit("object-delete-after");
        if how_far == member::Deletion::Started {
            self.member
                .wait_gone(&ty, namespace, &key.name, &deletion.uid, &self.run.wait())
                .await
                .map_err(FederationError::with("delete", key))?;
        }
        tracing::info!(cluster = %self.member.name, object = %key, "deleted");
        Ok(None)
    }

    /// What is said of an object that stays. That the user wants it so goes without saying.
    fn stays(&self, key: &ObjectKey, why: Stays) -> Option<String> {
        let why = match why {
            Stays::HoldsWanted => "other objects of the federation are in it",
            Stays::WasThere => "it was there before the federation",
            Stays::Orphaned => return None,
        };
        Some(format!("{key} on `{}` is kept: {why}. It belongs to nobody now.", self.member.name))
    }

    fn options(&self, force: bool, confidential: bool) -> ApplyOptions {
        ApplyOptions { field_manager: self.set.field_manager(), force, dry_run: false, confidential }
    }

    fn is_ours(&self, object: &Value) -> bool {
        let found = object.pointer("/metadata/labels").and_then(|labels| labels.get(PART_OF_LABEL));
        // A copy of an object of ours has the label, but no fields of ours.
        found.and_then(Value::as_str) == Some(self.set.applyset_id().as_str())
            && managed_fields::owned(object, &self.set.field_manager()).is_some()
    }

    fn applied(&mut self, apply: &Apply, ty: &ResourceType, live: &Value) {
        self.note(apply, ty.plural.clone(), Phase::Applied);
        let generation = live.pointer("/metadata/generation").and_then(Value::as_i64);
        self.generations.extend(generation.map(|generation| (apply.key.clone(), generation)));
        let eye =
            Eye { set: self.set, key: self.key.as_ref(), hidden: apply.desired.confidential, ignored: None };
        let owned = if apply.leaves_drift {
            Some(LEFT_DRIFTED.to_owned())
        } else {
            owned_digest(live, eye, Some(&apply.desired))
        };
        let content = content_digest(&apply.desired, eye);
        if let Some(entry) = self.inventory.objects.iter_mut().find(|entry| entry.is(&apply.key)) {
            entry.uid = Some(text(live, "/metadata/uid").to_owned());
            (entry.owned, entry.content) = (owned, content);
            entry.hidden = apply.desired.confidential;
            entry.ignore_fields = apply.desired.policy.ignore_fields.clone();
        }
    }

    /// Enters an object into the record.
    fn note(&mut self, apply: &Apply, plural: String, phase: Phase) {
        let key = &apply.key;
        let before = self.inventory.entry(key);
        let made = if apply.adopt.is_some() { Origin::Adopting } else { Origin::Made };
        let (group, version) = match text(&apply.body, "/apiVersion").split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", text(&apply.body, "/apiVersion")),
        };
        let entry = Entry {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: key.kind.kind.clone(),
            plural,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            resource: apply.resource.clone(),
            uid: before.and_then(|entry| entry.uid.clone()),
            desired: apply.digest.clone(),
            owned: before.and_then(|entry| entry.owned.clone()),
            // These say how `owned` was made, as long as that is what it was before.
            hidden: before.map_or(apply.desired.confidential, |entry| entry.hidden),
            ignore_fields: before.map(|entry| entry.ignore_fields.clone()).unwrap_or_default(),
            content: before.and_then(|entry| entry.content.clone()),
            replicas: apply.desired.replicas,
            origin: match before.map_or(made, |entry| entry.origin) {
                _ if apply.desired.policy.orphan => Origin::Orphan,
                Origin::Orphan => Origin::Adopted,
                origin => origin,
            },
            phase,
        };
        self.inventory.put(entry);
    }

    async fn write(&mut self) -> Result<(), FederationError> {
        let revision =
            records::write_inventory(self.member, self.set, &self.inventory, self.revision.as_deref())
                .await?;
        self.revision = Some(revision);
        Ok(())
    }

    /// Stops between two steps when the user asks for it, and when the time is over.
    fn check(&self) -> Result<(), FederationError> {
        let reason = if self.run.cancelled.is_cancelled() {
            Reason::Interrupted
        } else if Instant::now() >= self.run.deadline {
            Reason::OutOfTime
        } else {
            return Ok(());
        };
        Err(FederationError { doing: "finish the apply".to_owned(), reason })
    }
}

fn no_such_kind(apply: &Apply) -> FederationError {
    FederationError::with("apply", &apply.key)(Reason::NoSuchKind {
        api_version: text(&apply.body, "/apiVersion").to_owned(),
        kind: apply.key.kind.kind.clone(),
    })
}

/// The plural of a custom kind whose definition is among the objects to be applied.
fn defined_plural(plan: &MemberPlan, apply: &Apply) -> Option<String> {
    let kind = &apply.key.kind;
    let definition = plan.waves.iter().flatten().map(|apply| &apply.body).find(|body| {
        text(body, "/kind") == "CustomResourceDefinition"
            && text(body, "/spec/group") == kind.group
            && text(body, "/spec/names/kind") == kind.kind
    })?;
    Some(text(definition, "/spec/names/plural").to_owned())
}
