//! The configuration of a name, typed. Problems keep the path of the attribute that they are about.
//!
//! Who answers whom does not depend on addresses, so that it is known, checked and shown before they are.

mod check;
mod intent;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use multicluster_core::dns::findings::{Facts, Finding, FindingKind, findings};
use multicluster_core::dns::{EndpointName, Intent, Node as Tree, Place, Problem, must_answer, tree};
use multicluster_core::route53::owner::OwnerId;
use multicluster_core::route53::plan::Takeover;
use multicluster_core::route53::{RecordName, Target};
use tfplugin::{Diagnostics, Node, Path, Value};

use super::schema::{DEFAULT_OWNER, DEFAULT_TTL};
use super::validators;
use crate::validators::sentence;

pub(super) use check::Check;
pub(crate) use target::words;
pub(super) use target::{Reference, Source};

/// A name whose configuration makes sense, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// The zone, once it is known.
    pub(super) zone_id: Option<String>,
    /// The name, once it is known.
    pub(super) name: Option<RecordName>,
    /// Seconds.
    pub(super) ttl: u32,
    /// Who shall answer whom.
    pub(super) intent: Intent,
    /// The policies that carry it out; none if nobody is to be answered.
    pub(super) tree: Option<Tree>,
    /// What was decided, and what is worth knowing.
    pub(super) findings: Vec<Finding>,
    /// Regions of AWS that were not named, but are the nearest ones.
    pub(super) nearest: Option<String>,
    /// What each endpoint is.
    pub(super) sources: BTreeMap<EndpointName, Source>,
    /// The health check of each endpoint that has one, drained ones left out; none if that is not known yet.
    pub(super) checks: Option<BTreeMap<EndpointName, Check>>,
    /// Whose records they are.
    pub(super) owner: OwnerId,
    /// Whose records may be taken over.
    pub(super) takeover: BTreeSet<Takeover>,
    /// Clients for whom the answers are verified.
    pub(super) verify_from: BTreeMap<Place, IpAddr>,
}

/// Says what is wrong with a configuration. What is not known yet is looked at again at plan.
pub(super) fn validate(config: &Value, diagnostics: &mut Diagnostics) {
    let _ = model(config, diagnostics);
}

/// The model of a configuration, plan or state. `None` if who answers whom is not known, or something is wrong, which
/// is then in `diagnostics`.
pub(super) fn model(value: &Value, diagnostics: &mut Diagnostics) -> Option<Model> {
    let node = Node::root(value);
    let mut found = Diagnostics::new();
    let intent = intent::intent(&node, &mut found);
    let sources = target::sources(&node.attribute("endpoints"), &mut found);
    let checks = check::checks(&node, &mut found);
    let wanted = wanted(&node.attribute("must_answer"), &mut found);
    let failed = found.has_errors();
    diagnostics.extend(found);
    let (intent, false) = (intent?, failed) else { return None };
    let allow_empty = node.attribute("allow_empty").bool().unwrap_or(false);
    let grown = if allow_empty && intent.is_drained() {
        None
    } else {
        match tree::grow(&intent) {
            Ok(grown) => Some(grown),
            Err(problems) => {
                report("Invalid answers", &problems, diagnostics);
                return None;
            }
        }
    };
    let (tree, mut said) = grown.map_or((None, Vec::new()), |grown| (Some(grown.node), grown.findings));
    let ttl = node.attribute("ttl").i64().and_then(|ttl| u32::try_from(ttl).ok());
    let ttl = ttl.or_else(|| u32::try_from(DEFAULT_TTL).ok()).unwrap_or_default();
    if let Some(tree) = &tree {
        let facts = facts(ttl, &sources, checks.as_ref());
        said.extend(findings(&intent, tree, &facts));
        let broken = must_answer::check(&intent, tree, &wanted);
        report("A place would be answered by others", &broken, diagnostics);
        if !broken.is_empty() {
            return None;
        }
    }
    if node.attribute("verify_endpoints").bool() == Some(true)
        && let (Some(tree), Some(checks)) = (&tree, &checks)
    {
        let silent: Vec<String> = tree
            .endpoints()
            .into_iter()
            .filter(|name| !checks.get(*name).is_some_and(Check::asks))
            .map(|name| format!("`{name}`"))
            .collect();
        if !silent.is_empty() {
            let detail = format!(
                "Endpoints are asked as by their health check, and {} has none that asks it.",
                silent.join(", ")
            );
            diagnostics.error_at(Path::root().attribute("verify_endpoints"), "Nothing to verify", detail);
            return None;
        }
    }
    let owner = node.attribute("owner").str().unwrap_or(DEFAULT_OWNER);
    let takeover = node.attribute("takeover").elements();
    Some(Model {
        zone_id: node.attribute("zone_id").str().map(str::to_owned),
        name: node.attribute("name").str().and_then(|name| RecordName::new(name).ok()),
        ttl,
        tree,
        findings: said,
        nearest: intent::nearest(&node),
        sources,
        checks,
        owner: OwnerId::new(owner).ok()?,
        takeover: takeover.iter().filter_map(|it| it.str()?.parse().ok()).collect(),
        // The schema's validators have checked both.
        verify_from: node
            .attribute("verify_answers_from")
            .entries()
            .into_iter()
            .filter_map(|(place, address)| {
                Some((Place::parse_key(place).ok()?, address.str()?.parse().ok()?))
            })
            .collect(),
        intent,
    })
}

/// What findings are about besides answers.
fn facts(
    ttl: u32,
    sources: &BTreeMap<EndpointName, Source>,
    checks: Option<&BTreeMap<EndpointName, Check>>,
) -> Facts {
    let checked = checks.into_iter().flat_map(BTreeMap::keys).cloned();
    let load_balancers: BTreeSet<EndpointName> = sources
        .iter()
        .filter(|(_, source)| matches!(source, Source::Target(Target::Alias { .. })))
        .map(|(name, _)| name.clone())
        .collect();
    Facts { ttl, health_checked: checked.chain(load_balancers.iter().cloned()).collect(), load_balancers }
}

fn wanted(node: &Node<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<Place, BTreeSet<EndpointName>> {
    let mut wanted = BTreeMap::new();
    for (key, node) in node.entries().into_iter().filter(|(_, node)| node.is_wholly_known()) {
        // The schema's validator has checked the place.
        let Ok(place) = Place::parse_key(key) else { continue };
        let names = node.elements();
        let names = names.iter().filter_map(|node| intent::endpoint_name(node, diagnostics)).collect();
        wanted.insert(place, names);
    }
    wanted
}

/// Says problems at their attributes.
pub(super) fn report(summary: &str, problems: &[Problem], diagnostics: &mut Diagnostics) {
    for problem in problems {
        diagnostics.error_at(validators::path(&problem.path), summary, sentence(&problem.text));
    }
}

impl Model {
    /// Says what is worth knowing, one warning for each kind.
    pub(super) fn warn(&self, diagnostics: &mut Diagnostics) {
        for finding in &self.findings {
            let path = validators::path(&finding.path);
            diagnostics.warning_at(path, summary(finding.kind), sentence(&finding.text));
        }
        if let Some(text) = &self.nearest {
            let path = Path::root().attribute("endpoints");
            diagnostics.warning_at(path, "The nearest region of AWS stands in", sentence(text));
        }
    }
}

/// The summaries differ by kind, since hosts show only the first of several warnings of one summary in full.
fn summary(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::DefaultChosen => "The default location was chosen",
        FindingKind::Rounding => "Weights were rounded",
        FindingKind::NoAnswer => "Places without an answer",
        FindingKind::LeavesContinent => "Answers from outside a continent",
        FindingKind::SinglePoint => "Nobody stands in",
        FindingKind::ZeroWeight => "An endpoint with weight 0",
        FindingKind::Ttl => "The TTL does not fit",
        FindingKind::LatencyEstimate => "Latency is an estimate",
        FindingKind::FailoverLoad => "One endpoint would serve most of the world",
        _ => "Something to know about the answers",
    }
}
