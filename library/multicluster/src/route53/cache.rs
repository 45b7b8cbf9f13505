//! What is known of a zone's record sets, kept true while we write to it.

use std::collections::BTreeMap;

use multicluster_core::route53::{Action, Change, RecordName};
use tokio::time::Instant;

use super::{
    convert::Entry,
    listing::{Listing, Range},
};

/// How old what is known may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Whatever this process has read of the zone before, with its own writes in it.
    Cached,
    /// Read after this moment: what others wrote before it is seen.
    Since(Instant),
}

/// What of a zone is asked for: all, or some parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    All,
    Ranges(&'a [Range]),
}

/// A part of the zone, as it was when its reading began, with our later writes.
struct Part {
    began: Instant,
    entries: Vec<Entry>,
}

#[derive(Default)]
pub(super) struct Cache {
    whole: Option<Part>,
    parts: BTreeMap<Range, Part>,
    /// How many pages the whole zone has, once that is known.
    pub(super) pages: Option<usize>,
    /// How many pages were read of parts since anything was read as a whole.
    pub(super) spent: usize,
    /// What was written while something is being read: the reading may or may not have seen it.
    meanwhile: Vec<Change>,
    /// Whether the zone changed in a way that we do not know while something is being read.
    spoiled: bool,
}

impl Part {
    fn is(&self, freshness: Freshness) -> bool {
        match freshness {
            Freshness::Cached => true,
            Freshness::Since(moment) => self.began >= moment,
        }
    }

    fn apply(&mut self, changes: &[Change], belongs: impl Fn(&RecordName) -> bool) {
        let mut changed = false;
        for change in changes.iter().filter(|change| belongs(&change.set.key.name)) {
            self.entries.retain(|entry| !entry.is(&change.set.key));
            if change.action != Action::Delete {
                self.entries.push(Entry::Known(change.set.clone()));
                changed = true;
            }
        }
        if changed {
            self.sort();
        }
    }

    /// Takes over what was read of a part of it later.
    fn renew(&mut self, range: &Range, entries: &[Entry]) {
        self.entries.retain(|entry| entry.name().is_none_or(|name| !range.contains(name)));
        self.entries.extend(entries.iter().filter(|entry| entry.name().is_some()).cloned());
        self.sort();
    }

    fn sort(&mut self) {
        self.entries.sort_by_cached_key(|entry| match entry {
            Entry::Known(set) => Some(set.key.list_order()),
            Entry::Opaque(..) => None,
        });
    }
}

impl Cache {
    /// What is wanted, if it is known well enough.
    pub(super) fn get(&self, wanted: Wanted<'_>, freshness: Freshness) -> Option<Listing> {
        let ranges = match wanted {
            Wanted::All => &[],
            Wanted::Ranges(ranges) => ranges,
        };
        if let Some(whole) = self.whole.as_ref().filter(|whole| whole.is(freshness)) {
            return Some(Listing::of(&whole.entries, wanted));
        }
        if matches!(wanted, Wanted::All) {
            return None;
        }
        let mut listing = Listing::default();
        // What one range covers is in the listing once.
        for range in distinct(ranges) {
            let part = self.part(range, freshness)?;
            let found = Listing::of(&part.entries, Wanted::Ranges(std::slice::from_ref(range)));
            listing.sets.extend(found.sets);
            listing.opaque.extend(found.opaque);
        }
        Some(listing)
    }

    fn part(&self, range: &Range, freshness: Freshness) -> Option<&Part> {
        let fits = |(known, part): &(&Range, &Part)| known.covers(range) && part.is(freshness);
        self.parts.iter().find(fits).map(|(_, part)| part)
    }

    /// Those ranges that have to be read.
    pub(super) fn missing<'a>(&self, ranges: &'a [Range], freshness: Freshness) -> Vec<&'a Range> {
        let ranges = distinct(ranges).into_iter();
        ranges.filter(|range| self.part(range, freshness).is_none()).collect()
    }

    /// A reading begins.
    pub(super) fn begin(&mut self) {
        (self.meanwhile, self.spoiled) = (Vec::new(), false);
    }

    /// The whole zone was read.
    pub(super) fn keep_whole(&mut self, began: Instant, entries: Vec<Entry>, pages: usize) {
        let mut part = Part { began, entries };
        part.apply(&self.meanwhile, |_| true);
        (self.pages, self.spent) = (Some(pages), 0);
        self.parts.clear();
        self.whole = (!self.spoiled).then_some(part);
    }

    /// A part was read.
    pub(super) fn keep(&mut self, range: &Range, began: Instant, entries: Vec<Entry>, pages: usize) {
        let mut part = Part { began, entries };
        part.apply(&self.meanwhile, |name| range.contains(name));
        self.spent += pages;
        if !self.spoiled {
            if let Some(whole) = &mut self.whole {
                whole.renew(range, &part.entries);
            }
            self.parts.insert(range.clone(), part);
        }
    }

    /// We have written.
    pub(super) fn wrote(&mut self, changes: &[Change]) {
        self.meanwhile.extend_from_slice(changes);
        if let Some(whole) = &mut self.whole {
            whole.apply(changes, |_| true);
        }
        for (range, part) in &mut self.parts {
            part.apply(changes, |name| range.contains(name));
        }
    }

    /// The zone is not, or may not be, what we know.
    pub(super) fn forget(&mut self) {
        (self.whole, self.spoiled) = (None, true);
        self.parts.clear();
    }
}

/// The ranges without those that another one covers.
fn distinct(ranges: &[Range]) -> Vec<&Range> {
    let mut distinct: Vec<&Range> = Vec::new();
    for range in ranges {
        if !distinct.iter().any(|it| it.covers(range)) {
            distinct.retain(|it| !range.covers(it));
            distinct.push(range);
        }
    }
    distinct
}

#[cfg(test)]
#[path = "cache/tests.rs"]
mod tests;
