//! Pages of listings.

use super::query::Query;
use crate::error::ServiceError;

/// One page.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The first item of the next page.
    pub(crate) next: Option<T>,
}

/// Takes one page from the start of a listing.
pub(crate) fn take<T>(items: impl Iterator<Item = T>, size: usize) -> Page<T> {
    let mut items = items;
    let page: Vec<T> = items.by_ref().take(size).collect();
    Page { items: page, next: items.next() }
}

/// How many items a page has: what the client asks for (`parameter`), at most `max`, and at most what a test
/// has set.
///
/// # Errors
/// `InvalidInput` when the client asks for something that is no positive number.
pub(crate) fn size(
    query: &Query,
    parameter: &str,
    max: usize,
    limit: Option<usize>,
) -> Result<usize, ServiceError> {
    let asked = match query.get(parameter) {
        None => max,
        Some(text) => text.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
            ServiceError::invalid_request(format_args!("'{text}' is not a valid value for {parameter}"))
        })?,
    };
    Ok(asked.min(max).min(limit.unwrap_or(max).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_limited_by_service_and_test() {
        let size = |text, limit| size(&Query::parse(text), "maxitems", 300, limit).ok();
        assert_eq!(size("", None), Some(300));
        assert_eq!(size("maxitems=1000", None), Some(300));
        assert_eq!(size("maxitems=7", Some(4)), Some(4));
        assert_eq!(size("maxitems=0", None), None);
        assert_eq!(size("maxitems=many", None), None);
    }
}
