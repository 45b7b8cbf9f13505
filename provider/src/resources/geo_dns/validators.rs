//! Checks of single attributes of a name, with the words that users read.

use std::net::IpAddr;

use multicluster_core::dns::EndpointName;
use multicluster_core::dns::place::{Continent, Country, Place, Subdivision};
use multicluster_core::dns::regions;
use multicluster_core::route53::RecordName;
use multicluster_core::route53::owner::OwnerId;
use multicluster_core::route53::plan::Takeover;
use tfplugin::{Diagnostics, Node, Path};

use crate::validators::sentence;

/// The attributes that say what an endpoint is, of which each has exactly one.
pub(super) const TARGETS: [&str; 6] = ["values", "hostname", "alias", "service", "ingress", "gateway"];

/// A name of a record.
pub(crate) fn record_name(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Invalid name", node.str().map(RecordName::new), diagnostics);
}

/// The keys of `endpoints`.
pub(super) fn endpoint_names(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (name, entry) in node.entries() {
        report(&entry, "Invalid name of an endpoint", Some(EndpointName::new(name)), diagnostics);
    }
}

/// Each endpoint has exactly one target. A value that is not known yet counts as given.
pub(super) fn targets(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (_, entry) in node.entries().into_iter().filter(|(_, entry)| !entry.is_unknown()) {
        let given: Vec<&str> = TARGETS.into_iter().filter(|name| !entry.attribute(name).is_null()).collect();
        let choice = TARGETS.map(|name| format!("`{name}`")).join(", ");
        match given.as_slice() {
            [] => diagnostics.error_at(
                entry.path(),
                "Missing target",
                format!("Give the endpoint one of {choice}."),
            ),
            [_] => {}
            [_, second, ..] => diagnostics.error_at(
                entry.attribute(second).path(),
                "Conflicting targets",
                format!("Give the endpoint only one of {choice}."),
            ),
        }
    }
}

/// An IPv4 or IPv6 address.
pub(super) fn address(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(text) = node.str()
        && text.parse::<IpAddr>().is_err()
    {
        let detail = format!("`{text}` is not an IPv4 or IPv6 address. A name belongs in `hostname`.");
        diagnostics.error_at(node.path(), "Invalid address", detail);
    }
}

/// The address of a client.
pub(super) fn client(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(text) = node.str()
        && text.parse::<IpAddr>().is_err()
    {
        let detail = format!("`{text}` is not an IPv4 or IPv6 address: give that of a client in this place.");
        diagnostics.error_at(node.path(), "Invalid address", detail);
    }
}

/// A continent by name or code.
pub(super) fn continent(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Unknown continent", node.str().map(Continent::parse), diagnostics);
}

/// A country by name or code.
pub(super) fn country(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Unknown country", node.str().map(Country::parse), diagnostics);
}

/// A part of a country by code or name.
pub(super) fn subdivision(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Unknown subdivision", node.str().map(Subdivision::parse), diagnostics);
}

/// Keys that are places.
pub(super) fn places(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (key, entry) in node.entries() {
        report(&entry, "Unknown place", Some(Place::parse_key(key)), diagnostics);
    }
}

/// A region of a cloud.
pub(super) fn location(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let (cloud, region) = (node.attribute("cloud"), node.attribute("region"));
    if let (Some(Ok(cloud)), Some(name)) = (cloud.str().map(str::parse), region.str()) {
        report(&region, "Unknown region", Some(regions::find(cloud, name)), diagnostics);
    }
}

/// A region of AWS that latency is measured to.
pub(super) fn latency_region(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Unknown region", node.str().map(regions::latency_region), diagnostics);
}

/// Degrees north.
pub(super) fn latitude(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    degrees(node, 90, diagnostics);
}

/// Degrees east.
pub(super) fn longitude(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    degrees(node, 180, diagnostics);
}

fn degrees(node: &Node<'_>, most: i32, diagnostics: &mut Diagnostics) {
    let Some(number) = node.number() else { return };
    if hundredths(node).is_none_or(|it| it.abs() > most * 100) {
        let detail = format!(
            "`{number}` is not from -{most} to {most} with at most two decimals, which is as fine as Route 53 takes it."
        );
        diagnostics.error_at(node.path(), "Invalid coordinate", detail);
    }
}

/// A number with at most two decimals, in hundredths.
pub(super) fn hundredths(node: &Node<'_>) -> Option<i32> {
    let scaled = node.number()?.as_f64()? * 100.0;
    let whole = scaled.round();
    // What a person writes with two decimals is off by far less than this, and with three by more.
    ((scaled - whole).abs() < 1e-6).then(|| format!("{whole:.0}").parse().ok()).flatten()
}

/// Seconds between two questions of a checker.
pub(super) fn interval(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if node.number().is_some() && !matches!(node.i64(), Some(10 | 30)) {
        diagnostics.error_at(node.path(), "Invalid interval", "It must be 10 or 30 seconds.");
    }
}

/// An owner: what can stand as a value in an ownership record.
pub(super) fn owner(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Invalid owner", node.str().map(OwnerId::new), diagnostics);
}

/// Whose records may be taken over.
pub(super) fn takeover(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    report(node, "Invalid takeover", node.str().map(str::parse::<Takeover>), diagnostics);
}

/// The path within a configuration that a list of names means: `endpoints`, a name, an attribute and so on.
pub(super) fn path(names: &[String]) -> Path {
    let mut path = Path::root();
    for (position, name) in names.iter().enumerate() {
        let is_key = position == 1 && matches!(names[0].as_str(), "endpoints" | "must_answer");
        path = match name.parse::<i64>() {
            _ if is_key => path.key(name),
            Ok(index) => path.index(index),
            Err(_) => path.attribute(name),
        };
    }
    path
}

fn report<T, E: ToString>(
    node: &Node<'_>,
    summary: &str,
    outcome: Option<Result<T, E>>,
    diagnostics: &mut Diagnostics,
) {
    if let Some(Err(error)) = outcome {
        diagnostics.error_at(node.path(), summary, sentence(&error));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tfplugin::{Number, Value};

    use super::*;

    #[rstest]
    #[case::whole("40", Some(4000))]
    #[case::two("-73.96", Some(-7396))]
    #[case::one("8.5", Some(850))]
    #[case::three("40.712", None)]
    #[case::many("40.7128", None)]
    #[case::exponent("1e-3", None)]
    #[case::huge("1e30", None)]
    fn coordinates_have_two_decimals(#[case] text: &str, #[case] expected: Option<i32>) {
        let value = Value::Number(Number::parse(text).unwrap());
        assert_eq!(hundredths(&Node::root(&value)), expected);
    }

    #[rstest]
    #[case(&["policy"], "policy")]
    #[case(&["endpoints", "aws", "continents", "0"], "endpoints[\"aws\"].continents[0]")]
    #[case(&["must_answer", "DE"], "must_answer[\"DE\"]")]
    #[case(&["endpoints", "7", "alias", "dns_name"], "endpoints[\"7\"].alias.dns_name")]
    fn problems_name_attributes(#[case] names: &[&str], #[case] expected: &str) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(path(&names).to_string(), expected);
    }

    #[rstest]
    #[case("external-dns:shop", true)]
    #[case("multicluster:shop", true)]
    #[case("aws_route53_record", true)]
    #[case("external-dns:", false)]
    #[case("external-dns", false)]
    #[case("terraform", false)]
    fn takeovers_name_somebody(#[case] text: &str, #[case] valid: bool) {
        let value = Value::from(text);
        let mut diagnostics = Diagnostics::new();
        takeover(&Node::root(&value), &mut diagnostics);
        assert_eq!(diagnostics.is_empty(), valid);
    }
}
