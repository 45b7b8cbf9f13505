//! Making a colour: its objects one after the other by server-side apply, its size, and a mark that all of them are there.
//!
//! The size is no part of what is applied: an autoscaler may lead it, and a field that an apply has once owned and then
//! leaves out falls back to its default, which is one pod.

use json_patch::Patch;
use multicluster_core::object::{Manifest, text};
use multicluster_core::release::Color;
use multicluster_core::release::adopt::retire;
use multicluster_core::release::identity::{RELEASE_LABEL, VERSION_LABEL};
use multicluster_core::release::render::{self, Autoscaler};
use multicluster_core::release::traffic::{Refused, mark};
use serde_json::Value;

use super::act::{Failpoints, Hand, Trouble};
use super::engine::Shape;
use super::layout::{Layout, Subject, known_type};
use super::marks::{OBJECTS_ANNOTATION, OWNED_ANNOTATION};
use super::sight::Slot;
use super::view;
use crate::failpoint;
use crate::member::{ApplyOptions, MemberError, Propagation};

impl Hand<'_> {
    /// Makes a colour's objects at a size or above.
    pub(super) async fn prepare(&self, color: Color, replicas: u32) -> Result<(), Trouble> {
        failpoint::hit("prepare-before");
        let brings = self.journal.release.as_ref().is_some_and(|release| release.to == color);
        if !brings {
            // The other colour is of another version, whose manifest nobody has any more; its objects are there.
            self.grow(color, replicas, Vec::new()).await?;
        } else {
            self.retire(color).await?;
            self.hold(color.other(), replicas).await?;
            self.make(color, replicas).await?;
        }
        failpoint::hit("prepare-after");
        tracing::info!(cluster = %self.cluster(), %color, replicas, "the colour was made");
        Ok(())
    }

    async fn make(&self, color: Color, replicas: u32) -> Result<(), Trouble> {
        let (engine, layout) = (self.engine, &self.engine.layout);
        let stable = self.observer.with(self.cluster(), |sight| layout.stable(sight).cloned()).flatten();
        // The first release of all is served as soon as it is made; what serves before any later one is the other colour.
        let serving = if self.journal.active.is_some() { color.other() } else { color };
        let shape = Shape { color, replicas, autoscaler: Autoscaler::Held, stable: stable.as_ref(), serving };
        let rendered = engine.render(self.place, &shape).map_err(Trouble::Stays)?;
        let digest = engine.rendered_digest(self.place, color, stable.as_ref()).unwrap_or_default();
        let (workload, slot, _) = self.workload(color);
        let mut owned = None;
        for object in &rendered {
            let is_workload = object.kind() == layout.kind && object.name() == workload.name;
            let live = self.apply(object).await?;
            if is_workload {
                owned = Some(view::owned_digest(&live, &layout.manager()));
                self.observer.put(self.cluster(), slot, live);
            } else if object.kind() == "Service" {
                self.observer.put(self.cluster(), Slot::Services, live);
            }
        }
        let missing = || Trouble::Stays(format!("the objects have no {} {}", layout.kind, workload.name));
        let marks = vec![
            (mark(&layout.release, OBJECTS_ANNOTATION), digest),
            (mark(&layout.release, OWNED_ANNOTATION), owned.ok_or_else(missing)?),
        ];
        self.grow(color, replicas, marks).await
    }

    /// Gives a workload a size, unless it is larger.
    async fn grow(&self, color: Color, replicas: u32, marks: Vec<(String, String)>) -> Result<(), Trouble> {
        let now = self.workload(color).2.as_ref().map_or(0, view::replicas);
        self.resize(color, replicas.max(now), marks).await
    }

    async fn apply(&self, object: &Manifest) -> Result<Value, Trouble> {
        let what = format!("{} {}", object.kind(), object.name());
        let ty = self.place.member.resource_type(object.api_version(), object.kind()).await?;
        let unknown = || format!("{what}: the cluster has no {} in {}", object.kind(), object.api_version());
        let ty = ty.ok_or_else(|| Trouble::Stays(unknown()))?;
        let body = as_applied(&self.engine.layout, object);
        let options = ApplyOptions {
            field_manager: self.engine.layout.manager(),
            force: false,
            dry_run: false,
            confidential: object.kind() == "Secret",
        };
        failpoint::hit("prepare-object-before");
        let applied = self.place.member.apply(&ty, &body, options).await;
        failpoint::hit("prepare-object-after");
        applied.map_err(|error| match Trouble::from(error) {
            Trouble::Stays(why) => Trouble::Stays(format!("{what}: {why}")),
            other => other,
        })
    }

    /// Lets go of a workload that was taken over as this colour, before the colour gets one of its own.
    async fn retire(&self, color: Color) -> Result<(), Trouble> {
        let layout = &self.engine.layout;
        let stable = self.observer.with(self.cluster(), |sight| layout.stable(sight).cloned()).flatten();
        let (Some(lead), Some(stable), Color::Blue) = (&layout.lead, stable, color) else { return Ok(()) };
        let stays = |refused: Refused| Trouble::Stays(refused.to_string());
        let Some(retirement) = retire(lead, &stable).map_err(stays)? else { return Ok(()) };
        for key in &retirement.delete {
            let member = &self.place.member;
            let ty = member.served_as(&key.kind.group, &key.kind.kind).await?;
            let namespace = key.namespace.as_deref();
            let Some(ty) = ty else { continue };
            let Some(live) = member.get(&ty, namespace, &key.name).await? else { continue };
            failpoint::hit("retire-before");
            let uid = text(&live, "/metadata/uid");
            member.delete(&ty, namespace, &key.name, uid, Propagation::Background).await?;
            failpoint::hit("retire-after");
        }
        // Last: while the Service says what was taken over, this is gone on with.
        let service = layout.own("v1", "Service", lead.service.as_str());
        let slot = Slot::Target(layout.targets().len().saturating_sub(1));
        let patch = |live: &Value| Ok(retire(lead, live)?.map_or_else(|| Patch(Vec::new()), |it| it.service));
        let marks = Failpoints { before: "retire-note-before", after: "retire-note-after" };
        self.change(&service, None, slot, patch, marks).await
    }

    /// Keeps the autoscaler of the colour that serves from shrinking it while it must be able to take everything.
    async fn hold(&self, color: Color, replicas: u32) -> Result<(), Trouble> {
        for scaler in self.autoscalers(color) {
            let size = self.workload(color).2.as_ref().map_or(replicas, view::replicas);
            let marks = Failpoints { before: "autoscaler-hold-before", after: "autoscaler-hold-after" };
            self.change_autoscaler(&scaler, |live| render::hold(live, size), marks).await?;
        }
        Ok(())
    }

    /// After a release: the autoscaler of the colour that serves may shrink it again.
    pub(super) async fn set_free(&self, color: Color) -> Result<(), Trouble> {
        let layout = &self.engine.layout;
        let stable = self.observer.with(self.cluster(), |sight| layout.stable(sight).cloned()).flatten();
        let (_, _, live) = self.workload(color);
        let ours = live.as_ref().and_then(|live| view::label_of(live, VERSION_LABEL));
        if ours == Some(self.engine.version.0.as_str()) {
            let shape = Shape {
                color,
                replicas: live.as_ref().map_or(1, view::replicas),
                autoscaler: Autoscaler::Free,
                stable: stable.as_ref(),
                serving: color,
            };
            let rendered = self.engine.render(self.place, &shape);
            let rendered = rendered.map_err(Trouble::Stays)?;
            for object in rendered.iter().filter(|object| object.kind() == "HorizontalPodAutoscaler") {
                self.apply(object).await?;
            }
        }
        for scaler in self.autoscalers(color) {
            let marks = Failpoints { before: "autoscaler-free-before", after: "autoscaler-free-after" };
            self.change_autoscaler(&scaler, render::give_back, marks).await?;
        }
        Ok(())
    }

    /// Removes what an earlier version of this colour had and this one has not.
    pub(super) async fn prune(&self, color: Color) -> Result<(), Trouble> {
        let release = &self.engine.layout.release;
        let labels = release.color_labels(color);
        let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let kinds = [
            ("v1", "ConfigMap"),
            ("v1", "Secret"),
            ("policy/v1", "PodDisruptionBudget"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ];
        for (api_version, kind) in kinds {
            let ty = known_type(api_version, kind);
            let listed = match self.place.member.list(&ty, &selector.join(",")).await {
                // Who may not see a kind has not made any of it.
                Err(MemberError::Forbidden { .. } | MemberError::UnknownKind) => continue,
                listed => listed?,
            };
            let old = |live: &&Value| {
                let version = view::label_of(live, VERSION_LABEL);
                text(live, "/metadata/namespace") == release.namespace
                    && version.is_some_and(|version| version != self.engine.version.0)
            };
            for live in listed.iter().filter(old) {
                let (name, uid) = (text(live, "/metadata/name"), text(live, "/metadata/uid"));
                failpoint::hit("prune-before");
                let namespace = Some(release.namespace.as_str());
                self.place.member.delete(&ty, namespace, name, uid, Propagation::Background).await?;
                failpoint::hit("prune-after");
                tracing::info!(cluster = %self.cluster(), kind, name, "of an earlier version, removed");
            }
        }
        Ok(())
    }

    async fn change_autoscaler(
        &self,
        scaler: &Value,
        patch: impl Fn(&Value) -> Result<Patch, Refused>,
        marks: Failpoints,
    ) -> Result<(), Trouble> {
        let subject = self.autoscaler_subject(scaler);
        // Nothing to do is not worth a question to the server.
        if patch(scaler).is_ok_and(|patch| patch.0.is_empty()) {
            return Ok(());
        }
        self.change(&subject, None, Slot::Autoscalers, patch, marks).await
    }

    fn autoscaler_subject(&self, scaler: &Value) -> Subject {
        let name = text(scaler, "/metadata/name");
        self.engine.layout.own("autoscaling/v2", "HorizontalPodAutoscaler", name)
    }

    /// What scales a colour.
    fn autoscalers(&self, color: Color) -> Vec<Value> {
        let (workload, _, _) = self.workload(color);
        let found = self.observer.with(self.cluster(), |sight| {
            let scales = |scaler: &&Value| {
                text(scaler, "/spec/scaleTargetRef/name") == workload.name
                    && text(scaler, "/spec/scaleTargetRef/kind") == workload.ty.kind
            };
            sight.all(Slot::Autoscalers).filter(scales).cloned().collect()
        });
        found.unwrap_or_default()
    }

    /// Removes what scales a colour, if the release made it. One that was there before does nothing while its target has
    /// the size 0.
    pub(super) async fn remove_autoscaler(&self, color: Color) -> Result<(), Trouble> {
        let release = &self.engine.layout.release;
        for scaler in self.autoscalers(color) {
            if view::label_of(&scaler, RELEASE_LABEL) != Some(release.name.as_str()) {
                continue;
            }
            let Subject { ty, namespace, name } = self.autoscaler_subject(&scaler);
            failpoint::hit("autoscaler-delete-before");
            let uid = text(&scaler, "/metadata/uid");
            self.place.member.delete(&ty, Some(&namespace), &name, uid, Propagation::Background).await?;
            failpoint::hit("autoscaler-delete-after");
        }
        Ok(())
    }
}

/// What is sent of a rendered object: all of it, but for a workload's size.
pub(super) fn as_applied(layout: &Layout, object: &Manifest) -> Value {
    let mut body = object.value().clone();
    if object.kind() == layout.kind
        && let Some(spec) = body.pointer_mut("/spec").and_then(Value::as_object_mut)
    {
        spec.remove("replicas");
    }
    body
}
