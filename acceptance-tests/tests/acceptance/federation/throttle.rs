//! A member whose API server works on one request of ours at a time and refuses what does not fit into a short queue.

use std::fmt::Debug;
use std::time::Duration;

use acceptance_tests::lab::wait;
use acceptance_tests::workload::{Amounts, Workload, yaml};
use acceptance_tests::{AuditEntry, Cluster};
use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::hcl::{REQUIRED, by_kubeconfig, federation, provider, resource};
use super::look;
use crate::world::{Scenario, World};

/// How long an API server may take to follow its configuration.
const SOON: Duration = Duration::from_secs(60);
/// Enough for every wave to be refused often.
const AMOUNTS: Amounts = Amounts { config_maps: 30, services: 5, deployments: 0, secrets: 0, roles: 10 };

/// Objects of the flow control that limit one user, and their names.
struct Limit {
    client: Client,
    name: String,
}

impl Limit {
    /// Makes the user a cluster administrator who is served one request at a time, with room for two in the queue.
    async fn impose(cluster: &Cluster, name: &str) -> anyhow::Result<Self> {
        let limit = Self { client: cluster.client().await?, name: name.to_owned() };
        let level = |name: &str, shares: u32, response: Value| {
            json!({
                "metadata": { "name": name },
                "spec": { "type": "Limited", "limited": {
                    "nominalConcurrencyShares": shares,
                    "lendablePercent": 0,
                    "borrowingLimitPercent": 0,
                    "limitResponse": response,
                } },
            })
        };
        // A server's seats are divided by shares. Nobody uses the second level; it leaves one seat for the first.
        let queue =
            json!({ "type": "Queue", "queuing": { "queues": 1, "handSize": 1, "queueLengthLimit": 2 } });
        limit.create::<PriorityLevelConfiguration>(level(name, 1, queue)).await?;
        let ballast = level(&limit.ballast(), 2000, json!({ "type": "Reject" }));
        limit.create::<PriorityLevelConfiguration>(ballast).await?;
        limit
            .create::<FlowSchema>(json!({
                "metadata": { "name": name },
                "spec": {
                    "priorityLevelConfiguration": { "name": name },
                    "matchingPrecedence": 100,
                    "rules": [{
                        "subjects": [{ "kind": "User", "user": { "name": name } }],
                        "resourceRules": [{
                            "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"],
                            "clusterScope": true, "namespaces": ["*"],
                        }],
                        "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
                    }],
                },
            }))
            .await?;
        limit
            .create::<ClusterRoleBinding>(json!({
                "metadata": { "name": name },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
                "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name }],
            }))
            .await?;
        Ok(limit)
    }

    /// Waits until the user is refused.
    async fn wait_until_felt(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let (certificate, key) = cluster.client_certificate(&self.name, "limited")?;
        let user = json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        });
        let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig_as(&user))?;
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        config.proxy_url = None;
        // By default the client hides what is looked for.
        config.default_retry = false;
        let client = Client::try_from(config)?;
        wait::until("requests of the user are refused", SOON, async || {
            let api: Api<ClusterRoleBinding> = Api::all(client.clone());
            let everything = ListParams::default();
            let lists = join_all((0..30).map(|_| api.list(&everything)));
            let refused = lists
                .await
                .into_iter()
                .any(|answer| matches!(answer, Err(kube::Error::Api(status)) if status.code == 429));
            Ok(refused.then_some(()))
        })
        .await
    }

    async fn lift(self) -> anyhow::Result<()> {
        self.delete::<FlowSchema>(&self.name).await?;
        self.delete::<PriorityLevelConfiguration>(&self.name).await?;
        self.delete::<PriorityLevelConfiguration>(&self.ballast()).await?;
        self.delete::<ClusterRoleBinding>(&self.name).await
    }

    fn ballast(&self) -> String {
        format!("{}-ballast", self.name)
    }

    async fn create<K>(&self, object: Value) -> anyhow::Result<()>
    where
        K: kube::Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let api: Api<K> = Api::all(self.client.clone());
        api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        Ok(())
    }

    async fn delete<K>(&self, name: &str) -> anyhow::Result<()>
    where
        K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        Api::<K>::all(self.client.clone()).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }
}

/// An entry of `clusters` for the user who is limited.
fn limited_entry(cluster: &Cluster, user: &str) -> anyhow::Result<String> {
    let (certificate, key) = cluster.client_certificate(user, "limited")?;
    Ok(format!(
        "{} = {{ host = {:?}, cluster_ca_certificate = <<-EOT\n{}\nEOT\n client_certificate = \
         <<-EOT\n{certificate}\nEOT\n client_key = <<-EOT\n{key}\nEOT\n }}\n",
        cluster.context, cluster.host, cluster.ca_pem
    ))
}

fn refusals(calls: &[AuditEntry]) -> usize {
    calls.iter().filter(|call| call.code == 429).count()
}

pub(crate) async fn slows_us_and_fails_nothing(world: &'static World) -> anyhow::Result<()> {
    let name = "t-throttle";
    let cluster = world.lab.cluster("gcp");
    let limit = Limit::impose(cluster, name).await?;
    limit.wait_until_felt(cluster).await?;

    let workload = Workload::generate(1, name, AMOUNTS);
    let text = |workload: &Workload| -> anyhow::Result<String> {
        let resources = resource("all", &yaml(&workload.objects)?, "");
        let provider = provider(&[by_kubeconfig(world, "aws"), limited_entry(cluster, name)?]);
        Ok(format!("{REQUIRED}{provider}{}", federation(name, &["aws", "gcp"], "", &resources)))
    };
    let scenario = Scenario::new(world, &text(&workload)?).await?;
    let mark = cluster.audit_mark()?;
    scenario.terraform.apply(None).await?.ok()?;
    let refused = refusals(&cluster.audit_since(mark).await?);
    ensure!(refused > 0, "nothing was refused");
    for member in ["aws", "gcp"] {
        let there = look::config_maps(world, member, name).await?.list(&ListParams::default()).await?;
        let ours = there.items.iter().filter(|it| it.metadata.name.as_deref() != Some("kube-root-ca.crt"));
        ensure!(ours.count() == AMOUNTS.config_maps, "objects are missing on {member}");
    }
    scenario.expect_no_changes().await?;
    scenario.apply(&text(&workload.with_one_change())?).await?;
    scenario.expect_no_changes().await?;
    scenario.terraform.destroy().await?.ok()?;
    ensure!(!look::has_namespace(world, "gcp", name).await?, "the namespace is left");
    limit.lift().await
}
