//! Every rule is broken once; what Route 53 has accepted breaks none.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::route53::record_set::{RecordName, RecordType};
use crate::route53::testing::{name, record_set, sets, text};

const CHANGES: &str = include_str!("../../../tests/vectors/route53-changes.json");

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(CHANGES).expect("vectors");
    file["cases"].as_array().expect("cases").clone()
}

fn zone_of(case: &Value) -> ZoneFacts {
    ZoneFacts {
        id: text(&case["zone"], "id").expect("an id").to_owned(),
        name: name(text(&case["zone"], "name").expect("a name")),
        private: case["zone"]["private"].as_bool().unwrap_or_default(),
    }
}

fn zone() -> ZoneFacts {
    ZoneFacts { id: "Z0EXAMPLE0000000001".into(), name: name("example.com"), private: false }
}

fn broken(zone: &ZoneFacts, sets: &[RecordSet]) -> Vec<Rule> {
    check(zone, sets).into_iter().map(|violation| violation.rule).collect()
}

/// What the zone would hold if a batch were carried out without looking.
fn carried_out(case: &Value) -> Option<Vec<RecordSet>> {
    let decoded = |list: &Value| list.as_array()?.iter().map(record_set).collect::<Option<Vec<_>>>();
    let mut state = decoded(&case["before"])?;
    for change in case["batch"].as_array()? {
        let set = record_set(&change["ResourceRecordSet"])?;
        match text(change, "Action")? {
            "CREATE" => state.push(set),
            action => {
                state.retain(|it| it.key != set.key);
                state.extend((action == "UPSERT").then_some(set));
            }
        }
    }
    Some(state)
}

#[test]
fn what_route53_accepts_breaks_no_rule() {
    let mut checked = 0;
    for case in cases() {
        let after = &case["expect"]["after"];
        // Long lists are given as patterns, and are about batches.
        if case["expect"]["ok"] != true || after.to_string().contains("\"generate\"") {
            continue;
        }
        let sets: Vec<RecordSet> = after
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| record_set(it).unwrap_or_else(|| panic!("{it}")))
            .collect();
        let found = check(&zone_of(&case), &sets);
        assert!(found.is_empty(), "{}: {found:?}", case["id"]);
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}

#[rstest]
#[case::create_duplicate_setid("create-duplicate-setid", Rule::Duplicate)]
#[case::create_duplicate_simple("create-duplicate-simple", Rule::OnePolicy)]
#[case::upsert_weighted_over_simple("upsert-weighted-over-simple", Rule::OnePolicy)]
#[case::setid_missing("setid-missing-weighted", Rule::SetIdentifier)]
#[case::setid_missing_multivalue("setid-missing-multivalue", Rule::SetIdentifier)]
#[case::setid_without_policy("setid-without-policy", Rule::SetIdentifier)]
#[case::setid_empty("setid-empty", Rule::SetIdentifier)]
#[case::mix_latency_into_weighted("mix-latency-into-weighted", Rule::OnePolicy)]
#[case::mix_geoproximity_into_geo("mix-geoproximity-into-geo", Rule::OnePolicy)]
#[case::mix_cidr_into_geo("mix-cidr-into-geo", Rule::OnePolicy)]
#[case::mix_multivalue_into_weighted("mix-multivalue-into-weighted", Rule::OnePolicy)]
#[case::multivalue_with_simple("multivalue-with-simple", Rule::OnePolicy)]
#[case::latency_duplicate_region("latency-duplicate-region", Rule::OnePlace)]
#[case::latency_unknown_region("latency-unknown-region", Rule::Region)]
#[case::geo_duplicate_state("geo-duplicate-state", Rule::OnePlace)]
#[case::geo_duplicate_in_batch("geo-duplicate-in-batch", Rule::OnePlace)]
#[case::geo_upsert_onto_taken("geo-upsert-onto-taken-location", Rule::OnePlace)]
#[case::geo_canadian_province("geo-canadian-province", Rule::Location)]
#[case::geo_bad_state("geo-bad-state", Rule::Location)]
#[case::primary_without_check("failover-primary-without-health-check", Rule::PrimaryHealthCheck)]
#[case::two_secondaries("failover-two-secondaries", Rule::FailoverRoles)]
#[case::multivalue_alias("multivalue-alias", Rule::PolicyOfType)]
#[case::weighted_ns("weighted-ns", Rule::PolicyOfType)]
#[case::bias_100("geoproximity-bias-100", Rule::Position)]
#[case::latitude("geoproximity-latitude-out-of-range", Rule::Position)]
#[case::cidr_other_collection("cidr-other-collection", Rule::OneCollection)]
#[case::cidr_bad_character("cidr-location-bad-char", Rule::CidrLocation)]
#[case::cidr_private_zone("cidr-private-zone", Rule::CidrInPrivateZone)]
#[case::empty_values("empty-values", Rule::ValueCount)]
#[case::alias_target_other_type("alias-target-other-type", Rule::AliasTarget)]
#[case::alias_to_cname_as_a("alias-to-cname-as-a", Rule::AliasTarget)]
#[case::alias_apex_to_cname("alias-apex-to-cname", Rule::CnameAtApex)]
#[case::cloudfront_health("alias-cloudfront-eth", Rule::Alias)]
#[case::cname_then_txt("cname-then-txt", Rule::CnameAlone)]
#[case::a_then_cname("a-then-cname", Rule::CnameAlone)]
#[case::cname_two_values("cname-two-values", Rule::ValueCount)]
#[case::out_of_zone("out-of-zone", Rule::OutsideZone)]
#[case::out_of_zone_suffix("out-of-zone-suffix-trick", Rule::OutsideZone)]
#[case::out_of_zone_parent("out-of-zone-parent", Rule::OutsideZone)]
#[case::wildcard_ns("wildcard-ns", Rule::WildcardNs)]
#[case::octet_256("value-a-octet-256", Rule::Value)]
#[case::a_hostname("value-a-hostname", Rule::Value)]
#[case::a_one_bad_of_two("value-a-one-bad-of-two", Rule::Value)]
#[case::aaaa_ipv4("value-aaaa-ipv4", Rule::Value)]
#[case::txt_unquoted("value-txt-unquoted", Rule::Value)]
#[case::txt_inner_quotes("value-txt-inner-quotes", Rule::Value)]
#[case::mx_without_priority("value-mx-without-priority", Rule::Value)]
fn what_route53_refuses_is_refused(#[case] id: &str, #[case] rule: Rule) {
    let case = cases().into_iter().find(|case| case["id"] == id).expect("a case of the vectors");
    let sets = carried_out(&case).expect("sets");
    let found = check(&zone_of(&case), &sets);
    assert!(found.iter().any(|violation| violation.rule == rule), "{found:?}");
}

fn weighted(identifier: &str, address: &str) -> Value {
    json!({"Name": "www.example.com", "Type": "A", "SetIdentifier": identifier, "Weight": 1, "TTL": 60,
           "ResourceRecords": [{"Value": address}]})
}

fn alias(at: &str, to: &str) -> Value {
    json!({"Name": at, "Type": "A", "AliasTarget": {"HostedZoneId": "Z0EXAMPLE0000000001", "DNSName": to,
           "EvaluateTargetHealth": true}})
}

#[test]
fn weighted_sets_have_one_ttl() {
    let mut slow = weighted("b", "192.0.2.2");
    slow["TTL"] = json!(300);
    let sets = sets(&json!([weighted("a", "192.0.2.1"), slow, weighted("c", "192.0.2.3")]));
    let [violation] = check(&zone(), &sets).try_into().expect("one violation");
    assert_eq!((violation.rule, violation.keys.len()), (Rule::WeightedTtl, 3));
    assert_eq!(
        violation.text,
        "weighted sets must have the same TTL, or Route 53 changes it: here 60 and 300 seconds"
    );
}

#[test]
fn a_group_has_at_most_a_hundred_sets_and_thirty_by_distance() {
    let group = |count: usize, policy: &dyn Fn(usize) -> (&'static str, Value)| {
        let one = |index| {
            let mut set = weighted(&format!("s{index}"), "192.0.2.1");
            let (field, value) = policy(index);
            set.as_object_mut().expect("an object").remove("Weight");
            set[field] = value;
            set
        };
        broken(&zone(), &sets(&Value::from((0..count).map(one).collect::<Vec<_>>())))
    };
    let weight = |_| ("Weight", json!(1));
    assert_eq!(group(100, &weight), []);
    assert_eq!(group(101, &weight), [Rule::GroupSize]);
    let position = |index: usize| {
        let coordinates = json!({"Latitude": index.to_string(), "Longitude": "8.68"});
        ("GeoProximityLocation", json!({"Coordinates": coordinates, "Bias": 0}))
    };
    assert_eq!(group(30, &position), []);
    assert_eq!(group(31, &position), [Rule::GroupSize]);
}

#[test]
fn a_set_has_at_most_400_values() {
    let values = |count: usize| -> Vec<Value> {
        (0..count).map(|it| json!({"Value": format!("10.0.{}.{}", it / 256, it % 256)})).collect()
    };
    let set =
        |count| json!([{"Name": "a.example.com", "Type": "A", "TTL": 1, "ResourceRecords": values(count)}]);
    assert_eq!(broken(&zone(), &sets(&set(400))), []);
    assert_eq!(broken(&zone(), &sets(&set(401))), [Rule::ValueCount]);
}

#[test]
fn a_value_has_at_most_4000_characters() {
    let long = vec![format!("\"{}\"", "x".repeat(255)); 16].join(" ");
    let set = |value: String| {
        sets(
            &json!([{"Name": "a.example.com", "Type": "TXT", "TTL": 1, "ResourceRecords": [{"Value": value}]}]),
        )
    };
    assert_eq!(broken(&zone(), &set(long[..3999].trim_end().to_owned() + "\"")), []);
    assert_eq!(broken(&zone(), &set(long)), [Rule::Value]);
}

#[test]
fn aliases_in_a_ring_are_found_once() {
    let ring = sets(&json!([
        alias("a.example.com", "b.example.com"),
        alias("b.example.com", "c.example.com"),
        alias("c.example.com", "a.example.com"),
        alias("d.example.com", "a.example.com"),
    ]));
    let [violation] = check(&zone(), &ring).try_into().expect("one violation");
    assert_eq!(violation.rule, Rule::AliasLoop);
    assert_eq!(
        violation.text,
        "`c.example.com` A: it is an alias to `a.example.com`, which leads back to `c.example.com`"
    );
}

#[test]
fn a_long_chain_of_aliases_is_no_ring() {
    let mut chain: Vec<Value> = (0..20_000)
        .map(|it| alias(&format!("n{it}.example.com"), &format!("n{}.example.com", it + 1)))
        .collect();
    chain.push(json!({"Name": "n20000.example.com", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]}));
    assert_eq!(broken(&zone(), &sets(&Value::from(chain))), []);
}

#[rstest]
#[case::an_alias_out_of_the_zone(
    json!([alias("www.example.com", "www.example.org")]),
    Rule::AliasTarget,
    "`www.example.com` A: it is an alias to `www.example.org`, which is not in the zone `example.com`"
)]
#[case::an_alias_to_nothing(
    json!([alias("*.example.com", "gone.example.com")]),
    Rule::AliasTarget,
    "`*.example.com` A: it is an alias to `gone.example.com`, which has no records of type A"
)]
#[case::two_for_one_place(
    json!([
        {"Name": "www.example.com", "Type": "A", "SetIdentifier": "x", "GeoLocation": {"ContinentCode": "EU"},
         "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]},
        {"Name": "www.example.com", "Type": "A", "SetIdentifier": "y", "GeoLocation": {"ContinentCode": "EU"},
         "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.2"}]},
    ]),
    Rule::OnePlace,
    "`www.example.com` A has more than one set for the place `continent/EU`: x, y"
)]
#[case::an_alias_of_another_type_out_of_the_zone(
    json!([{"Name": "www.example.com", "Type": "MX", "AliasTarget": {"HostedZoneId": "Z35SXDOTRQ7X7K",
            "DNSName": "lb.us-east-1.elb.amazonaws.com", "EvaluateTargetHealth": true}}]),
    Rule::Alias,
    "`www.example.com` MX: an alias to `lb.us-east-1.elb.amazonaws.com`, outside of the zone, must be of type A or AAAA"
)]
#[case::an_unknown_type(
    json!([{"Name": "www.example.com", "Type": "WKS", "TTL": 1, "ResourceRecords": [{"Value": "x"}]}]),
    Rule::Type,
    "`www.example.com` WKS: Route 53 has no records of type WKS"
)]
#[case::a_ttl(
    json!([{"Name": "www.example.com", "Type": "A", "TTL": 2_147_483_648_u32, "ResourceRecords": [{"Value": "1.2.3.4"}]}]),
    Rule::Ttl,
    "`www.example.com` A: a TTL of 2147483648 seconds: at most 2147483647 are allowed"
)]
#[case::an_empty_health_check(
    json!([{"Name": "www.example.com", "Type": "A", "TTL": 1, "HealthCheckId": "",
            "ResourceRecords": [{"Value": "1.2.3.4"}]}]),
    Rule::HealthCheckId,
    "`www.example.com` A: the id of its health check must have 1 to 64 characters"
)]
fn a_violation_says_what_is_wrong(#[case] given: Value, #[case] rule: Rule, #[case] text: &str) {
    let [violation] = check(&zone(), &sets(&given)).try_into().expect("one violation");
    assert_eq!((violation.rule, violation.text.as_str()), (rule, text));
}

#[rstest]
#[case::null_mx("MX", "0 .", true)]
#[case::mx("MX", "10 mail.example.com", true)]
#[case::mx_priority("MX", "65536 mail.example.com", false)]
#[case::srv("SRV", "10 5 443 a.example.com", true)]
#[case::srv_sign("SRV", "+1 5 443 a.example.com", false)]
#[case::caa("CAA", "0 issue \"ca.example.net\"", true)]
#[case::caa_unquoted("CAA", "0 issue ca.example.net", false)]
#[case::ipv6("AAAA", "2001:DB8::1", true)]
#[case::ipv6_with_zone("AAAA", "fe80::1%eth0", false)]
#[case::cname("CNAME", "a.example.org.", true)]
#[case::cname_blank("CNAME", "a b", false)]
#[case::left_to_route53("NAPTR", "anything", true)]
fn values_have_forms(#[case] r#type: &str, #[case] value: &str, #[case] valid: bool) {
    assert_eq!(value::check(r#type, value).is_ok(), valid);
}

proptest! {
    /// Whatever is found is about sets that were given, and the order in which they were given does not matter.
    #[test]
    fn violations_name_their_sets(
        rows in prop::collection::vec((0..3_usize, 0..3_usize, 0..4_usize, 0..5_usize), 1..8).prop_shuffle(),
    ) {
        let set = |&(at, r#type, identifier, shape): &(usize, usize, usize, usize)| {
            let at = ["example.com", "a.example.com", "b.example.org"][at];
            let r#type = ["A", "CNAME", "TXT"][r#type];
            let mut set = json!({"Name": at, "Type": r#type});
            if shape == 0 {
                set["AliasTarget"] = json!({"HostedZoneId": "Z0EXAMPLE0000000001", "DNSName": "a.example.com",
                                            "EvaluateTargetHealth": true});
            } else {
                set["TTL"] = json!(60);
                set["ResourceRecords"] = json!([{"Value": format!("192.0.2.{shape}")}]);
            }
            if identifier > 0 {
                set["SetIdentifier"] = json!(identifier.to_string());
                set["Weight"] = json!(shape);
            }
            record_set(&set).expect("a set")
        };
        let sets: Vec<RecordSet> = rows.iter().map(set).collect();
        let found = check(&zone(), &sets);
        for violation in &found {
            prop_assert!(!violation.keys.is_empty());
            prop_assert!(violation.keys.iter().all(|key| sets.iter().any(|set| set.key == *key)));
        }
        let mut reversed = sets.clone();
        reversed.reverse();
        let rules = |found: &[Violation]| {
            let mut rules: Vec<Rule> = found.iter().map(|it| it.rule).collect();
            rules.sort_unstable();
            rules
        };
        prop_assert_eq!(rules(&found), rules(&check(&zone(), &reversed)));
    }
}

#[test]
fn keys_are_described_as_users_write_them() {
    let key = SetKey {
        name: RecordName::new("*.example.com").expect("a name"),
        r#type: RecordType::a(),
        set_identifier: Some("azure".into()),
    };
    assert_eq!(Described(&key).to_string(), "`*.example.com` A \"azure\"");
}
