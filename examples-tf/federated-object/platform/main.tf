# The platform's part: which clusters belong together, and the namespaces that teams get.

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

provider "multicluster" {
  clusters = {
    for name in ["aws", "azure", "gcp"] : name => { kubeconfig_path = var.kubeconfig_path, context = name }
  }
}

resource "multicluster_federation" "platform" {
  name = "platform"

  members = {
    aws   = { labels = { region = "america" } }
    azure = { labels = { region = "europe" } }
    gcp   = { labels = { region = "australia" } }
  }

  resources = {
    shop = {
      manifest = <<-EOT
        apiVersion: v1
        kind: Namespace
        metadata: { name: shop }
      EOT
    }
  }
}
