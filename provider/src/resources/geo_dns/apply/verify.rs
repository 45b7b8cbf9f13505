//! What is asked for on request: that endpoints answer before they are published, and that Route 53 answers as planned.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::join_all;
use multicluster::endpoints::{Probe, ProbeError, ProbeKind, ProbeTarget, probe};
use multicluster::member::Wait;
use multicluster::route53::{ClientSubnet, Run, TestAnswer, Zone};
use multicluster_core::dns::{Client, EndpointName, Node as Tree, Place, answer, routing};
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

/// A client for whom Route 53 is asked, and what it should be answered with.
struct Question {
    who: String,
    client: Option<ClientSubnet>,
    /// Who answers while all are healthy.
    expected: Vec<EndpointName>,
    /// Who stands in for them.
    others: Vec<EndpointName>,
}

/// Asks Route 53 what it answers: somebody of whom nothing is known, somebody of each range of addresses, and the clients
/// that are named. Compared is what can be: an alias is answered with addresses that are not known here.
pub(super) async fn answers(
    zone: &Zone,
    model: &Model,
    name: &RecordName,
    found: &BTreeMap<EndpointName, Target>,
    run: &Run,
    diagnostics: &mut Diagnostics,
) {
    let Some(tree) = &model.tree else { return };
    let path = Path::root().attribute("verify_answers");
    for question in questions(tree, &model.verify_from) {
        let Some(expected) = addresses(&question.expected, found) else { continue };
        match zone.test_answer(name, &RecordType::a(), question.client, run).await {
            Ok(answer)
                if !answer.values.is_empty() && answer.values.iter().all(|it| expected.contains(it)) => {}
            Ok(answer) => {
                diagnostics.warning_at(
                    path.clone(),
                    "An answer is not as planned",
                    question.unexpected(&answer, &expected),
                );
            }
            Err(error) => {
                diagnostics.warning_at(path.clone(), "The answers cannot be checked", sentence(&error));
            }
        }
    }
}

fn questions(tree: &Tree, from: &BTreeMap<Place, IpAddr>) -> Vec<Question> {
    let whole = |who: String, client, node: &Tree| Question {
        who,
        client,
        expected: node.endpoints().into_iter().cloned().collect(),
        others: Vec::new(),
    };
    let somebody = |node| whole("somebody".to_owned(), None, node);
    let mut questions = Vec::new();
    match tree {
        Tree::IpBased { ranges, others } => {
            questions.extend(others.iter().map(|others| somebody(others)));
            let first = |blocks: &[Cidr]| blocks.first().copied();
            questions.extend(ranges.values().filter_map(|(blocks, node)| {
                let range = first(blocks)?;
                Some(whole(format!("somebody of {range}"), subnet(range), node))
            }));
        }
        tree => questions.push(somebody(tree)),
    }
    questions.extend(from.iter().map(|(place, address)| {
        let client = Client { address: Some(Cidr::host(*address)), ..Client::at(place.clone()) };
        let row = routing::row_of(tree, &client);
        let (mut expected, mut others) =
            (row.endpoints.into_iter().map(|it| it.name).collect(), row.fallback);
        if answer(tree, &client, &BTreeSet::new()).estimate {
            // Who is nearest is known to AWS alone.
            (expected, others) = (tree.endpoints().into_iter().cloned().collect(), Vec::new());
        }
        Question { who: format!("{address} ({place})"), client: Some(told(*address)), expected, others }
    }));
    questions
}

impl Question {
    fn unexpected(&self, answer: &TestAnswer, expected: &BTreeSet<String>) -> String {
        let values =
            if answer.values.is_empty() { answer.response_code.clone() } else { answer.values.join(", ") };
        let wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
        let told =
            format!("Route 53 answers {} with {values}, and not with {}.", self.who, wanted.join(" or "));
        if self.others.is_empty() {
            return told;
        }
        let names = |names: &[EndpointName]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        format!(
            "{told} That may be because {} counts as unhealthy ({} stands in), or because Route 53 takes the address to be \
             elsewhere.",
            names(&self.expected),
            names(&self.others)
        )
    }
}

/// A client of a range, as its resolver tells: at most 24 bits, or 48 of IPv6.
fn subnet(range: Cidr) -> Option<ClientSubnet> {
    let address: IpAddr = range.to_string().split_once('/')?.0.parse().ok()?;
    Some(told(address))
}

fn told(address: IpAddr) -> ClientSubnet {
    ClientSubnet { address, mask: if address.is_ipv6() { 48 } else { 24 } }
}

/// All IPv4 addresses of some endpoints; none if one of them has others.
fn addresses(endpoints: &[EndpointName], found: &BTreeMap<EndpointName, Target>) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for endpoint in endpoints {
        let Some(Target::Addresses { v4, .. }) = found.get(endpoint) else { return None };
        all.extend(v4.iter().map(ToString::to_string));
    }
    (!all.is_empty()).then_some(all)
}
