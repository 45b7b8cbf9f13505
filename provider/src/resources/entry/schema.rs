//! What users write about some objects that are kept on clusters: an entry of `resources`, or a resource of its own.

use tfplugin::schema::{Attribute, Nesting};
use tfplugin::{Type, validators as checks};

use crate::validators;

/// The attributes by name.
pub(crate) fn attributes() -> Vec<(&'static str, Attribute)> {
    let mut attributes = vec![
        (
            "manifest",
            Attribute::string(
                "One or many Kubernetes objects as YAML or JSON. Stored in state: keep secrets out of it. KubeFed v2 \
                 manifests (`types.kubefed.io`, `scheduling.kubefed.io`) are carried out as KubeFed did.",
            )
            .validate(validators::manifest),
        ),
        (
            "manifest_wo",
            Attribute::string(
                "The same, kept out of plan and state. Applied when `manifest_wo_version` changes, or after drift.",
            )
            .write_only()
            .validate(validators::manifest),
        ),
        (
            "manifest_wo_version",
            Attribute::number("Count it up whenever `manifest_wo` has changed.").validate(validators::count),
        ),
        ("copy_from", copy_from()),
        ("placement", placement()),
        ("replicas", replicas()),
        ("overrides", overrides()),
        ("wait", wait()),
        (
            "propagate_dependencies",
            Attribute::bool(
                "Whether ConfigMaps, Secrets, ServiceAccounts and PersistentVolumeClaims of the federation that a \
                 workload here refers to go wherever it goes, besides where their own entries place them.",
            ),
        ),
    ];
    attributes.extend(policy());
    attributes
}

/// The rules for objects that others write to, with defaults for all entries on the federation itself.
pub(crate) fn policy() -> Vec<(&'static str, Attribute)> {
    vec![
        (
            "adopt",
            Attribute::string(
                "What happens to objects that exist already and are not ours: `never` refuses them (default), \
                 `if_no_diff` takes them over if that changes nothing, `always` takes them over and changes what \
                 differs. What another federation keeps is never taken.",
            )
            .validate(checks::one_of(&["never", "if_no_diff", "always"])),
        ),
        (
            "drift",
            Attribute::string(
                "What happens to fields of ours that somebody else has changed: `correct` shows them at plan and takes \
                 them back at apply (default), `detect` only shows them, `ignore` does not even do that.",
            )
            .validate(checks::one_of(&["detect", "correct", "ignore"])),
        ),
        (
            "ignore_fields",
            Attribute::of(
                Type::list(Type::String),
                "Fields that are set when an object is made and left to others afterwards, as JSON pointers: \
                 `/spec/replicas`.",
            )
            .validate(checks::each(validators::pointer)),
        ),
        (
            "replace_on_immutable",
            Attribute::bool(
                "Whether an object is deleted and made anew where the API server says that a field of it cannot change. \
                 Otherwise the plan fails. Defaults to false.",
            ),
        ),
        (
            "allow_plain_secrets",
            Attribute::bool(
                "Whether `manifest` may hold Secrets with data, which are then stored in Terraform's state. Defaults to \
                 false.",
            ),
        ),
    ]
}

fn copy_from() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "An object of one member that is kept on the others of the placement as well. It is read at each apply; its \
         data never gets into state.",
        [
            ("cluster", Attribute::string("The member that has it.").required()),
            ("api_version", Attribute::string("Such as `v1`.").required().validate(checks::non_empty())),
            ("kind", Attribute::string("Such as `Secret`.").required().validate(checks::non_empty())),
            ("namespace", Attribute::string("Its namespace, if its kind lives in namespaces.")),
            ("name", Attribute::string("`metadata.name`.").required().validate(checks::non_empty())),
        ],
    )
}

fn match_expressions() -> Attribute {
    Attribute::nested(
        Nesting::List,
        "Conditions that a member's labels must meet, as in Kubernetes.",
        [
            ("key", Attribute::string("A label.").required()),
            (
                "operator",
                Attribute::string("`In`, `NotIn`, `Exists` or `DoesNotExist`.")
                    .required()
                    .validate(checks::one_of(&["In", "NotIn", "Exists", "DoesNotExist"])),
            ),
            ("values", Attribute::of(Type::list(Type::String), "For `In` and `NotIn`.")),
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
            ("match_expressions", match_expressions()),
            (
                "spread",
                Attribute::nested(
                    Nesting::Single,
                    "A choice among the members selected so far, by the value of a label of theirs. Members without it \
                     are left out.",
                    [
                        ("by", Attribute::string("The label, such as `region`.").required()),
                        (
                            "min_groups",
                            Attribute::number("At least so many values must be there.")
                                .validate(validators::count),
                        ),
                        (
                            "max_groups",
                            Attribute::number("At most so many values are chosen.")
                                .validate(validators::count),
                        ),
                        (
                            "max_clusters",
                            Attribute::number("At most so many members are chosen.")
                                .validate(validators::count),
                        ),
                    ],
                ),
            ),
            (
                "tolerate_unreachable",
                Attribute::bool(
                    "Whether members that did not answer when they were last read keep their part (default). Otherwise \
                     the others take it over at the next apply; what is on the unreachable member stays there until \
                     it answers again.",
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

pub(crate) fn replicas() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "Divides the replicas of a workload over the members. Left alone where an autoscaler sets them.",
        [
            (
                "total",
                Attribute::number("Replicas in all. Defaults to the manifest's `spec.replicas`.")
                    .validate(validators::count),
            ),
            (
                "mode",
                Attribute::string(
                    "`weighted` (default): by weight, one replica at a time to the member with the largest weight per \
                     replica (Webster's method), from the minimum up to the maximum of each. `duplicated`: the total on \
                     each. `capacity`: by how many fit on the member's nodes. `aggregated`: on as few members as they \
                     fit on.",
                )
                .validate(checks::one_of(&["weighted", "duplicated", "capacity", "aggregated"])),
            ),
            (
                "steady",
                Attribute::bool(
                    "Whether a change moves as few replicas as possible: more are added to what runs, fewer are taken \
                     from it. Defaults to false.",
                ),
            ),
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
                        ("exact", Attribute::number("Just so many.").validate(validators::count)),
                    ],
                ),
            ),
            ("target", target()),
        ],
    )
}

pub(crate) fn overrides() -> Attribute {
    let texts = |description| Attribute::of(Type::map(Type::String), description);
    let part = |name, description| (name, Attribute::string(description));
    Attribute::nested(
        Nesting::List,
        "Changes for some members, in order, after the replicas. Of several changes in one entry, `patch` comes first, \
         then `merge_patch`, `images`, `labels`, `annotations` and `env`.",
        [
            (
                "clusters",
                Attribute::of(Type::list(Type::String), "On which members; on all of the placement if absent."),
            ),
            (
                "match_labels",
                Attribute::of(Type::map(Type::String), "On members with these labels."),
            ),
            ("match_expressions", match_expressions()),
            ("target", target()),
            (
                "patch",
                Attribute::string(
                    "A JSON patch (RFC 6902) as JSON: `jsonencode([{ op = \"replace\", path = \"/spec/…\", value = … }])`.",
                )
                .validate(validators::patch),
            ),
            (
                "merge_patch",
                Attribute::string(
                    "A JSON merge patch (RFC 7386) as JSON: `jsonencode({ spec = { … } })`. `null` removes, lists are \
                     replaced.",
                )
                .validate(validators::merge_patch),
            ),
            (
                "images",
                Attribute::nested(
                    Nesting::List,
                    "Other images: what is given replaces that part of the image.",
                    [
                        part("container", "Of this container; of all if absent."),
                        part("registry", "`registry.example.com`"),
                        part("repository", "`team/web`"),
                        part("tag", "`1.2`"),
                        part("digest", "`sha256:…`"),
                    ],
                ),
            ),
            ("labels", texts("Labels of the object; `null` removes one.")),
            ("annotations", texts("Annotations of the object; `null` removes one.")),
            (
                "env",
                Attribute::nested(
                    Nesting::Single,
                    "Environment variables of containers.",
                    [
                        part("container", "Of this container; of all if absent."),
                        ("values", texts("Values by name; `null` removes a variable.").required()),
                    ],
                ),
            ),
        ],
    )
}

/// What an apply waits for.
pub(crate) fn wait() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "What an apply waits for.",
        [
            (
                "rollout",
                Attribute::bool(
                    "Waits until the pods of Deployments, StatefulSets and DaemonSets are ready and Jobs are done, and \
                     fails at once when they crash or their images cannot be pulled. Defaults to true.",
                ),
            ),
            (
                "ready",
                Attribute::bool(
                    "Waits for objects of other kinds as well: load balancers of Services, claims to be bound, custom \
                     resources as long as a condition `Ready` says that they are not. What says nothing counts as \
                     ready; `conditions` insists. Defaults to false.",
                ),
            ),
            (
                "conditions",
                Attribute::of(
                    Type::map(Type::String),
                    "Waits until `status.conditions` of every object says so, by the type of the condition: \
                     `{ Synced = \"True\" }`.",
                ),
            ),
            (
                "timeout",
                Attribute::string(
                    "How long it waits at most: `5m`. Defaults to the time allowed for the apply.",
                )
                .validate(checks::positive_duration()),
            ),
        ],
    )
}
