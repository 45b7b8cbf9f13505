//! What users write.

use multicluster_core::federation::identity::DEFAULT_NAMESPACE;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Type, timeouts, validators as checks};

use crate::validators;

/// The schema of `multicluster_drain`.
pub(super) fn schema() -> Schema {
    Schema::new(
        "Takes a cluster out of service before it is destroyed. Stands beside the cluster's module and depends on it, so that \
         Terraform removes it first: it withdraws the cluster from DNS names, waits until resolvers have forgotten it, and \
         removes what federations keep there, load balancers included. Its creation does nothing.",
    )
    .attribute("id", Attribute::string("The cluster.").computed())
    .attribute(
        "cluster",
        Attribute::string(
            "Name of the cluster in the provider's `clusters`, which is also its name among the `endpoints` of the DNS names.",
        )
        .required()
        .requires_replace()
        .validate(validators::cluster_name),
    )
    .attribute(
        "cluster_id",
        Attribute::string(
            "What tells this cluster from one that replaces it: an attribute of the cluster that is new when it is. Makes \
             Terraform drain the old one before it is destroyed.",
        )
        .requires_replace(),
    )
    .attribute(
        "federation",
        Attribute::string("Name of the federation whose objects are removed from the cluster. None if absent.")
            .validate(validators::federation_name),
    )
    .attribute(
        "inventory_namespace",
        Attribute::string("Namespace of the federation's records.")
            .default_value(DEFAULT_NAMESPACE)
            .validate(checks::dns_label()),
    )
    .attribute(
        "geo_dns",
        Attribute::of(
            Type::list(Type::String),
            "Ids of the `multicluster_geo_dns` (`zone_id/name`) from which the endpoint of the cluster's name is withdrawn.",
        )
        .validate(checks::each(checks::non_empty())),
    )
    .attribute(
        "wait",
        Attribute::string(
            "How long resolvers are given to forget the cluster after it was withdrawn, such as `90s`. If absent, as long as \
             they may keep an answer.",
        )
        .validate(checks::duration()),
    )
    .attribute(
        "unreachable",
        Attribute::string(
            "What happens if the cluster does not answer any more: `fail` (default), or `forget`, which leaves what is on it.",
        )
        .default_value("fail")
        .validate(checks::one_of(&["fail", "forget"])),
    )
    .attribute("timeouts", timeouts::attribute(&[("delete", "30m")]))
}
