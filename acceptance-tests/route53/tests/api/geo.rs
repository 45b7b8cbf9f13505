//! Places.

use crate::world::{World, failure};

#[tokio::test]
async fn places_are_listed_by_pages() {
    let world = World::new().await;
    let mut all = Vec::new();
    let mut request = world.client.list_geo_locations().max_items(50);
    loop {
        let page = request.send().await.unwrap();
        all.extend(page.geo_location_details_list);
        if !page.is_truncated {
            break;
        }
        request = world
            .client
            .list_geo_locations()
            .max_items(50)
            .set_start_continent_code(page.next_continent_code)
            .set_start_country_code(page.next_country_code)
            .set_start_subdivision_code(page.next_subdivision_code);
    }
    assert_eq!(all.iter().filter(|place| place.continent_code.is_some()).count(), 7);
    let countries =
        all.iter().filter(|place| place.subdivision_code.is_none() && place.continent_code.is_none());
    assert_eq!(countries.count(), 246 + 1);
    assert!(all.iter().all(|place| place.continent_name.is_some() || place.country_name.is_some()));
}

#[tokio::test]
async fn one_place_is_found_by_its_codes() {
    let world = World::new().await;
    let get = || world.client.get_geo_location();
    let texas = get().country_code("US").subdivision_code("TX").send().await.unwrap();
    assert_eq!(texas.geo_location_details.unwrap().subdivision_code.as_deref(), Some("TX"));
    // SA is South America as a continent and Saudi Arabia as a country.
    let continent = get().continent_code("SA").send().await.unwrap().geo_location_details.unwrap();
    assert_eq!(continent.continent_name.as_deref(), Some("South America"));
    let country = get().country_code("SA").send().await.unwrap().geo_location_details.unwrap();
    assert_eq!(country.country_name.as_deref(), Some("Saudi Arabia"));
    let missing = get().country_code("CA").subdivision_code("ON").send().await.unwrap_err();
    assert_eq!(failure(missing).code, "NoSuchGeoLocation");
    let long = get().continent_code("Default").send().await.unwrap_err();
    assert_eq!(failure(long).code, "InvalidInput");
}

#[tokio::test]
async fn public_facts_need_no_signature() {
    let world = World::new().await;
    for path in ["geolocations", "geolocation?countrycode=DE", "checkeripranges"] {
        let path = format!("/2013-04-01/{path}");
        let response = crate::world::http(&world.emulator.api_url, "GET", &path, &[], "").await.unwrap();
        assert_eq!(response.status, 200, "{path}: {}", response.body);
    }
    let ranges = world.client.get_checker_ip_ranges().send().await.unwrap().checker_ip_ranges;
    assert!(ranges.iter().any(|range| range == "54.228.16.0/26"));
}
