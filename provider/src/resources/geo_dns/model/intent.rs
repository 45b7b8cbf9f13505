//! Who shall answer whom, as users write it.

use std::collections::{BTreeMap, BTreeSet};

use multicluster_core::dns::place::{Continent, Country, Place, Subdivision};
use multicluster_core::dns::regions::{self, Region};
use multicluster_core::dns::{
    Coordinates, Endpoint, EndpointName, EndpointState, Intent, LatencyRegion, Policy, Within,
};
use multicluster_core::networking::Cidr;
use tfplugin::{Diagnostics, Node};

use super::super::validators::hundredths;
use crate::validators::sentence;

/// The attributes of the resource that decide who answers whom.
const DECIDING: [&str; 4] = ["policy", "within", "default", "allow_empty"];

/// The attributes of an endpoint that decide who answers whom.
const DECIDING_OF_ENDPOINT: [&str; 12] = [
    "continents",
    "countries",
    "subdivisions",
    "latency_region",
    "coordinates",
    "location",
    "bias",
    "cidrs",
    "weight",
    "priority",
    "state",
    "on_unhealthy",
];

/// Whether all is known that decides who answers whom.
pub(super) fn is_known(node: &Node<'_>) -> bool {
    let endpoints = node.attribute("endpoints");
    let known =
        |node: &Node<'_>, names: &[&str]| names.iter().all(|name| node.attribute(name).is_wholly_known());
    !endpoints.is_unknown()
        && known(node, &DECIDING)
        && endpoints
            .entries()
            .iter()
            .all(|(_, entry)| !entry.is_unknown() && known(entry, &DECIDING_OF_ENDPOINT))
}

/// The intent; none while it is not wholly known. The schema's validators have checked the single values.
pub(super) fn intent(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Intent> {
    if !is_known(node) {
        return None;
    }
    let policy = policy(node.attribute("policy").str()?)?;
    let within = match node.attribute("within").str() {
        Some("multivalue") => Within::Multivalue,
        Some("latency") => Within::Latency,
        _ => Within::Weighted,
    };
    let default = endpoint_name(&node.attribute("default"), diagnostics);
    let mut endpoints = BTreeMap::new();
    for (name, node) in node.attribute("endpoints").entries() {
        let endpoint = endpoint(&node, Needs { policy, within }, diagnostics);
        endpoints.insert(EndpointName::new(name).ok()?, endpoint);
    }
    Some(Intent { policy, within, default, endpoints })
}

/// What the policies above an endpoint want to know of it.
#[derive(Clone, Copy)]
struct Needs {
    policy: Policy,
    within: Within,
}

fn endpoint(node: &Node<'_>, needs: Needs, diagnostics: &mut Diagnostics) -> Endpoint {
    let number = |name: &str, default: u32| {
        node.attribute(name).i64().and_then(|it| u32::try_from(it).ok()).unwrap_or(default)
    };
    let region = region(&node.attribute("location"));
    let position = coordinates(&node.attribute("coordinates"));
    // A location is good for whichever of the two decides; where neither does, it is for the reader.
    let by_distance = needs.policy == Policy::Geoproximity;
    let by_latency = needs.policy == Policy::Latency || needs.within == Within::Latency;
    let nearest = || region.filter(|_| by_latency).map(|region| region.latency_region.clone());
    let place = || region.filter(|_| by_distance).map(|region| region.coordinates);
    let bias = node.attribute("bias").i64().and_then(|bias| i8::try_from(bias).ok());
    Endpoint {
        places: places(node),
        latency_region: latency_region(&node.attribute("latency_region")).or_else(nearest),
        coordinates: position.or_else(place),
        bias: bias.unwrap_or_default(),
        cidrs: texts::<Cidr>(&node.attribute("cidrs"), |text| text.parse().ok()),
        weight: number("weight", 1),
        priority: number("priority", 0),
        state: match node.attribute("state").str() {
            Some("standby") => EndpointState::Standby,
            Some("drained") => EndpointState::Drained,
            _ => EndpointState::Active,
        },
        on_unhealthy: node
            .attribute("on_unhealthy")
            .elements()
            .iter()
            .filter_map(|node| endpoint_name(node, diagnostics))
            .collect(),
    }
}

/// What is worth knowing about endpoints whose region of AWS was not said but is the nearest one.
pub(super) fn nearest(node: &Node<'_>) -> Option<String> {
    let word = |name: &str| node.attribute(name).str();
    if word("policy") != Some("latency") && word("within") != Some("latency") {
        return None;
    }
    let endpoints = node.attribute("endpoints").entries();
    let estimated = endpoints.iter().filter_map(|(name, node)| {
        let said = !node.attribute("latency_region").is_null();
        let region = region(&node.attribute("location")).filter(|_| !said)?;
        Some(format!("`{name}`: {}", region.caveat()?))
    });
    let text = estimated.collect::<Vec<_>>().join(". ");
    (!text.is_empty()).then_some(text)
}

fn places(node: &Node<'_>) -> BTreeSet<Place> {
    let continents = texts(&node.attribute("continents"), |text| Continent::parse(text).ok());
    let countries = texts(&node.attribute("countries"), |text| Country::parse(text).ok());
    let subdivisions = texts(&node.attribute("subdivisions"), |text| Subdivision::parse(text).ok());
    let continents = continents.into_iter().map(Place::Continent);
    let countries = countries.into_iter().map(Place::Country);
    continents.chain(countries).chain(subdivisions.into_iter().map(Place::Subdivision)).collect()
}

fn texts<T>(node: &Node<'_>, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    node.elements().iter().filter_map(|element| parse(element.str()?)).collect()
}

fn latency_region(node: &Node<'_>) -> Option<LatencyRegion> {
    regions::latency_region(node.str()?).ok()
}

fn region(location: &Node<'_>) -> Option<&'static Region> {
    let cloud = location.attribute("cloud").str()?.parse().ok()?;
    regions::find(cloud, location.attribute("region").str()?).ok()
}

fn coordinates(node: &Node<'_>) -> Option<Coordinates> {
    let latitude = hundredths(&node.attribute("latitude"))?;
    Some(Coordinates { latitude, longitude: hundredths(&node.attribute("longitude"))? })
}

/// The name of an endpoint, where a list or an attribute names one.
pub(super) fn endpoint_name(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<EndpointName> {
    match EndpointName::new(node.str()?) {
        Ok(name) => Some(name),
        Err(error) => {
            diagnostics.error_at(node.path(), "Invalid name of an endpoint", sentence(&error));
            None
        }
    }
}

fn policy(word: &str) -> Option<Policy> {
    Some(match word {
        "simple" => Policy::Simple,
        "multivalue" => Policy::Multivalue,
        "weighted" => Policy::Weighted,
        "latency" => Policy::Latency,
        "failover" => Policy::Failover,
        "geolocation" => Policy::Geolocation,
        "geoproximity" => Policy::Geoproximity,
        "ip_based" => Policy::IpBased,
        _ => return None,
    })
}
