//! Slack, and what takes its messages: Mattermost, Discord by `/slack`.
//!
//! Blocks take 3000 characters each. Text of others stands in `plain_text` or, where a fixed font is wanted, in a code
//! block with `&`, `<` and `>` escaped, since `<!channel>` and `<@U1>` would call people.

use serde_json::{Value, json};

use super::text::{clusters, detail, facts, headline, link, metrics, table};
use super::{Message, Tone};

/// A block takes 3000 characters; the marks of the code block are within.
const BLOCK: usize = 2900;

/// The message that keeps up with a release.
#[must_use]
pub fn slack(message: &Message) -> Value {
    let mut blocks = Vec::new();
    blocks.extend(plain(&detail(message)));
    blocks.extend(code(&table(&clusters(&message.summary), BLOCK, escape)));
    blocks.extend(code(&table(&metrics(&message.summary), BLOCK, escape)));
    blocks.push(context(message));
    payload(message, &blocks)
}

/// A message of its own beside it, where somebody has to know.
#[must_use]
pub fn slack_reply(message: &Message) -> Value {
    let mut blocks: Vec<_> = plain(&detail(message)).into_iter().collect();
    blocks.push(context(message));
    payload(message, &blocks)
}

fn payload(message: &Message, blocks: &[Value]) -> Value {
    let tone: Tone = message.event.kind.tone();
    json!({
        "text": escape(&headline(message)),
        "mrkdwn": false,
        "unfurl_links": false,
        "attachments": [{ "color": tone.color(), "blocks": blocks }],
    })
}

fn plain(text: &str) -> Option<Value> {
    (!text.is_empty())
        .then(|| json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } }))
}

fn code(table: &str) -> Option<Value> {
    let text = format!("```{table}```");
    (!table.is_empty())
        .then(|| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }))
}

fn context(message: &Message) -> Value {
    let facts: Vec<_> = facts(message).iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut elements = vec![json!({ "type": "plain_text", "text": facts.join("  ·  "), "emoji": false })];
    let link = link(&message.summary).map(|link| format!("<{}|Details>", link.replace('&', "&amp;")));
    elements.extend(link.map(|text| json!({ "type": "mrkdwn", "text": text, "verbatim": true })));
    json!({ "type": "context", "elements": elements })
}

/// The three characters that have a meaning in Slack, and the one that ends a code block.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "'")
}
