use multicluster::route53::OpaqueSet;
use multicluster_core::route53::{Change, HealthCheckId, OwnerId, RecordType, Routing, SetKey, ZoneFacts};
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::super::fixture::{said, shop};
use super::super::model::{Source, model};
use super::*;

fn name() -> RecordName {
    RecordName::new("shop.example.com").unwrap()
}

fn view(sets: Vec<RecordSet>) -> View {
    let name = RecordName::new("example.com").unwrap();
    View {
        zone: ZoneFacts { id: "Z1".to_owned(), name, private: false },
        name_servers: Vec::new(),
        sets,
        opaque: Vec::new(),
    }
}

/// Decides for the main case with these changes; the errors otherwise.
fn decided(changes: &Json, view: &View, standing: Standing<'_>) -> Result<Decision, Vec<String>> {
    let mut diagnostics = Diagnostics::new();
    let Some(model) = model(&shop(changes), &mut diagnostics) else { return Err(said(&diagnostics)) };
    let targets = model.sources.iter().filter_map(|(name, source)| match source {
        Source::Target(target) => Some((name.clone(), target.clone())),
        _ => None,
    });
    let name = model.name.clone().unwrap();
    let checks = model.sources.keys().map(|name| (name.clone(), HealthCheckId(format!("check-of-{name}"))));
    let checks = HealthChecks::from(checks.collect::<BTreeMap<_, _>>());
    let known =
        Known { name: &name, view, targets: &targets.collect(), checks: &checks, collection: None, standing };
    decide(&model, known, &mut diagnostics).ok_or_else(|| said(&diagnostics))
}

/// What a zone holds after the batches, on which all deletes must be exact.
fn applied(view: &View, plan: &Plan) -> View {
    let mut sets = view.sets.clone();
    for Change { action, set } in plan.batches.iter().flat_map(|batch| &batch.changes) {
        match action {
            multicluster_core::route53::Action::Delete => {
                let at = sets.iter().position(|it| it == set).expect("it is there exactly so");
                sets.remove(at);
            }
            _ => sets.push(set.clone()),
        }
    }
    View { sets, ..view.clone() }
}

fn foreign(r#type: RecordType, value: &str) -> RecordSet {
    RecordSet {
        key: SetKey { name: name(), r#type, set_identifier: None },
        routing: Routing::Simple,
        data: Data::Values { ttl: 300, values: [value.to_owned()].into() },
        health_check_id: None,
    }
}

#[test]
fn the_main_case_is_one_batch() {
    let view = view(Vec::new());
    let decision = decided(&json!({}), &view, Standing::New).unwrap();
    assert_eq!(decision.plan.batches.len(), 1);
    assert_eq!(decision.plan.generation, 1);
    let places: Vec<String> = decision
        .desired
        .iter()
        .filter(|set| set.key.name == name() && set.key.r#type == RecordType::a())
        .map(|set| match &set.routing {
            Routing::Geolocation(place) => place.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(places.len(), 4, "{places:?}");
    assert!(
        ["*", "continent/AS", "continent/EU", "continent/NA"]
            .iter()
            .all(|it| places.contains(&(*it).to_owned()))
    );
}

#[test]
fn what_was_done_needs_nothing_more() {
    let before = view(Vec::new());
    let first = decided(&json!({}), &before, Standing::New).unwrap();
    let after = applied(&before, &first.plan);
    let second = decided(&json!({}), &after, Standing::Ours(&name())).unwrap();
    assert!(second.plan.batches.is_empty(), "{:?}", second.plan);
    assert_eq!(second.plan.generation, 1);
    // A create that was cut short after its batch goes on, since nothing is left to do.
    assert!(decided(&json!({}), &after, Standing::New).unwrap().plan.batches.is_empty());
}

#[test]
fn a_name_that_exists_is_not_made_again_otherwise() {
    let before = view(Vec::new());
    let after = applied(&before, &decided(&json!({}), &before, Standing::New).unwrap().plan);
    let errors = decided(&json!({ "ttl": 30 }), &after, Standing::New).unwrap_err();
    assert!(errors[0].contains("exists already") && errors[0].contains("Z1/shop.example.com"), "{errors:?}");
    let changed = decided(&json!({ "ttl": 30 }), &after, Standing::Ours(&name())).unwrap();
    assert_eq!((changed.plan.batches.len(), changed.plan.generation), (1, 2));
}

#[test]
fn a_name_is_renamed_in_one_batch() {
    let before = view(Vec::new());
    let after = applied(&before, &decided(&json!({}), &before, Standing::New).unwrap().plan);
    let old = name();
    let renamed = decided(&json!({ "name": "store.example.com" }), &after, Standing::Ours(&old)).unwrap();
    assert_eq!(renamed.plan.batches.len(), 1);
    let after = applied(&after, &renamed.plan);
    assert!(!after.sets.iter().any(|set| set.key.name == old || set.key.name.is_below(&old)), "{after:?}");
}

#[test]
fn a_mark_that_somebody_removed_is_made_again() {
    let before = view(Vec::new());
    let mut after = applied(&before, &decided(&json!({}), &before, Standing::New).unwrap().plan);
    after.sets.retain(|set| set.key.r#type != RecordType::txt());
    let again = decided(&json!({}), &after, Standing::Ours(&name())).unwrap();
    let after = applied(&after, &again.plan);
    let mark = zone::mark(&after.sets, &name()).unwrap();
    assert_eq!(mark.owner, OwnerId::new("shop").unwrap());
}

#[rstest]
#[case::a_private_address(
    json!({ "endpoints": { "azure": { "values": ["10.0.0.7"] } } }), vec![],
    "endpoints[\"azure\"]", "10.0.0.7"
)]
#[case::another_zone(json!({ "name": "shop.example.net" }), vec![], "name", "not within the zone")]
#[case::records_of_nobody(
    json!({}), vec![foreign(RecordType::a(), "192.0.2.1")],
    "name", "takeover = [\"aws_route53_record\"]"
)]
#[case::a_plain_name_at_the_apex(
    json!({ "name": "example.com", "endpoints": { "aws": { "hostname": "shop.azurefd.net" } } }), vec![],
    "endpoints[\"aws\"].hostname", ""
)]
fn what_cannot_be_is_refused(
    #[case] changes: Json,
    #[case] sets: Vec<RecordSet>,
    #[case] path: &str,
    #[case] words: &str,
) {
    let errors = decided(&changes, &view(sets), Standing::New).unwrap_err();
    let named = errors.iter().any(|it| it.starts_with(&format!("{path}: ")) && it.contains(words));
    assert!(named, "{errors:#?}");
}

#[test]
fn records_of_nobody_are_taken_over_if_asked_for() {
    let view = view(vec![foreign(RecordType::a(), "192.0.2.1")]);
    let taken = decided(&json!({ "takeover": ["aws_route53_record"] }), &view, Standing::New).unwrap();
    let after = applied(&view, &taken.plan);
    assert!(!after.sets.contains(&view.sets[0]));
}

#[test]
fn what_cannot_be_expressed_is_in_the_way() {
    let opaque = OpaqueSet {
        name: "shop.example.com.".to_owned(),
        r#type: "A".to_owned(),
        set_identifier: None,
        reason: "it belongs to a traffic policy".to_owned(),
    };
    let view = View { opaque: vec![opaque], ..view(Vec::new()) };
    let errors = decided(&json!({}), &view, Standing::New).unwrap_err();
    assert!(errors[0].contains("traffic policy"), "{errors:?}");
}

#[test]
fn what_others_have_at_the_name_stays() {
    let text = foreign(RecordType::txt(), "\"v=spf1 -all\"");
    let before = view(vec![text.clone()]);
    let decision = decided(&json!({}), &before, Standing::New).unwrap();
    assert!(applied(&before, &decision.plan).sets.contains(&text));
}
