# A team's part, with a state of its own: objects on the members that the platform has.

terraform {
  required_version = ">= 1.11"

  required_providers {
    multicluster = {
      source  = "multicluster/multicluster"
      version = "~> 0.1"
    }
  }
}

variable "kubeconfig_path" {
  description = "A kubeconfig with the contexts aws, azure and gcp."
  type        = string
  default     = "~/.kube/config"
}

# Clusters that are no members are looked at, and left alone.
provider "multicluster" {
  clusters = {
    for name in ["aws", "azure", "gcp"] : name => { kubeconfig_path = var.kubeconfig_path, context = name }
  }
}

resource "multicluster_federated_object" "web" {
  federation = "platform"
  name       = "shop-web"

  manifest = <<-EOT
    apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web, namespace: shop }
    spec:
      replicas: 4
      selector: { matchLabels: { app: web } }
      template:
        metadata: { labels: { app: web } }
        spec:
          containers: [{ name: web, image: "nginx:1.29" }]
  EOT

  # By the labels that the platform gives its members.
  placement = {
    match_expressions = [{ key = "region", operator = "In", values = ["america", "europe"] }]
  }
  replicas = { clusters = { aws = { weight = 3 } } }
}

# Where the objects are, and how that is about to change.
output "objects" {
  value = multicluster_federated_object.web.objects
}
