//! A shop on three clusters, and what is released there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use multicluster::clock::Clock;
use multicluster::core::manifest;
use multicluster::core::names::{ClusterName, ReleaseName};
use multicluster::core::release::action::Ended;
use multicluster::core::release::identity::ReleaseIdentity;
use multicluster::core::release::journal::Journal;
use multicluster::core::release::spec::{
    MaxFailures, OnFailedRelease, OnFailure, OnInterrupt, Promotion, ReleaseSpec, Step, Strategy, Wave,
};
use multicluster::core::release::traffic::TrafficSpec;
use multicluster::core::release::version::version;
use multicluster::core::release::workload::{Given, Secrets, Workload, parse};
use multicluster::federation::Run;
use multicluster::release::{Engine, Event, Layout, NoMetrics, Outcome, Place, Progress, apply};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::world::World;

pub(crate) const NAMES: [&str; 3] = ["aws", "azure", "gcp"];

/// Three clusters with the shop's route.
pub(crate) struct Shop {
    pub(crate) worlds: BTreeMap<&'static str, World>,
    pub(crate) traffic: TrafficSpec,
    started: Instant,
    pub(crate) told: Arc<Told>,
}

/// All that was told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Event>>);

impl Progress for Told {
    fn tell(&self, event: &Event, _journal: &Journal) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Something that goes on beside the test, and ends with it.
pub(crate) struct Aside<T>(JoinSet<T>);

pub(crate) fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Aside<T> {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    Aside(tasks)
}

impl<T: 'static> Aside<T> {
    pub(crate) async fn end(mut self) -> T {
        self.0.join_next().await.unwrap().unwrap()
    }
}

pub(crate) fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

/// 2026-01-01T00:00:00Z.
const BEGINNING: i64 = 1_767_225_600;

impl Shop {
    pub(crate) fn with_route() -> Self {
        let shop = Self::new(TrafficSpec::HttpRoute {
            name: "shop".to_owned(),
            namespace: None,
            rule: None,
            service: None,
        });
        for world in shop.worlds.values() {
            world.put(json!({
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "metadata": { "name": "shop", "namespace": "shop" },
                "spec": { "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }] },
            }));
        }
        shop
    }

    pub(crate) fn with_service() -> Self {
        Self::new(TrafficSpec::Service { name: None })
    }

    fn new(traffic: TrafficSpec) -> Self {
        let worlds = NAMES.map(|name| (name, World::new(name)));
        Self { worlds: worlds.into(), traffic, started: Instant::now(), told: Arc::default() }
    }

    pub(crate) fn workload(&self, image: &str) -> Workload {
        let manifests = manifest::parse(&format!(
            "
apiVersion: v1
kind: ConfigMap
metadata: {{ name: settings, namespace: shop }}
data: {{ color: '{image}' }}
---
apiVersion: v1
kind: Service
metadata: {{ name: web, namespace: shop }}
spec: {{ selector: {{ app: web }}, ports: [{{ port: 80 }}] }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: web, namespace: shop }}
spec:
  replicas: 2
  selector: {{ matchLabels: {{ app: web }} }}
  template:
    metadata: {{ labels: {{ app: web }} }}
    spec:
      containers:
      - name: web
        image: '{image}'
        envFrom: [{{ configMapRef: {{ name: settings }} }}]
"
        ))
        .unwrap();
        let given = Given {
            manifests,
            namespace: "shop",
            traffic: Some(&self.traffic),
            strategy: Some(Strategy::BlueGreen),
            secrets: Secrets::Refused,
        };
        parse(given).unwrap()
    }

    /// A release of an image over all clusters.
    pub(crate) fn engine(&self, image: &str) -> Engine {
        let workload = self.workload(image);
        let release = ReleaseIdentity::new(ReleaseName::new("frontend").unwrap(), "shop");
        let places = self.worlds.iter().map(|(cluster, world)| {
            let member = Arc::new(world.member(cluster));
            (name(cluster), Place { member, uid: None, workload: workload.clone() })
        });
        Engine {
            layout: Layout::of(&release, &workload),
            instance: None,
            spec: spec(&[&NAMES]),
            version: version(&workload, &BTreeMap::new()),
            places: places.collect(),
            adopt: false,
            metrics: Arc::new(NoMetrics),
            dns: None,
            progress: Arc::clone(&self.told) as Arc<dyn Progress>,
        }
    }

    pub(crate) fn run(&self, holder: &str) -> Run {
        let started = self.started;
        let clock = Clock::new(move || {
            let passed = jiff::SignedDuration::try_from(started.elapsed()).unwrap();
            Timestamp::from_second(BEGINNING).unwrap().checked_add(passed).unwrap()
        });
        Run {
            cancelled: CancellationToken::new(),
            deadline: Instant::now() + Duration::from_secs(1800),
            holder: holder.to_owned(),
            lease_duration: Duration::from_secs(15),
            clock,
        }
    }

    /// Releases an image, with changes to what is asked.
    pub(crate) async fn release(&self, image: &str, change: impl FnOnce(&mut Engine)) -> Outcome {
        let mut engine = self.engine(image);
        change(&mut engine);
        apply(&Arc::new(engine), &self.run(image)).await
    }

    /// The shares of blue and green on a cluster, as its route has them.
    pub(crate) fn weights(&self, cluster: &str) -> (u64, u64) {
        weights(&self.worlds[cluster])
    }

    /// Replicas of a colour on a cluster.
    pub(crate) fn replicas(&self, cluster: &str, color: &str) -> Option<u64> {
        self.worlds[cluster].get("deployments", &format!("web-{color}"))?["spec"]["replicas"].as_u64()
    }

    /// The journal of a cluster.
    pub(crate) fn journal(&self, cluster: &str) -> Option<Value> {
        let map = self.worlds[cluster].get("configmaps", "release.shop.frontend")?;
        Some(serde_json::from_str(map["data"]["journal.json"].as_str().unwrap()).unwrap())
    }

    /// Whether nobody holds the lease of a cluster.
    pub(crate) fn is_free(&self, cluster: &str) -> bool {
        let lease = self.worlds[cluster].get("leases", "release.shop.frontend");
        lease.is_none_or(|lease| lease["spec"]["holderIdentity"].is_null())
    }
}

pub(crate) fn weights(world: &World) -> (u64, u64) {
    let route = world.get("httproutes", "shop").unwrap();
    let of = |name: &str| {
        let refs = route["spec"]["rules"][0]["backendRefs"].as_array().unwrap();
        refs.iter().find(|it| it["name"] == name).map_or(0, |it| it["weight"].as_u64().unwrap_or(1))
    };
    (of("web-blue"), of("web-green"))
}

/// Waves without pauses, and no patience.
pub(crate) fn spec(waves: &[&[&str]]) -> ReleaseSpec {
    let wave = |(number, clusters): (usize, &&[&str])| Wave {
        name: format!("wave {number}"),
        clusters: clusters.iter().map(|cluster| name(cluster)).collect(),
        max_parallel: None,
        max_failures: MaxFailures::Clusters(0),
        soak: Duration::ZERO,
        steps: vec![Step::weight(100)],
        approval: false,
    };
    ReleaseSpec {
        strategy: Strategy::BlueGreen,
        waves: waves.iter().enumerate().map(wave).collect(),
        analysis: None,
        analyse_first: false,
        promotion: Promotion::Auto,
        approved: BTreeSet::new(),
        on_failure: OnFailure::RollbackAll,
        on_failed_release: OnFailedRelease::Retry,
        retry_token: None,
        on_interrupt: OnInterrupt::Pause,
        hold: Duration::ZERO,
        progress_deadline: Duration::from_secs(120),
        rollback_deadline: Duration::from_secs(120),
        freeze: Vec::new(),
        freeze_override: None,
        dns: None,
    }
}

/// A release has come to its good end.
pub(crate) fn completed(outcome: &Outcome) {
    let release = outcome.journal.as_ref().and_then(|journal| journal.release.as_ref());
    let why = release.map(|release| (&release.failure, &release.clusters));
    assert!(matches!(outcome.ended, Ok(Ended::Completed)), "{:?}: {why:#?}", outcome.ended);
    assert_eq!(outcome.warnings, Vec::<String>::new());
}
