//! A namespace with a shop in two colours, on one cluster.

use std::time::Duration;

use acceptance_tests::lab::wait;
use acceptance_tests::{Cluster, DataPlane, DataPlaneOptions};
use anyhow::{Context as _, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::world::World;

/// How long anything here may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Shop {
    pub(crate) cluster: &'static Cluster,
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Shop {
    pub(crate) async fn new(world: &'static World, cluster: &str, namespace: &str) -> anyhow::Result<Self> {
        let cluster = world.lab.cluster(cluster);
        let client = cluster.client().await?;
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}}))?;
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await?;
        Ok(Self { cluster, client, namespace: namespace.to_owned() })
    }

    /// A Deployment of one colour, with a Service for it alone.
    pub(crate) async fn color(&self, color: &str, image: &str, replicas: u32) -> anyhow::Result<()> {
        self.color_with(color, image, replicas, &json!({})).await
    }

    /// The same with more in the container.
    pub(crate) async fn color_with(
        &self,
        color: &str,
        image: &str,
        replicas: u32,
        more: &Value,
    ) -> anyhow::Result<()> {
        let mut container = json!({"name": "web", "image": image});
        for (name, value) in more.as_object().context("an object")? {
            container[name] = value.clone();
        }
        let labels = json!({"app": "shop", "color": color});
        let name = format!("shop-{color}");
        let deployment = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]},
                },
            },
        }))?;
        self.deployments().create(&PostParams::default(), &deployment).await?;
        self.service(&name, &labels).await
    }

    pub(crate) async fn service(&self, name: &str, selector: &Value) -> anyhow::Result<()> {
        let service = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        }))?;
        self.services().create(&PostParams::default(), &service).await?;
        Ok(())
    }

    pub(crate) fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn services(&self) -> Api<Service> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Waits until so many endpoints of a colour's Service are ready. Its pods are a moment before.
    pub(crate) async fn ready(&self, color: &str, count: usize) -> anyhow::Result<()> {
        self.endpoints(&format!("shop-{color}"), count).await
    }

    pub(crate) async fn endpoints(&self, service: &str, count: usize) -> anyhow::Result<()> {
        let api: Api<EndpointSlice> = Api::namespaced(self.client.clone(), &self.namespace);
        let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
        wait::until(&format!("{service} has {count} ready endpoints"), LIMIT, async || {
            let slices = api.list(&of_service).await?.items;
            let endpoints = slices.iter().flat_map(|slice| slice.endpoints.iter().flatten());
            let ready = endpoints.filter(|endpoint| {
                endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(true)
            });
            Ok((ready.count() == count).then_some(()))
        })
        .await
    }

    pub(crate) async fn plane(&self, options: DataPlaneOptions) -> anyhow::Result<DataPlane> {
        DataPlane::start(self.cluster, &self.namespace, options).await
    }

    /// Objects of a kind that is not built in.
    pub(crate) fn of_kind(&self, group: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub(crate) fn routes(&self) -> Api<DynamicObject> {
        self.of_kind("gateway.networking.k8s.io", "HTTPRoute", "httproutes")
    }

    /// An `HTTPRoute` for `shop.example.com` with one rule.
    pub(crate) async fn route(&self, rule: &Value) -> anyhow::Result<()> {
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "shop"},
            "spec": {"parentRefs": [{"name": "edge"}], "hostnames": ["shop.example.com"], "rules": [rule]},
        });
        let how = PatchParams::apply("test").force();
        self.routes().patch("shop", &how, &Patch::Apply(&route)).await.context("cannot apply the route")?;
        Ok(())
    }
}

/// A rule that divides requests among the Services of the colours.
pub(crate) fn weights(blue: u32, green: u32) -> Value {
    json!({"backendRefs": [
        {"name": "shop-blue", "port": 80, "weight": blue},
        {"name": "shop-green", "port": 80, "weight": green},
    ]})
}

/// Fails unless `part` is this percentage of `all`, to one percent point.
pub(crate) fn expect_share(part: u64, all: u64, percent: u64) -> anyhow::Result<()> {
    let distance = (part * 100).abs_diff(all * percent);
    ensure!(distance <= all, "{part} of {all} is not {percent} %");
    Ok(())
}
