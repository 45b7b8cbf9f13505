//! What a cluster consists of: all that a cloud has, or an API server alone. Pure.

use std::fmt;

use super::cloud::Cloud;

/// What is started for one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A whole control plane with nodes.
    Cloud(Cloud),
    /// An API server that stores objects, and nothing that acts on them. For measurements with many clusters.
    Bare(u8),
}

impl Shape {
    /// All clusters of a lab, those of the clouds first.
    pub(crate) fn all(clouds: &[Cloud], bare: u8) -> Vec<Self> {
        clouds.iter().copied().map(Self::Cloud).chain((1..=bare).map(Self::Bare)).collect()
    }

    /// The cloud, if it stands in for one.
    pub(crate) fn cloud(self) -> Option<Cloud> {
        match self {
            Self::Cloud(cloud) => Some(cloud),
            Self::Bare(_) => None,
        }
    }

    /// Where Services get their addresses from. Nobody routes them, so bare clusters share a range.
    pub(crate) fn service_cidr(self) -> String {
        match self {
            Self::Cloud(cloud) => cloud.service_cidr(),
            Self::Bare(_) => "10.200.0.0/16".to_owned(),
        }
    }
}

impl From<Cloud> for Shape {
    fn from(cloud: Cloud) -> Self {
        Self::Cloud(cloud)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cloud(cloud) => cloud.fmt(f),
            Self::Bare(number) => write!(f, "bare-{number:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_the_numbers_do() {
        let names: Vec<String> = Shape::all(&[Cloud::Aws], 12).iter().map(ToString::to_string).collect();
        assert_eq!((names.len(), names[1].as_str(), names[12].as_str()), (13, "bare-01", "bare-12"));
        assert!(names.is_sorted());
    }
}
