//! `multicluster_geo_dns_answer`: who is answered by what, by what stands in a zone.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use multicluster_core::dns::{Answer, Client, EndpointName, Place, answer, grow};
use multicluster_core::networking::Cidr;
use multicluster_core::route53::RecordName;
use multicluster_core::route53::import::{Imported, Scope, import};
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Context, DataSource, Diagnostics, Node, Path, Type, Value, timeouts, validators as checks};

use crate::config::Route53;
use crate::resources::geo_dns::lookup;
use crate::validators::{self, sentence};

/// The data source.
#[derive(Debug)]
pub(crate) struct GeoDnsAnswer {
    route53: Arc<Route53>,
}

impl GeoDnsAnswer {
    pub(crate) fn new(route53: Arc<Route53>) -> Self {
        Self { route53 }
    }
}

#[async_trait]
impl DataSource for GeoDnsAnswer {
    fn name(&self) -> &'static str {
        "multicluster_geo_dns_answer"
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
        let node = Node::root(config);
        let Some(question) = Question::of(&node, diagnostics) else { return };
        let Some(client) = self.route53.client().await else {
            diagnostics.error(
                "Route 53 cannot be read yet",
                "A data source is read at plan, and how Route 53 is reached (`route53` of the provider block) is known only \
                 after apply. Let it depend on what makes that known.",
            );
            return;
        };
        let run = lookup::run(context, config, "read");
        let (view, collections) =
            match lookup::everything(&client, &question.zone_id, &question.name, &run).await {
                Ok(found) => found,
                Err(error) => {
                    lookup::cannot_read(&error, diagnostics);
                    return;
                }
            };
        let scope = Scope { zone: &view.zone, name: &question.name, r#type: None, collections: &collections };
        match import(scope, &view.sets) {
            Ok(found) => question.answer(&found, state, diagnostics),
            Err(obstacles) => {
                for obstacle in obstacles {
                    let title = format!("What stands at `{}` cannot be told", question.name.as_written());
                    diagnostics.error_at(Path::root().attribute("name"), title, sentence(&obstacle));
                }
            }
        }
    }
}

fn schema() -> Schema {
    let texts = |description: &str| Attribute::of(Type::list(Type::String), description);
    Schema::new(
        "Who is answered by which endpoint, by the records that stand in a zone, whoever made them: for checks, and for \
         `terraform test`. Endpoints have the names that an import gives them, which for a `multicluster_geo_dns` are those \
         of its configuration.",
    )
    .attribute("zone_id", Attribute::string("Id of the hosted zone.").required().validate(checks::non_empty()))
    .attribute("name", Attribute::string("The name.").required().validate(lookup::record_name))
    .attribute(
        "place",
        Attribute::string(
            "Where the client is: `DE`, `US-TX`, `continent/EU`; `*` (default) is nowhere that is known.",
        )
        .default_value("*")
        .validate(lookup::place),
    )
    .attribute(
        "client_cidr",
        Attribute::string("The client's network, where ranges of addresses decide: `198.51.100.0/24`.")
            .validate(validators::cidr),
    )
    .attribute("down", texts("Endpoints that are unhealthy. Default: none."))
    .attribute("timeouts", timeouts::attribute(&[("read", "2m")]))
    .attribute(
        "endpoints",
        Attribute::of(
            Type::list(Type::object([("name", Type::String), ("share", Type::Number)])),
            "Who answers, the largest share first. Empty: there is no answer.",
        )
        .computed(),
    )
    .attribute(
        "values",
        texts("All addresses, or names, that such clients may be answered with, sorted.").computed(),
    )
    .attribute(
        "estimate",
        Attribute::bool("Whether latency decides, of which only distances are known.").computed(),
    )
}

/// What is asked.
struct Question {
    zone_id: String,
    name: RecordName,
    client: Client,
    down: BTreeSet<EndpointName>,
}

impl Question {
    /// The schema's validators have checked the single values.
    fn of(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut down = BTreeSet::new();
        for node in node.attribute("down").elements() {
            match EndpointName::new(node.str()?) {
                Ok(name) => drop(down.insert(name)),
                Err(error) => {
                    diagnostics.error_at(node.path(), "Invalid name of an endpoint", sentence(&error));
                }
            }
        }
        let address: Option<Cidr> = node.attribute("client_cidr").str().and_then(|text| text.parse().ok());
        let client = Client::at(Place::parse_key(node.attribute("place").str()?).ok()?);
        Some(Self {
            zone_id: node.attribute("zone_id").str()?.to_owned(),
            name: RecordName::new(node.attribute("name").str()?).ok()?,
            client: Client { address, ..client },
            down,
        })
    }

    fn answer(&self, found: &Imported, state: &mut Value, diagnostics: &mut Diagnostics) {
        for name in self.down.iter().filter(|name| !found.intent.endpoints.contains_key(*name)) {
            let names: Vec<String> = found.intent.endpoints.keys().map(|it| format!("`{it}`")).collect();
            let detail = format!("There is no endpoint `{name}`, but {}.", names.join(", "));
            diagnostics.error_at(Path::root().attribute("down"), "Unknown endpoint", detail);
        }
        let tree = match grow(&found.intent) {
            Ok(grown) => grown.node,
            Err(problems) => {
                for problem in problems {
                    diagnostics.error("What stands there cannot be told", sentence(&problem));
                }
                return;
            }
        };
        let Answer { shares, estimate, .. } = answer(&tree, &self.client, &self.down);
        let values: BTreeSet<String> =
            shares.keys().filter_map(|name| found.targets.get(name)).flat_map(lookup::words).collect();
        state.set("endpoints", lookup::portions(shares));
        state.set("values", Value::List(values.into_iter().map(Value::from).collect()));
        state.set("estimate", Value::from(estimate));
    }
}
