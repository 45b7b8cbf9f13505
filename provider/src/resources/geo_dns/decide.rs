//! What a zone shall hold, and the way there: from the model and what is known to batches. No I/O.

use std::collections::BTreeMap;

use multicluster_core::dns::{EndpointName, Problem};
use multicluster_core::route53::owner::OwnerMark;
use multicluster_core::route53::rules::{self, Rule, Violation};
use multicluster_core::route53::{
    Data, HealthChecks, Naming, Plan, RecordName, RecordSet, Takeover, Target, Wanted, compile, is_helper_of,
    not_public, plan,
};
use tfplugin::{Diagnostics, Path};

use super::model::{self, Model};
use super::zone::{self, View};
use crate::validators::sentence;

/// What is known at the time.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) name: &'a RecordName,
    pub(super) view: &'a View,
    pub(super) targets: &'a BTreeMap<EndpointName, Target>,
    pub(super) checks: &'a HealthChecks,
    pub(super) collection: Option<&'a str>,
    pub(super) standing: Standing<'a>,
}

/// What the name is to us so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// Nothing.
    New,
    /// Ours, under this name.
    Ours(&'a RecordName),
}

/// What shall be, and how.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// The record sets, without the owner's mark.
    pub(super) desired: Vec<RecordSet>,
    /// The way there.
    pub(super) plan: Plan,
}

/// Decides. `None` if it cannot be done, which is then said.
pub(super) fn decide(model: &Model, known: Known<'_>, diagnostics: &mut Diagnostics) -> Option<Decision> {
    known.view.refuse_outside(known.name, diagnostics);
    known.view.refuse_opaque(diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let desired = desired(model, known, diagnostics)?;
    let plan = way(model, known, &desired, diagnostics)?;
    Some(Decision { desired, plan })
}

/// The record sets that answer as the model says.
fn desired(model: &Model, known: Known<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<RecordSet>> {
    let zone = &known.view.zone;
    let Some(tree) = &model.tree else { return Some(Vec::new()) };
    let targets = known.targets.iter().filter(|_| !zone.private);
    let private: Vec<Problem> = targets.filter_map(|(name, target)| not_public(name, target)).collect();
    model::report("A private address", &private, diagnostics);
    let naming = Naming {
        zone_id: zone.id.clone(),
        zone: zone.name.clone(),
        name: known.name.clone(),
        ttl: model.ttl,
        cidr_collection: known.collection.map(str::to_owned),
    };
    let sets = match compile(tree, &naming, known.targets, known.checks) {
        Ok(sets) => sets,
        Err(problems) => {
            model::report("The endpoints cannot be answered so", &problems, diagnostics);
            return None;
        }
    };
    let violations = rules::check(zone, &sets);
    let violations: Vec<&Violation> =
        violations.iter().filter(|it| !is_elsewhere(it, &sets, known.name)).collect();
    for violation in &violations {
        let path = Path::root().attribute("endpoints");
        diagnostics.error_at(path, "Route 53 would refuse the records", sentence(&violation.text));
    }
    (private.is_empty() && violations.is_empty()).then_some(sets)
}

/// Aliases of users may point at any set of the zone, which was not read.
fn is_elsewhere(violation: &Violation, sets: &[RecordSet], name: &RecordName) -> bool {
    let points_elsewhere = |set: &&RecordSet| match &set.data {
        Data::Alias(target) => !is_helper_of(&target.dns_name, name),
        Data::Values { .. } => false,
    };
    violation.rule == Rule::AliasTarget
        && sets.iter().filter(|set| violation.keys.contains(&set.key)).all(|set| points_elsewhere(&set))
}

/// The way from what stands to `desired`.
pub(super) fn way(
    model: &Model,
    known: Known<'_>,
    desired: &[RecordSet],
    diagnostics: &mut Diagnostics,
) -> Option<Plan> {
    let Known { name, view, standing, .. } = known;
    view.refuse_outside(name, diagnostics);
    view.refuse_opaque(diagnostics);
    let renamed_from = match standing {
        Standing::Ours(before) => Some(before).filter(|before| *before != name),
        Standing::New => None,
    };
    let mut takeover = model.takeover.clone();
    if standing == Standing::Ours(name) && zone::mark(&view.sets, name).is_none() {
        // Somebody has removed the mark; the sets are ours nevertheless, unless another one claims them.
        takeover.insert(Takeover::Unclaimed);
    }
    let wanted = Wanted { name, sets: desired, owner: &model.owner, renamed_from, takeover: &takeover };
    let plan = match plan(&view.sets, &wanted) {
        Ok(plan) => plan,
        Err(refusal) => {
            let path = Path::root().attribute("name");
            let summary = format!("`{}` cannot be written", name.as_written());
            diagnostics.error_at(path, summary, sentence(&refusal));
            return None;
        }
    };
    if standing == Standing::New && exists(model, view, name) && !plan.changes.is_empty() {
        let detail = format!(
            "Its records are there, and are those of the owner `{}`, but not as they would be made. If they are of this \
             configuration, import them by `{}/{}`; otherwise give it an `owner` of its own.",
            model.owner,
            view.zone.id,
            name.as_written()
        );
        let summary = format!("`{}` exists already", name.as_written());
        diagnostics.error_at(Path::root().attribute("name"), summary, detail);
    }
    (!diagnostics.has_errors()).then_some(plan)
}

/// Whether a name that is to be made is there, complete, and ours by its mark.
fn exists(model: &Model, view: &View, name: &RecordName) -> bool {
    zone::mark(&view.sets, name)
        .is_some_and(|mark| mark.owner == model.owner && mark.digest != OwnerMark::UNFINISHED)
}

#[cfg(test)]
mod tests;
