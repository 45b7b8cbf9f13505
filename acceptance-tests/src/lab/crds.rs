//! Kinds that clusters do not serve by themselves: those of the Gateway API and of Istio.
//!
//! Only definitions are installed. What acts on their objects is the lab's data plane, or nothing.

use std::time::Duration;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams},
};

use super::{cluster::Cluster, wait};
use crate::{progress::Progress, tools::modules::ModuleFiles};

/// How long the API server may take to serve a kind.
const LIMIT: Duration = Duration::from_secs(60);
/// Field manager of the definitions.
const MANAGER: &str = "multicluster-lab";
/// Requests at the same time.
const AT_A_TIME: usize = 4;

/// A group of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Crds {
    /// The standard channel of the Gateway API: `HTTPRoute`, `Gateway` and the others.
    GatewayApi,
    /// Istio's `VirtualService`, `DestinationRule` and the others.
    Istio,
}

impl Crds {
    fn files(self) -> ModuleFiles {
        match self {
            Self::GatewayApi => {
                ModuleFiles { module: "sigs.k8s.io/gateway-api", path: "config/crd/standard" }
            }
            Self::Istio => {
                ModuleFiles { module: "istio.io/api", path: "kubernetes/customresourcedefinitions.gen.yaml" }
            }
        }
    }

    /// The definitions, as their authors publish them.
    ///
    /// # Errors
    /// When the module cannot be fetched or read.
    async fn definitions(self) -> anyhow::Result<Vec<CustomResourceDefinition>> {
        tokio::task::spawn_blocking(move || {
            let texts = self.files().read(Progress::default())?;
            let mut definitions = Vec::new();
            for text in texts {
                definitions.extend(parse(&text).context("cannot read a definition")?);
            }
            anyhow::ensure!(!definitions.is_empty(), "{self:?} has no definitions");
            Ok(definitions)
        })
        .await?
    }
}

/// Installs the definitions in a cluster and waits until it serves them. Those that are there already stay.
pub(super) async fn install(cluster: &Cluster, crds: Crds) -> anyhow::Result<()> {
    let definitions = crds.definitions().await?;
    let api: &Api<CustomResourceDefinition> = &Api::all(cluster.client().await?);
    stream::iter(definitions)
        .map(|definition| one(api, definition))
        .buffer_unordered(AT_A_TIME)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

async fn one(
    api: &Api<CustomResourceDefinition>,
    definition: CustomResourceDefinition,
) -> anyhow::Result<()> {
    let name = definition.metadata.name.clone().context("a definition without a name")?;
    if !api.get_opt(&name).await?.is_some_and(|found| is_established(&found)) {
        let how = PatchParams::apply(MANAGER).force();
        api.patch(&name, &how, &Patch::Apply(&definition))
            .await
            .with_context(|| format!("cannot install {name}"))?;
    }
    wait::until(&format!("{name} is established"), LIMIT, async || {
        Ok(api.get_opt(&name).await?.filter(is_established).map(drop))
    })
    .await
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_deref());
    conditions
        .unwrap_or_default()
        .iter()
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// The definitions among the documents of a YAML text. The Gateway API ships an admission policy as well, which would
/// judge every definition of every test.
fn parse(text: &str) -> anyhow::Result<Vec<CustomResourceDefinition>> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text)?;
    documents
        .into_iter()
        .filter(|document| document["kind"] == "CustomResourceDefinition")
        .map(|document| Ok(serde_json::from_value(document)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_definitions_are_taken() {
        let text = "---\nkind: ValidatingAdmissionPolicy\n---\nkind: CustomResourceDefinition\nspec: {group: g, scope: \
                    Namespaced, names: {kind: K, plural: ks}, versions: []}\n---\n";
        let found = parse(text).unwrap();
        assert_eq!((found.len(), found[0].spec.group.as_str()), (1, "g"));
    }
}
