//! What cannot be compiled, with the attributes that it stems from.

use super::{Seen, World};
use crate::dns::{EndpointName, Node, Problem};
use crate::route53::target::{Family, Target};

/// Which types of records answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// A and AAAA.
    Addresses,
    /// CNAME.
    Names,
}

/// Which types of records answer, or all problems.
pub(super) fn check(tree: &Node, world: &World<'_>) -> Result<Answers, Vec<Problem>> {
    let mut problems = Vec::new();
    let names = tree.endpoints();
    for name in &names {
        match world.targets.get(*name) {
            None => problems.push(at(name, &[], format!("nothing is known of where endpoint `{name}` is"))),
            Some(target) if !target.has(Family::V4) && !target.has(Family::V6) => {
                problems.push(at(name, &["values"], format!("endpoint `{name}` has no address")));
            }
            Some(target) if points_at_itself(target, world) => {
                let name_itself = world.naming.name.as_written();
                let text = format!(
                    "endpoint `{name}` points at `{name_itself}`, which is the name that it answers for"
                );
                problems.push(at(name, &[], text));
            }
            Some(_) => {}
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let hostnames: Vec<&EndpointName> = names
        .iter()
        .copied()
        .filter(|name| matches!(world.targets.get(*name), Some(Target::Hostname(_))))
        .collect();
    let answers = if hostnames.is_empty() { Answers::Addresses } else { Answers::Names };
    match answers {
        Answers::Addresses => {
            families(tree, world, &mut problems);
            aliases_in_groups_of_values(tree, world, &mut problems);
        }
        Answers::Names => {
            apex(&hostnames, world, &mut problems);
            groups_of_values(tree, hostnames.first().copied(), &mut problems);
        }
    }
    let seen = if answers == Answers::Addresses { Seen::ByAlias } else { Seen::ByCheck };
    failovers(tree, seen, world, &mut problems);
    if world.naming.cidr_collection.is_none() && has_ranges(tree) {
        problems
            .push(Problem::at([], "ranges of client addresses need a CIDR collection, and none was given"));
    }
    problems.sort_unstable();
    problems.dedup();
    if problems.is_empty() { Ok(answers) } else { Err(problems) }
}

fn at(endpoint: &EndpointName, attribute: &[&str], text: String) -> Problem {
    Problem::at(["endpoints", endpoint.as_str()].into_iter().chain(attribute.iter().copied()), text)
}

fn points_at_itself(target: &Target, world: &World<'_>) -> bool {
    match target {
        Target::Alias { dns_name, .. } | Target::Hostname(dns_name) => *dns_name == world.naming.name,
        Target::Addresses { .. } => false,
    }
}

/// All endpoints have one family in common, so that every client has an answer in it.
fn families(tree: &Node, world: &World<'_>, problems: &mut Vec<Problem>) {
    let [without_v4, without_v6] =
        [Family::V4, Family::V6].map(|family| super::family::lacking(tree, family, world.targets));
    if let Some(other) = without_v6.first() {
        problems.extend(without_v4.iter().map(|name| {
            let text = format!(
                "endpoint `{name}` has no IPv4 address and endpoint `{other}` no IPv6 address: all endpoints of a \
                 name need addresses of one family in common"
            );
            at(name, &["values"], text)
        }));
    }
}

/// One set holds the values of several endpoints, or each of its sets a value: there is no room for an alias.
fn aliases_in_groups_of_values(node: &Node, world: &World<'_>, problems: &mut Vec<Problem>) {
    if let Some((names, policy)) = group_of_values(node) {
        problems.extend(
            names.iter().filter(|name| matches!(world.targets.get(*name), Some(Target::Alias { .. }))).map(
                |name| {
                    let text = format!(
                        "endpoint `{name}` is answered by an alias, and {policy} answers only addresses: let \
                         `policy` or `within` be \"weighted\", with equal weights"
                    );
                    at(name, &[], text)
                },
            ),
        );
    }
    node.children().into_iter().for_each(|child| aliases_in_groups_of_values(child, world, problems));
}

/// A CNAME has one value, and there is no multivalue answer of CNAMEs.
fn groups_of_values(node: &Node, hostname: Option<&EndpointName>, problems: &mut Vec<Problem>) {
    if let Some((_, policy)) = group_of_values(node)
        && let Some(name) = hostname
    {
        let text = format!(
            "endpoint `{name}` is a host name, so the name is answered by CNAME, and {policy} answers only \
             addresses: let `policy` or `within` be \"weighted\", with equal weights"
        );
        problems.push(at(name, &[], text));
    }
    node.children().into_iter().for_each(|child| groups_of_values(child, hostname, problems));
}

fn group_of_values(node: &Node) -> Option<(&[EndpointName], &'static str)> {
    match node {
        Node::Multivalue(names) => Some((names, "multivalue")),
        Node::Simple(names) => Some((names, "a simple policy over several endpoints")),
        _ => None,
    }
}

fn apex(hostnames: &[&EndpointName], world: &World<'_>, problems: &mut Vec<Problem>) {
    if !world.naming.name.is_apex(&world.naming.zone) {
        return;
    }
    let zone = world.naming.zone.as_written();
    problems.extend(hostnames.iter().map(|name| {
        let text = format!(
            "endpoint `{name}` is a host name that no alias can point at, and no CNAME may stand at the apex of zone \
             `{zone}`: give addresses or an alias, or take a name below the apex"
        );
        at(name, &["hostname"], text)
    }));
}

/// Who steps in for an endpoint does so when something finds it unhealthy.
fn failovers(node: &Node, seen: Seen, world: &World<'_>, problems: &mut Vec<Problem>) {
    if let Node::Failover(pair) = node {
        let [first, _] = pair.as_ref();
        if !world.can_fail(first, seen) {
            for name in first.endpoints() {
                if !world.can_fail(&Node::Endpoint(name.clone()), seen) {
                    let text = format!(
                        "others answer in place of endpoint `{name}` while it is unhealthy, but nothing tells whether \
                         it is: give it a health check"
                    );
                    problems.push(at(name, &["health_check"], text));
                }
            }
            if let Node::Simple(names) = first
                && let Some(name) = names.first()
            {
                let text = "a simple policy over several endpoints is never unhealthy as a whole";
                problems.push(at(name, &["on_unhealthy"], text.to_owned()));
            }
        }
    }
    node.children().into_iter().for_each(|child| failovers(child, seen, world, problems));
}

fn has_ranges(node: &Node) -> bool {
    matches!(node, Node::IpBased { .. }) || node.children().into_iter().any(has_ranges)
}
