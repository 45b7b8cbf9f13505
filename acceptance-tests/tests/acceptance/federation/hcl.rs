//! Configurations, put together from parts.

use crate::world::World;

/// `terraform { … }` for the provider under test.
pub(crate) const REQUIRED: &str = r#"
terraform {
  required_providers {
    multicluster = { source = "multicluster/multicluster" }
  }
}
"#;

/// An entry of `clusters` that uses the lab's kubeconfig.
pub(crate) fn by_kubeconfig(world: &World, name: &str) -> String {
    format!("{name} = {{ kubeconfig_path = {:?}, context = {name:?} }}\n", world.lab.kubeconfig_path())
}

/// A provider block with these entries.
pub(crate) fn provider(entries: &[String]) -> String {
    format!("provider \"multicluster\" {{\n  clusters = {{\n{}  }}\n}}\n", entries.concat())
}

/// A provider block for members of the lab, by kubeconfig.
pub(crate) fn provider_for(world: &World, names: &[&str]) -> String {
    provider(&names.iter().map(|name| by_kubeconfig(world, name)).collect::<Vec<_>>())
}

/// A federation with these members, the rest of its arguments and its `resources`.
pub(crate) fn federation(name: &str, members: &[&str], arguments: &str, resources: &str) -> String {
    let members: String = members.iter().map(|member| format!("    {member} = {{}}\n")).collect();
    format!(
        "resource \"multicluster_federation\" \"it\" {{\n  name = {name:?}\n  members = {{\n{members}  }}\n{arguments}\n  resources = {{\n{resources}\n  }}\n}}\n"
    )
}

/// An entry of `resources` with a manifest and more arguments.
pub(crate) fn resource(name: &str, manifest: &str, arguments: &str) -> String {
    format!("    {name} = {{\n      manifest = <<-EOT\n{manifest}\nEOT\n{arguments}\n    }}\n")
}

/// A namespace.
pub(crate) fn namespace(name: &str) -> String {
    resource("namespace", &format!("apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name} }}"), "")
}

/// A Deployment of one container.
pub(crate) fn deployment(namespace: &str, name: &str, image: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: {namespace} }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec:
      containers:
        - name: main
          image: {image}
          ports: [{{ containerPort: 80 }}]"
    )
}

/// A ConfigMap with one key.
pub(crate) fn config_map(namespace: &str, name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: {namespace} }}\ndata: {{ key: {value:?} }}"
    )
}

/// A Service, of type LoadBalancer.
pub(crate) fn load_balancer(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name}, namespace: {namespace} }}\nspec: {{ type: LoadBalancer, selector: {{ app: {name} }}, ports: [{{ port: 80 }}] }}"
    )
}
