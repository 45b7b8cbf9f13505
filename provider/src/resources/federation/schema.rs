//! What users write for a federation, and what they get back.

use tfplugin::schema::{Attribute, Nesting, Schema};
use tfplugin::{Type, timeouts, validators as checks};

use crate::resources::entry;
use crate::validators;

/// The schema of `multicluster_federation`.
pub(super) fn schema() -> Schema {
    let schema = Schema::new(
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
    .attribute("wait", entry::wait())
    .attribute(
        "cidr_overlap",
        Attribute::string(
            "What happens if pod, service or node networks of two members overlap: `warn` (default), `error` or \
             `ignore`. Traffic between such clusters cannot be routed.",
        )
        .validate(checks::one_of(&["warn", "error", "ignore"])),
    )
;
    let schema = entry::policy()
        .into_iter()
        .fold(schema, |schema, (name, attribute)| schema.attribute(name, attribute));
    common(schema)
}

/// The schema of `multicluster_federated_object`.
pub(super) fn of_object() -> Schema {
    let schema = Schema::new(
        "Some Kubernetes objects that are kept on members of a federation, beside those of the federation itself: for \
         teams that add to a platform's federation. The arguments are those of an entry of `resources` of \
         `multicluster_federation`.",
    )
    .attribute(
        "federation",
        Attribute::string("Name of the federation.")
            .required()
            .requires_replace()
            .validate(validators::federation_name),
    )
    .attribute(
        "name",
        Attribute::string(
            "Name of these objects within the federation, of the same characters; not `default`. Their record on the \
             members is named after it.",
        )
        .required()
        .requires_replace()
        .validate(validators::set_name),
    )
    .attribute(
        "members",
        Attribute::of(
            Type::map(Type::object([("labels", Type::map(Type::String))])),
            "The members of the federation that were found, with their labels.",
        )
        .computed(),
    );
    let schema =
        entry::attributes().into_iter().fold(schema, |schema, (name, it)| schema.attribute(name, it));
    common(schema)
}

/// What both resources have.
fn common(schema: Schema) -> Schema {
    schema
    .attribute(
        "required_rbac",
        Attribute::string(
            "The least roles, with their bindings, by which an identity could do all of this on a member, as YAML.",
        )
        .computed(),
    )
    .attribute("leave", leave())
    .attribute(
        "max_deletions",
        Attribute::number(
            "An apply that would delete more objects than this, on all members together, is refused at plan. No limit if \
             absent.",
        )
        .validate(validators::count),
    )
    .attribute(
        "plan_checks",
        Attribute::string(
            "How a plan looks at objects that change: `dry_run` (default) asks the API servers what each change would \
             do, for which it needs the permission to write; `read` compares with what was read.",
        )
        .validate(checks::one_of(&["dry_run", "read"])),
    )
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
    .attribute(
        "timeouts",
        timeouts::attribute(&[("create", "30m"), ("read", "2m"), ("update", "30m"), ("delete", "30m")]),
    )
    .attribute("id", Attribute::string("Its id, by which it is imported.").computed().keep_state())
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
             the fields, `replace`, `adopt`, `correct` with what others changed, `release`, `delete`, `unchanged`. Known \
             after apply where the API server cannot tell before. The key `member` is about the member itself: `join`, \
             `leave`, `renamed`, `resume`.",
        )
        .computed(),
    )
    .attribute(
        "objects",
        Attribute::of(
            Type::map(Type::list(Type::String)),
            "Per member, the objects that are kept on it: `Deployment shop/web`.",
        )
        .computed(),
    )
    .attribute(
        "services",
        Attribute::of(
            Type::map(Type::map(Type::object([
                ("cluster", Type::String),
                ("namespace", Type::String),
                ("name", Type::String),
            ]))),
            "The Services that are kept on members, by `namespace/name` and member, as other resources refer to them.",
        )
        .computed(),
    )
    .attribute(
        "member_status",
        Attribute::of(
            Type::map(Type::object([
                ("version", Type::String),
                ("uid", Type::String),
                ("reachable", Type::Bool),
            ])),
            "What the last read or apply found out about each member: version of Kubernetes, UID of the namespace \
             `kube-system`, whether it answered.",
        )
        .computed(),
    )
}

/// What happens when a member, or the whole federation, ends.
fn leave() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "What happens on members that leave, and on all when the federation is destroyed.",
        [
            (
                "objects",
                Attribute::string(
                    "`delete` (default) removes the objects and waits until they, their load balancers and their \
                     volumes are gone; `orphan` only takes our labels from them.",
                )
                .validate(checks::one_of(&["delete", "orphan"])),
            ),
            (
                "unreachable",
                Attribute::string(
                    "What happens if the member does not answer: `fail` (default), or `forget`, which leaves everything \
                     on it as it is.",
                )
                .validate(checks::one_of(&["fail", "forget"])),
            ),
        ],
    )
}

fn members() -> Attribute {
    let cidrs = |description| {
        Attribute::of(Type::list(Type::String), description).validate(checks::each(validators::cidr))
    };
    Attribute::nested(
        Nesting::Map,
        "The members, by their names in the provider's `clusters`.",
        [
            (
                "labels",
                Attribute::of(Type::map(Type::String), "Labels, for placement by `match_labels`.")
                    .validate(validators::labels),
            ),
            (
                "networking",
                Attribute::nested(
                    Nesting::Single,
                    "Networks of the cluster, where it does not tell them itself.",
                    [
                        ("pod_cidrs", cidrs("Of pods.")),
                        ("service_cidrs", cidrs("Of Services.")),
                        ("node_cidrs", cidrs("Of nodes.")),
                    ],
                ),
            ),
        ],
    )
    .required()
    .validate(validators::cluster_names)
}

fn resources() -> Attribute {
    Attribute::nested(
        Nesting::Map,
        "What is kept on the members, by names of your choice.",
        entry::attributes(),
    )
}

/// An attribute with one possible value so far, so that configurations keep their meaning when more are added.
fn reserved(description: &str, only: &'static str) -> Attribute {
    Attribute::string(format!("{description} Only `{only}` so far."))
        .validate(tfplugin::validators::one_of(&[only]))
}
