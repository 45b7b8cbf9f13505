//! What a zone holds of a name.

use std::time::Duration;

use multicluster::route53::{CallError, Freshness, Listing, OpaqueSet, Range, Run, Zone, ZoneInfo};
use multicluster_core::route53::ZoneFacts;
use multicluster_core::route53::owner::{OwnerMark, claim_names};
use multicluster_core::route53::{RecordName, RecordSet, RecordType, is_helper_of};
use tfplugin::{Context, Diagnostics, Path, Value};
use tokio::time::Instant;

use crate::config::Route53;
use crate::validators::sentence;

/// A zone, and what it holds of one or two names.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) zone: ZoneFacts,
    /// The servers that answer for it; none if it is private, or they are not known.
    pub(crate) name_servers: Vec<String>,
    /// What concerns the names: all at them, their helpers, ownership records, and words of others.
    pub(crate) sets: Vec<RecordSet>,
    /// What is there and cannot be expressed.
    pub(crate) opaque: Vec<OpaqueSet>,
}

/// How long an operation may take, by the name in `timeouts` and where that says nothing.
pub(crate) fn run(context: &Context, value: &Value, operation: &str) -> Run {
    // The same as the schema's descriptions say.
    let default = if operation == "read" { 2 * 60 } else { 30 * 60 };
    let timeouts = tfplugin::Node::root(value).attribute("timeouts");
    let limit = tfplugin::timeouts::get(&timeouts, operation).unwrap_or(Duration::from_secs(default));
    Run { cancelled: context.cancelled.clone(), deadline: Instant::now() + limit }
}

/// The zone; none while the provider block or the zone's id is not known.
pub(super) async fn of(route53: &Route53, id: Option<&str>) -> Option<Zone> {
    let client = route53.client().await?;
    Some(client.zone(id?))
}

/// Whose words are read besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Those that others write beside a name, too: for a name that is not ours yet.
    All,
    /// Ours are enough.
    Ours,
}

/// Reads what concerns some names.
pub(super) async fn view(
    zone: &Zone,
    known: Option<ZoneFacts>,
    names: &[&RecordName],
    words: Words,
    freshness: Freshness,
    run: &Run,
) -> Result<View, CallError> {
    let (facts, name_servers) = match known.filter(|known| known.id == zone.id()) {
        Some(known) => (known, Vec::new()),
        None => {
            let ZoneInfo { id, name, private, name_servers, .. } = zone.info(run).await?;
            (ZoneFacts { id, name, private }, name_servers)
        }
    };
    let mut ranges: Vec<Range> = names.iter().flat_map(|name| Range::of(name, &facts.name)).collect();
    if words == Words::All {
        let others = names.iter().flat_map(|name| claim_names(name, &facts.name));
        ranges.extend(others.map(Range::Name));
    }
    let Listing { mut sets, opaque } = zone.read(&ranges, freshness, run).await?;
    sets.retain(|set| names.iter().any(|name| concerns(set, name, &facts)));
    let at_names = |set: &OpaqueSet| {
        let name = RecordName::new(&set.name);
        name.is_ok_and(|it| names.iter().any(|name| it == **name || is_helper_of(&it, name)))
    };
    Ok(View { zone: facts, name_servers, sets, opaque: opaque.into_iter().filter(at_names).collect() })
}

fn concerns(set: &RecordSet, name: &RecordName, zone: &ZoneFacts) -> bool {
    is_part(set, name) || set.key.name == *name || claim_names(name, &zone.name).contains(&set.key.name)
}

/// Whether a set is what we write for a name: an answer, a helper, or the mark.
pub(super) fn is_part(set: &RecordSet, name: &RecordName) -> bool {
    let answers = [RecordType::a(), RecordType::aaaa(), RecordType::cname()].contains(&set.key.r#type);
    (answers && set.key.name == *name) || is_helper_of(&set.key.name, name) || OwnerMark::stands_in(set, name)
}

/// The sets of a name that answer, without the mark.
pub(super) fn answers(sets: &[RecordSet], name: &RecordName) -> Vec<RecordSet> {
    let part = |set: &&RecordSet| is_part(set, name) && !OwnerMark::stands_in(set, name);
    sets.iter().filter(part).cloned().collect()
}

/// Our mark, or that of another.
pub(super) fn mark(sets: &[RecordSet], name: &RecordName) -> Option<OwnerMark> {
    sets.iter().find_map(|set| OwnerMark::of(set, name))
}

impl View {
    /// Sets that can be neither kept nor replaced.
    pub(super) fn refuse_opaque(&self, diagnostics: &mut Diagnostics) {
        for set in &self.opaque {
            let detail = format!(
                "The record set `{} {}` is there already, and cannot be taken over: {}.",
                set.name, set.r#type, set.reason
            );
            diagnostics.error_at(Path::root().attribute("name"), "A record set is in the way", detail);
        }
    }

    /// A name outside of its zone would be answered by nobody.
    pub(super) fn refuse_outside(&self, name: &RecordName, diagnostics: &mut Diagnostics) {
        if !name.within(&self.zone.name) {
            let detail = format!(
                "`{}` is not within the zone `{}` ({}).",
                name.as_written(),
                self.zone.name.as_written(),
                self.zone.id
            );
            diagnostics.error_at(Path::root().attribute("name"), "The name is in another zone", detail);
        }
    }
}

/// Says that Route 53 could not be asked.
pub(crate) fn cannot_read(error: &CallError, diagnostics: &mut Diagnostics) {
    if error.is_not_found() {
        let detail = format!("{} Create the zone first, or correct `zone_id`.", sentence(error));
        diagnostics.error_at(Path::root().attribute("zone_id"), "There is no such zone", detail);
    } else {
        diagnostics.error("Cannot read the zone", sentence(error));
    }
}
