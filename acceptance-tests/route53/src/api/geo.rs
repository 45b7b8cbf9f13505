//! Places that geolocation sets can name.

use super::{dispatch::Service, pages, query::Query, reply::Reply};
use crate::{
    error::{ErrorCode, ServiceError},
    facets::facet,
    tables::{Place, country_name, places},
    xml::Writer,
};

type Codes<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

pub(super) fn list(service: &Service, query: &Query) -> Result<Reply, ServiceError> {
    let size = pages::size(query, "maxitems", 100, service.page_limit())?;
    let start = codes(query, ["startcontinentcode", "startcountrycode", "startsubdivisioncode"])?;
    if start.2.is_some() && start.1.is_none() {
        return Err(ServiceError::invalid_request("startsubdivisioncode requires startcountrycode"));
    }
    let from = places().skip_while(|place| start != (None, None, None) && place.codes() != start);
    let page = pages::take(from, size);
    if page.items.is_empty() {
        return Err(ServiceError::invalid_request("the listing has no such place to start from"));
    }
    Ok(Reply::ok("ListGeoLocationsResponse", |xml| {
        xml.list("GeoLocationDetailsList", page.items, write);
        xml.text("IsTruncated", page.next.is_some());
        if let Some(next) = page.next {
            let (continent, country, subdivision) = next.codes();
            xml.optional("NextContinentCode", continent);
            xml.optional("NextCountryCode", country);
            xml.optional("NextSubdivisionCode", subdivision);
        }
        xml.text("MaxItems", size);
    }))
}

pub(super) fn get(query: &Query) -> Result<Reply, ServiceError> {
    let wanted = match codes(query, ["continentcode", "countrycode", "subdivisioncode"])? {
        // Without any code, the default is meant.
        (None, None, None) => (None, Some("*"), None),
        codes => codes,
    };
    let place = places().find(|place| place.codes() == wanted).ok_or_else(|| {
        ServiceError::new(
            ErrorCode::NoSuchGeoLocation,
            "Route 53 does not support the specified geographic location.",
        )
    })?;
    Ok(Reply::ok("GetGeoLocationResponse", |xml| write(xml, place)))
}

fn codes<'a>(query: &'a Query, names: [&str; 3]) -> Result<Codes<'a>, ServiceError> {
    let [continent, country, subdivision] = names.map(|name| query.get(name));
    if let Some(code) = continent {
        facet("ContinentCode").length(code, 2)?;
    }
    if let Some(code) = country {
        facet("CountryCode").lengths(code, 1, 2)?;
    }
    if let Some(code) = subdivision {
        facet("SubdivisionCode").lengths(code, 1, 3)?;
    }
    Ok((continent, country, subdivision))
}

fn write(xml: &mut Writer, place: Place) {
    let (continent, country, subdivision) = place.codes();
    xml.nested("GeoLocationDetails", |xml| {
        xml.optional("ContinentCode", continent);
        if let Place::Continent { name, .. } = place {
            xml.text("ContinentName", name);
        }
        xml.optional("CountryCode", country);
        let name = if country == Some("*") { Some("Default") } else { country.and_then(country_name) };
        xml.optional("CountryName", name);
        xml.optional("SubdivisionCode", subdivision);
    });
}
