use proptest::prelude::*;

use super::*;
use crate::dns::intent::{Endpoint, Intent, Policy};
use crate::dns::testing::{any_intent, any_place, grown, intent, main_case, name, place};
use crate::dns::tree::grow;

fn lines(rows: &Rows) -> Vec<String> {
    rows.iter().map(|(key, row)| format!("{key}: {row}")).collect()
}

#[test]
fn the_main_case_has_three_rows() {
    let rows = routing(&grown(&main_case()));
    assert_eq!(lines(&rows), ["*: aws", "continent/AS: gcp, then aws", "continent/EU: azure, then aws"]);
}

#[test]
fn smaller_places_have_rows_where_they_differ() {
    let endpoints = [
        ("a", Endpoint::of(&["continent/EU", "US-CA"])),
        ("b", Endpoint::of(&["DE", "US", "US-TX"]).weight(3)),
        ("c", Endpoint::of(&["DE"])),
    ];
    let intent = Intent { default: Some(name("c")), ..intent(Policy::Geolocation, &endpoints) };
    let rows = routing(&grown(&intent));
    assert_eq!(
        lines(&rows),
        [
            "*: c",
            "DE: b 75 %, c 25 %, then a",
            "US: b, then c",
            "US-CA: a, then b, then c",
            "continent/EU: a, then c",
        ]
    );
}

#[test]
fn keys_are_resolved_upward() {
    let rows = routing(&grown(&main_case()));
    let answers = |key| resolve(&rows, key).unwrap().unwrap().to_string();
    assert_eq!(answers("DE"), "azure, then aws");
    assert_eq!(answers("continent/EU"), "azure, then aws");
    assert_eq!(answers("US-TX"), "aws");
    assert_eq!(answers("*"), "aws");
    assert!(resolve(&rows, "EU").unwrap_err().to_string().contains("did you mean `continent/EU`?"));
    assert_eq!(resolve(&BTreeMap::<String, Row>::new(), "DE"), Ok(None));
}

#[test]
fn by_distance_the_commonest_row_stands_for_a_continent() {
    let endpoints =
        [("london", Endpoint::region("eu-west-2")), ("tokyo", Endpoint::region("ap-northeast-1"))];
    let rows = routing(&grown(&intent(Policy::Latency, &endpoints)));
    assert_eq!(rows["*"].to_string(), "london, then tokyo");
    assert_eq!(resolve(&rows, "KR").unwrap().unwrap().to_string(), "tokyo, then london");
    assert_eq!(resolve(&rows, "PT").unwrap().unwrap().to_string(), "london, then tokyo");
    // Hawaii is nearer to Tokyo than the rest of the US is.
    assert_eq!(resolve(&rows, "US-HI").unwrap().unwrap().to_string(), "tokyo, then london");
    assert!(rows.len() < 80, "{}", rows.len());
}

#[test]
fn without_an_answer_a_row_is_empty() {
    let tree = Node::Geolocation([(place("continent/EU"), Node::Endpoint(name("a")))].into());
    assert_eq!(lines(&routing(&tree)), ["*: no answer", "continent/EU: a"]);
}

#[test]
fn the_world_takes_a_few_questions_per_place() {
    let keys: Vec<String> = (0..10).map(|index| format!("e{index}")).collect();
    let countries = ["DE", "FR", "IT", "JP", "CN", "US", "BR", "ZA", "AU", "IN"];
    let endpoints: Vec<(&str, Endpoint)> = keys
        .iter()
        .zip(countries)
        .map(|(key, country)| (key.as_str(), Endpoint::of(&[country, "continent/AF"]).then(&["e0"])))
        .map(|(key, endpoint)| (key, if key == "e0" { endpoint.then(&["e1"]) } else { endpoint }))
        .collect();
    let tree = grown(&intent(Policy::Geolocation, &endpoints));
    let mut asked = 0;
    let rows = differing(&survey_by(&tree, &mut |client, down| {
        asked += 1;
        answer(&tree, client, down)
    }));
    // One question while all are healthy and one after each turn of failures, for 254 places.
    assert!((254..254 * 11).contains(&asked), "{asked}");
    assert!(asked < 254 * 5, "{asked} questions");
    assert!(rows.len() < 20, "{rows:?}");
}

proptest! {
    #[test]
    fn rows_say_what_would_be_answered(intent in any_intent(), place in any_place()) {
        if let Ok(made) = grow(&intent) && !made.node.depends_on_position() {
            let rows = routing(&made.node);
            let row = resolve(&rows, &place.to_string()).unwrap().unwrap();
            let shares = portions(answer(&made.node, &Client::at(place), &BTreeSet::new()));
            prop_assert_eq!(&row.endpoints, &shares);
        }
    }

    #[test]
    fn no_row_repeats_its_parent(intent in any_intent()) {
        if let Ok(made) = grow(&intent) {
            let rows = routing(&made.node);
            for (key, row) in &rows {
                if let Some(parent) = Place::parse_key(key).unwrap().parent() {
                    prop_assert_ne!(resolve(&rows, &parent.to_string()).unwrap(), Some(row));
                }
                let mut seen = BTreeSet::new();
                let names = row.endpoints.iter().map(|it| &it.name).chain(&row.fallback);
                prop_assert!(names.into_iter().all(|name| seen.insert(name)));
            }
        }
    }
}
