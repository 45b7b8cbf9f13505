# The guestbook's front end, released blue/green over three clusters: Google first, then the others, in steps of traffic.

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

variable "image" {
  description = "What is released."
  type        = string
  default     = "ghcr.io/example/frontend:1.0.0"
}

variable "greeting" {
  description = "Configuration that is released with the image."
  type        = string
  default     = "Hello"
}

variable "gateway" {
  description = "Whether an HTTPRoute `frontend` leads traffic; otherwise the Service itself is switched."
  type        = bool
  default     = false
}

variable "prometheus" {
  description = "Where the clusters' metrics are; without it, releases are judged by readiness alone."
  type        = string
  default     = null
}

provider "multicluster" {
  clusters = {
    for name in ["aws", "azure", "gcp"] : name => { kubeconfig_path = var.kubeconfig_path, context = name }
  }
  metrics = var.prometheus == null ? {} : { main = { prometheus = var.prometheus } }
}

resource "multicluster_federation" "world" {
  name    = "world"
  members = { for name in ["aws", "azure", "gcp"] : name => {} }

  resources = {
    namespace = { manifest = "apiVersion: v1\nkind: Namespace\nmetadata: { name: guestbook }" }
  }
}

resource "multicluster_bluegreen_release" "frontend" {
  name      = "frontend"
  namespace = "guestbook"
  clusters  = multicluster_federation.world.member_names

  manifest = templatefile("${path.module}/frontend.yaml.tftpl", { image = var.image, greeting = var.greeting })
  traffic = {
    http_route = var.gateway ? { name = "frontend" } : null
    service    = var.gateway ? null : { name = "frontend" }
  }

  waves = [{ name = "canary", clusters = ["gcp"], soak = "2s" }]
  steps = var.gateway ? [{ weight = 20, pause = "2s" }, { weight = 50, pause = "2s" }, { weight = 100 }] : null

  analysis = var.prometheus == null ? null : {
    source = "main"
    metrics = {
      success-rate = {
        preset            = "kubernetes-success-rate"
        success_condition = "result[0] >= 0.95"
        interval          = "20s"
        failure_limit     = 3
      }
    }
  }

  hold = "2s"
}

output "serving" {
  value = {
    color    = multicluster_bluegreen_release.frontend.active_color
    version  = multicluster_bluegreen_release.frontend.active_version
    services = multicluster_bluegreen_release.frontend.services
  }
}
