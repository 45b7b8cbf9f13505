//! A map of the world that shows who answers where, as SVG.
//!
//! Countries are drawn in the colour of the endpoint that answers them, striped where several share them; those that are
//! too small for an outline are dots. What colour alone would tell is also written: continents carry their rows, every
//! country has a tooltip, the legend counts. The file refers to nothing outside and runs no script.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::dns::intent::{Coordinates, EndpointName};
use crate::dns::place::{Continent, Country, Place};
use crate::dns::routing::{Row, survey};
use crate::dns::tree::Node;

mod paint;
mod text;

use self::paint::Paints;
use self::text::escaped;

/// Units for 360 degrees of longitude, as in the table of outlines.
const WIDTH: i32 = 2000;

/// The first and last unit from the North that is shown: 83.5° N to 60° S, and a strip of Antarctica.
const NORTH: i32 = 36;
const SOUTH: i32 = 880;

/// What stands above the map, and how high a line of the legend is.
const HEADER: i32 = 70;
const LINE: i32 = 34;

/// Outlines by the codes of countries; `-` is land in no country.
static OUTLINES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("../../data/world.csv").lines().filter(|line| !line.starts_with('#'));
    lines.skip(1).filter_map(|line| line.split_once(';')).collect()
});

/// The world as `tree` answers it while all endpoints are healthy; tooltips and labels say who follows.
///
/// # Examples
/// ```
/// use multicluster_core::dns::{EndpointName, Node, map};
///
/// let tree = Node::Endpoint(EndpointName::new("aws").unwrap());
/// let svg = map::svg(&tree, "guestbook.example.com");
/// assert!(svg.starts_with("<svg ") && svg.contains("<title>Germany (DE): aws</title>"));
/// ```
#[must_use]
pub fn svg(tree: &Node, title: &str) -> String {
    let survey = survey(tree);
    let names: Vec<EndpointName> = tree.endpoints().into_iter().cloned().collect();
    let mut paints = Paints::new(&names);
    let countries = countries(&survey, &mut paints);
    let legend = legend(tree, &survey, &names);
    let foot = HEADER + SOUTH - NORTH;
    let height = foot + LINE * (i32::try_from(legend.len()).unwrap_or_default() + 1);
    let title = escaped(title);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif" font-size="22">
<title>{title}</title>
<desc>Who answers where while all endpoints are healthy.</desc>
{}<rect width="{WIDTH}" height="{height}" fill="#fff"/>
<text x="20" y="46" font-size="34" font-weight="bold">{title}</text>
<svg x="0" y="{HEADER}" width="{WIDTH}" height="{}" viewBox="0 {NORTH} {WIDTH} {}">
<rect y="{NORTH}" width="{WIDTH}" height="{}" fill="#eef4f8"/>
<g stroke="#fff" stroke-width="1" stroke-linejoin="round">
{countries}</g>
{}</svg>
"##,
        paints.definitions(),
        SOUTH - NORTH,
        SOUTH - NORTH,
        SOUTH - NORTH,
        labels(&survey),
    );
    for (index, line) in legend.iter().enumerate() {
        let y = foot + LINE * (i32::try_from(index).unwrap_or_default() + 1);
        if let Some(swatch) = &line.swatch {
            let fill = paints.endpoint(swatch);
            let _ = writeln!(
                svg,
                r##"<rect x="20" y="{}" width="30" height="22" fill="{fill}" stroke="#333"/>"##,
                y - 18
            );
        }
        let _ = writeln!(svg, r#"<text x="62" y="{y}">{}</text>"#, escaped(&line.text));
    }
    svg.push_str("</svg>\n");
    svg
}

/// All countries, each as an outline or a dot.
fn countries(survey: &BTreeMap<Place, Row>, paints: &mut Paints) -> String {
    let mut svg = String::new();
    if let Some(land) = OUTLINES.get("-") {
        let _ = writeln!(svg, r##"<path d="{land}" fill="#ddd"/>"##);
    }
    let mut dots = String::new();
    for country in Country::all() {
        let Some(row) = survey.get(&Place::Country(country)) else { continue };
        let fill = paints.row(row);
        let tooltip = escaped(&format!("{} ({country}): {row}", country.name()));
        match OUTLINES.get(country.code()) {
            Some(outline) => {
                let _ = writeln!(svg, r#"<path fill="{fill}" d="{outline}"><title>{tooltip}</title></path>"#);
            }
            None => {
                let (x, y) = at(country.position());
                let _ = writeln!(
                    dots,
                    r##"<circle cx="{x}" cy="{y}" r="5" fill="{fill}" stroke="#333"><title>{tooltip}</title></circle>"##
                );
            }
        }
    }
    // Dots come last, so that no outline covers them.
    svg + &dots
}

/// Where a position is on the map.
fn at(position: Coordinates) -> (i32, i32) {
    // Half a degree of latitude is as many units as one of longitude: 36 000 hundredths are the width.
    ((position.longitude + 18_000) * WIDTH / 36_000, (9_000 - position.latitude) * WIDTH / 36_000)
}

/// What is written on the continents.
fn labels(survey: &BTreeMap<Place, Row>) -> String {
    let mut svg = String::new();
    for continent in Continent::ALL {
        let (x, y) = match continent {
            Continent::Africa => (1100, 460),
            Continent::Antarctica => (1000, 866),
            Continent::Asia => (1500, 260),
            Continent::Europe => (1110, 190),
            Continent::NorthAmerica => (440, 250),
            Continent::Oceania => (1750, 640),
            Continent::SouthAmerica => (680, 560),
        };
        if let Some(row) = survey.get(&Place::Continent(continent)) {
            let text = escaped(&format!("{}: {row}", continent.name()));
            let _ = writeln!(
                svg,
                r##"<text x="{x}" y="{y}" text-anchor="middle" stroke="#fff" stroke-width="5" paint-order="stroke">{text}</text>"##
            );
        }
    }
    svg
}

struct Line {
    swatch: Option<EndpointName>,
    text: String,
}

/// How many parts of countries, and of ranges, the legend lists.
const MOST_LINES: usize = 12;

fn legend(tree: &Node, survey: &BTreeMap<Place, Row>, names: &[EndpointName]) -> Vec<Line> {
    let plain = |text: String| Line { swatch: None, text };
    let mut lines: Vec<Line> = names
        .iter()
        .map(|name| {
            let answered = |row: &Row| row.endpoints.iter().any(|portion| portion.name == *name);
            let countries: BTreeSet<&Place> = survey
                .iter()
                .filter(|(place, row)| matches!(place, Place::Country(_)) && answered(row))
                .map(|(place, _)| place)
                .collect();
            let text = match countries.len() {
                0 => format!("{name}: no country while the others are healthy"),
                1 => format!("{name}: 1 country"),
                count => format!("{name}: {count} countries"),
            };
            Line { swatch: Some(name.clone()), text }
        })
        .collect();
    if let Some(row) = survey.get(&Place::Everywhere) {
        lines.push(plain(format!("everywhere else, and where the place is not known: {row}")));
    }
    let mut smaller: Vec<Line> = survey
        .iter()
        .filter(|(place, row)| {
            let parent = place.parent().and_then(|parent| survey.get(&parent));
            matches!(place, Place::Subdivision(_)) && parent != Some(*row)
        })
        .map(|(place, row)| plain(format!("{} ({place}): {row}", place.name())))
        .collect();
    if smaller.len() > MOST_LINES {
        let more = smaller.len() - MOST_LINES;
        smaller.truncate(MOST_LINES);
        smaller.push(plain(format!("and {more} more parts of countries")));
    }
    lines.extend(smaller);
    if let Node::IpBased { ranges, .. } = tree {
        lines.push(plain(format!(
            "before all of these, ranges of addresses: {}",
            ranges.keys().take(MOST_LINES).cloned().collect::<Vec<_>>().join(", ")
        )));
    }
    if tree.depends_on_latency() {
        lines.push(plain("latency is estimated by distance".to_owned()));
    }
    lines
}

#[cfg(test)]
mod tests;
