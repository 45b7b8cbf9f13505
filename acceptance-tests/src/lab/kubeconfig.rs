//! Kubeconfig files. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// How one context reaches its cluster.
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    pub(crate) host: &'a str,
    pub(crate) ca_pem: &'a str,
    pub(crate) client_certificate_pem: &'a str,
    pub(crate) client_key_pem: &'a str,
}

/// A kubeconfig with one context per entry; the first one is current.
///
/// JSON, which every reader of YAML accepts and which needs no quoting rules.
pub(crate) fn render(contexts: &[Context<'_>]) -> String {
    let users: Vec<Value> = contexts
        .iter()
        .map(|context| {
            json!({
                "client-certificate-data": STANDARD.encode(context.client_certificate_pem),
                "client-key-data": STANDARD.encode(context.client_key_pem),
            })
        })
        .collect();
    document(contexts, &users)
}

/// A kubeconfig with one context and this user instead of its own.
pub(crate) fn render_as(context: &Context<'_>, user: &Value) -> String {
    document(std::slice::from_ref(context), std::slice::from_ref(user))
}

fn document(contexts: &[Context<'_>], users: &[Value]) -> String {
    let list = |entry: fn(&Context<'_>) -> Value| contexts.iter().map(entry).collect::<Vec<_>>();
    let users =
        contexts.iter().zip(users).map(|(context, user)| json!({ "name": context.name, "user": user }));
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts.first().map_or("", |context| context.name),
        "clusters": list(|context| json!({
            "name": context.name,
            "cluster": {
                "server": context.host,
                "certificate-authority-data": STANDARD.encode(context.ca_pem),
            },
        })),
        "users": users.collect::<Vec<_>>(),
        "contexts": list(|context| json!({
            "name": context.name,
            "context": { "cluster": context.name, "user": context.name },
        })),
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_reads_it() {
        let context = |name| Context {
            name,
            host: "https://127.0.0.1:17000",
            ca_pem: "ca",
            client_certificate_pem: "certificate",
            client_key_pem: "key",
        };
        let read = kube::config::Kubeconfig::from_yaml(&render(&[context("aws"), context("gcp")])).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("aws"));
        let names: Vec<&str> = read.contexts.iter().map(|context| context.name.as_str()).collect();
        assert_eq!(names, ["aws", "gcp"]);
        assert!(render(&[]).contains("\"contexts\": []"));
    }
}
