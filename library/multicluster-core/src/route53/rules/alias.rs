//! What is wrong with aliases.

use std::collections::BTreeMap;

use crate::route53::record_set::{Data, RecordName, RecordSet, RecordType};
use crate::route53::rules::{Findings, Rule};
use crate::route53::zone::{Groups, ZoneFacts};

/// The zone of all CloudFront distributions.
const CLOUDFRONT_ZONE: &str = "Z2FDTNDATAQYW2";

pub(super) fn check(zone: &ZoneFacts, set: &RecordSet, groups: &Groups<'_>, found: &mut Findings) {
    let Data::Alias(target) = &set.data else { return };
    let r#type = set.key.r#type.0.as_str();
    let target_name = target.dns_name.as_written();
    if matches!(r#type, "NS" | "SOA") {
        found.about(Rule::Alias, set, format_args!("{type} records cannot be aliases"));
    }
    if zone.own_target(set).is_none() {
        if !matches!(r#type, "A" | "AAAA" | "HTTPS") {
            found.about(
                Rule::Alias,
                set,
                format_args!("an alias to `{target_name}`, outside of the zone, must be of type A or AAAA"),
            );
        }
        if target.hosted_zone_id == CLOUDFRONT_ZONE && target.evaluate_target_health {
            found.about(
                Rule::Alias,
                set,
                format_args!(
                    "`{target_name}` is a CloudFront distribution, of which no health can be evaluated"
                ),
            );
        }
        return;
    }
    if !target.dns_name.within(&zone.name) {
        let zone = zone.name.as_written();
        found.about(
            Rule::AliasTarget,
            set,
            format_args!("it is an alias to `{target_name}`, which is not in the zone `{zone}`"),
        );
    } else if !groups.get(&target.dns_name).is_some_and(|types| types.contains_key(&set.key.r#type)) {
        found.about(
            Rule::AliasTarget,
            set,
            format_args!("it is an alias to `{target_name}`, which has no records of type {type}"),
        );
    }
}

/// The name and type of a group.
type GroupKey<'a> = (&'a RecordName, &'a RecordType);

/// Finds rings of aliases, each once.
pub(super) fn check_loops(zone: &ZoneFacts, groups: &Groups<'_>, found: &mut Findings) {
    let mut seen = BTreeMap::new();
    let members = |key: GroupKey<'_>| groups.get(key.0).and_then(|types| types.get(key.1));
    let starts = groups.iter().flat_map(|(name, types)| types.keys().map(|r#type| (*name, *r#type)));
    for start in starts {
        if seen.contains_key(&start) {
            continue;
        }
        // Depth first, with the sets still to be looked at instead of recursion: a chain of aliases may be long.
        seen.insert(start, State::OnPath);
        let mut path = vec![(start, members(start).map_or(&[][..], Vec::as_slice).iter())];
        while let Some((key, rest)) = path.last_mut() {
            let Some(set) = rest.next() else {
                seen.insert(*key, State::Done);
                path.pop();
                continue;
            };
            let Some(target) = zone.own_target(set) else { continue };
            let next: GroupKey<'_> = (&target.dns_name, &set.key.r#type);
            match seen.get(&next) {
                Some(State::Done) => {}
                Some(State::OnPath) => found.about(
                    Rule::AliasLoop,
                    set,
                    format_args!(
                        "it is an alias to `{}`, which leads back to `{}`",
                        target.dns_name.as_written(),
                        set.key.name.as_written()
                    ),
                ),
                None => {
                    seen.insert(next, State::OnPath);
                    path.push((next, members(next).map_or(&[][..], Vec::as_slice).iter()));
                }
            }
        }
    }
}

/// How far a group has been looked at.
enum State {
    /// What it points at is being looked at.
    OnPath,
    /// All that it points at has been.
    Done,
}
