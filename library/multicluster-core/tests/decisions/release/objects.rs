//! Objects as users write them and clusters show them.

use multicluster_core::manifest;
use multicluster_core::names::ReleaseName;
use multicluster_core::object::Manifest;
use multicluster_core::release::Color;
use multicluster_core::release::identity::ReleaseIdentity;
use multicluster_core::release::journal::ReleaseId;
use multicluster_core::release::traffic::{Lead, TrafficSpec, Wanted};
use multicluster_core::release::workload::{Given, Problem, Secrets, Workload, parse};
use serde_json::Value;

pub(super) const FRONTEND: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: frontend, labels: { app: guestbook }, annotations: { owner: shop-team } }
spec:
  replicas: 3
  minReadySeconds: 5
  selector: { matchLabels: { app: guestbook, tier: frontend } }
  template:
    metadata: { labels: { app: guestbook, tier: frontend } }
    spec:
      imagePullSecrets: [{ name: registry }]
      initContainers:
        - name: warm
          image: busybox
          env: [{ name: MODE, valueFrom: { configMapKeyRef: { name: settings, key: mode } } }]
      containers:
        - name: php-redis
          image: gb-frontend:v5
          envFrom: [{ configMapRef: { name: settings } }, { secretRef: { name: password } }, { configMapRef: { name: other } }]
          resources: { requests: { cpu: 100m, memory: 100Mi } }
      volumes:
        - name: files
          configMap: { name: settings }
        - name: all
          projected: { sources: [{ secret: { name: password } }, { configMap: { name: settings } }, { serviceAccountToken: { path: t } }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { mode: fast }
---
apiVersion: v1
kind: Secret
metadata: { name: password }
stringData: { password: hunter2 }
---
apiVersion: v1
kind: Service
metadata: { name: frontend, labels: { app: guestbook }, annotations: { "external-dns.alpha.kubernetes.io/hostname": "gb.example.com" } }
spec:
  type: LoadBalancer
  externalIPs: [192.0.2.1]
  healthCheckNodePort: 30999
  sessionAffinity: ClientIP
  selector: { app: guestbook, tier: frontend }
  ports: [{ name: http, port: 80, targetPort: 8080, nodePort: 30080, appProtocol: http }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: frontend }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: frontend }
  minReplicas: 2
  maxReplicas: 10
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: frontend }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: guestbook, tier: frontend } } }
"#;

/// The documents of [`FRONTEND`] of some kinds.
pub(super) fn only(kinds: &[&str]) -> String {
    let documents = FRONTEND.split("\n---\n");
    let chosen: Vec<&str> =
        documents.filter(|text| kinds.iter().any(|kind| text.contains(&format!("kind: {kind}\n")))).collect();
    chosen.join("\n---\n")
}

pub(super) fn release() -> ReleaseIdentity {
    ReleaseIdentity::new(ReleaseName::new("frontend").unwrap(), "guestbook")
}

pub(super) fn service_traffic() -> TrafficSpec {
    TrafficSpec::Service { name: None }
}

pub(super) fn http_route() -> TrafficSpec {
    TrafficSpec::HttpRoute { name: "shop".to_owned(), namespace: None, rule: None, service: None }
}

pub(super) fn virtual_service() -> TrafficSpec {
    TrafficSpec::VirtualService { name: "shop".to_owned(), namespace: None, route: None, service: None }
}

pub(super) fn try_parse(text: &str, traffic: Option<&TrafficSpec>) -> Result<Workload, Vec<Problem>> {
    parse(Given {
        manifests: manifest::parse(text).unwrap(),
        namespace: "guestbook",
        traffic,
        strategy: None,
        secrets: Secrets::Allowed,
    })
}

pub(super) fn workload() -> Workload {
    try_parse(FRONTEND, Some(&service_traffic())).unwrap()
}

pub(super) fn lead(spec: TrafficSpec) -> Lead {
    Lead { release: release(), spec, service: "frontend".to_owned() }
}

pub(super) fn wanted(color: Color, weight: u8) -> Wanted {
    Wanted {
        color,
        weight,
        headers: [].into(),
        mirror: None,
        epoch: 7,
        release: ReleaseId("r-0123456789".to_owned()),
        step: Some(0),
        services: Color::BOTH.into(),
    }
}

/// A manifest as a server returns it.
pub(super) fn live(text: &str) -> Value {
    let mut object = manifest::parse(text).unwrap().remove(0).into_value();
    let metadata = object.get_mut("metadata").unwrap().as_object_mut().unwrap();
    metadata.insert("namespace".to_owned(), "guestbook".into());
    metadata.insert("resourceVersion".to_owned(), "4711".into());
    metadata.insert("uid".to_owned(), "00000000-0000-0000-0000-000000000001".into());
    object
}

pub(super) fn find<'a>(objects: &'a [Manifest], kind: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|object| object.kind() == kind && object.name() == name);
    found.unwrap_or_else(|| panic!("{kind} {name} in {objects:?}")).value()
}
