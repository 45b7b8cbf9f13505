//! The hosted zones of AWS services: what an alias to a load balancer, a distribution or an accelerator names beside
//! its DNS name.
//!
//! AWS publishes the zones of load balancers by region. The table grows with each new region, so that a zone can
//! always be given by hand instead.

/// A kind of AWS service that an alias can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AliasService {
    /// An Application or Classic Load Balancer.
    LoadBalancer,
    /// A Network Load Balancer.
    NetworkLoadBalancer,
    /// A CloudFront distribution.
    CloudFront,
    /// An accelerator of Global Accelerator.
    GlobalAccelerator,
}

/// A service that a host name belongs to, and its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasZone {
    /// The service.
    pub service: AliasService,
    /// The id of the hosted zone that an alias names.
    pub hosted_zone_id: &'static str,
}

/// Columns: kind, region, DNS suffix, hosted zone id.
const TABLE: &str = include_str!("../../data/elb_zone_ids.csv");

/// Load balancers have such names in every region.
const LOAD_BALANCERS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// The service and zone of a host name; none for a name that is not known to be one of AWS's.
///
/// # Examples
/// ```
/// use multicluster_core::route53::alias_zones::{AliasService, alias_zone};
///
/// let zone = alias_zone("dualstack.shop-1.EU-central-1.elb.amazonaws.com.").unwrap();
/// assert_eq!((zone.service, zone.hosted_zone_id), (AliasService::LoadBalancer, "Z215JYRZR1TBD5"));
/// assert_eq!(alias_zone("shop.example.com"), None);
/// ```
#[must_use]
pub fn alias_zone(hostname: &str) -> Option<AliasZone> {
    let hostname = hostname.strip_suffix('.').unwrap_or(hostname).to_ascii_lowercase();
    rows().find(|(suffix, _)| is_below(&hostname, suffix)).map(|(_, zone)| zone)
}

/// Whether a host name has the form of a load balancer of AWS, be its region known or not.
#[must_use]
pub fn looks_like_load_balancer(hostname: &str) -> bool {
    let hostname = hostname.strip_suffix('.').unwrap_or(hostname).to_ascii_lowercase();
    LOAD_BALANCERS.iter().any(|suffix| {
        hostname.strip_suffix(suffix).is_some_and(|rest| {
            // `name.region.elb` for Application and Classic, `name.elb.region` for Network Load Balancers.
            let mut labels = rest.rsplit('.');
            let (last, before) = (labels.next(), labels.next());
            labels.next().is_some() && (last == Some("elb") || before == Some("elb"))
        })
    })
}

fn rows() -> impl Iterator<Item = (&'static str, AliasZone)> {
    TABLE.lines().filter_map(|line| {
        let mut columns = line.split(',');
        let service = match columns.next()? {
            "alb_clb" => AliasService::LoadBalancer,
            "nlb" => AliasService::NetworkLoadBalancer,
            "cloudfront" => AliasService::CloudFront,
            "awsglobalaccelerator" => AliasService::GlobalAccelerator,
            _ => return None,
        };
        let suffix = columns.nth(1)?;
        Some((suffix, AliasZone { service, hosted_zone_id: columns.next()? }))
    })
}

fn is_below(hostname: &str, suffix: &str) -> bool {
    hostname.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::application("k8s-shop-1.us-east-1.elb.amazonaws.com", Some("Z35SXDOTRQ7X7K"))]
    #[case::network("a1.elb.us-east-1.amazonaws.com", Some("Z26RNL4JYFTOTI"))]
    #[case::china("a1.cn-north-1.elb.amazonaws.com.cn", Some("Z1GDH35T77C1KE"))]
    #[case::cloudfront("d111111abcdef8.cloudfront.net", Some("Z2FDTNDATAQYW2"))]
    #[case::accelerator("a123.awsglobalaccelerator.com", Some("Z2BJ6XQ5FK7U4H"))]
    #[case::dual_accelerator("a123.dualstack.awsglobalaccelerator.com", Some("Z2BJ6XQ5FK7U4H"))]
    #[case::the_suffix_itself("us-east-1.elb.amazonaws.com", None)]
    #[case::no_name_before(".us-east-1.elb.amazonaws.com", None)]
    #[case::by_label_not_by_text("xus-east-1.elb.amazonaws.com", None)]
    #[case::unknown_region("a.xx-nowhere-9.elb.amazonaws.com", None)]
    #[case::another("shop.azure.com", None)]
    fn zones(#[case] hostname: &str, #[case] id: Option<&str>) {
        assert_eq!(alias_zone(hostname).map(|zone| zone.hosted_zone_id), id);
    }

    #[rstest]
    #[case::known("a.us-east-1.elb.amazonaws.com", true)]
    #[case::application_of_a_new_region("a.xx-nowhere-9.elb.amazonaws.com", true)]
    #[case::network_of_a_new_region("a.elb.xx-nowhere-9.amazonaws.com.", true)]
    #[case::dual_stack("dualstack.a.xx-nowhere-9.elb.amazonaws.com", true)]
    #[case::another_service("bucket.s3.xx-nowhere-9.amazonaws.com", false)]
    #[case::no_name("xx-nowhere-9.elb.amazonaws.com", false)]
    fn load_balancers(#[case] hostname: &str, #[case] is: bool) {
        assert_eq!(looks_like_load_balancer(hostname), is);
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines - 1, "all but the heading");
        let suffixes: BTreeSet<&str> = rows().map(|(suffix, _)| suffix).collect();
        assert_eq!(suffixes.len(), rows().count());
    }
}
