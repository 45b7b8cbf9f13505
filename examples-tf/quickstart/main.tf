# The guestbook on three clusters, with one federation and one apply.
#
# `cargo demo` runs this against three local control planes. To try it on clusters of your own, set `kubeconfig_path` and
# give your contexts the names below, or change the names.

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

variable "follower_weights" {
  description = "How the Redis followers are shared out. Equal numbers share equally."
  type        = map(number)
  default     = { aws = 2, azure = 1, gcp = 1 }
}

variable "zone" {
  description = "A public hosted zone of Route 53. Without one, the guestbook gets no name."
  type        = object({ id = string, name = string })
  default     = null
}

provider "multicluster" {
  clusters = {
    for name in ["aws", "azure", "gcp"] : name => { kubeconfig_path = var.kubeconfig_path, context = name }
  }
}

resource "multicluster_federation" "guestbook" {
  name = "guestbook"

  members = {
    aws   = { labels = { cloud = "aws", region = "sa-east-1" } }
    azure = { labels = { cloud = "azure", region = "westeurope" } }
    gcp   = { labels = { cloud = "gcp", region = "australia-southeast1" } }
  }

  resources = {
    namespace = { manifest = file("${path.module}/manifests/namespace.yaml") }

    leader = { manifest = file("${path.module}/manifests/redis-leader.yaml") }

    # Nine followers in all, shared out by weight. Google's share is never more than two.
    followers = {
      manifest = file("${path.module}/manifests/redis-follower.yaml")
      replicas = {
        total = 9
        clusters = {
          for name, weight in var.follower_weights : name => { weight = weight, max = name == "gcp" ? 2 : null }
        }
      }
    }

    # The same web front end everywhere, but each cloud's load balancer wants something else.
    frontend = {
      manifest = file("${path.module}/manifests/frontend.yaml")
      replicas = { clusters = { aws = { weight = 3 }, azure = { weight = 2 }, gcp = { weight = 1, min = 1 } } }
      overrides = [
        {
          clusters = ["aws"]
          target   = { kind = "Service", name = "frontend" }
          patch = jsonencode([{
            op    = "add", path = "/metadata/annotations",
            value = { "service.beta.kubernetes.io/aws-load-balancer-type" = "nlb" }
          }])
        },
        {
          clusters = ["azure"]
          target   = { kind = "Service", name = "frontend" }
          patch = jsonencode([{
            op    = "add", path = "/metadata/annotations",
            value = { "service.beta.kubernetes.io/azure-load-balancer-health-probe-request-path" = "/" }
          }])
        },
        {
          clusters = ["gcp"]
          target   = { kind = "Service", name = "frontend" }
          patch    = jsonencode([{ op = "add", path = "/spec/externalTrafficPolicy", value = "Local" }])
        },
      ]
    }
  }
}

# Europe is served by Azure, North America by AWS, Asia by Google, and everybody else by AWS.
resource "multicluster_geo_dns" "guestbook" {
  count = var.zone == null ? 0 : 1

  zone_id = var.zone.id
  name    = "guestbook.${var.zone.name}"
  policy  = "geolocation"
  default = "aws"

  endpoints = {
    azure = {
      service    = multicluster_federation.guestbook.services["guestbook/frontend"]["azure"]
      continents = ["Europe"]
    }
    aws = {
      service    = multicluster_federation.guestbook.services["guestbook/frontend"]["aws"]
      continents = ["North America"]
    }
    # While Google is down, Asia is served by AWS.
    gcp = {
      service      = multicluster_federation.guestbook.services["guestbook/frontend"]["gcp"]
      continents   = ["Asia"]
      on_unhealthy = ["aws"]
    }
  }

  health_check = { protocol = "HTTP", path = "/", interval = 10, failure_threshold = 3 }
}

output "members" {
  value = multicluster_federation.guestbook.member_names
}

output "germany_is_served_by" {
  description = "Which cluster answers clients in Germany."
  value = (
    var.zone == null ? null
    : provider::multicluster::answer(multicluster_geo_dns.guestbook[0].routing, "DE").endpoints[0].name
  )
}
