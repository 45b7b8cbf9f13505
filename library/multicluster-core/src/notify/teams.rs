//! Microsoft Teams: an Adaptive Card for a workflow's webhook. A message may have 28 KB.

use serde_json::{Value, json};

use super::text::{Line, clusters, detail, facts, headline, link, metrics};
use super::{Message, Tone};

/// The message for a workflow.
#[must_use]
pub fn teams(message: &Message) -> Value {
    let tone: Tone = message.event.kind.tone();
    let mut body = vec![json!({
        "type": "TextBlock", "text": escape(&headline(message)), "weight": "Bolder", "wrap": true,
        "color": tone.card_color(),
    })];
    let detail = detail(message);
    if !detail.is_empty() {
        body.push(json!({ "type": "TextBlock", "text": escape(&detail), "wrap": true }));
    }
    body.extend(fact_set(clusters(&message.summary).into_iter().map(|Line { name, value }| (name, value))));
    body.extend(fact_set(metrics(&message.summary).into_iter().map(|Line { name, value }| (name, value))));
    body.extend(fact_set(facts(message).into_iter().map(|(name, value)| (name.to_owned(), value))));
    let actions: Vec<_> = link(&message.summary)
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Details", "url": link }))
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
                "actions": actions,
            },
        }],
    })
}

fn fact_set(facts: impl Iterator<Item = (String, String)>) -> Option<Value> {
    let facts: Vec<_> =
        facts.map(|(name, value)| json!({ "title": escape(&name), "value": escape(&value) })).collect();
    (!facts.is_empty()).then(|| json!({ "type": "FactSet", "facts": facts }))
}

/// The characters that have a meaning in the Markdown of cards. What begins a list or a heading does so only at the
/// beginning.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (index, c) in text.chars().enumerate() {
        let always = matches!(c, '\\' | '*' | '_' | '[' | ']' | '`' | '~' | '<' | '>');
        if always || (index == 0 && matches!(c, '-' | '+' | '#')) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
