//! What is measured, and how it is judged. Fields are named as in Argo Rollouts.

use tfplugin::schema::{Attribute, Nesting};
use tfplugin::{Type, validators as checks};

use crate::validators;

/// `analysis`
pub(super) fn attribute() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Metrics that are measured while traffic moves, in the soak of each wave and in the hold. When they say no, the \
         release is taken back.",
        [
            ("metrics", metrics()),
            (
                "preset",
                Attribute::string(
                    "How measurements are counted: `default`, or `argo`, which counts as Argo Rollouts does: no data is an \
                     error, errors abort after five in a row, and a metric may succeed without one success.",
                )
                .validate(checks::one_of(&["default", "argo"])),
            ),
            (
                "template",
                Attribute::string(
                    "An AnalysisTemplate of Argo Rollouts as YAML, instead of `metrics`. Counted as Argo Rollouts does.",
                )
                .validate(checks::non_empty()),
            ),
            (
                "source",
                Attribute::string("The entry of the provider's `metrics` for metrics that name none.")
                    .validate(checks::non_empty()),
            ),
            ("args", Attribute::of(Type::map(Type::String), "Values of `{{args.NAME}}` in queries and conditions.")),
            (
                "first_release",
                Attribute::bool(
                    "Whether the first release is measured too. Nothing serves beside it that could be gone back to. Defaults \
                     to false.",
                ),
            ),
            (
                "on_inconclusive",
                Attribute::string(
                    "What happens when the analysis can say neither yes nor no: `halt` (default), or `fail` as if it said no.",
                )
                .validate(checks::one_of(&["halt", "fail"])),
            ),
            (
                "preflight",
                Attribute::bool(
                    "Whether every query is tried at plan, on the colour that serves; one that fails or gives no data is a \
                     warning there. Defaults to true.",
                ),
            ),
        ],
    )
}

fn metrics() -> Attribute {
    let duration = |what: &str| Attribute::string(what).validate(checks::duration());
    let positive = |what: &str| Attribute::string(what).validate(checks::positive_duration());
    let count = |what: &str| Attribute::number(what).validate(validators::count);
    let limit = |what: &str| Attribute::number(what).validate(checks::range(-1..=1_000_000));
    Attribute::nested(
        Nesting::Map,
        "The metrics by name.",
        [
            ("source", Attribute::string("The entry of the provider's `metrics` that is asked.")),
            (
                "query",
                Attribute::string(
                    "PromQL, with `{{namespace}}`, `{{workload}}`, `{{color}}`, `{{pod_hash}}`, `{{cluster}}`, `{{interval}}`, \
                     `{{name}}` and `{{args.NAME}}`.",
                ),
            ),
            (
                "preset",
                Attribute::string(
                    "A query by what serves the requests, instead of `query`: `istio`, `nginx`, `linkerd`, `traefik`, `envoy` or \
                     `kubernetes`, with `-success-rate` (0 to 1; succeeds from 0.99 on) or `-latency` (the 99th percentile in \
                     seconds; succeeds up to 0.5) after it.",
                ),
            ),
            (
                "baseline",
                Attribute::string(
                    "Another query, of the colour that serves: `{{color}}` is that one here. Conditions see its value as \
                     `baseline`, and `result[0] / baseline[0]` is a comparison.",
                ),
            ),
            (
                "scope",
                Attribute::string(
                    "`cluster` (default if the query has `{{cluster}}`) measures each cluster by itself, and one that fails is \
                     that cluster's failure; `global` measures once for all.",
                )
                .validate(checks::one_of(&["cluster", "global"])),
            ),
            ("interval", positive("Between two measurements. Defaults to `30s`; once if `count` is 1.")),
            ("initial_delay", duration("Before the first measurement, after traffic has moved. Defaults to `0s`.")),
            ("count", count("How often it is measured; until the end of the hold if absent.")),
            (
                "success_condition",
                Attribute::string(
                    "When a measurement is a success, such as `result[0] >= 0.95`; as in Argo Rollouts, with `result`, \
                     `asFloat`, `asInt`, `isNaN`, `isInf`, `isNil`, `default`, `len`, `all`, `any`.",
                ),
            ),
            ("failure_condition", Attribute::string("When it is a failure. Goes before `success_condition`.")),
            ("failure_limit", limit("How many failures are let pass: one more, and the metric has failed. -1: any. Defaults to 0.")),
            ("inconclusive_limit", count("The same for measurements that are neither, as with no data. Defaults to 3, and to 0 with `preset = \"argo\"`.")),
            ("consecutive_error_limit", count("How many errors in a row are let pass. Defaults to 4.")),
            ("consecutive_success_limit", count("So many successes in a row end the metric as a success.")),
            ("consecutive_failure_limit", count("So many failures in a row are let pass, whatever `failure_limit` says.")),
            ("min_successes", count("Fewer successes than this are no success. Defaults to 1.")),
            (
                "no_data",
                Attribute::string(
                    "What an empty answer is: `inconclusive` (default), `error`, `failure` or `success`.",
                )
                .validate(checks::one_of(&["inconclusive", "error", "failure", "success"])),
            ),
            (
                "series",
                Attribute::string(
                    "Which of several series must meet a condition that looks at one value: `all` (default) or `first`.",
                )
                .validate(checks::one_of(&["all", "first"])),
            ),
            ("range", range()),
            ("dry_run", Attribute::bool("Measured and shown, but without consequence. Defaults to false.")),
            ("timeout", positive("Of one query. Defaults to `30s`.")),
        ],
    )
}

fn range() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "A range query instead of an instant one; its values are one flat list.",
        [
            (
                "start",
                Attribute::string("How long before now it begins, such as `5m`.")
                    .required()
                    .validate(checks::positive_duration()),
            ),
            (
                "end",
                Attribute::string("How long before now it ends. Defaults to `0s`.")
                    .validate(checks::duration()),
            ),
            (
                "step",
                Attribute::string("Between two points, such as `30s`.")
                    .required()
                    .validate(checks::positive_duration()),
            ),
        ],
    )
}
