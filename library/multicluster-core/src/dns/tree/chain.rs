//! Who answers while others are unhealthy, in order.

use std::collections::BTreeSet;

use crate::dns::intent::EndpointName;
use crate::dns::tree::Node;

/// A failover over any number of nodes, the first first. None without nodes; one node is itself.
///
/// Chains within the chain are laid out flat, which changes no answer: whichever way it is bracketed, the first healthy
/// one answers, and the very first if none is. An endpoint that has had its turn is left out.
pub(super) fn chain(nodes: impl IntoIterator<Item = Node>) -> Option<Node> {
    let mut flat = Vec::new();
    for node in nodes {
        flatten(node, &mut flat);
    }
    let mut seen: BTreeSet<EndpointName> = BTreeSet::new();
    flat.retain(|node| {
        // As soon as one leaf of an earlier node is healthy, that node answers.
        let had_its_turn = node.endpoints().into_iter().all(|name| seen.contains(name));
        seen.extend(node.endpoints().into_iter().cloned());
        !had_its_turn
    });
    let mut flat = flat.into_iter().rev();
    let last = flat.next()?;
    Some(flat.fold(last, |rest, node| Node::Failover(Box::new([node, rest]))))
}

fn flatten(node: Node, into: &mut Vec<Node>) {
    match node {
        Node::Failover(branches) => {
            for branch in *branches {
                flatten(branch, into);
            }
        }
        other => into.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Node {
        Node::Endpoint(EndpointName::new(name).unwrap())
    }

    fn failover(a: Node, b: Node) -> Node {
        Node::Failover(Box::new([a, b]))
    }

    #[test]
    fn chains_nest_in_the_second() {
        let chained = chain([leaf("a"), leaf("b"), leaf("c")]);
        assert_eq!(chained, Some(failover(leaf("a"), failover(leaf("b"), leaf("c")))));
        assert_eq!(chain([failover(leaf("a"), leaf("b")), leaf("c")]), chained);
    }

    #[test]
    fn nobody_has_two_turns() {
        assert_eq!(chain([leaf("a"), failover(leaf("a"), leaf("b"))]), Some(failover(leaf("a"), leaf("b"))));
        let group = Node::Multivalue(vec![EndpointName::new("a").unwrap(), EndpointName::new("b").unwrap()]);
        assert_eq!(chain([group.clone(), leaf("b")]), Some(group));
    }

    #[test]
    fn one_is_no_chain() {
        assert_eq!(chain([leaf("a")]), Some(leaf("a")));
        assert_eq!(chain([]), None);
    }
}
