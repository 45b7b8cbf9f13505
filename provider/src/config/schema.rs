//! The provider block as users write it.

use tfplugin::Type;
use tfplugin::schema::{Attribute, Nesting, Schema};

use crate::validators;

/// The provider's schema. Names follow the kubernetes provider where both have the same thing.
pub(crate) fn schema() -> Schema {
    Schema::new(
        "Joins Kubernetes clusters to federations, keeps objects on them, and steers users to them by DNS. \
         Connections stand here, since provider configuration is never stored in state.",
    )
    .attribute("clusters", clusters())
    .attribute("route53", super::route53::attribute())
    .attribute("metrics", super::metrics::attribute())
    .attribute("notify", super::notify::attribute())
}

fn clusters() -> Attribute {
    Attribute::nested(
        Nesting::Map,
        "The clusters by a name of your choice (`a-z`, `0-9`, `-`). Each entry has exactly one form: `kubeconfig_path`, \
         `kubeconfig` or `host`. Any value may be known only after apply. Nothing else is ever consulted: not \
         `KUBECONFIG`, not the default kubeconfig, not a service account of the machine.",
        [
            ("kubeconfig_path", Attribute::string("Path of a kubeconfig file. `~` is the home directory.")),
            (
                "kubeconfig",
                Attribute::string(
                    "Text of a kubeconfig. It may not name files or auth providers, and may run only known \
                     credential helpers unless `allow_exec` is true.",
                )
                .sensitive(),
            ),
            ("context", Attribute::string("Context in the kubeconfig. Defaults to its current context.")),
            ("host", Attribute::string("URL of the API server: `https://…`.")),
            (
                "cluster_ca_certificate",
                Attribute::string("Certificate authority of the API server: PEM, or base64 of PEM."),
            ),
            ("token", Attribute::string("Bearer token.").sensitive()),
            ("client_certificate", Attribute::string("Client certificate: PEM, or base64 of PEM.")),
            ("client_key", Attribute::string("Key of the client certificate: PEM, or base64 of PEM.").sensitive()),
            ("exec", exec()),
            ("tls_server_name", Attribute::string("Name that the server's certificate must have, if not the host's.")),
            ("proxy_url", Attribute::string("HTTP or SOCKS5 proxy to reach the API server through.")),
            (
                "insecure",
                Attribute::bool(
                    "Accepts any server certificate. Only this switch does: a kubeconfig that asks for it is refused \
                     without it.",
                ),
            ),
            ("allow_exec", Attribute::bool("Lets the text of a kubeconfig run any program as credential helper.")),
        ],
    )
    .validate(validators::cluster_names)
    .validate(validators::cluster_forms)
}

fn exec() -> Attribute {
    Attribute::nested(
        Nesting::Single,
        "A program that prints credentials (`client.authentication.k8s.io`).",
        [
            (
                "api_version",
                Attribute::string("`client.authentication.k8s.io/v1` or `…/v1beta1`.").required(),
            ),
            ("command", Attribute::string("The program.").required()),
            ("args", Attribute::of(Type::list(Type::String), "Its arguments.")),
            ("env", Attribute::of(Type::map(Type::String), "Additional environment variables.")),
        ],
    )
}
