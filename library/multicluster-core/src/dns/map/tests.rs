use super::*;
use crate::dns::intent::{Endpoint, Policy};
use crate::dns::testing::{grown, intent, leaf, main_case};

/// Checks that tags are closed in order, and gives the names of all elements.
fn well_formed(svg: &str) -> Vec<String> {
    let (mut open, mut all): (Vec<String>, Vec<String>) = Default::default();
    let mut rest = svg;
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(!text.contains('>'), "`>` in text: {text}");
        let (tag, after) = tag.split_once('>').expect("a tag has an end");
        rest = after;
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert_eq!(tag.matches('"').count() % 2, 0, "attributes are quoted: {tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name));
        } else {
            all.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn the_main_case_as_a_map() {
    let svg = svg(&grown(&main_case()), "guestbook.example.com");
    let elements = well_formed(&svg);
    let countries = |element: &str| elements.iter().filter(|it| *it == element).count();
    // Every country is an outline or a dot; one more path is land in no country.
    assert_eq!(countries("path") - 1 + countries("circle"), 246);
    let shown: Vec<&str> = svg
        .lines()
        .filter(|line| line.starts_with("<text") || line.contains("(DE)") || line.contains("(SG)"))
        .map(|line| line.split_once(" d=\"").map_or(line, |(fill, _)| fill))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_shared_is_striped() {
    let endpoints = [("a", Endpoint::any().weight(3)), ("b", Endpoint::any())];
    let svg = svg(&grown(&intent(Policy::Weighted, &endpoints)), "x");
    well_formed(&svg);
    assert!(svg.contains(r#"<pattern id="p0""#) && svg.contains("url(#p0)"));
    assert!(svg.contains("<title>Germany (DE): a 75 %, b 25 %</title>"));
}

#[test]
fn names_are_no_markup() {
    let svg = svg(&leaf("a"), "<script>&\"");
    well_formed(&svg);
    assert!(svg.contains("&lt;script&gt;&amp;&quot;"));
}

#[test]
fn many_endpoints_look_different() {
    let keys: Vec<String> = (0..20).map(|index| format!("e{index}")).collect();
    let endpoints: Vec<(&str, Endpoint)> = keys.iter().map(|key| (key.as_str(), Endpoint::any())).collect();
    let names: Vec<EndpointName> = keys.iter().map(|key| EndpointName::new(key).unwrap()).collect();
    let paints = Paints::new(&names);
    let fills: BTreeSet<String> = names.iter().map(|name| paints.endpoint(name)).collect();
    assert_eq!(fills.len(), 20);
    well_formed(&svg(&grown(&intent(Policy::Weighted, &endpoints)), "x"));
}

#[test]
fn places_without_answer_are_in_the_legend() {
    let tree = Node::Geolocation([(Place::Continent(Continent::Europe), leaf("a"))].into());
    let svg = svg(&tree, "x");
    assert!(svg.contains("Asia: no answer"));
    assert!(svg.contains("where the place is not known: no answer"));
}

#[test]
fn outlines_are_of_known_countries() {
    for code in OUTLINES.keys().filter(|code| **code != "-") {
        assert!(Country::from_code(code).is_some(), "{code}");
    }
    assert!(OUTLINES.len() > 170);
    // An outline that crossed the edge of the map would be drawn as a band around the world.
    for (code, outline) in OUTLINES.iter() {
        for step in outline.split(['M', 'l', ' ', 'z']).filter_map(|step| step.split_once(',')) {
            let wide = step.0.parse::<i32>().unwrap() < -WIDTH / 4;
            assert!(!wide, "{code}: a step of {}", step.0);
        }
    }
}
