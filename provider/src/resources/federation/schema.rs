//! What users write for a federation, and what they get back.

use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Type, timeouts};

use crate::validators;

/// The schema of `multicluster_federation`.
pub(super) fn schema() -> Schema {
    Schema::new(
        "Clusters that belong together, and the Kubernetes objects that are kept on them. Objects are applied from \
         here by server-side apply; the clusters need no components of their own.",
    )
    .attribute(
        "name",
        Attribute::string(
            "Name of the federation: up to 40 of `a-z`, `0-9`, `-`. Labels, the field manager and the records on the \
             members are derived from it.",
        )
        .required()
        .requires_replace()
        .validate(validators::federation_name),
    )
    .attribute("members", members())
    .attribute("resources", resources())
    .attribute("wait", wait())
    .attribute(
        "deletion_protection",
        Attribute::bool("Refuses to destroy the federation while true.").default_value(false),
    )
    .attribute(
        "inventory_namespace",
        Attribute::string("Namespace of the federation's own records on each member. Made if it does not exist.")
            .default_value(multicluster_core::federation::identity::DEFAULT_NAMESPACE)
            .requires_replace()
            .validate(tfplugin::validators::dns_label()),
    )
    .attribute("engine", reserved("How objects reach the members.", "push"))
    .attribute("adopt", reserved("What happens to objects that exist already and are not ours.", "never"))
    .attribute(
        "drift",
        reserved("What happens to our objects that somebody else has changed: shown at plan, corrected at apply.", "correct"),
    )
    .attribute(
        "timeouts",
        timeouts::attribute(&[("create", "30m"), ("read", "2m"), ("update", "30m"), ("delete", "30m")]),
    )
    .attribute("id", Attribute::string("The federation's name.").computed().keep_state())
    .attribute(
        "uid",
        Attribute::string("Identifies this creation of the federation; records on the members carry it.")
            .computed()
            .keep_state(),
    )
    .attribute(
        "member_names",
        Attribute::of(Type::list(Type::String), "Names of the members, sorted.").computed(),
    )
    .attribute(
        "cluster_uids",
        Attribute::of(
            Type::map(Type::String),
            "UID of the namespace `kube-system` of each member: which cluster it is. Checked before every write.",
        )
        .computed(),
    )
    .attribute(
        "sync",
        Attribute::of(
            Type::map(Type::String),
            "Per member, a digest of what is there. A plan shows a difference whenever it is not what the configuration \
             asks for: after drift, after an apply that failed half-way, after an interruption.",
        )
        .computed(),
    )
    .attribute(
        "forecast",
        Attribute::of(
            Type::map(Type::map(Type::String)),
            "Per member and object, what the apply that is planned (or was last done) changes: `create`, `update` with \
             the fields, `correct` with what others changed, `delete`, `unchanged`. The key `member` is about the \
             member itself: `join`, `leave`, `renamed`, `resume`.",
        )
        .computed(),
    )
}

fn members() -> Attribute {
    Attribute::nested(
        Nesting::Map,
        "The members, by their names in the provider's `clusters`.",
        [("labels", Attribute::of(Type::map(Type::String), "Labels, for placement by `match_labels`."))],
    )
    .required()
    .validate(validators::cluster_names)
}

fn resources() -> Attribute {
    Attribute::nested(
        Nesting::Map,
        "What is kept on the members, by names of your choice.",
        [
            (
                "manifest",
                Attribute::string(
                    "One or many Kubernetes objects as YAML or JSON. Stored in state: keep secrets out of it.",
                )
                .required()
                .validate(validators::manifest),
            ),
            ("placement", placement()),
            ("replicas", replicas()),
            ("overrides", overrides()),
        ],
    )
}

fn placement() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Which members get the objects; all of them if absent.",
        [
            (
                "clusters",
                Attribute::of(
                    Type::list(Type::String),
                    "Names. Goes before labels, also when empty: then none.",
                ),
            ),
            (
                "match_labels",
                Attribute::of(
                    Type::map(Type::String),
                    "Labels that a member must have; an empty map means all members.",
                ),
            ),
        ],
    )
}

fn target() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Which object is meant, where the manifest has several that could be.",
        [
            ("kind", Attribute::string("Such as `Deployment`.").required()),
            ("name", Attribute::string("`metadata.name`.").required()),
        ],
    )
}

fn replicas() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Divides the replicas of a workload over the members by weight (Webster's method): one replica at a time to \
         the member with the largest weight per replica, from the minimum up to the maximum of each.",
        [
            (
                "total",
                Attribute::number("Replicas in all. Defaults to the manifest's `spec.replicas`.")
                    .validate(validators::count),
            ),
            ("mode", reserved("How they are divided.", "weighted")),
            (
                "clusters",
                Attribute::nested(
                    Nesting::Map,
                    "Shares by member. A member that is not named has weight 1 and no bounds.",
                    [
                        (
                            "weight",
                            Attribute::number("Defaults to 1. 0 gets no more than `min`.")
                                .validate(validators::count),
                        ),
                        (
                            "min",
                            Attribute::number("At least so many. Defaults to 0.").validate(validators::count),
                        ),
                        ("max", Attribute::number("At most so many.").validate(validators::count)),
                    ],
                ),
            ),
            ("target", target()),
        ],
    )
}

fn overrides() -> Attribute {
    Attribute::nested(
        Nesting::List,
        "Changes for some members, in order, after the replicas.",
        [
            ("clusters", Attribute::of(Type::list(Type::String), "On which members; on all of the placement if absent.")),
            ("target", target()),
            (
                "patch",
                Attribute::string("A JSON patch (RFC 6902) as JSON: `jsonencode([{ op = \"replace\", path = \"/spec/…\", value = … }])`.")
                    .required()
                    .validate(validators::patch),
            ),
        ],
    )
}

fn wait() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "What an apply waits for.",
        [(
            "rollout",
            Attribute::bool(
                "Waits until the pods of Deployments, StatefulSets and DaemonSets are ready, and fails at once when \
                 they crash or their images cannot be pulled. Defaults to true.",
            ),
        )],
    )
}

/// An attribute with one possible value so far, so that configurations keep their meaning when more are added.
fn reserved(description: &str, only: &'static str) -> Attribute {
    Attribute::string(format!("{description} Only `{only}` so far."))
        .validate(tfplugin::validators::one_of(&[only]))
}
