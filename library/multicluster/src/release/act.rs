//! The actions: each observed, one conditional write, and done again if somebody else was quicker.
//!
//! Invariant: an action writes nothing if what it asks for is there already, so that it may be done again at any time. What
//! leads traffic is written only in the revision that was looked at, and only while no later epoch stands on it.

use multicluster_core::names::ClusterName;
use multicluster_core::object::text;
use multicluster_core::release::Color;
use multicluster_core::release::action::Action;
use multicluster_core::release::journal::Journal;
use multicluster_core::release::traffic::{self, Refused};
use serde_json::{Value, json};

use super::engine::{Engine, Place};
use super::error::is_unreachable;
use super::layout::Subject;
use super::observe::Observer;
use super::sight::Slot;
use super::view;
use crate::failpoint;
use crate::member::MemberError;
use multicluster_core::analysis::Measurement;

/// How often an object that changes under our hands is read again.
const ATTEMPTS: u32 = 8;

/// What an action brought.
#[derive(Debug)]
pub(super) enum Done {
    /// It is as asked.
    Written,
    /// Whether the cluster is in DNS now.
    InDns(bool),
    /// A measurement, whatever it says.
    Measured(Box<Measurement>),
}

/// Why an action did not do what it was asked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may work later.
    Passes(String),
    /// It will be refused again.
    Stays(String),
    /// Another apply has taken over.
    Superseded,
}

/// The cluster that an action is about.
pub(super) fn place_of(action: &Action) -> Option<&ClusterName> {
    match action {
        Action::Prepare { cluster, .. }
        | Action::Shift { cluster, .. }
        | Action::LetGo { cluster, .. }
        | Action::WithdrawDns { cluster }
        | Action::ReturnDns { cluster } => Some(cluster),
        Action::Measure { cluster, .. } => cluster.as_ref(),
    }
}

/// Whether two actions write to the same thing, so that the later one must wait for the end of the earlier one.
pub(super) fn collide(one: &Action, other: &Action) -> bool {
    let color = |action: &Action| match action {
        Action::Prepare { color, .. } | Action::LetGo { color, .. } => Some(*color),
        _ => None,
    };
    if let (Action::Measure { .. }, _) | (_, Action::Measure { .. }) = (one, other) {
        return one == other;
    }
    let same_thing = match (one, other) {
        (Action::Shift { .. }, Action::Shift { .. })
        | (
            Action::WithdrawDns { .. } | Action::ReturnDns { .. },
            Action::WithdrawDns { .. } | Action::ReturnDns { .. },
        ) => true,
        (one, other) => color(one).is_some() && color(one) == color(other),
    };
    same_thing && place_of(one) == place_of(other)
}

impl From<MemberError> for Trouble {
    fn from(error: MemberError) -> Self {
        match &error {
            MemberError::Changed | MemberError::Unauthorized { .. } | MemberError::Expired => {
                Self::Passes(error.to_string())
            }
            // The webhook did not come to judge.
            MemberError::Rejected { message } if message.contains("failed calling webhook") => {
                Self::Passes(error.to_string())
            }
            // Being deleted, and soon to be made again or not.
            MemberError::Forbidden { message } if message.contains("because it is being terminated") => {
                Self::Passes(error.to_string())
            }
            error if is_unreachable(error) => Self::Passes(error.to_string()),
            error => Self::Stays(error.to_string()),
        }
    }
}

/// Does one action that is about a cluster's objects or DNS.
pub(super) async fn act(
    engine: &Engine,
    observer: &Observer,
    journal: &Journal,
    action: &Action,
) -> Result<Done, Trouble> {
    let gone = || Trouble::Stays("the cluster is not part of the release".to_owned());
    let cluster = place_of(action).ok_or_else(gone)?;
    let hand = Hand { engine, observer, journal, place: engine.places.get(cluster).ok_or_else(gone)? };
    match action {
        Action::Prepare { color, replicas, .. } => hand.prepare(*color, *replicas).await?,
        Action::Shift { step, to, .. } => hand.shift(*step, *to).await?,
        Action::LetGo { color, .. } => hand.let_go(*color).await?,
        Action::WithdrawDns { .. } => {
            failpoint::hit("dns-withdraw-before");
            dns(engine)?.withdraw(cluster).await.map_err(Trouble::Passes)?;
            failpoint::hit("dns-withdraw-after");
            return Ok(Done::InDns(false));
        }
        Action::ReturnDns { .. } => {
            failpoint::hit("dns-return-before");
            dns(engine)?.give_back(cluster).await.map_err(Trouble::Passes)?;
            failpoint::hit("dns-return-after");
            return Ok(Done::InDns(true));
        }
        Action::Measure { .. } => return Err(gone()),
    }
    Ok(Done::Written)
}

fn dns(engine: &Engine) -> Result<&dyn super::ports::Dns, Trouble> {
    engine.dns.as_deref().ok_or_else(|| Trouble::Stays("no DNS is coupled to the release".to_owned()))
}

/// What an action works with.
pub(super) struct Hand<'a> {
    pub(super) engine: &'a Engine,
    pub(super) observer: &'a Observer,
    pub(super) journal: &'a Journal,
    pub(super) place: &'a Place,
}

impl Hand<'_> {
    pub(super) fn cluster(&self) -> &ClusterName {
        &self.place.member.name
    }

    /// Leads traffic: one conditional patch of each object that leads it.
    async fn shift(&self, step: Option<usize>, to: Color) -> Result<(), Trouble> {
        let release = self.journal.release.as_ref();
        let release = release.ok_or_else(|| Trouble::Stays("no release is under way".to_owned()))?;
        let services = self.observer.with(self.cluster(), |sight| view::services(&self.engine.layout, sight));
        let services = services.unwrap_or_default();
        let wanted = self.engine.wish(self.journal, release, self.cluster(), (step, to), services);
        let lead = self.engine.layout.lead.as_ref();
        let lead =
            lead.ok_or_else(|| Trouble::Stays("no traffic is led where a workload is updated".to_owned()))?;
        for (index, (target, subject)) in self.engine.layout.targets().into_iter().enumerate() {
            let slot = Slot::Target(index);
            let first = self.observer.with(self.cluster(), |sight| sight.one(slot).cloned()).flatten();
            let patch = |live: &Value| traffic::shift(lead, target.role, live, &wanted);
            let marks = Failpoints { before: "switch-before", after: "switch-after" };
            match self.change(&subject, first, slot, patch, marks).await {
                Err(Trouble::Stays(why)) if index > 0 => {
                    // Beside a route the stable Service may be missing, or be of another kind.
                    if self.observer.with(self.cluster(), |sight| sight.one(slot).is_some()) == Some(true) {
                        return Err(Trouble::Stays(why));
                    }
                }
                done => done?,
            }
        }
        tracing::info!(cluster = %self.cluster(), %to, ?step, "traffic was led");
        Ok(())
    }

    /// Takes a colour's pods away.
    async fn let_go(&self, color: Color) -> Result<(), Trouble> {
        if self.engine.is_in_place() {
            return Ok(());
        }
        failpoint::hit("let-go-before");
        self.remove_autoscaler(color).await?;
        self.resize(color, 0, Vec::new()).await?;
        failpoint::hit("let-go-after");
        Ok(())
    }

    /// Gives a workload a size, and marks, unless it has both. Refused where a later epoch stands on it.
    pub(super) async fn resize(
        &self,
        color: Color,
        replicas: u32,
        marks: Vec<(String, String)>,
    ) -> Result<(), Trouble> {
        let (subject, slot, first) = self.workload(color);
        let epoch_mark = self.engine.layout.epoch_mark();
        let patch = |live: &Value| {
            let ours = self.journal.epoch;
            if let Some(found) = super::take::epoch_on(live, &epoch_mark).filter(|found| *found > ours) {
                return Err(Refused::Superseded { found, ours });
            }
            let set = marks.iter().map(|(key, value)| (key.as_str(), value.clone()));
            let set = set.chain([(epoch_mark.as_str(), ours.to_string())]);
            let missing: Vec<_> =
                set.filter(|(key, value)| view::annotation(live, key) != Some(value)).collect();
            let mut operations = Vec::new();
            if view::replicas(live) != replicas {
                operations.push(json!({ "op": "add", "path": "/spec/replicas", "value": replicas }));
            } else if missing.is_empty() {
                return super::patch::parse(Value::Array(Vec::new()));
            }
            let mut patch = vec![super::patch::meet(live)];
            patch.extend(super::patch::annotations(live, missing));
            patch.extend(operations);
            super::patch::parse(Value::Array(patch))
        };
        let marks = Failpoints { before: "resize-before", after: "resize-after" };
        match self.change(&subject, first, slot, patch, marks).await {
            // There is nothing whose pods could be taken away.
            Err(Trouble::Stays(_)) if replicas == 0 && self.is_missing(&subject).await? => Ok(()),
            done => done,
        }
    }

    /// Where a colour's workload is, and what is known of it.
    pub(super) fn workload(&self, color: Color) -> (Subject, Slot, Option<Value>) {
        let layout = &self.engine.layout;
        let known = self.observer.with(self.cluster(), |sight| {
            let slot = layout.workload_slot(sight, color);
            (layout.workload_subject(layout.adopted(sight).as_ref(), color), slot, sight.one(slot).cloned())
        });
        known.unwrap_or_else(|| (layout.workload_subject(None, color), Slot::Workload(color), None))
    }

    async fn is_missing(&self, subject: &Subject) -> Result<bool, Trouble> {
        Ok(self.read(subject).await?.is_none())
    }

    pub(super) async fn read(&self, subject: &Subject) -> Result<Option<Value>, Trouble> {
        let Subject { ty, namespace, name } = subject;
        match self.place.member.get(ty, Some(namespace), name).await {
            Err(MemberError::UnknownKind) => Ok(None),
            answer => Ok(answer?),
        }
    }

    /// Writes a patch that was made for what was just read. Whoever was quicker makes it fail, and is no reason to stop.
    pub(super) async fn write_once(
        &self,
        subject: &Subject,
        slot: Slot,
        patch: &json_patch::Patch,
        marks: Failpoints,
    ) -> Result<(), Trouble> {
        let Subject { ty, namespace, name } = subject;
        let operations = serde_json::to_value(patch).unwrap_or_default();
        let before = self.read(subject).await?;
        failpoint::hit(marks.before);
        let manager = self.engine.layout.manager();
        let answer = self.place.member.patch_json(ty, Some(namespace), name, &operations, &manager).await;
        failpoint::hit(marks.after);
        match answer {
            Ok(written) => {
                self.observer.put(self.cluster(), slot, written);
                Ok(())
            }
            Err(MemberError::Changed) => Ok(()),
            Err(error @ MemberError::Invalid { .. }) => {
                // A test that fails is answered as a patch that is wrong.
                let now = self.read(subject).await?;
                if now == before { Err(error.into()) } else { Ok(()) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes one conditional patch, made for the object as it was last seen, and anew for as long as somebody else is
    /// quicker.
    pub(super) async fn change(
        &self,
        subject: &Subject,
        seen: Option<Value>,
        slot: Slot,
        patch: impl Fn(&Value) -> Result<json_patch::Patch, Refused>,
        marks: Failpoints,
    ) -> Result<(), Trouble> {
        let Subject { ty, namespace, name } = subject;
        let missing = || Trouble::Stays(format!("{} {namespace}/{name} does not exist", ty.kind));
        let mut live = match seen {
            Some(live) => live,
            None => self.read(subject).await?.ok_or_else(missing)?,
        };
        let mut last = MemberError::Changed;
        for attempt in 0..ATTEMPTS {
            let operations = match patch(&live) {
                Ok(patch) if patch.0.is_empty() => {
                    // It may be so only in what we remember of it.
                    if attempt > 0 {
                        return Ok(());
                    }
                    live = self.read(subject).await?.ok_or_else(missing)?;
                    self.observer.put(self.cluster(), slot, live.clone());
                    continue;
                }
                Ok(patch) => serde_json::to_value(&patch)
                    .map_err(|error| Trouble::Stays(format!("the patch cannot be written: {error}")))?,
                Err(Refused::Superseded { .. }) => return Err(Trouble::Superseded),
                Err(refused @ Refused::Service { .. }) => return Err(Trouble::Passes(refused.to_string())),
                Err(_) if attempt == 0 => {
                    // What we remember of it may be old.
                    live = self.read(subject).await?.ok_or_else(missing)?;
                    continue;
                }
                Err(refused) => return Err(Trouble::Stays(refused.to_string())),
            };
            failpoint::hit(marks.before);
            let manager = self.engine.layout.manager();
            let answer = self.place.member.patch_json(ty, Some(namespace), name, &operations, &manager).await;
            failpoint::hit(marks.after);
            match answer {
                Ok(written) => {
                    self.observer.put(self.cluster(), slot, written);
                    return Ok(());
                }
                // A server answers a test that fails as it answers a patch that is wrong.
                Err(
                    error @ (MemberError::Changed | MemberError::Invalid { .. } | MemberError::Other { .. }),
                ) => {
                    let now = self.read(subject).await?.ok_or_else(missing)?;
                    let revision = |object: &Value| text(object, "/metadata/resourceVersion").to_owned();
                    if !matches!(error, MemberError::Changed) && revision(&now) == revision(&live) {
                        return Err(error.into());
                    }
                    live = now;
                    last = error;
                }
                Err(MemberError::NotFound { .. }) => return Err(missing()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Trouble::Passes(last.to_string()))
    }
}

/// The points before and after a write.
#[derive(Clone, Copy)]
pub(super) struct Failpoints {
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn prepare(cluster: &str, color: Color) -> Action {
        Action::Prepare { cluster: ClusterName::new(cluster).unwrap(), color, replicas: 3 }
    }

    fn shift(cluster: &str, step: Option<usize>, to: Color) -> Action {
        Action::Shift { cluster: ClusterName::new(cluster).unwrap(), step, to }
    }

    fn let_go(cluster: &str, color: Color) -> Action {
        Action::LetGo { cluster: ClusterName::new(cluster).unwrap(), color }
    }

    #[rstest]
    #[case::traffic_of_a_cluster(shift("a", Some(0), Color::Green), shift("a", None, Color::Blue), true)]
    #[case::traffic_of_two(shift("a", None, Color::Green), shift("b", None, Color::Green), false)]
    #[case::pods_of_a_colour(prepare("a", Color::Green), let_go("a", Color::Green), true)]
    #[case::pods_of_two(prepare("a", Color::Green), let_go("a", Color::Blue), false)]
    #[case::pods_and_traffic(prepare("a", Color::Green), shift("a", None, Color::Green), false)]
    fn what_waits_for_what(#[case] one: Action, #[case] other: Action, #[case] expected: bool) {
        assert_eq!(collide(&one, &other), expected);
        assert_eq!(collide(&other, &one), expected);
    }

    #[rstest]
    #[case::away(MemberError::Unreachable { reason: "refused".into() }, true)]
    #[case::webhook_down(MemberError::Rejected { message: "failed calling webhook \"a\"".into() }, true)]
    #[case::webhook_says_no(MemberError::Rejected { message: "admission webhook \"a\" denied it".into() }, false)]
    #[case::no_permission(MemberError::Forbidden { message: "cannot patch".into() }, false)]
    #[case::a_rival(MemberError::Conflict { conflicts: Vec::new() }, false)]
    fn what_is_tried_again(#[case] error: MemberError, #[case] passes: bool) {
        assert_eq!(matches!(Trouble::from(error), Trouble::Passes(_)), passes);
    }
}
