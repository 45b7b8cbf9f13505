//! What is asked for on request: that endpoints answer before they are published, and that Route 53 answers as planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use multicluster::endpoints::{Probe, ProbeError, ProbeKind, ProbeTarget, probe};
use multicluster::member::Wait;
use multicluster::route53::{ClientSubnet, Run, Zone};
use multicluster_core::dns::{EndpointName, Node as Tree};
use multicluster_core::networking::Cidr;
use multicluster_core::route53::health_check::{HealthCheckSpec, Probe as Asked, Protocol};
use multicluster_core::route53::{RecordName, RecordType, Target};
use rustls::RootCertStore;
use tfplugin::{Diagnostics, Path};

use super::super::model::Model;
use super::super::targets;
use crate::validators::sentence;

/// Asks all endpoints as their health checks would, by the name that clients will use.
pub(super) async fn endpoints(
    model: &Model,
    name: &RecordName,
    found: &BTreeMap<EndpointName, Target>,
    wait: &Wait,
    diagnostics: &mut Diagnostics,
) {
    let roots = Arc::new(roots());
    let asked = found.iter().flat_map(|(endpoint, target)| {
        let check = model.checks.as_ref().and_then(|checks| checks.get(endpoint));
        let question = check.and_then(|check| question(&check.spec, name, &roots));
        question.into_iter().flat_map(move |question| {
            probe_targets(target).into_iter().map(move |at| (endpoint, at, question.clone()))
        })
    });
    let answers =
        join_all(asked.map(async |(endpoint, at, question)| (endpoint, probe(&at, &question, wait).await)));
    for (endpoint, answer) in answers.await {
        match answer {
            Ok(()) => {}
            Err(ProbeError::Cancelled) => diagnostics.error("Interrupted", "Nothing was changed."),
            Err(error) => diagnostics.error_at(
                targets::path(endpoint),
                format!("Endpoint `{endpoint}` does not answer as it should"),
                format!("{} Nothing was changed (`verify_endpoints`).", sentence(&error)),
            ),
        }
    }
}

fn question(spec: &HealthCheckSpec, name: &RecordName, roots: &Arc<RootCertStore>) -> Option<Probe> {
    let Asked::Endpoint { protocol, port, path, host, .. } = &spec.probe else { return None };
    let path = path.clone().unwrap_or_else(|| "/".to_owned());
    let (kind, usual) = match protocol {
        Protocol::Tcp => (ProbeKind::Tcp, None),
        Protocol::Http => (ProbeKind::Http { path }, Some(80)),
        Protocol::Https => (ProbeKind::Https { path, roots: Arc::clone(roots) }, Some(443)),
    };
    let host = host.clone().unwrap_or_else(|| name.as_written());
    Some(Probe { kind, port: port.or(usual)?, host })
}

fn probe_targets(target: &Target) -> Vec<ProbeTarget> {
    match target {
        Target::Addresses { .. } => target.addresses().map(ProbeTarget::Address).collect(),
        Target::Alias { dns_name: name, .. } | Target::Hostname(name) => {
            vec![ProbeTarget::Hostname(name.as_written())]
        }
    }
}

/// Whom this machine trusts.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // What cannot be read is missing, and then a certificate is not trusted, which is said.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Asks Route 53 what it answers: somebody of whom nothing is known, and somebody of each range of addresses. Compared
/// is what can be: an alias is answered with addresses that are not known here.
pub(super) async fn answers(
    zone: &Zone,
    model: &Model,
    name: &RecordName,
    found: &BTreeMap<EndpointName, Target>,
    run: &Run,
    diagnostics: &mut Diagnostics,
) {
    let Some(tree) = &model.tree else { return };
    let mut questions = vec![(None, tree)];
    if let Tree::IpBased { ranges, others } = tree {
        questions = others.iter().map(|others| (None, others.as_ref())).collect();
        questions.extend(ranges.values().filter_map(|(blocks, node)| Some((Some(*blocks.first()?), node))));
    }
    for (range, node) in questions {
        let Some(expected) = addresses(node, found) else { continue };
        let client = range.and_then(subnet);
        let who = range.map_or_else(|| "somebody".to_owned(), |range| format!("somebody of {range}"));
        let path = Path::root().attribute("verify_answers");
        match zone.test_answer(name, &RecordType::a(), client, run).await {
            Ok(answer)
                if !answer.values.is_empty() && answer.values.iter().all(|it| expected.contains(it)) => {}
            Ok(answer) => {
                let values =
                    if answer.values.is_empty() { answer.response_code } else { answer.values.join(", ") };
                let wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
                let detail =
                    format!("Route 53 answers {who} with {values}, and not with {}.", wanted.join(" or "));
                diagnostics.warning_at(path, "An answer is not as planned", detail);
            }
            Err(error) => diagnostics.warning_at(path, "The answers cannot be checked", sentence(&error)),
        }
    }
}

/// A client of a range, as its resolver tells: at most 24 bits, or 48 of IPv6.
fn subnet(range: Cidr) -> Option<ClientSubnet> {
    let address = range.to_string().split_once('/')?.0.parse().ok()?;
    Some(ClientSubnet { address, mask: if range.is_ipv6() { 48 } else { 24 } })
}

/// All IPv4 addresses that a part of a tree may answer with; none if an endpoint has others.
fn addresses(node: &Tree, found: &BTreeMap<EndpointName, Target>) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for endpoint in node.endpoints() {
        let Some(Target::Addresses { v4, .. }) = found.get(endpoint) else { return None };
        all.extend(v4.iter().map(ToString::to_string));
    }
    (!all.is_empty()).then_some(all)
}
