use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::strategy::Strategy;
use rstest::rstest;
use serde_json::Value;

use super::*;

fn cluster(name: &str, mark: Mark, weight: Option<u8>, note: &str) -> ClusterLine {
    ClusterLine { name: name.to_owned(), mark, weight, note: note.to_owned() }
}

fn message(kind: EventKind) -> Message {
    Message {
        event: Event {
            release: "r-0123456789".to_owned(),
            kind,
            text: "azure: success-rate 0.85 failed 4 times (limit 3)".to_owned(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        },
        summary: Summary {
            name: "frontend".to_owned(),
            namespace: "guestbook".to_owned(),
            from: Some("3f2a".to_owned()),
            to: "9b1c".to_owned(),
            phase: "rolling_back".to_owned(),
            clusters: vec![
                cluster("gcp", Mark::Returned, Some(0), "wave first"),
                cluster("azure", Mark::Failed, Some(20), "success-rate"),
                cluster("aws", Mark::Pending, None, ""),
            ],
            metrics: vec![MetricLine {
                name: "success-rate".to_owned(),
                cluster: Some("azure".to_owned()),
                value: "0.85".to_owned(),
                condition: "result[0] >= 0.90".to_owned(),
                mark: Mark::Failed,
            }],
            elapsed: Duration::from_secs(200),
            remaining: None,
            approved_by: Some("Ann <!channel> @all *x*".to_owned()),
            link: Some("https://ci.example.com/run/7?a=1&b=2".to_owned()),
        },
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn a_release_in_slack() {
    insta::assert_snapshot!(pretty(&slack(&message(EventKind::Rollback))));
}

#[test]
fn a_loud_word_in_slack() {
    insta::assert_snapshot!(pretty(&slack_reply(&message(EventKind::Rollback))));
}

#[test]
fn a_release_in_rocket_chat() {
    insta::assert_snapshot!(pretty(&rocket_chat(&message(EventKind::Rollback))));
}

#[test]
fn a_release_in_teams() {
    insta::assert_snapshot!(pretty(&teams(&message(EventKind::Rollback))));
}

#[test]
fn a_release_for_programs() {
    insta::assert_snapshot!(pretty(&event_json(&message(EventKind::Rollback))));
}

#[rstest]
#[case::first(None, EventKind::Started, "frontend in guestbook, 9b1c: release started")]
#[case::approval(
    Some("3f2a"),
    EventKind::ApprovalNeeded,
    "frontend in guestbook, 3f2a → 9b1c: approval needed"
)]
#[case::done(Some("3f2a"), EventKind::Done, "frontend in guestbook, 3f2a → 9b1c: released")]
fn headlines(#[case] from: Option<&str>, #[case] kind: EventKind, #[case] expected: &str) {
    let mut message = message(kind);
    message.summary.from = from.map(str::to_owned);
    assert_eq!(headline(&message), expected);
}

#[test]
fn many_clusters_are_counted() {
    let mut message = message(EventKind::Wave);
    message.summary.clusters = (0..50)
        .map(|n| cluster(&format!("c{n}"), if n < 30 { Mark::Done } else { Mark::Pending }, None, ""))
        .collect();
    let shown = slack(&message).to_string();
    assert!(shown.contains("c19") && !shown.contains("c20"), "{shown}");
    assert!(shown.contains("… and 30 more"), "{shown}");
    assert!(shown.contains("20 ·, 10 ✓"), "{shown}");
    assert!(event_json(&message).to_string().contains("c49"));
}

#[rstest]
#[case::web("https://ci.example.com/1?a=b&c=d#e", true)]
#[case::plain("http://10.0.0.1:8080/x", true)]
#[case::script("javascript:alert(1)", false)]
#[case::two_links("https://a.example.com|https://b.example.com", false)]
#[case::ends_the_link("https://a.example.com> <!channel", false)]
#[case::blanks("https://a.example.com/a b", false)]
fn links(#[case] link: &str, #[case] shown: bool) {
    let mut message = message(EventKind::Step);
    message.summary.link = Some(link.to_owned());
    for payload in [slack(&message), rocket_chat(&message), teams(&message)] {
        assert_eq!(payload.to_string().contains("Details"), shown, "{payload}");
    }
}

#[test]
fn only_what_somebody_has_to_know_is_loud() {
    use EventKind::{
        Analysis, ApprovalNeeded, Done, Failed, Frozen, Halted, Holding, Interrupted, Rollback, RolledBack,
        Started, Step, Wave,
    };
    for quiet in [Started, Wave, Step, Analysis, Holding, Frozen, Interrupted] {
        assert!(!quiet.is_loud(), "{quiet:?}");
    }
    for loud in [ApprovalNeeded, Rollback, RolledBack, Halted, Done, Failed] {
        assert!(loud.is_loud(), "{loud:?}");
    }
}

/// All texts in a payload.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Texts that want to be more than text.
fn hostile() -> impl Strategy<Value = String> {
    let pieces =
        ["<!channel>", "<@U1>", "@all", "@here", "```", "*", "_", "[x](https://e.example)", "&", "\u{202e}"];
    let piece = select(pieces.to_vec()).prop_map(str::to_owned);
    vec(proptest::prop_oneof![piece, "(?s).{0,40}"], 0..30).prop_map(|pieces| pieces.concat())
}

fn hostile_message() -> impl Strategy<Value = Message> {
    (hostile(), hostile(), any::<u8>(), 0..60_usize, any::<u64>()).prop_map(
        |(one, two, weight, count, seconds)| {
            let mut message = message(EventKind::Failed);
            let line = cluster(&one, Mark::Failed, Some(weight), &two);
            let metric = MetricLine {
                name: two.clone(),
                cluster: Some(one.clone()),
                value: two.clone(),
                condition: one.clone(),
                mark: Mark::Unclear,
            };
            message.event.text.clone_from(&one);
            message.event.release.clone_from(&two);
            let summary = &mut message.summary;
            summary.name.clone_from(&one);
            summary.namespace.clone_from(&two);
            summary.from = Some(two.clone());
            summary.to.clone_from(&one);
            summary.phase.clone_from(&two);
            summary.approved_by = Some(one.clone());
            summary.link = Some(format!("https://e.example/{two}"));
            summary.clusters = vec![line; count];
            summary.metrics = vec![metric; count];
            summary.elapsed = Duration::from_secs(seconds);
            summary.remaining = Some(Duration::from_secs(seconds / 2));
            message
        },
    )
}

proptest! {
    // Messages are long, and so is what is made of them.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slack_is_within_its_limits_and_calls_nobody(message in hostile_message()) {
        for payload in [slack(&message), slack_reply(&message)] {
            prop_assert!(payload.to_string().len() < 40_000);
            for block in payload["attachments"][0]["blocks"].as_array().unwrap() {
                for text in texts(block) {
                    prop_assert!(text.chars().count() <= 3000);
                }
                let text = &block["text"];
                if text["type"] == "mrkdwn" {
                    let text = text["text"].as_str().unwrap();
                    prop_assert!(!text.contains('<') && !text.contains('>'));
                    prop_assert_eq!(text.matches("```").count(), 2);
                }
            }
            let headline = payload["text"].as_str().unwrap();
            prop_assert!(!headline.contains('<'));
        }
    }

    #[test]
    fn rocket_chat_is_within_its_limits_and_calls_nobody(message in hostile_message()) {
        let mut payload = rocket_chat(&message);
        // An address is followed, not read.
        payload["attachments"][0]["title_link"].take();
        prop_assert!(texts(&payload["attachments"]).iter().map(|text| text.chars().count()).sum::<usize>() < 9000);
        for text in texts(&payload) {
            for (index, _) in text.match_indices('@') {
                let defused = text[index..].starts_with("@\u{200b}");
                prop_assert!(defused, "{}", text);
            }
            // Within a code block nothing is a link.
            let outside: String = text.split("```").step_by(2).collect();
            prop_assert!(!outside.contains("[x]"));
        }
    }

    #[test]
    fn a_card_is_within_its_limits(message in hostile_message()) {
        let payload = teams(&message);
        prop_assert!(payload.to_string().len() < 28_000, "{}", payload.to_string().len());
        for text in texts(&payload["attachments"][0]["content"]["body"]) {
            prop_assert!(!text.contains("[x](") || text.contains("\\[x"));
        }
    }

    #[test]
    fn no_text_is_seen_as_another_one(message in hostile_message()) {
        for payload in [slack(&message), teams(&message), event_json(&message)] {
            let turned = payload.to_string().contains('\u{202e}');
            prop_assert!(!turned);
        }
    }

    #[test]
    fn a_line_is_one_and_bounded(text in "(?s).{0,200}", limit in 0..100_usize) {
        let line = one_line(&text, limit);
        prop_assert!(line.chars().count() <= limit + 1);
        prop_assert!(!line.chars().any(char::is_control));
    }
}
