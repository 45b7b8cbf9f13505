# A repository that was written for KubeFed, carried out without KubeFed. The files in `kubefed/` are as they were.
#
# What KubeFed has made on the members is taken over as it is: nothing restarts.

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

variable "password" {
  description = "The shop's password. Neither plan nor state has it."
  type        = string
  ephemeral   = true
  default     = "correct horse battery staple"
}

provider "multicluster" {
  clusters = {
    for name in ["aws", "azure", "gcp"] : name => { kubeconfig_path = var.kubeconfig_path, context = name }
  }
}

locals {
  repository = "${path.module}/kubefed"
}

resource "multicluster_federation" "shop" {
  name = "shop"

  # The labels that the KubeFedCluster objects had, for `clusterSelector`.
  members = {
    aws   = { labels = { stage = "production", region = "sa-east-1" } }
    azure = { labels = { stage = "production", region = "westeurope" } }
    gcp   = { labels = { stage = "production", region = "australia-southeast1" } }
  }

  resources = merge(
    # One entry per file. Preferences and namespaces count wherever they stand.
    {
      for name in fileset(local.repository, "*.yaml") :
      trimsuffix(name, ".yaml") => { manifest = file("${local.repository}/${name}") }
    },
    # Count the version up when the password changes.
    {
      password = {
        manifest_wo         = templatefile("${path.module}/password.yaml.tftpl", { password = var.password })
        manifest_wo_version = 1
      }
    },
  )
}

output "objects" {
  description = "What is kept on each member."
  value       = multicluster_federation.shop.objects
}
