//! Where aliases may point.
//!
//! An alias to a record of its own zone needs a target of its type at the moment of its creation. Sets that the
//! same batch removes or replaces later do not count: the service takes what is upserted out before it creates
//! anything, so that a target must be written before its referrer even when it existed before.

use std::collections::HashMap;

use super::{Action, Change, ZoneContext};
use crate::{
    model::{AliasTarget, Name, RecordSet, RecordSetKey, RecordSets, RecordType},
    tables::alias_zone,
};

/// At which change of the batch each key is last taken out, by DELETE or UPSERT.
pub(super) struct Removals(HashMap<RecordSetKey, usize>);

impl Removals {
    pub(super) fn of(changes: &[Change]) -> Self {
        let removing = changes.iter().enumerate().filter(|(_, change)| change.action != Action::Create);
        Self(removing.map(|(index, change)| (change.set.key(), index)).collect())
    }

    fn after(&self, index: usize, set: &RecordSet) -> bool {
        self.0.get(&set.key()).is_some_and(|removal| *removal > index)
    }
}

/// What is wrong with the target of an alias that change `index` creates. `sets` does not contain the alias.
pub(super) fn problems(
    set: &RecordSet,
    sets: &RecordSets,
    context: &ZoneContext,
    (removals, index): (&Removals, usize),
) -> Vec<String> {
    let Some(target) = set.alias() else { return Vec::new() };
    let about = about(target, set.record_type);
    if target.hosted_zone_id == context.id {
        let mut group = sets.group(&target.dns_name, set.record_type);
        let inside = target.dns_name.is_within(&context.name);
        // Its own name and type would be a loop, also where other sets share them.
        let is_other = target.dns_name != set.name;
        let exists = is_other && group.any(|candidate| !removals.after(index, candidate));
        let mut found = Vec::new();
        if !inside {
            found.push(format!("{about}, but the alias target name does not lie within the target zone"));
        }
        if !exists {
            found.push(format!("{about}, but that target was not found"));
        }
        return found;
    }
    let lies_outside = || format!("{about}, but the alias target name does not lie within the target zone");
    let Some(zone) = alias_zone(&target.hosted_zone_id) else {
        // Ids of other services (S3 websites, API endpoints) are not in the table and pass. Names of load
        // balancers and distributions have a zone of their own, and that is not this one.
        return if is_load_balancer(&target.dns_name) { vec![lies_outside()] } else { Vec::new() };
    };
    let mut found = Vec::new();
    if !Name::parse(zone.dns_suffix).is_ok_and(|suffix| target.dns_name.is_within(&suffix)) {
        found.push(lies_outside());
    }
    if target.evaluate_target_health && !zone.can_evaluate_health {
        found.push(format!("{about}, but EvaluateTargetHealth cannot be true for this target"));
    }
    let served = match set.record_type {
        RecordType::A | RecordType::Aaaa => true,
        RecordType::Https | RecordType::Svcb => !zone.can_evaluate_health,
        _ => false,
    };
    if !served {
        found.push(format!("{about}, but that target was not found"));
    }
    found
}

fn is_load_balancer(name: &Name) -> bool {
    let text = name.as_str();
    let amazon = text.ends_with(".amazonaws.com.") || text.ends_with(".amazonaws.com.cn.");
    (amazon && text.contains(".elb."))
        || text.ends_with(".cloudfront.net.")
        || text.ends_with(".awsglobalaccelerator.com.")
}

/// The alias that loses its target when `deleted` goes at change `index`, unless a later change of the batch
/// writes the target again. `sets` does not contain `deleted` any more.
pub(super) fn orphan(
    deleted: &RecordSet,
    sets: &RecordSets,
    context: &ZoneContext,
    (changes, index): (&[Change], usize),
) -> Option<String> {
    let is_target = |set: &RecordSet| set.name == deleted.name && set.record_type == deleted.record_type;
    let written_later = changes.iter().skip(index + 1);
    let mut written_later = written_later.filter(|change| change.action != Action::Delete);
    if sets.group(&deleted.name, deleted.record_type).next().is_some()
        || written_later.any(|change| is_target(&change.set))
    {
        return None;
    }
    let referrer = sets.iter().filter(|set| set.record_type == deleted.record_type).find_map(|set| {
        set.alias().filter(|target| target.hosted_zone_id == context.id && target.dns_name == deleted.name)
    })?;
    Some(format!("{}, but that target was not found", about(referrer, deleted.record_type)))
}

fn about(target: &AliasTarget, record_type: RecordType) -> String {
    format!(
        "Tried to create an alias that targets {}, type {record_type} in zone {}",
        target.dns_name, target.hosted_zone_id
    )
}
