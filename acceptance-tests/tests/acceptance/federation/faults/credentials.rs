//! Tokens that end.

use acceptance_tests::lab::wait;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use super::super::hcl::{deployment, resource};
use super::super::look;
use super::scene::{
    ILL, SOON, WELL, converges, destroyed, expect_failure, make, on_both_with, settings, value,
};
use crate::world::{Scenario, World};

/// Who asks, in a namespace of its own.
struct Account {
    home: String,
    accounts: Api<ServiceAccount>,
    secrets: Api<Secret>,
}

impl Account {
    /// A ServiceAccount that may do everything.
    async fn new(world: &World, name: &str) -> anyhow::Result<Self> {
        let home = format!("{name}-account");
        look::make_namespace(world, ILL, &home).await?;
        let accounts = make(world, &home, json!({ "metadata": { "name": "applier" } })).await?;
        let bindings: Api<ClusterRoleBinding> = Api::all(world.lab.client(ILL).await?);
        let binding = serde_json::from_value(json!({
            "metadata": { "name": home },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "kind": "ServiceAccount", "name": "applier", "namespace": home }],
        }))?;
        bindings.create(&PostParams::default(), &binding).await?;
        let secrets = Api::namespaced(world.lab.client(ILL).await?, &home);
        Ok(Self { home, accounts, secrets })
    }

    /// A token that ends with the Secret of this name.
    async fn token(&self, bound_to: &str) -> anyhow::Result<String> {
        let secret = serde_json::from_value(json!({ "metadata": { "name": bound_to } }))?;
        let secret = self.secrets.create(&PostParams::default(), &secret).await?;
        let request: TokenRequest = serde_json::from_value(json!({ "spec": {
            "audiences": [],
            "boundObjectRef":
                { "apiVersion": "v1", "kind": "Secret", "name": bound_to, "uid": secret.metadata.uid },
        } }))?;
        let issued = self.accounts.create_token_request("applier", &PostParams::default(), &request).await?;
        issued.status.and_then(|status| status.token).context("no token")
    }

    /// Ends a token, and waits until the API server knows: it believes for ten seconds what it has once verified.
    async fn end(&self, world: &World, bound_to: &str, token: &str) -> anyhow::Result<()> {
        self.secrets.delete(bound_to, &DeleteParams::default()).await?;
        let cluster = world.lab.cluster(ILL);
        let client = cluster.client_as(&json!({ "token": token })).await?;
        let refused = async || match client.apiserver_version().await {
            Err(kube::Error::Api(status)) if status.code == 401 => Ok(Some(())),
            _ => Ok(None),
        };
        wait::until("the token is refused", SOON, refused).await
    }
}

/// In the middle of an apply a token ends, and its file has another one: nobody notices. Then that ends, too, and the
/// file keeps it: the cluster is named, the other is done.
pub(crate) async fn a_token_that_ends_is_replaced_or_named(world: &'static World) -> anyhow::Result<()> {
    let name = "t-token";
    let account = Account::new(world, name).await?;
    let directory = tempfile::tempdir()?;
    let (token_file, kubeconfig) = (directory.path().join("token"), directory.path().join("kubeconfig"));
    let cluster = world.lab.cluster(ILL);
    std::fs::write(&kubeconfig, cluster.kubeconfig_as(&json!({ "tokenFile": token_file })))?;
    let entry = format!("{ILL} = {{ kubeconfig_path = {kubeconfig:?} }}\n");
    let text = |value: &str, image: &str| {
        let mut resources = settings(name, value);
        resources.push(resource("web", &deployment(name, "web", image, 1), ""));
        on_both_with(world, &entry, name, "", &resources)
    };

    let first = account.token("first").await?;
    std::fs::write(&token_file, &first)?;
    let scenario = Scenario::new(world, &text("one", "web:slow-16s")).await?;
    let run = scenario.terraform.spawn(&["apply", "-input=false", "-auto-approve"])?;
    let api = look::deployments(world, ILL, name).await?;
    wait::until("the Deployment is there", SOON, async || Ok(api.get_opt("web").await?)).await?;
    let second = account.token("second").await?;
    std::fs::write(&token_file, &second)?;
    account.end(world, "first", &first).await?;
    ensure!(look::replicas(world, ILL, name, "web").await?.1 == 0, "it was ready before the token ended");
    run.wait().await?.ok()?;
    scenario.expect_no_changes().await?;

    account.end(world, "second", &second).await?;
    let plan = scenario.terraform.plan(None).await?;
    ensure!(plan.code == Some(0), "who is not let in sees changes:\n{}", plan.stdout);
    ensure!(plan.stdout.contains("does not accept the credentials"), "not said:\n{}", plan.stdout);
    scenario.write(&text("two", "web:1"))?;
    let expected = ["Cluster `gcp` failed", "does not accept the credentials", "Cluster `aws` is done"];
    let said = expect_failure(&scenario, &expected).await?;
    ensure!(!said.contains(&second), "the token is shown");
    ensure!(value(world, WELL, name).await?.as_deref() == Some("two"), "{WELL} was held up");
    ensure!(value(world, ILL, name).await?.as_deref() == Some("one"), "{ILL} was reached after all");

    std::fs::write(&token_file, account.token("third").await?)?;
    converges(&scenario).await?;
    ensure!(value(world, ILL, name).await?.as_deref() == Some("two"), "not brought up to date");
    destroyed(world, &scenario, name).await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(world.lab.client(ILL).await?);
    bindings.delete(&account.home, &DeleteParams::default()).await?;
    Ok(())
}
