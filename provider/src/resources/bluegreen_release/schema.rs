//! What users write for a release, and what they get back.

mod analysis;
mod outputs;

use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Type, timeouts, validators as checks};

use super::validators as ours;
use crate::resources::entry;
use crate::validators;

/// The schema of `multicluster_bluegreen_release`.
pub(super) fn schema() -> Schema {
    let schema = Schema::new(
        "Releases a workload over several clusters: the new version stands beside the running one, in the other of two \
         colours, and traffic moves over in waves and steps, judged by metrics. The old colour stays warm on every \
         cluster until the end, and everything can be taken back in seconds.",
    )
    .attribute(
        "name",
        Attribute::string(
            "Name of the release: up to 40 of `a-z`, `0-9`, `-`. Its journal on the clusters, its labels and its field \
             manager are derived from it.",
        )
        .required()
        .requires_replace()
        .validate(validators::federation_name),
    )
    .attribute(
        "namespace",
        Attribute::string("Namespace of the workload on every cluster. It must exist.")
            .required()
            .requires_replace()
            .validate(checks::dns_label()),
    )
    .attribute(
        "clusters",
        Attribute::of(
            Type::list(Type::String),
            "Keys of the provider's `clusters`, such as `multicluster_federation.world.member_names`.",
        )
        .required()
        .validate(ours::clusters),
    )
    .attribute(
        "cluster_labels",
        Attribute::of(
            Type::map(Type::map(Type::String)),
            "Labels of clusters, for waves and overrides that select by labels.",
        ),
    )
    .attribute(
        "manifest",
        Attribute::string(
            "The Deployment (or StatefulSet) and what travels with it, as YAML or JSON: ConfigMaps, Secrets, a \
             HorizontalPodAutoscaler, a PodDisruptionBudget, the Service. Stored in state: keep secrets out of it.",
        )
        .required()
        .validate(validators::manifest),
    )
    .attribute(
        "allow_plain_secrets",
        Attribute::bool(
            "Whether `manifest` may hold Secrets with data, which are then stored in Terraform's state. Defaults to false.",
        ),
    )
    .attribute(
        "strategy",
        Attribute::string(
            "`blue_green`, the default for a Deployment, brings the new version beside the old one. `in_place`, the default for \
             a StatefulSet, updates the workload where it stands: waves, soak and analysis hold, but there are no colours and no \
             steps.",
        )
        .validate(checks::one_of(&["blue_green", "in_place"])),
    )
    .attribute("replicas", entry::replicas())
    .attribute("overrides", entry::overrides())
    .attribute("traffic", traffic())
    .attribute("waves", waves())
    .attribute("steps", steps("Steps of traffic on each cluster, with rising weights; the last has weight 100. One step \
                               to 100 if absent: plain blue/green."))
    .attribute("analysis", analysis::attribute())
    .attribute("promotion", promotion());
    outputs::add(conduct(schema))
}

/// How a release goes about it.
fn conduct(schema: Schema) -> Schema {
    schema
        .attribute(
            "approved_release",
            Attribute::string(
                "The `release_id` that a human has approved, for `promotion.mode = \"explicit\"`. Any other id than that of \
                 the release that waits is refused.",
            ),
        )
        .attribute(
            "approved_waves",
            Attribute::of(
                Type::list(Type::String),
                "Waves with `approval` that a human has approved, as `RELEASE_ID/WAVE`.",
            ),
        )
        .attribute(
            "on_failure",
            Attribute::string(
                "What happens when a wave fails: `rollback_all` (default) takes every cluster back, `rollback_wave` those of \
                 the wave, `halt` leaves everything as it is.",
            )
            .validate(checks::one_of(&["halt", "rollback_wave", "rollback_all"])),
        )
        .attribute(
            "on_interrupt",
            Attribute::string(
                "What happens when the apply is interrupted: `pause` (default) finishes the running step, and the next apply \
                 goes on; `rollback` takes every cluster back.",
            )
            .validate(checks::one_of(&["pause", "rollback"])),
        )
        .attribute(
            "on_failed_release",
            Attribute::string(
                "What the next apply does with a version that was taken back: `retry` (default) tries again, `block` refuses \
                 at plan until the version or `retry_token` changes.",
            )
            .validate(checks::one_of(&["retry", "block"])),
        )
        .attribute("retry_token", Attribute::string("Any text; a change lets a blocked version be tried again."))
        .attribute(
            "hold",
            Attribute::string(
                "How long the old colour stays warm on every cluster after the last wave, with the analysis going on, such as \
                 `5m`. Defaults to `0s`.",
            )
            .validate(checks::duration()),
        )
        .attribute(
            "progress_deadline",
            Attribute::string(
                "How long a colour may take to become ready on a cluster. Defaults to `10m`, as Deployments have it.",
            )
            .validate(checks::positive_duration()),
        )
        .attribute(
            "rollback_deadline",
            Attribute::string(
                "How long taking back waits for clusters that do not answer. Defaults to `5m`.",
            )
            .validate(checks::positive_duration()),
        )
        .attribute("freeze", freeze())
        .attribute(
            "freeze_override",
            Attribute::string("Why a release may begin in spite of `freeze`; the text is kept in the release's journal.")
                .validate(checks::non_empty()),
        )
        .attribute(
            "notify",
            Attribute::of(
                Type::list(Type::String),
                "Entries of the provider's `notify` that are told of the release: one message that is kept up to date, and a \
                 loud one for a needed approval, a rollback, the end.",
            ),
        )
        .attribute(
            "progress_file",
            Attribute::string(
                "A file that gets a line of JSON for everything that happens while an apply runs; new lines are appended.",
            )
            .validate(checks::non_empty()),
        )
        .attribute(
            "adopt",
            Attribute::string(
                "What happens to a plain Deployment and Service of these names that run already: `never` refuses them \
                 (default), `always` takes the Deployment as the serving colour, without a restart or a lost request.",
            )
            .validate(checks::one_of(&["never", "always"])),
        )
        .attribute(
            "deletion_policy",
            Attribute::string(
                "What a destroy leaves on the clusters, and the removal of a cluster on that one: `delete` nothing (default); \
                 `keep_active` the serving Deployment and the Services; `orphan` everything.",
            )
            .validate(checks::one_of(&["delete", "keep_active", "orphan"])),
        )
        .attribute(
            "plan_checks",
            Attribute::string(
                "How a plan looks at what it will change: `dry_run` (default) asks the API servers, for which it needs the \
                 permission to write; `read` does not.",
            )
            .validate(checks::one_of(&["dry_run", "read"])),
        )
        .attribute(
            "deletion_protection",
            Attribute::bool("Refuses to destroy the release while true.").default_value(false),
        )
        .attribute(
            "inventory_namespace",
            Attribute::string("Namespace of the release's journal on each cluster. Made if it does not exist.")
                .default_value(multicluster_core::federation::identity::DEFAULT_NAMESPACE)
                .requires_replace()
                .validate(checks::dns_label()),
        )
        .attribute(
            "engine",
            Attribute::string("How a release is carried out: `native` (default) from here.")
                .validate(checks::one_of(&["native"])),
        )
        .attribute(
            "timeouts",
            timeouts::attribute(&[("create", "1h"), ("read", "2m"), ("update", "1h"), ("delete", "30m")]),
        )
}

/// Exactly one form of leading traffic.
fn traffic() -> Attribute {
    let name = |what: &str| Attribute::string(what).required().validate(checks::non_empty());
    let service = || {
        Attribute::string(
            "The Service that the route leads to, from which the colours' Services are made. If absent, the one \
                           whose selector matches the workload.",
        )
    };
    Attribute::nested(
        Nesting::Single,
        "How traffic is led to a colour. Exactly one of them; absent with `strategy = \"in_place\"`.",
        [
            (
                "service",
                Attribute::nested(
                    Nesting::Single,
                    "The selector of a Service: all or nothing, for traffic within the cluster. Behind load balancers that \
                     register pods themselves, requests may be lost at the switch: take a route there.",
                    [("name", name("`metadata.name` of the Service."))],
                ),
            ),
            (
                "http_route",
                Attribute::nested(
                    Nesting::Single,
                    "Weights of the backends in a rule of an HTTPRoute (Gateway API).",
                    [
                        ("name", name("`metadata.name` of the HTTPRoute.")),
                        ("namespace", Attribute::string("Its namespace; the release's if absent.")),
                        (
                            "rule",
                            Attribute::string(
                                "Name of the rule, or its number counted from 0. If absent, the rules that lead to the Service.",
                            ),
                        ),
                        ("service", service()),
                    ],
                ),
            ),
            (
                "virtual_service",
                Attribute::nested(
                    Nesting::Single,
                    "Weights of the destinations in an `http` entry of an Istio VirtualService.",
                    [
                        ("name", name("`metadata.name` of the VirtualService.")),
                        ("namespace", Attribute::string("Its namespace; the release's if absent.")),
                        (
                            "route",
                            Attribute::string(
                                "Name of the `http` entry. If absent, the entries that lead to the Service.",
                            ),
                        ),
                        ("service", service()),
                    ],
                ),
            ),
        ],
    )
    .validate(ours::one_traffic)
}

fn waves() -> Attribute {
    Attribute::nested(
        Nesting::List,
        "Clusters that are released together, in order. Clusters in no wave form a last one, `rest`. All at once if absent.",
        [
            ("name", Attribute::string("Its name.").required().validate(checks::dns_label())),
            ("clusters", Attribute::of(Type::list(Type::String), "Its clusters by name.")),
            (
                "match_labels",
                Attribute::of(
                    Type::map(Type::String),
                    "Its clusters by `cluster_labels`: those that have all of these and are in no earlier wave.",
                ),
            ),
            (
                "max_parallel",
                Attribute::number("At most so many of them at the same time. All if absent.")
                    .validate(checks::range(1..=1000)),
            ),
            (
                "max_failures",
                Attribute::string(
                    "How many may fail, as a number or as `25%`, before the wave does. Those that do are taken back alone. \
                     Defaults to 0.",
                )
                .validate(ours::count_or_percent),
            ),
            (
                "soak",
                Attribute::string("How long the wave is watched before the next one begins, such as `30s`. Defaults to `0s`.")
                    .validate(checks::duration()),
            ),
            ("steps", steps("Steps of these clusters, instead of the release's.")),
            ("approval", Attribute::bool("Whether it begins only when its `RELEASE_ID/NAME` is in `approved_waves`.")),
        ],
    )
}

fn steps(description: &str) -> Attribute {
    Attribute::nested(
        Nesting::List,
        description,
        [
            (
                "weight",
                Attribute::number("Share of the new colour in percent.")
                    .required()
                    .validate(checks::range(0..=100)),
            ),
            (
                "pause",
                Attribute::string("How long it stays before the next step, such as `20s`. Defaults to `0s`.")
                    .validate(checks::duration()),
            ),
            (
                "headers",
                Attribute::of(
                    Type::map(Type::String),
                    "Requests with these headers go to the new colour whatever the weight.",
                ),
            ),
            (
                "mirror",
                Attribute::number(
                    "Percent of requests that are also sent to the new colour; its answers are dropped.",
                )
                .validate(checks::range(0..=100)),
            ),
        ],
    )
}

fn promotion() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Who lets a release go on when the new colour is ready.",
        [(
            "mode",
            Attribute::string(
                "`auto` (default): nobody has to. `next_apply`: the apply ends when the new colour is ready everywhere, the \
                 plan after it shows the switch, and its apply carries it out. `explicit`: as that, but only when \
                 `approved_release` is the `release_id` that waits.",
            )
            .validate(checks::one_of(&["auto", "next_apply", "explicit"])),
        )],
    )
}

fn freeze() -> Attribute {
    Attribute::nested(
        Nesting::List,
        "Times at which no wave begins. What has begun goes on, and is taken back if it must be.",
        [
            ("reason", Attribute::string("Why, for people.")),
            ("cron", Attribute::string("When it begins, as cron has it: `0 18 * * FRI`.")),
            (
                "rrule",
                Attribute::string(
                    "When it begins, as RFC 5545 has it: `DTSTART:20261220T000000\\nRRULE:FREQ=YEARLY`.",
                ),
            ),
            (
                "duration",
                Attribute::string("How long it lasts, with `cron` and `rrule`, such as `62h`.")
                    .validate(checks::positive_duration()),
            ),
            ("from", Attribute::string("When it begins, once: `2026-12-20T00:00:00`.")),
            ("until", Attribute::string("When it ends, with `from`.")),
            (
                "time_zone",
                Attribute::string("Of all these times, such as `Europe/Berlin`. Defaults to `UTC`."),
            ),
        ],
    )
}
