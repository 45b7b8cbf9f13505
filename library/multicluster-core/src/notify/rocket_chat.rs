//! Rocket.Chat: text and attachments in its own dialect of Markdown, which has no way to escape.

use serde_json::{Value, json};

use super::text::{clusters, detail, facts, headline, link, metrics, table};
use super::{Message, Tone};

/// A message takes 5000 characters by default, attachments included.
const TABLE: usize = 1800;

/// The message for an incoming webhook.
#[must_use]
pub fn rocket_chat(message: &Message) -> Value {
    let tone: Tone = message.event.kind.tone();
    let parts = [
        defuse(&detail(message)),
        code(&table(&clusters(&message.summary), TABLE, code_text)),
        code(&table(&metrics(&message.summary), TABLE, code_text)),
    ];
    let text: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let field =
        |(title, value): &(&str, String)| json!({ "title": title, "value": defuse(value), "short": true });
    let mut attachment = json!({
        "color": tone.color(),
        "text": text.join("\n"),
        "fields": facts(message).iter().map(field).collect::<Vec<_>>(),
    });
    if let (Some(link), Some(fields)) = (link(&message.summary), attachment.as_object_mut()) {
        fields.insert("title".to_owned(), "Details".into());
        fields.insert("title_link".to_owned(), link.into());
    }
    json!({ "text": defuse(&headline(message)), "parseUrls": false, "attachments": [attachment] })
}

fn code(table: &str) -> String {
    if table.is_empty() { String::new() } else { format!("```\n{table}\n```") }
}

/// Within a code block only its end has a meaning, and mentions, which are looked for everywhere.
fn code_text(text: &str) -> String {
    text.replace('`', "'").replace('@', "@\u{200b}")
}

/// A character of no width after each that would begin a mention, a link, an emoji or another look.
fn defuse(text: &str) -> String {
    let mut defused = String::new();
    for c in text.chars() {
        defused.push(c);
        if matches!(c, '@' | '#' | '*' | '_' | '~' | '`' | '[' | '!' | '>' | '<' | '\\') {
            defused.push('\u{200b}');
        }
    }
    // `https://…` would become a link to wherever the text says.
    defused.replace("://", ":\u{200b}//")
}
