//! What a release gives back.

use tfplugin::Type;
use tfplugin::schema::{Attribute, Schema};

/// A failure, in the words of the journal.
pub(in super::super) fn failure_type() -> Type {
    Type::object([
        ("release_id", Type::String),
        ("version", Type::String),
        ("reason", Type::String),
        ("message", Type::String),
        ("cluster", Type::String),
        ("metric", Type::String),
        ("at", Type::String),
    ])
}

/// Adds the computed attributes.
pub(super) fn add(schema: Schema) -> Schema {
    let text = |what: &str| Attribute::string(what).computed();
    let of = |kind: Type, what: &str| Attribute::of(kind, what).computed();
    schema
        .attribute("id", text("`NAMESPACE/NAME`, by which it is imported.").keep_state())
        .attribute(
            "uid",
            text("Identifies this creation of the release; the journal on the clusters carries it.").keep_state(),
        )
        .attribute("version", text("Digest of what `manifest`, `replicas` and `overrides` ask for: ten hexadecimal digits."))
        .attribute("release_id", text("The release that brings `version`; what `approved_release` takes."))
        .attribute("active_color", text("The colour that serves: `blue` or `green`."))
        .attribute("active_version", text("The version that serves."))
        .attribute(
            "phase",
            text(
                "How far the last release is: `preparing`, `awaiting_promotion`, `rolling`, `awaiting_approval`, `frozen`, \
                 `holding`, `finalising`, `completed`, `halted`, `rolling_back`, `rolled_back`, `partially_rolled_back`.",
            ),
        )
        .attribute(
            "cluster_status",
            of(
                Type::map(Type::object([
                    ("stage", Type::String),
                    ("color", Type::String),
                    ("version", Type::String),
                    ("weight", Type::Number),
                    ("ready", Type::Number),
                    ("failure", Type::String),
                    ("reachable", Type::Bool),
                ])),
                "Per cluster: how far it is, the colour that gets most of its traffic, that colour's version and ready endpoints, \
                 the percentage of traffic of the other one, and what went wrong.",
            ),
        )
        .attribute(
            "weights",
            of(
                Type::map(Type::map(Type::Number)),
                "Per cluster, the percentage of traffic of `blue` and `green`.",
            ),
        )
        .attribute(
            "services",
            of(
                Type::map(Type::object([
                    ("cluster", Type::String),
                    ("namespace", Type::String),
                    ("name", Type::String),
                ])),
                "Per cluster, the Service that clients reach, as `multicluster_geo_dns` takes it.",
            ),
        )
        .attribute(
            "measurements",
            of(
                Type::list(Type::object([
                    ("metric", Type::String),
                    ("cluster", Type::String),
                    ("phase", Type::String),
                    ("value", Type::String),
                    ("message", Type::String),
                    ("at", Type::String),
                ])),
                "The last measurements of the last release, at most ten per metric and cluster.",
            ),
        )
        .attribute(
            "history",
            of(
                Type::list(Type::object([
                    ("release_id", Type::String),
                    ("version", Type::String),
                    ("color", Type::String),
                    ("phase", Type::String),
                    ("started", Type::String),
                    ("ended", Type::String),
                    ("message", Type::String),
                ])),
                "The last releases, newest last, at most ten.",
            ),
        )
        .attribute(
            "last_failed_release",
            of(failure_type(), "The last release that was taken back or halted, and why. Null if the last one went well."),
        )
        .attribute(
            "sync",
            of(
                Type::map(Type::String),
                "Per cluster, a digest of what is there. A plan shows a difference whenever it is not what was asked for.",
            ),
        )
        .attribute(
            "forecast",
            of(
                Type::list(Type::String),
                "What the apply that is planned (or was last done) does, step by step.",
            ),
        )
}
