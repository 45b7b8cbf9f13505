//! What users write for a name, and what they get back. Record fields are named as in Route 53.

use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Type, timeouts, validators as checks};

use super::validators;

/// The words of `policy`.
pub(super) const POLICIES: [&str; 8] =
    ["simple", "multivalue", "weighted", "latency", "failover", "geolocation", "geoproximity", "ip_based"];
/// The words of `within`.
pub(super) const WITHIN: [&str; 3] = ["weighted", "multivalue", "latency"];
/// The words of `state`.
pub(super) const STATES: [&str; 3] = ["active", "standby", "drained"];
/// Seconds for which answers are kept, where nothing is said.
pub(super) const DEFAULT_TTL: i64 = 60;
/// Who owns the records, where nothing is said.
pub(super) const DEFAULT_OWNER: &str = "multicluster";

/// The schema of `multicluster_geo_dns`.
pub(super) fn schema() -> Schema {
    let schema = Schema::new(
        "A name whose clients are answered by the cluster that shall serve them, by record sets, health checks and CIDR \
         collections of Route 53. Who answers is said by endpoints and places; which record sets that takes follows, \
         and is changed in one step.",
    );
    computed(options(intent(schema)))
}

/// Who answers whom.
fn intent(schema: Schema) -> Schema {
    schema
        .attribute(
            "zone_id",
            Attribute::string("Id of the hosted zone.")
                .required()
                .requires_replace()
                .validate(checks::non_empty()),
        )
        .attribute(
            "name",
            Attribute::string(
                "The name, such as `shop.example.com`; the zone's own name or one below it. `*` may be its first label. \
                 Another name takes over in the same step in which this one goes.",
            )
            .required()
            .validate(validators::record_name),
        )
        .attribute(
            "policy",
            Attribute::string(
                "How clients are told apart: `simple` (all get all values), `multivalue` (all get up to eight healthy \
                 values), `weighted`, `latency`, `failover`, `geolocation`, `geoproximity` or `ip_based`.",
            )
            .required()
            .validate(checks::one_of(&POLICIES)),
        )
        .attribute(
            "within",
            Attribute::string(
                "How endpoints share that have the same place, region, range of addresses or priority: `weighted` \
                 (default), `multivalue` or `latency`.",
            )
            .default_value("weighted")
            .validate(checks::one_of(&WITHIN)),
        )
        .attribute(
            "default",
            Attribute::string(
                "The endpoint that answers where no other one is named. If absent, `geolocation` takes the one that \
                 serves most places, and the plan says which.",
            ),
        )
        .attribute(
            "endpoints",
            Attribute::nested(
                Nesting::Map,
                "The endpoints by names of your choice (`a-z`, `0-9`, `-`). Each has exactly one target: `values`, \
                 `hostname`, `alias`, `service`, `ingress` or `gateway`.",
                endpoint(),
            )
            .required()
            .validate(validators::endpoint_names)
            .validate(validators::targets),
        )
        .attribute(
            "ttl",
            Attribute::number("Seconds for which resolvers may keep an answer. Aliases have the TTL of their target.")
                .default_value(DEFAULT_TTL)
                .validate(checks::range(0..=i64::from(i32::MAX))),
        )
}

fn endpoint() -> Vec<(&'static str, Attribute)> {
    let texts = |description| Attribute::of(Type::list(Type::String), description);
    let object = |description| {
        Attribute::nested(
            Nesting::Single,
            description,
            [
                (
                    "cluster",
                    Attribute::string("Name of the cluster in the provider's `clusters`.").required(),
                ),
                ("namespace", Attribute::string("Namespace.").required()),
                ("name", Attribute::string("Name.").required()),
            ],
        )
    };
    vec![
        ("values", texts("Its IPv4 and IPv6 addresses.").validate(checks::non_empty()).validate(checks::each(validators::address))),
        (
            "hostname",
            Attribute::string(
                "Its name. One of an AWS load balancer, of CloudFront or of Global Accelerator becomes an alias; any other \
                 one a CNAME, for which all endpoints must be names and the record not the zone's own.",
            )
            .validate(checks::non_empty()),
        ),
        ("alias", alias()),
        (
            "service",
            object(
                "A Service of type LoadBalancer, whose address is looked up, as `services` of a federation or release gives \
                 it.",
            ),
        ),
        ("ingress", object("An Ingress, whose address is looked up.")),
        ("gateway", object("A Gateway (`gateway.networking.k8s.io`), whose address is looked up.")),
        (
            "continents",
            texts("Continents that it answers, by name (`Europe`) or code (`EU`).")
                .validate(checks::each(validators::continent)),
        ),
        (
            "countries",
            texts("Countries that it answers, by English name (`Germany`) or ISO 3166 code (`DE`).")
                .validate(checks::each(validators::country)),
        ),
        (
            "subdivisions",
            texts("Parts of countries that it answers, by ISO 3166-2 code (`US-TX`) or, in the United States, name.")
                .validate(checks::each(validators::subdivision)),
        ),
        (
            "latency_region",
            Attribute::string("The region of AWS that stands for it where latency decides, such as `eu-central-1`.")
                .validate(validators::latency_region),
        ),
        ("coordinates", coordinates()),
        (
            "location",
            Attribute::nested(
                Nesting::Single,
                "The region of its cloud, from which coordinates and the nearest region of AWS follow.",
                [
                    (
                        "cloud",
                        Attribute::string("`aws`, `azure` or `gcp`.")
                            .required()
                            .validate(checks::one_of(&["aws", "azure", "gcp"])),
                    ),
                    ("region", Attribute::string("Such as `westeurope`.").required().validate(checks::non_empty())),
                ],
            )
            .validate(validators::location),
        ),
        (
            "bias",
            Attribute::number(
                "How much the area grows (1 to 99) or shrinks (-1 to -99) that it answers by `geoproximity`. Default: 0.",
            )
            .validate(checks::range(-99..=99)),
        ),
        (
            "cidrs",
            texts(
                "Ranges of client addresses that it answers before any other policy: /1 to /24 of IPv4, /1 to /48 of IPv6.",
            )
            .validate(checks::each(crate::validators::cidr)),
        ),
        (
            "weight",
            Attribute::number("Its share beside others, in proportion. Default: 1.")
                .validate(checks::range(0..=i64::from(u32::MAX))),
        ),
        (
            "priority",
            Attribute::number("Its rank where `failover` decides; the lowest healthy one answers. Default: 0.")
                .validate(checks::range(0..=i64::from(u32::MAX))),
        ),
        (
            "state",
            Attribute::string(
                "`active` (default); `standby` answers only while no active endpoint of the same place is healthy; `drained` \
                 answers nobody.",
            )
            .validate(checks::one_of(&STATES)),
        ),
        (
            "on_unhealthy",
            texts("Endpoints that answer in its place while it is unhealthy or drained, best first."),
        ),
        ("health_check", health_check("Instead of the resource's `health_check`, as a whole.")),
    ]
}

fn alias() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "A name of an AWS service, or of this zone.",
        [
            ("dns_name", Attribute::string("The name.").required().validate(checks::non_empty())),
            (
                "hosted_zone_id",
                Attribute::string(
                    "Id of the name's zone. May be absent where the name tells it, as those of load balancers do.",
                ),
            ),
            (
                "evaluate_target_health",
                Attribute::bool(
                    "Whether the target's health is the endpoint's. Default: true where the target can tell.",
                ),
            ),
        ],
    )
}

fn coordinates() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Where it stands, in degrees with at most two decimals.",
        [
            ("latitude", Attribute::number("-90 (south) to 90.").required().validate(validators::latitude)),
            (
                "longitude",
                Attribute::number("-180 (west) to 180.").required().validate(validators::longitude),
            ),
        ],
    )
}

/// A health check, for all endpoints or for one.
fn health_check(instead: &str) -> Attribute {
    Attribute::nested(
        Nesting::Single,
        format!("The health check of each address of an endpoint. {instead}"),
        [
            (
                "enabled",
                Attribute::bool("Default: true. With false, there is no check, whatever else is said."),
            ),
            (
                "protocol",
                Attribute::string("`HTTP`, `HTTPS` or `TCP`.").validate(checks::one_of(&["HTTP", "HTTPS", "TCP"])),
            ),
            (
                "port",
                Attribute::number("Default: 80 for HTTP, 443 for HTTPS.").validate(checks::range(1..=65535)),
            ),
            ("path", Attribute::string("What is asked for, beginning with `/`. Default: `/`.")),
            (
                "search_string",
                Attribute::string("Text that must be in the first 5120 bytes of the answer."),
            ),
            (
                "interval",
                Attribute::number("Seconds between two questions of each checker: 10 or 30 (default).")
                    .validate(validators::interval),
            ),
            (
                "failure_threshold",
                Attribute::number("How often in a row it must fail, or succeed, to change. 1 to 10; default: 3.")
                    .validate(checks::range(1..=10)),
            ),
            (
                "regions",
                Attribute::of(Type::list(Type::String), "Regions from which it is asked, at least three. Default: all."),
            ),
            (
                "host",
                Attribute::string("The Host header and the name in the TLS handshake. Default: the record's name."),
            ),
            (
                "healthy_addresses",
                Attribute::number("Of several addresses, how many must be healthy for the endpoint to be. Default: 1.")
                    .validate(checks::range(1..=255)),
            ),
            ("measure_latency", Attribute::bool("Whether CloudWatch shows how long answers take. Default: false.")),
            ("inverted", Attribute::bool("Healthy is what fails. Default: false.")),
            (
                "disabled",
                Attribute::bool("Stops asking: the endpoint counts as healthy, or with `inverted` as unhealthy. Default: false."),
            ),
            (
                "alarm",
                Attribute::nested(
                    Nesting::Single,
                    "An alarm of CloudWatch that decides, instead of questions to the endpoint.",
                    [
                        ("name", Attribute::string("Its name.").required().validate(checks::non_empty())),
                        ("region", Attribute::string("Its region.").required().validate(checks::non_empty())),
                        (
                            "insufficient_data",
                            Attribute::string(
                                "What it means that there are no data: `Healthy`, `Unhealthy` or `LastKnownStatus` (default).",
                            )
                            .validate(checks::one_of(&["Healthy", "Unhealthy", "LastKnownStatus"])),
                        ),
                    ],
                ),
            ),
        ],
    )
}

/// How it is done.
fn options(schema: Schema) -> Schema {
    schema
        .attribute("health_check", health_check("An endpoint may have its own."))
        .attribute(
            "must_answer",
            Attribute::of(
                Type::map(Type::list(Type::String)),
                "Places (`DE`, `continent/EU`, `US-TX`, `*`) and the endpoints that alone may answer them. A plan by which \
                 another endpoint would answer, with all healthy or with any single one down, is refused.",
            )
            .validate(validators::places),
        )
        .attribute(
            "owner",
            Attribute::string(
                "Whose records these are: one word for all runs of this configuration, and for no other. Written beside the \
                 records, in the format of external-dns; what another owner has is never touched.",
            )
            .default_value(DEFAULT_OWNER)
            .validate(validators::owner),
        )
        .attribute(
            "takeover",
            Attribute::of(
                Type::list(Type::String),
                "Whose records of this name may be taken over: `external-dns:OWNER`, `multicluster:OWNER`, or `aws_route53_record` \
                 for such that carry no owner.",
            )
            .validate(checks::each(validators::takeover)),
        )
        .attribute(
            "allow_empty",
            Attribute::bool("Allows all endpoints to be drained, so that nobody is answered.").default_value(false),
        )
        .attribute(
            "verify_endpoints",
            Attribute::bool(
                "Before an endpoint is published, it must answer as its health check asks, by HTTPS with a certificate for the \
                 name.",
            )
            .default_value(false),
        )
        .attribute(
            "verify_answers",
            Attribute::bool(
                "After a change, asks Route 53 what it answers (`TestDNSAnswer`), and warns where that is not what was planned. \
                 Asked is for somebody of whom nothing is known, for each list of `cidrs`, and for `verify_answers_from`.",
            )
            .default_value(false),
        )
        .attribute(
            "verify_answers_from",
            Attribute::of(
                Type::map(Type::String),
                "For `verify_answers`, an address of a client in each place that is to be asked for: `{ DE = \"…\", \
                 \"continent/AS\" = \"…\" }`, with the keys of `routing`. Where an address is, Route 53 decides, not this list.",
            )
            .validate(validators::places)
            .validate(checks::each(validators::client)),
        )
        .attribute(
            "map_file",
            Attribute::string("Path of a file to which an SVG map of the world is written: who answers where."),
        )
        .attribute(
            "deletion_protection",
            Attribute::bool("Refuses to remove the name while true.").default_value(false),
        )
        .attribute(
            "timeouts",
            timeouts::attribute(&[("create", "30m"), ("read", "2m"), ("update", "30m"), ("delete", "30m")]),
        )
}

/// What is told.
fn computed(schema: Schema) -> Schema {
    schema
        .attribute("id", Attribute::string("`zone_id/name`, by which it is imported.").computed())
        .attribute("fqdn", Attribute::string("The name, in lower case and without the final dot.").computed())
        .attribute("routing", Attribute::of(routing(), ROUTING).computed())
        .attribute(
            "records",
            Attribute::of(
                Type::map(record()),
                "The record sets as they are in the zone, by name, type and set identifier. A plan shows a difference whenever \
                 they are not what the configuration asks for.",
            )
            .computed(),
        )
        .attribute(
            "health_checks",
            Attribute::of(
                Type::map(Type::String),
                "Ids of the health checks, by endpoint, or by endpoint and address where it has several.",
            )
            .computed(),
        )
        .attribute(
            "targets",
            Attribute::of(
                Type::map(Type::list(Type::String)),
                "What each endpoint is: its addresses, or its name.",
            )
            .computed(),
        )
        .attribute(
            "generation",
            Attribute::number("How often the records were changed; written beside them.").computed(),
        )
        .attribute(
            "sync",
            Attribute::string(
                "A digest of what is there, health checks included. A plan shows a difference whenever it is not what the \
                 configuration asks for.",
            )
            .computed(),
        )
        .attribute(
            "forecast",
            Attribute::of(
                Type::map(Type::String),
                "What the apply that is planned (or was last done) changes, by record set and health check: `create`, `update` \
                 with what changes, `delete`, `take over`. Unknown where that depends on what is known only after apply.",
            )
            .computed(),
        )
}

const ROUTING: &str = "Who answers where. Only places that differ from the larger place around them have a row: `*` is everywhere, \
                       `continent/EU` a continent, `DE` a country, `US-TX` a part of one. `share` is the part of the clients there, \
                       from 0 to 1; `fallback` says who answers, in order, as endpoints fail. The function `answer` looks a \
                       place up.";

/// The type of `routing`.
pub(crate) fn routing() -> Type {
    Type::map(row())
}

/// The type of a row of `routing`.
fn row() -> Type {
    Type::object([
        ("endpoints", Type::list(Type::object([("name", Type::String), ("share", Type::Number)]))),
        ("fallback", Type::list(Type::String)),
    ])
}

/// The type of a record set in `records`.
pub(super) fn record() -> Type {
    Type::object([
        ("routing", Type::String),
        ("ttl", Type::Number),
        ("values", Type::list(Type::String)),
        ("alias", Type::String),
        ("health_check_id", Type::String),
    ])
}
