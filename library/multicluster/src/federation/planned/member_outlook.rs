//! What an apply would do on one member.

use std::collections::BTreeMap;

use multicluster_core::federation::forecast::{self, Forecast, MEMBER, Outlook};
use multicluster_core::federation::observation::Observation;
use multicluster_core::federation::plan::{self, Claim, Leave, Refusal};
use multicluster_core::federation::render::MemberDesired;
use multicluster_core::names::{ClusterName, ClusterUid};
use multicluster_core::object::ObjectKey;
use tokio::time::Instant;

use super::consult::{Answers, consult};
use super::{Federation, Row};
use crate::federation::error::{FederationError, Reason};
use crate::federation::foresee::look_for_differences;
use crate::federation::observe::observe;
use crate::federation::run::Mode;
use crate::member::Member;

/// How long it may take to find out whether objects of others differ.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What an apply would do on one member, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct MemberOutlook {
    /// Which cluster it is, if it answered.
    pub(super) uid: Option<ClusterUid>,
    /// What happens.
    forecast: Forecast,
    /// Why something in the forecast is not known.
    unknown: BTreeMap<String, String>,
    /// What stands against it.
    pub(super) problems: Vec<String>,
    /// Whether the member is as it should be.
    pub(super) nothing_to_do: bool,
}

/// What is asked of one member.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) federation: &'a Federation,
    pub(super) name: &'a ClusterName,
    /// Its objects; `None` if it leaves.
    pub(super) desired: Option<&'a MemberDesired>,
    pub(super) instance: &'a str,
    pub(super) mode: Mode,
}

impl Asked<'_> {
    /// Looks at a member that was read without regard to what is wanted. `None` if it leaves and there is nothing to
    /// be left.
    pub(super) async fn look(
        self,
        member: &Member,
        read: Observation,
        leave: Leave,
    ) -> Option<MemberOutlook> {
        let Some(desired) = self.desired else {
            return self.leaves(&read, leave);
        };
        match self.observe(member, desired).await {
            Ok(observation) => Some(self.stays(member, desired, &observation).await),
            Err(error) => Some(MemberOutlook::not_read(&error)),
        }
    }

    fn leaves(self, read: &Observation, leave: Leave) -> Option<MemberOutlook> {
        plan::plan_removal(self.instance, leave, read)?;
        let seen = read.seen(&MemberDesired::new());
        let outlook = Outlook { desired: None, leave, ..self.outlook(&seen) };
        Some(MemberOutlook {
            uid: Some(read.cluster_uid.clone()),
            forecast: forecast::forecast(&outlook),
            ..MemberOutlook::default()
        })
    }

    async fn observe(self, member: &Member, desired: &MemberDesired) -> Result<Observation, FederationError> {
        let set = &self.federation.set;
        let mut observation = observe(member, set, desired).await?.observation;
        look_for_differences(member, set, desired, &mut observation, Instant::now() + PATIENCE).await;
        Ok(observation)
    }

    async fn stays(
        self,
        member: &Member,
        desired: &MemberDesired,
        observation: &Observation,
    ) -> MemberOutlook {
        let Federation { spec, set, .. } = self.federation;
        let labels = spec.members.get(self.name).cloned().unwrap_or_default();
        let claim = match self.mode {
            Mode::Create => Claim::Make(self.instance),
            Mode::Update => Claim::Change(self.instance),
        };
        let planned = plan::plan(set, claim, &labels, desired, observation);
        let nothing_to_do = planned.as_ref().is_ok_and(plan::MemberPlan::is_empty);
        let refusals = planned.err().unwrap_or_default();
        let answers = consult(member, set, desired, observation).await;
        let seen = observation.seen(desired);
        // A member with a record is one already, whatever it is called there.
        let record = observation.inventory.as_ref().map(|it| &it.inventory.cluster_uid);
        let outlook = Outlook {
            desired: Some(desired),
            known_as: record,
            probed: Some(&answers.words),
            ..self.outlook(&seen)
        };
        let mut outlook = MemberOutlook {
            uid: Some(observation.cluster_uid.clone()),
            forecast: forecast::forecast(&outlook),
            nothing_to_do,
            ..MemberOutlook::default()
        };
        outlook.note(answers, &refusals);
        outlook
    }

    fn outlook<'a>(self, seen: &'a multicluster_core::federation::observation::Seen) -> Outlook<'a> {
        Outlook {
            prior: None,
            desired: None,
            seen: Some(seen),
            known_as: None,
            probed: None,
            leave: Leave::Delete,
            renamed: None,
        }
    }
}

impl MemberOutlook {
    /// Of a member that could not be read. One that does not answer, or does not let us look, holds up nobody: the apply
    /// tries again, and reports it. What is wrong with what was read stands against the apply.
    pub(super) fn not_read(error: &FederationError) -> Self {
        let mut outlook = Self::default();
        outlook.forecast.insert(MEMBER.to_owned(), None);
        outlook.unknown.insert(MEMBER.to_owned(), error.to_string());
        if !matches!(error.reason, Reason::Member(_)) {
            outlook.problems.push(error.to_string());
        }
        outlook
    }

    fn note(&mut self, answers: Answers, refusals: &[Refusal]) {
        for (key, why) in answers.unknown {
            self.unknown.insert(key.to_string(), why);
        }
        for (key, why) in answers.refused {
            self.problems.push(format!("{key}: {why}"));
            self.say(&key, why);
        }
        for refusal in refusals {
            self.problems.push(refusal.to_string());
            match refusal {
                Refusal::Foreign { key, managers } if managers.is_empty() => {
                    self.say(key, "conflict: it is there, and not ours".to_owned());
                }
                Refusal::Foreign { key, managers } => {
                    let by = managers.join(", ");
                    self.say(key, format!("conflict: it is there, and not ours (kept by {by})"));
                }
                Refusal::Differs { key, fields, .. } => {
                    self.say(key, format!("conflict: it is there, and differs: {}", fields.join(", ")));
                }
                Refusal::Taken { key, why } => self.say(key, format!("conflict: {why}")),
                Refusal::Exists => {}
            }
        }
    }

    fn say(&mut self, key: &ObjectKey, words: String) {
        self.forecast.insert(key.to_string(), Some(words));
    }

    pub(super) fn rows(&self, name: &ClusterName) -> Vec<Row> {
        let row = |(object, text): (&String, &Option<String>)| {
            let happens = text.clone().unwrap_or_else(|| match self.unknown.get(object) {
                Some(why) => format!("unknown: {why}"),
                None => "unknown".to_owned(),
            });
            Row { cluster: name.to_string(), object: object.clone(), happens }
        };
        let member = self.forecast.get_key_value(MEMBER);
        member
            .into_iter()
            .chain(self.forecast.iter().filter(|(object, _)| *object != MEMBER))
            .map(row)
            .collect()
    }
}

/// Two names for one cluster would fight over every object.
pub(super) fn refuse_duplicates(members: &mut BTreeMap<ClusterName, MemberOutlook>) {
    let mut first: BTreeMap<ClusterUid, ClusterName> = BTreeMap::new();
    for (name, outlook) in members {
        let Some(uid) = &outlook.uid else { continue };
        match first.get(uid) {
            Some(other) => outlook.problems.push(format!("it is the same cluster as `{other}`")),
            None => drop(first.insert(uid.clone(), name.clone())),
        }
    }
}
