//! Where countries, states and AWS Regions are taken to be.
//!
//! Route 53 locates clients by a database of its own and measures latencies; neither is public. Here a client of
//! a country is in its capital, and a Region in the city that its name mentions.

use std::{collections::BTreeMap, sync::LazyLock};

/// A point on the earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
}

/// A country or a state that a client can be in.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Two letters, as in `CountryCode`.
    pub country: &'static str,
    /// As in `SubdivisionCode`; the states of the US and the regions of Ukraine.
    pub subdivision: Option<&'static str>,
    /// As in `ContinentCode`.
    pub continent: &'static str,
    /// Where its clients are.
    pub point: Point,
}

/// All places, the countries by code, then the subdivisions by code. Their order is part of the map of test networks.
pub static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    rows(include_str!("data/places.csv"))
        .filter_map(|row| match row[..] {
            [country, subdivision, continent, latitude, longitude] => Some(Place {
                country,
                subdivision: Some(subdivision).filter(|code| !code.is_empty()),
                continent,
                point: point(latitude, longitude)?,
            }),
            _ => None,
        })
        .collect()
});

static REGIONS: LazyLock<BTreeMap<&'static str, Point>> = LazyLock::new(|| {
    rows(include_str!("data/regions.csv"))
        .filter_map(|row| match row[..] {
            [region, latitude, longitude] => Some((region, point(latitude, longitude)?)),
            _ => None,
        })
        .collect()
});

/// The place of a country or of a state; of the country when the state is not in the table.
pub fn place(country: &str, subdivision: Option<&str>) -> Option<&'static Place> {
    let exact = |wanted: Option<&str>| {
        PLACES.iter().find(|place| place.country == country && place.subdivision == wanted)
    };
    exact(subdivision).or_else(|| exact(None))
}

/// Where an AWS Region is; none for one that the table does not have.
pub fn region(code: &str) -> Option<Point> {
    REGIONS.get(code).copied()
}

/// Where a local zone group such as `us-west-2-lax-1` is: in its metropolitan area, and where that is unknown in
/// its Region.
pub fn local_zone_group(group: &str) -> Option<Point> {
    // Prefixes by whole parts, the longest first.
    let cuts = group.rmatch_indices('-').map(|(position, _)| position);
    std::iter::once(group.len()).chain(cuts).find_map(|end| region(group.get(..end)?))
}

/// Kilometres between two points on a great circle, by the haversine formula.
pub fn distance(from: Point, to: Point) -> f64 {
    /// The mean radius of the earth in kilometres, as the IUGG defines it.
    const RADIUS: f64 = 6371.0088;
    let (from_latitude, to_latitude) = (from.latitude.to_radians(), to.latitude.to_radians());
    let half_north = (to_latitude - from_latitude) / 2.0;
    let half_east = (to.longitude - from.longitude).to_radians() / 2.0;
    let chord = half_north.sin().powi(2) + from_latitude.cos() * to_latitude.cos() * half_east.sin().powi(2);
    // Rounding can lift the square a little above one for antipodes.
    2.0 * RADIUS * chord.min(1.0).sqrt().asin()
}

/// The distance after a bias of −99 to 99. A positive one draws the resource nearer. Formula: "How Amazon Route 53
/// uses bias to route traffic" in the Developer Guide.
pub fn biased(distance: f64, bias: i8) -> f64 {
    let part = f64::from(bias) / 100.0;
    if bias >= 0 { distance * (1.0 - part) } else { distance / (1.0 + part) }
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split(',').collect())
}

fn point(latitude: &str, longitude: &str) -> Option<Point> {
    Some(Point { latitude: latitude.parse().ok()?, longitude: longitude.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_on_earth() {
        assert_eq!((PLACES.len(), REGIONS.len()), (246 + 51 + 27, 39 + 35));
        let known: std::collections::BTreeSet<_> = crate::places().map(crate::Place::codes).collect();
        for place in PLACES.iter() {
            assert!(known.contains(&(None, Some(place.country), place.subdivision)), "{place:?}");
            assert_eq!(crate::continent_of(place.country), Some(place.continent));
        }
        let points = PLACES.iter().map(|place| place.point).chain(REGIONS.values().copied());
        for point in points {
            assert!(point.latitude.abs() <= 90.0 && point.longitude.abs() <= 180.0, "{point:?}");
        }
        assert!(PLACES.iter().all(|place| place.country.len() == 2 && place.continent.len() == 2));
    }

    #[test]
    fn a_state_is_not_the_country_of_its_letters() {
        assert_eq!(place("CA", None).map(|place| place.continent), Some("NA"));
        assert_eq!(place("US", Some("CA")).map(|place| place.point.latitude), Some(38.58));
        assert_eq!(place("DE", Some("BY")).and_then(|place| place.subdivision), None);
        assert_eq!(place("ZZ", None), None);
    }

    #[test]
    fn distances_are_those_of_an_atlas() {
        let berlin = Point { latitude: 52.52, longitude: 13.40 };
        let sydney = Point { latitude: -33.87, longitude: 151.21 };
        assert!((distance(berlin, sydney) - 16095.0).abs() < 1.0);
        let suva = Point { latitude: -18.14, longitude: 178.44 };
        let apia = Point { latitude: -13.83, longitude: -171.77 };
        assert!((distance(suva, apia) - 1150.7).abs() < 1.0);
        let antipode = Point { latitude: -52.52, longitude: -166.60 };
        assert!((distance(berlin, antipode) - 20015.1).abs() < 1.0);
    }

    #[test]
    fn bias_follows_the_guide() {
        assert!((biased(150.0, 50) - 75.0).abs() < 1e-9);
        assert!((biased(150.0, -50) - 300.0).abs() < 1e-9);
        assert!((biased(150.0, 0) - 150.0).abs() < 1e-9);
        assert!((biased(100.0, -99) - 10_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_local_zone_is_in_its_city_or_else_in_its_region() {
        assert_eq!(local_zone_group("us-west-2-lax-1"), region("us-west-2-lax"));
        assert_eq!(local_zone_group("us-west-2-xyz-1"), region("us-west-2"));
        assert_eq!(local_zone_group("us-west-2"), region("us-west-2"));
        assert_eq!(local_zone_group("moon-1"), None);
    }
}
