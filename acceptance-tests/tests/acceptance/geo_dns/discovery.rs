//! Endpoints that are looked up on clusters: waited for, followed when they move, and warned of when they leave.

use std::time::Duration;

use acceptance_tests::lab::Crds;
use acceptance_tests::lab::wait::until;
use acceptance_tests::route53::{RecordType, Zone, balancer_address};
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{Event, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::federation::hcl::{REQUIRED, provider_for};
use crate::federation::look;
use crate::world::{Scenario, World, said};

/// Nothing that is waited for here takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A zone and a namespace of a test's own.
struct Scene {
    world: &'static World,
    zone: Zone,
    namespace: &'static str,
}

impl Scene {
    async fn new(world: &'static World, namespace: &'static str, clusters: &[&str]) -> anyhow::Result<Self> {
        for cluster in clusters {
            look::make_namespace(world, cluster, namespace).await?;
        }
        Ok(Self { world, zone: world.lab.zone(namespace).await?, namespace })
    }

    fn shop(&self) -> String {
        self.zone.within("shop")
    }

    /// An endpoint at an object `web` of a cluster.
    fn endpoint(&self, cluster: &str, kind: &str, more: &str) -> String {
        format!(
            "    {cluster} = {{\n      {kind} = {{ cluster = {cluster:?}, namespace = {:?}, name = \"web\" }}\n      \
             {more}\n    }}\n",
            self.namespace
        )
    }

    /// The name, with these arguments and endpoints.
    fn text(&self, arguments: &str, endpoints: &[String]) -> String {
        format!(
            "{REQUIRED}{}resource \"multicluster_geo_dns\" \"it\" {{\n  zone_id = {:?}\n  name = {:?}\n  ttl = \
             1\n{arguments}\n  endpoints = {{\n{}  }}\n}}\n",
            provider_for(self.world, &["aws", "azure", "gcp"]),
            self.zone.id,
            self.shop(),
            endpoints.concat()
        )
    }

    async fn answers(&self, place: &str, record_type: RecordType) -> anyhow::Result<Vec<String>> {
        Ok(self.world.lab.dns().ask_as(place, &self.shop(), record_type).await?.values)
    }

    /// The record sets of the zone but its own.
    async fn sets(&self) -> anyhow::Result<usize> {
        let sets = self.world.lab.route53().control().record_sets(&self.zone).await?;
        Ok(sets.iter().filter(|set| set["Type"] != "NS" && set["Type"] != "SOA").count())
    }

    /// A Service of type LoadBalancer, once the cloud has given it an address.
    async fn service(&self, cluster: &str) -> anyhow::Result<Value> {
        let api = look::services(self.world, cluster, self.namespace).await?;
        let service = json!({
            "metadata": { "name": "web" },
            "spec": { "type": "LoadBalancer", "ports": [{ "port": 80 }] },
        });
        api.create(&PostParams::default(), &serde_json::from_value(service)?).await?;
        until("the Service has an address", PATIENCE, async || {
            let status = serde_json::to_value(api.get("web").await?.status)?;
            let entry = status["loadBalancer"]["ingress"][0].clone();
            Ok((!entry.is_null()).then_some(entry))
        })
        .await
    }

    /// Another load balancer stands where the Service's stood.
    async fn replace(&self, cluster: &str, entry: &Value) -> anyhow::Result<()> {
        let api: Api<Service> = look::services(self.world, cluster, self.namespace).await?;
        let patch = Patch::Merge(json!({ "status": { "loadBalancer": { "ingress": [entry] } } }));
        api.patch_status("web", &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Applies while `later` happens, which begins when the provider watches objects of this kind.
    async fn apply_while(
        &self,
        scenario: &Scenario,
        cluster: &str,
        resource: &str,
        later: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let cluster = self.world.lab.cluster(cluster);
        let mark = cluster.audit_mark()?;
        let apply = async { scenario.terraform.apply(None).await?.ok() };
        let work = async {
            until("the provider watches the object", PATIENCE, async || {
                let calls = cluster.audit_since(mark).await?;
                let watches =
                    |it: &&_| is_watch(it) && it.resource == resource && it.namespace == self.namespace;
                Ok(calls.iter().find(watches).map(drop))
            })
            .await?;
            ensure!(self.sets().await? == 0, "records were written before there is an address");
            later.await
        };
        let (apply, work) = tokio::join!(apply, work);
        work?;
        apply.map(drop)
    }
}

fn is_watch(call: &acceptance_tests::AuditEntry) -> bool {
    call.verb == "watch" && call.user_agent.starts_with("terraform-provider-multicluster/")
}

fn text_of<'a>(entry: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    entry[field].as_str().with_context(|| format!("it has no {field}: {entry}"))
}

/// The planned forecast of the one resource.
fn forecast(plan: &Value) -> &Value {
    &plan["resource_changes"][0]["change"]["after"]["forecast"]
}

pub(crate) async fn a_replaced_load_balancer_is_drift(world: &'static World) -> anyhow::Result<()> {
    const MOVED: &str = "20.50.251.251";
    const OTHER: &str = "other-1234.sa-east-1.elb.amazonaws.com";
    let scene = Scene::new(world, "t-geo-replaced", &["aws", "azure"]).await?;
    let (azure, aws) = (scene.service("azure").await?, scene.service("aws").await?);
    let (azure, aws) = (text_of(&azure, "ip")?, text_of(&aws, "hostname")?);
    let endpoints = [
        scene.endpoint("azure", "service", "continents = [\"Europe\"]"),
        scene.endpoint("aws", "service", "continents = [\"North America\"]"),
    ];
    let text = scene.text("  policy = \"geolocation\"\n  default = \"aws\"", &endpoints);
    let scenario = Scenario::new(world, &text).await?;
    scenario.apply(&text).await?;
    scenario.expect_no_changes().await?;
    ensure!(scene.answers("DE", RecordType::A).await? == [azure]);
    ensure!(scene.answers("BR", RecordType::A).await? == [balancer_address(aws, RecordType::A)?]);

    scene.replace("azure", &json!({ "ip": MOVED })).await?;
    scene.replace("aws", &json!({ "hostname": OTHER })).await?;
    let plan = scenario.plan_json().await?;
    let drift = &plan["resource_drift"][0]["change"];
    let drifted = drift["before"]["targets"] != drift["after"]["targets"];
    ensure!(drifted && drift["after"]["targets"]["azure"].to_string().contains(MOVED), "{drift:#}");
    let said = forecast(&plan)[format!("{} A azure-eu", scene.shop())].clone();
    ensure!(said == format!("update: values {azure} → {MOVED}"), "{:#}", forecast(&plan));
    let said = forecast(&plan)[format!("{} A aws-na", scene.shop())].clone();
    ensure!(said.as_str().is_some_and(|it| it.contains(aws) && it.contains(OTHER)), "{:#}", forecast(&plan));
    scenario.terraform.apply(Some("saved.plan")).await?.ok()?;
    ensure!(scene.answers("DE", RecordType::A).await? == [MOVED]);
    ensure!(scene.answers("BR", RecordType::A).await? == [balancer_address(OTHER, RecordType::A)?]);
    scenario.expect_no_changes().await?;

    // It moves again after the plan was shown: what nobody has seen is not written.
    scenario.write(&text.replace("ttl = 1", "ttl = 2"))?;
    scenario.plan_json().await?;
    scene.replace("azure", &json!({ "ip": azure })).await?;
    let apply = scenario.terraform.apply(Some("saved.plan")).await?;
    ensure!(
        apply.code == Some(1) && crate::world::said(&apply).contains("has moved since the plan"),
        "{}",
        apply.stderr
    );
    ensure!(scene.answers("DE", RecordType::A).await? == [MOVED]);
    scenario.terraform.apply(None).await?.ok()?;
    ensure!(scene.answers("DE", RecordType::A).await? == [azure]);
    scenario.terraform.destroy().await?.ok()?;
    ensure!(scene.sets().await? == 0);
    Ok(())
}

pub(crate) async fn waits_for_the_address_of_an_ingress(world: &'static World) -> anyhow::Result<()> {
    let scene = Scene::new(world, "t-geo-ingress", &["azure"]).await?;
    let client = world.lab.client("azure").await?;
    let ingresses: Api<Ingress> = Api::namespaced(client.clone(), scene.namespace);
    let endpoints = [scene.endpoint("azure", "ingress", "")];
    let simple = scene.text("  policy = \"simple\"", &endpoints);
    let hasty = scene.text("  policy = \"simple\"\n  timeouts = { create = \"2s\" }", &endpoints);

    // There is none.
    let scenario = Scenario::new(world, &hasty).await?;
    let apply = scenario.terraform.apply(None).await?;
    let words = said(&apply);
    let named = format!("Ingress `{}/web` does not exist", scene.namespace);
    ensure!(
        apply.code == Some(1) && words.contains(&named) && words.contains("endpoints[\"azure\"]"),
        "{words}"
    );

    // It gets no address in time: what it waits for is said, and what the cluster says of it.
    let ingress = json!({
        "metadata": { "name": "web" },
        "spec": { "ingressClassName": "edge", "defaultBackend": { "service": { "name": "web", "port": { "number": 80 } } } },
    });
    let made = ingresses.create(&PostParams::default(), &serde_json::from_value(ingress)?).await?;
    let events: Api<Event> = Api::namespaced(client, scene.namespace);
    let event = json!({
        "metadata": { "name": "web.1" },
        "involvedObject": {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "web", "namespace": scene.namespace,
            "uid": made.metadata.uid,
        },
        "type": "Warning", "reason": "Throttled", "message": "no addresses are left", "count": 1,
        "source": { "component": "edge" },
    });
    events.create(&PostParams::default(), &serde_json::from_value(event)?).await?;
    let apply = scenario.terraform.apply(None).await?;
    let words = said(&apply);
    for word in ["has no address in the time allowed", "controller of class `edge`", "no addresses are left"]
    {
        ensure!(apply.code == Some(1) && words.contains(word), "it does not say `{word}`: {words}");
    }
    ensure!(scene.sets().await? == 0, "something was written");

    // It comes while the apply waits, in both families.
    scenario.write(&simple)?;
    let later = async {
        let addresses = json!([{ "ip": "20.50.250.7" }, { "ip": "2603:1030::7" }]);
        let patch = Patch::Merge(json!({ "status": { "loadBalancer": { "ingress": addresses } } }));
        ingresses.patch_status("web", &PatchParams::default(), &patch).await?;
        anyhow::Ok(())
    };
    scene.apply_while(&scenario, "azure", "ingresses", later).await?;
    ensure!(scene.answers("DE", RecordType::A).await? == ["20.50.250.7"]);
    ensure!(scene.answers("DE", RecordType::AAAA).await? == ["2603:1030::7"]);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// A Service that will never have an address is an error of the plan.
pub(crate) async fn refuses_what_is_never_exposed(world: &'static World) -> anyhow::Result<()> {
    let scene = Scene::new(world, "t-geo-hidden", &["gcp"]).await?;
    let api = look::services(world, "gcp", scene.namespace).await?;
    let service = json!({ "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] } });
    api.create(&PostParams::default(), &serde_json::from_value(service)?).await?;
    let text = scene.text("  policy = \"simple\"", &[scene.endpoint("gcp", "service", "")]);
    let scenario = Scenario::new(world, &text).await?;
    let plan = scenario.terraform.plan(None).await?;
    let words = said(&plan);
    ensure!(
        plan.code == Some(1) && words.contains("its type is `ClusterIP`") && words.contains("`LoadBalancer`"),
        "{words}"
    );
    Ok(())
}

/// Terraform would destroy a cluster before it changes the names that it answers.
pub(crate) async fn warns_of_endpoints_that_leave(world: &'static World) -> anyhow::Result<()> {
    let scene = Scene::new(world, "t-geo-leaves", &["azure", "gcp"]).await?;
    scene.service("azure").await?;
    scene.service("gcp").await?;
    let azure = scene.endpoint("azure", "service", "continents = [\"Europe\"]");
    let both = |more: &str| {
        let gcp = scene.endpoint("gcp", "service", &format!("continents = [\"Asia\"]\n{more}"));
        scene.text("  policy = \"geolocation\"\n  default = \"azure\"", &[azure.clone(), gcp])
    };
    let one = scene.text("  policy = \"geolocation\"\n  default = \"azure\"", std::slice::from_ref(&azure));
    let scenario = Scenario::new(world, &both("")).await?;
    scenario.terraform.apply(None).await?.ok()?;

    scenario.write(&one)?;
    let plan = scenario.terraform.plan(None).await?;
    let words = plan.stdout.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let advice =
        ["Endpoints leave", "`gcp`", "state = \"drained\"", "multicluster_drain", "create_before_destroy"];
    for word in advice {
        ensure!(plan.code == Some(2) && words.contains(word), "it does not say `{word}`: {words}");
    }

    // Whoever follows the advice is left in peace.
    scenario.apply(&both("state = \"drained\"")).await?;
    ensure!(scene.answers("JP", RecordType::A).await? == scene.answers("DE", RecordType::A).await?);
    scenario.write(&one)?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(2) && !plan.stdout.contains("Endpoints leave"), "{}", plan.stdout);
    scenario.terraform.apply(None).await?.ok()?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// What a controller of Gateway API says while it has no address, and then two: the apply quotes the one, and takes the
/// other.
pub(crate) async fn waits_for_the_addresses_of_a_gateway(world: &'static World) -> anyhow::Result<()> {
    let scene = Scene::new(world, "t-geo-gateway", &["gcp"]).await?;
    world.lab.install_crds("gcp", Crds::GatewayApi).await?;
    let client = world.lab.client("gcp").await?;
    let definition = kind();
    let gateways: Api<DynamicObject> = Api::namespaced_with(client, scene.namespace, &definition);
    let gateway = json!({
        "apiVersion": definition.api_version, "kind": definition.kind, "metadata": { "name": "web" },
        "spec": { "gatewayClassName": "edge", "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP" }] },
    });
    gateways.create(&PostParams::default(), &serde_json::from_value(gateway)?).await?;
    let say = async |status: Value| {
        gateways
            .patch_status("web", &PatchParams::default(), &Patch::Merge(json!({ "status": status })))
            .await
    };
    let condition = |status: &str, reason: &str, message: &str| {
        json!([{
            "type": "Programmed", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }])
    };
    let reason = "no addresses are left in the pool";
    say(json!({ "conditions": condition("False", "AddressNotAssigned", reason) })).await?;

    let endpoints = [scene.endpoint("gcp", "gateway", "")];
    let hasty = scene.text("  policy = \"simple\"\n  timeouts = { create = \"2s\" }", &endpoints);
    let scenario = Scenario::new(world, &hasty).await?;
    let apply = scenario.terraform.apply(None).await?;
    let words = said(&apply);
    let named = format!("Gateway `{}/web` has no address in the time allowed", scene.namespace);
    for word in [named.as_str(), "its condition `Programmed` is not true", reason] {
        ensure!(apply.code == Some(1) && words.contains(word), "it does not say `{word}`: {words}");
    }
    ensure!(scene.sets().await? == 0, "something was written");

    scenario.write(&scene.text("  policy = \"simple\"", &endpoints))?;
    let addresses = json!([
        { "type": "IPAddress", "value": "34.116.250.1" },
        { "type": "IPAddress", "value": "34.116.250.2" },
        // Only its implementation knows what this means.
        { "type": "example.com/pool", "value": "blue" },
    ]);
    let programmed = condition("True", "Programmed", "");
    let later = async {
        say(json!({ "addresses": addresses, "conditions": programmed })).await?;
        anyhow::Ok(())
    };
    scene.apply_while(&scenario, "gcp", "gateways", later).await?;
    ensure!(scene.answers("JP", RecordType::A).await? == ["34.116.250.1", "34.116.250.2"]);
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    Ok(())
}

/// The kind `Gateway` of the Gateway API.
fn kind() -> ApiResource {
    let (group, version) = ("gateway.networking.k8s.io", "v1");
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: format!("{group}/{version}"),
        kind: "Gateway".to_owned(),
        plural: "gateways".to_owned(),
    }
}
