//! Reading the record sets of a zone, with as few requests as will do.

use std::time::Duration;

use aws_sdk_route53::types::RrType;
use multicluster_core::route53::{RecordName, RecordSet, SetKey, owner::claim_names};
use tokio::time::{Instant, sleep};

use super::{
    Run, Zone,
    cache::{Freshness, Wanted},
    call::Operation,
    convert::{Entry, record_set},
    error::{CallError, CallFailure},
    listing::{Listing, Range},
    zone::stopped,
};

/// How many sets a page of a listing has at most.
const PAGE: u16 = 300;

/// How long a reader waits for others who want the same, before all of them are served by one reading.
const GATHER: Duration = Duration::from_millis(10);

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Start {
    name: String,
    r#type: Option<RrType>,
    set_identifier: Option<String>,
}

/// What concerns one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The name of the zone.
    pub zone: RecordName,
    /// What stands there.
    pub listing: Listing,
}

struct Page {
    entries: Vec<Entry>,
    next: Option<Start>,
}

impl Zone {
    /// All record sets of the zone.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn list(&self, freshness: Freshness, run: &Run) -> Result<Listing, CallError> {
        self.read_wanted(Wanted::All, freshness, run).await
    }

    /// The record sets of some parts of the zone. A small zone is read as a whole, and in a large one only those
    /// parts, as long as that takes fewer requests. Many who read at the same time share their requests.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn read(
        &self,
        ranges: &[Range],
        freshness: Freshness,
        run: &Run,
    ) -> Result<Listing, CallError> {
        self.read_wanted(Wanted::Ranges(ranges), freshness, run).await
    }

    /// What concerns one name that is managed: its sets, those below it, our helpers, and where others claim it.
    ///
    /// # Errors
    /// [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn around(
        &self,
        name: &RecordName,
        freshness: Freshness,
        run: &Run,
    ) -> Result<Around, CallError> {
        if self.shared.apex.get().is_none() {
            // The first page of a zone tells its name, and is often all that there is.
            self.read(&[Range::Name(name.clone())], freshness, run).await?;
        }
        let zone = self.name(run).await?;
        let mut ranges = Range::of(name, &zone);
        ranges.extend(claim_names(name, &zone).into_iter().map(Range::Name));
        let listing = self.read(&ranges, freshness, run).await?;
        Ok(Around { zone, listing })
    }

    async fn read_wanted(
        &self,
        wanted: Wanted<'_>,
        freshness: Freshness,
        run: &Run,
    ) -> Result<Listing, CallError> {
        if let Some(known) = self.shared.cache().get(wanted, freshness) {
            return Ok(known);
        }
        let stopped = |stop| self.listing().error(stopped(stop));
        let _reading = run.during(self.shared.reading.lock()).await.map_err(stopped)?;
        run.during(sleep(GATHER)).await.map_err(stopped)?;
        // Whoever read before us may have read for us.
        if let Some(known) = self.shared.cache().get(wanted, freshness) {
            return Ok(known);
        }
        self.shared.cache().begin();
        match wanted {
            Wanted::All => self.read_whole(None, run).await?,
            Wanted::Ranges(ranges) => self.read_some(ranges, freshness, run).await?,
        }
        let known = self.shared.cache().get(wanted, freshness);
        // Something was written meanwhile of which we do not know what became; the caller may ask again.
        known.ok_or_else(|| {
            self.listing()
                .error(CallFailure::Unintelligible { problem: "the zone changed while it was read" })
        })
    }

    async fn read_some(&self, ranges: &[Range], freshness: Freshness, run: &Run) -> Result<(), CallError> {
        let known = self.shared.cache().pages;
        let (first, pages) = match known {
            Some(pages) if pages > 1 => (None, pages),
            // The first page is all of a small zone, and tells a large one.
            _ => {
                let began = Instant::now();
                let page = self.page(None, PAGE, run).await?;
                let pages = match &page.next {
                    None => 1,
                    Some(_) => self.info(run).await?.record_sets.div_ceil(u64::from(PAGE)).max(2),
                };
                (Some((began, page)), usize::try_from(pages).unwrap_or(usize::MAX))
            }
        };
        let (missing, spent) = {
            let mut cache = self.shared.cache();
            cache.pages = Some(pages);
            let missing: Vec<Range> = cache.missing(ranges, freshness).into_iter().cloned().collect();
            (missing, cache.spent)
        };
        // Who does not mind older knowledge is served by a whole reading from then on: once the parts have cost as
        // much, it is time. At the worst twice as much is read as if the future had been known.
        let worth_it = freshness == Freshness::Cached && spent + missing.len() > pages;
        if pages == 1 || missing.len() >= pages || worth_it {
            return self.read_whole(first, run).await;
        }
        self.read_ranges(missing, run).await
    }

    async fn read_ranges(&self, missing: Vec<Range>, run: &Run) -> Result<(), CallError> {
        for range in missing {
            let began = Instant::now();
            let (mut entries, mut count) = (Vec::new(), 0);
            let mut start =
                Some(Start { name: range.start().as_str().to_owned(), r#type: None, set_identifier: None });
            while let Some(from) = start {
                let page = self.page(Some(&from), PAGE, run).await?;
                count += 1;
                start = self.progress(&from, page.next)?;
                for entry in page.entries {
                    match entry.name() {
                        Some(name) if !range.contains(name) => {
                            start = None;
                            break;
                        }
                        _ => entries.push(entry),
                    }
                }
            }
            self.shared.cache().keep(&range, began, entries, count);
        }
        Ok(())
    }

    /// Reads all pages, or all after the first.
    async fn read_whole(&self, first: Option<(Instant, Page)>, run: &Run) -> Result<(), CallError> {
        let (began, mut page) = match first {
            Some(first) => first,
            None => (Instant::now(), self.page(None, PAGE, run).await?),
        };
        let (mut entries, mut count) = (page.entries, 1);
        while let Some(start) = page.next {
            page = self.page(Some(&start), PAGE, run).await?;
            page.next = self.progress(&start, page.next)?;
            entries.append(&mut page.entries);
            count += 1;
        }
        self.shared.cache().keep_whole(began, entries, count);
        Ok(())
    }

    /// The next page's start, if the listing goes on; one that does not move would be read for ever.
    fn progress(&self, from: &Start, next: Option<Start>) -> Result<Option<Start>, CallError> {
        if next.as_ref() == Some(from) {
            return Err(self.listing().unintelligible("the listing does not go on"));
        }
        Ok(next)
    }

    /// The set of a key as it stands now, past all that is known.
    pub(super) async fn look(&self, key: &SetKey, run: &Run) -> Result<Option<RecordSet>, CallError> {
        let start = Start {
            name: key.name.as_str().to_owned(),
            r#type: Some(RrType::from(key.r#type.0.as_str())),
            set_identifier: key.set_identifier.clone(),
        };
        let page = self.page(Some(&start), 1, run).await?;
        Ok(page.entries.into_iter().find_map(|entry| match entry {
            Entry::Known(set) if set.key == *key => Some(set),
            Entry::Known(_) | Entry::Opaque(..) => None,
        }))
    }

    async fn page(&self, start: Option<&Start>, size: u16, run: &Run) -> Result<Page, CallError> {
        let operation = self.listing();
        let answer = self.client.call(operation, run, |sdk| {
            let mut list =
                sdk.list_resource_record_sets().hosted_zone_id(&self.shared.id).max_items(i32::from(size));
            if let Some(start) = start {
                list = list
                    .start_record_name(&start.name)
                    .set_start_record_type(start.r#type.clone())
                    .set_start_record_identifier(start.set_identifier.clone());
            }
            list.send()
        });
        let answer = answer.await?;
        let next = match (answer.is_truncated, answer.next_record_name) {
            (false, _) => None,
            (true, None) => return Err(operation.unintelligible("the next page's start is missing")),
            (true, Some(name)) => Some(Start {
                name,
                r#type: answer.next_record_type,
                set_identifier: answer.next_record_identifier,
            }),
        };
        let entries: Vec<Entry> = answer.resource_record_sets.iter().map(record_set).collect();
        if start.is_none()
            && let Some(apex) = entries.iter().find_map(soa)
        {
            let _ = self.shared.apex.set(apex.clone());
        }
        Ok(Page { entries, next })
    }

    fn listing(&self) -> Operation<'_> {
        Operation::harmless("ListResourceRecordSets", &self.shared.id)
    }
}

/// The name of a set that only a zone's own name has.
fn soa(entry: &Entry) -> Option<&RecordName> {
    match entry {
        Entry::Known(set) if set.key.r#type.0 == "SOA" => Some(&set.key.name),
        Entry::Known(_) | Entry::Opaque(..) => None,
    }
}
