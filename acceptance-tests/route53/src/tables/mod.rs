//! What the service knows about the world: Regions, places, and the zone ids of its own load balancers.
//!
//! Enumerations are those of the API model of 2013-04-01. They grow; a value that is missing here is refused as
//! an older service would.

mod elb;
mod geo;

pub(crate) use elb::alias_zone;
pub(crate) use geo::country_name;
pub use geo::{Place, continent_of, places};

/// Regions of latency sets: `ResourceRecordSetRegion`.
pub(crate) const LATENCY_REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "eu-north-1",
    "sa-east-1",
    "cn-north-1",
    "cn-northwest-1",
    "ap-east-1",
    "me-south-1",
    "me-central-1",
    "ap-south-1",
    "ap-south-2",
    "af-south-1",
    "eu-south-1",
    "eu-south-2",
    "ap-southeast-4",
    "il-central-1",
    "ca-west-1",
    "ap-southeast-5",
    "mx-central-1",
    "ap-southeast-7",
    "us-gov-east-1",
    "us-gov-west-1",
    "ap-east-2",
    "ap-southeast-6",
    "eusc-de-east-1",
];

/// Where checkers are: `HealthCheckRegion`. Also the set that an omitted `Regions` stands for.
pub(crate) const CHECKER_REGIONS: &[&str] = &[
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];

/// Regions beyond [`LATENCY_REGIONS`] in which VPCs and alarms can be.
const ISOLATED_REGIONS: &[&str] = &[
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-south-1",
    "us-isof-east-1",
    "eu-isoe-west-1",
];

/// Regions of VPCs and CloudWatch alarms: `VPCRegion`, `CloudWatchRegion`.
pub(crate) fn all_regions() -> Vec<&'static str> {
    [LATENCY_REGIONS, ISOLATED_REGIONS].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_distinct() {
        let mut regions = all_regions();
        regions.sort_unstable();
        regions.dedup();
        assert_eq!(regions.len(), 46);
        assert_eq!(LATENCY_REGIONS.len(), 39);
        assert!(CHECKER_REGIONS.iter().all(|region| LATENCY_REGIONS.contains(region)));
    }
}
