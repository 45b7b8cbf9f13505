//! Which hosted zone ids AWS services have, for aliases to them.

/// The table: kind, Region, suffix of the DNS names, hosted zone id.
const TABLE: &str = include_str!("../../data/elb_zone_ids.csv");

/// What is known about the zone id of an alias target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AliasZone {
    /// The end of the DNS names of the service in that Region.
    pub(crate) dns_suffix: &'static str,
    /// Whether `EvaluateTargetHealth` may be true.
    pub(crate) can_evaluate_health: bool,
}

/// The AWS service that a hosted zone id stands for; none for ids that are not in the table.
pub(crate) fn alias_zone(hosted_zone_id: &str) -> Option<AliasZone> {
    rows().find(|row| row.hosted_zone_id == hosted_zone_id).map(|row| AliasZone {
        dns_suffix: row.dns_suffix,
        // A health evaluation of a distribution is refused, Developer Guide, "Values specific for alias records".
        can_evaluate_health: row.kind != "cloudfront",
    })
}

struct Row {
    kind: &'static str,
    dns_suffix: &'static str,
    hosted_zone_id: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        let (kind, _region) = (fields.next()?, fields.next()?);
        Some(Row { kind, dns_suffix: fields.next()?, hosted_zone_id: fields.next()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete() {
        assert_eq!(rows().count(), 78);
        assert!(rows().all(|row| row.hosted_zone_id.starts_with('Z') && row.dns_suffix.contains('.')));
    }

    #[test]
    fn distributions_have_no_health() {
        assert!(!alias_zone("Z2FDTNDATAQYW2").unwrap().can_evaluate_health);
        let frankfurt = alias_zone("Z215JYRZR1TBD5").unwrap();
        assert_eq!(
            (frankfurt.dns_suffix, frankfurt.can_evaluate_health),
            ("eu-central-1.elb.amazonaws.com", true)
        );
        assert_eq!(alias_zone("Z0EXAMPLE"), None);
    }
}
