//! `multicluster_cluster`: what one cluster of the provider block is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use multicluster::cluster::{ClusterInfo, Detail, Nodes, Part, describe};
use multicluster::member::{MemberError, ServedKinds};
use multicluster_core::capacity::Quantity;
use multicluster_core::names::ClusterName;
use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Context, DataSource, Diagnostics, Node, Number, Path, Type, Value, timeouts};
use tokio::time::timeout;

use crate::config::{Clusters, NoMember, clock};
use crate::validators::sentence;

/// Unless `timeouts` says otherwise. The same as the schema's description says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The data source.
#[derive(Debug)]
pub(crate) struct Cluster {
    clusters: Arc<Clusters>,
}

impl Cluster {
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }
}

#[async_trait]
impl DataSource for Cluster {
    fn name(&self) -> &'static str {
        "multicluster_cluster"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn read(
        &self,
        context: &Context,
        config: &Value,
        state: &mut Value,
        diagnostics: &mut Diagnostics,
    ) {
        let config = Node::root(config);
        // The schema's validator has checked the name.
        let Some(Ok(name)) = config.attribute("name").str().map(ClusterName::new) else { return };
        let kinds = config.attribute("list_kinds").bool().unwrap_or(false);
        let limit = timeouts::get(&config.attribute("timeouts"), "read").unwrap_or(DEFAULT_TIMEOUT);
        let look = tokio::select! {
            biased;
            () = context.cancelled.cancelled() => Err(CannotLook::Interrupted),
            look = timeout(limit, look(&self.clusters, &name, kinds)) => {
                look.unwrap_or(Err(CannotLook::OutOfTime))
            }
        };
        match look {
            Ok(info) => {
                report_gaps(&name, &info, diagnostics);
                fill(state, &info);
            }
            Err(why) => why.report(&name, &self.clusters, diagnostics),
        }
    }
}

fn schema() -> Schema {
    Schema::new(
        "What one cluster of the provider block is. What the identity may not read is null, with a warning. Read at \
         plan: where the connection is known only after apply, let it depend on what makes the cluster \
         (`depends_on`), so that it is read at apply.",
    )
    .attribute(
        "name",
        Attribute::string("Name of the cluster in the provider's `clusters`.")
            .required()
            .validate(cluster_name),
    )
    .attribute("list_kinds", Attribute::bool("Whether to fill `kinds`. Defaults to false."))
    .attribute("timeouts", timeouts::attribute(&[("read", "1m")]))
    .attribute(
        "uid",
        Attribute::string("UID of the namespace `kube-system`: which cluster it is, whatever it is called.")
            .computed(),
    )
    .attribute("version", Attribute::string("Version of the API server, such as `v1.36.3`.").computed())
    .attribute("platform", Attribute::string("Platform of the API server, such as `linux/amd64`.").computed())
    .attribute(
        "cloud",
        Attribute::string(
            "Cloud of most nodes, as in their `spec.providerID`: `aws`, `azure`, `gce`, … Null where none says so.",
        )
        .computed(),
    )
    .attribute("regions", texts("Regions of the nodes (`topology.kubernetes.io/region`), sorted."))
    .attribute("zones", texts("Zones of the nodes (`topology.kubernetes.io/zone`), sorted."))
    .attribute("nodes", nodes_attribute())
    .attribute("pod_cidrs", texts("Ranges of addresses that nodes give to their pods, neighbours merged, sorted."))
    .attribute(
        "service_cidrs",
        texts(
            "Ranges of addresses of Services, neighbours merged, sorted. Empty where the cluster does not publish them, which Kubernetes \
             does from 1.33 on.",
        ),
    )
    .attribute(
        "kinds",
        texts("Kinds that the cluster serves, such as `apps/v1/Deployment`, sorted. Null unless `list_kinds` is true."),
    )
}

fn nodes_attribute() -> Attribute {
    let allocatable = Attribute::nested(
        Nesting::Single,
        "What the nodes that take pods offer to them together, used or not. Cordoned nodes do not count.",
        [
            ("cpu", Attribute::number("Cores.").computed()),
            ("memory", Attribute::number("Bytes.").computed()),
            ("pods", Attribute::number("Pods.").computed()),
        ],
    );
    Attribute::nested(
        Nesting::Single,
        "The nodes.",
        [
            ("count", Attribute::number("How many there are.").computed()),
            ("ready", Attribute::number("How many of them are ready.").computed()),
            ("allocatable", allocatable.computed()),
        ],
    )
    .computed()
}

fn texts(description: &str) -> Attribute {
    Attribute::of(Type::list(Type::String), description).computed()
}

/// Why a cluster could not be looked at.
#[derive(Debug, thiserror::Error)]
enum CannotLook {
    #[error(transparent)]
    NoMember(#[from] NoMember),
    #[error(transparent)]
    Failed(#[from] MemberError),
    #[error("it did not answer everything in the time allowed (`timeouts.read`)")]
    OutOfTime,
    #[error("interrupted")]
    Interrupted,
}

async fn look(clusters: &Clusters, name: &ClusterName, kinds: bool) -> Result<ClusterInfo, CannotLook> {
    let member = clusters.member(name, None).await?;
    Ok(describe(&member, &Detail { clock: clock(), kinds }).await?)
}

impl CannotLook {
    fn report(&self, name: &ClusterName, clusters: &Clusters, diagnostics: &mut Diagnostics) {
        let path = Path::root().attribute("name");
        let (summary, detail) = match self {
            Self::NoMember(NoMember::NotConfigured(_)) => {
                let names: Vec<String> = clusters.names().iter().map(|name| format!("`{name}`")).collect();
                let has = if names.is_empty() {
                    "has none".to_owned()
                } else {
                    format!("has {}", names.join(", "))
                };
                ("Unknown cluster".to_owned(), format!("{} It {has}.", sentence(self)))
            }
            // The same holds for a kubeconfig file that the apply will write.
            Self::NoMember(problem) if problem.may_come() => (
                format!("Cluster `{name}` cannot be read yet"),
                format!(
                    "{} A data source is read at plan. Let it depend on what makes the cluster, such as \
                     `depends_on = [module.{name}]`; then it is read when that is done.",
                    sentence(self)
                ),
            ),
            _ => (format!("Cannot read cluster `{name}`"), sentence(self)),
        };
        diagnostics.error_at(path, summary, detail);
    }
}

/// One warning, since hosts show only the first of several with the same summary.
fn report_gaps(name: &ClusterName, info: &ClusterInfo, diagnostics: &mut Diagnostics) {
    let mut sentences: Vec<String> = info.gaps.iter().map(sentence).collect();
    if !sentences.is_empty() {
        sentences.push("What follows from that is null.".to_owned());
    }
    let stale = info.kinds.iter().flat_map(|kinds| &kinds.stale).map(|it| format!("`{it}`"));
    let stale: Vec<String> = stale.collect();
    if !stale.is_empty() {
        sentences.push(format!(
            "The servers behind {} do not answer the API server; their kinds may be missing from `kinds`.",
            stale.join(", ")
        ));
    }
    if !sentences.is_empty() {
        let path = Path::root().attribute("name");
        diagnostics.warning_at(
            path,
            format!("Cluster `{name}` does not tell everything"),
            sentences.join(" "),
        );
    }
}

fn fill(state: &mut Value, info: &ClusterInfo) {
    let topology = info.nodes.as_ref().map(|nodes| &nodes.topology);
    let unless = |part: Part, list: Value| {
        if info.gaps.iter().any(|gap| gap.part == part) { Value::Null } else { list }
    };
    let values = [
        ("uid", optional(info.uid.as_ref().map(|uid| uid.0.clone()))),
        ("version", info.version.text.clone().into()),
        ("platform", optional(Some(info.version.platform.clone()).filter(|platform| !platform.is_empty()))),
        ("cloud", optional(topology.and_then(|topology| topology.cloud.clone()))),
        ("regions", topology.map_or(Value::Null, |topology| list(&topology.regions))),
        ("zones", topology.map_or(Value::Null, |topology| list(&topology.zones))),
        ("nodes", info.nodes.as_ref().map_or(Value::Null, nodes)),
        ("pod_cidrs", unless(Part::Nodes, list(&info.networks.pods))),
        ("service_cidrs", unless(Part::ServiceCidrs, list(&info.networks.services))),
        ("kinds", info.kinds.as_ref().map_or(Value::Null, kinds)),
    ];
    for (attribute, value) in values {
        state.set(attribute, value);
    }
}

fn nodes(nodes: &Nodes) -> Value {
    let resources = ["cpu", "memory", "pods"];
    let allocatable = Value::map(resources.map(|resource| (resource, number(nodes.allocatable(resource)))));
    Value::map([("count", count(nodes.count)), ("ready", count(nodes.ready)), ("allocatable", allocatable)])
}

fn count(count: usize) -> Value {
    Number::from(u64::try_from(count).unwrap_or(u64::MAX)).into()
}

/// An amount as a plain number: `3920m` is 3.92.
fn number(quantity: Quantity) -> Value {
    let text = quantity.to_string();
    let plain = match text.strip_suffix('m') {
        None => text,
        Some(thousandths) => {
            let padded = format!("{thousandths:0>4}");
            let (whole, fraction) = padded.split_at(padded.len() - 3);
            format!("{whole}.{}", fraction.trim_end_matches('0'))
        }
    };
    Number::parse(&plain).map_or(Value::Null, Value::from)
}

fn kinds(served: &ServedKinds) -> Value {
    list(served.kinds.iter().map(|ty| format!("{}/{}", ty.api_version(), ty.kind)).collect::<BTreeSet<_>>())
}

fn list<T: ToString>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::List(texts.into_iter().map(|text| Value::from(text.to_string())).collect())
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// The key of an entry of `clusters`.
fn cluster_name(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Some(Err(error)) = node.str().map(ClusterName::new) {
        diagnostics.error_at(node.path(), "Invalid cluster name", sentence(&error));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("192", "192")]
    #[case::binary("1Ki", "1024")]
    #[case::parts("3920m", "3.92")]
    #[case::few("5m", "0.005")]
    #[case::none("0", "0")]
    fn amounts_are_plain_numbers(#[case] amount: &str, #[case] expected: &str) {
        let amount = number(amount.parse().unwrap());
        assert!(matches!(&amount, Value::Number(number) if number.to_string() == expected), "{amount:?}");
    }
}
