//! `multicluster status`: what a federation has on each cluster, and what is not as it was left.

mod report;
mod table;

use futures::future::join_all;
use multicluster::core::federation::identity::FederationSet;
use multicluster::federation::survey;

use self::report::{ClusterReport, StatusReport};
use crate::Said;
use crate::arguments::StatusArguments;
use crate::clusters::{clock, clusters, manifests};

pub(crate) async fn status(arguments: StatusArguments) -> anyhow::Result<Said> {
    let StatusArguments { federation, place, json } = arguments;
    let set = FederationSet::default_of(federation.0, place.inventory_namespace.clone());
    let known = manifests(&place)?;
    let looks = join_all(clusters(&place).await.into_iter().map(async |cluster| {
        let look = match cluster.member {
            Ok(member) => survey(&member, &set, &known, &clock()).await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        let report = match look {
            Ok(survey) => ClusterReport::of(&survey, &set),
            Err(error) => ClusterReport::unreachable(format!("{error:#}")),
        };
        (cluster.context, report)
    }))
    .await;
    let report = StatusReport::new(&set, looks);
    let text = if json { serde_json::to_string_pretty(&report)? + "\n" } else { table::table(&report) };
    Ok(Said { text, well: report.is_well() })
}
