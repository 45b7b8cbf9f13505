//! The three clouds that the lab's clusters stand in for, and what differs between them. Pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A cluster of the lab; its name is also its context in the kubeconfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Stands in for EKS in São Paulo; load balancers have hostnames.
    Aws,
    /// Stands in for AKS in western Europe; load balancers have addresses.
    Azure,
    /// Stands in for GKE in Sydney; load balancers have addresses.
    Gcp,
}

/// A name that is not one of the lab's clusters.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a cluster of the lab: there are aws, azure and gcp")]
pub struct UnknownCluster(String);

/// How many nodes a cluster has, one per zone.
pub(crate) const NODES: u8 = 3;

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Azure, Self::Gcp];

    /// `aws`, `azure` or `gcp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        }
    }

    /// The value of `topology.kubernetes.io/region` on its nodes.
    pub fn region(self) -> &'static str {
        match self {
            Self::Aws => "sa-east-1",
            Self::Azure => "westeurope",
            Self::Gcp => "australia-southeast1",
        }
    }

    /// The value of `topology.kubernetes.io/zone` on node `node`, in the cloud's own way of writing it.
    pub(crate) fn zone(self, node: u8) -> String {
        let letter = char::from(b'a' + node % 26);
        match self {
            Self::Aws => format!("{}{letter}", self.region()),
            Self::Azure => format!("{}-{}", self.region(), node + 1),
            Self::Gcp => format!("{}-{letter}", self.region()),
        }
    }

    /// Distinct ranges per cluster, so that an address tells where it belongs. The load balancer's stages in
    /// `lab/stages/address-*.yaml` know the service ranges.
    pub(crate) fn service_cidr(self) -> String {
        format!("10.{}.0.0/16", 210 + self.ordinal())
    }

    pub(crate) fn pod_cidr(self) -> String {
        format!("10.{}.0.0/16", 110 + self.ordinal())
    }

    pub(crate) fn node_pod_cidr(self, node: u8) -> String {
        format!("10.{}.{node}.0/24", 110 + self.ordinal())
    }

    /// The address of a node, from a range for documentation, another one for each cluster.
    pub(crate) fn node_address(self, node: u8) -> String {
        let network = match self {
            Self::Aws => "192.0.2",
            Self::Azure => "198.51.100",
            Self::Gcp => "203.0.113",
        };
        format!("{network}.{}", 10 + node)
    }

    /// The kwok Stages of this cluster, one YAML stream.
    pub(crate) fn stages(self) -> String {
        let address = match self {
            Self::Aws => include_str!("../../lab/stages/address-aws.yaml"),
            Self::Azure => include_str!("../../lab/stages/address-azure.yaml"),
            Self::Gcp => include_str!("../../lab/stages/address-gcp.yaml"),
        };
        [
            include_str!("../../lab/stages/node.yaml"),
            include_str!("../../lab/stages/pod.yaml"),
            include_str!("../../lab/stages/load-balancer.yaml"),
            address,
        ]
        .join("---\n")
    }

    fn ordinal(self) -> u8 {
        match self {
            Self::Aws => 0,
            Self::Azure => 1,
            Self::Gcp => 2,
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cloud {
    type Err = UnknownCluster;

    fn from_str(name: &str) -> Result<Self, UnknownCluster> {
        Self::ALL
            .into_iter()
            .find(|cloud| cloud.name() == name)
            .ok_or_else(|| UnknownCluster(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.name().parse::<Cloud>().unwrap(), cloud);
        }
        assert!("AWS".parse::<Cloud>().is_err());
    }

    #[test]
    fn the_address_stages_know_the_service_ranges() {
        for cloud in [Cloud::Azure, Cloud::Gcp] {
            let prefix = cloud.service_cidr().replace("0.0/16", "");
            assert!(cloud.stages().contains(&format!("replace \"{prefix}\"")), "{cloud}");
        }
    }

    #[test]
    fn every_stage_is_a_document_with_a_name_of_its_own() {
        #[derive(Deserialize)]
        struct Stage {
            kind: String,
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            name: String,
        }
        for cloud in Cloud::ALL {
            let stages: Vec<Stage> = serde_saphyr::from_multiple(&cloud.stages()).unwrap();
            let mut names: Vec<&str> = stages.iter().map(|stage| stage.metadata.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), stages.len());
            assert!(stages.iter().all(|stage| stage.kind == "Stage"));
            assert!(names.contains(&"load-balancer-address"));
        }
    }
}
