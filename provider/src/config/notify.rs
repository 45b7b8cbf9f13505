//! Who is told of releases.

use multicluster::notify::{InvalidService, Notifier, Service, Timing};
use secrecy::SecretString;
use tfplugin::schema::{Attribute, Nesting};
use tfplugin::{Diagnostics, Node};

use super::connection::clock;
use super::named::{self, Entries, Named};
use crate::validators::sentence;

/// The notifiers of the provider block.
#[derive(Debug)]
pub(crate) struct Notify(Entries<Service>);

impl Default for Notify {
    fn default() -> Self {
        Self(Entries::new("notify"))
    }
}

impl Notify {
    /// Takes the `notify` attribute.
    pub(crate) fn configure(&self, notify: &Node<'_>) {
        self.0.configure(notify, service);
    }

    /// A notifier of this name for one release: each has a message of its own. Nothing is sent.
    pub(crate) fn notifier(&self, name: &str) -> Named<Notifier> {
        match self.0.get(name) {
            Named::Known(service) => match Notifier::new(name, &service, clock(), Timing::default()) {
                Ok(notifier) => Named::Known(notifier),
                Err(error) => Named::Invalid(sentence(&error)),
            },
            Named::Unknown => Named::Unknown,
            Named::Missing(missing) => Named::Missing(missing),
            Named::Invalid(problem) => Named::Invalid(problem),
        }
    }
}

/// A known entry. The schema's validators have checked that it is of one form.
fn service(node: &Node<'_>) -> Service {
    let text = |name: &str| node.attribute(name).str().map(str::to_owned);
    let secret = |name: &str| text(name).map(SecretString::from);
    if let Some(url) = secret("slack_webhook") {
        return Service::SlackWebhook { url };
    }
    if let Some(token) = secret("slack_token") {
        let channel = text("slack_channel").unwrap_or_default();
        return Service::SlackBot { token, channel, api: text("slack_api_url") };
    }
    if let Some(url) = secret("rocket_chat_webhook") {
        return Service::RocketChat { url };
    }
    if let Some(url) = secret("teams_webhook") {
        return Service::Teams { url };
    }
    Service::Webhook { url: secret("webhook").unwrap_or_default(), secret: secret("webhook_secret") }
}

/// The attribute `notify` of the provider block.
pub(super) fn attribute() -> Attribute {
    let secret = |description: &str| Attribute::string(description).sensitive();
    Attribute::nested(
        Nesting::Map,
        "Who is told of releases, by a name of your choice. Each entry has exactly one form: `slack_webhook`, `slack_token`, \
         `rocket_chat_webhook`, `teams_webhook` or `webhook`. Any value may be known only after apply. One that cannot be \
         told is a warning and never stops a release.",
        [
            (
                "slack_webhook",
                secret(
                    "Incoming webhook of Slack. It cannot edit: a message when a release starts, and where somebody has \
                     to know.",
                ),
            ),
            (
                "slack_token",
                secret(
                    "Bot token of Slack (scope `chat:write`), together with `slack_channel`: one message per release, \
                     kept up to date, and replies where somebody has to know.",
                ),
            ),
            ("slack_channel", Attribute::string("Id or name of the channel. The bot must be in it.")),
            (
                "slack_api_url",
                Attribute::string("Instead of `https://slack.com/api`, as for GovSlack or tests."),
            ),
            ("rocket_chat_webhook", secret("Incoming webhook of Rocket.Chat.")),
            ("teams_webhook", secret("URL of a workflow of Microsoft Teams that begins with a webhook request.")),
            ("webhook", secret("URL that gets every event as JSON.")),
            (
                "webhook_secret",
                secret(
                    "What deliveries to `webhook` are signed with: `X-Signature-256` is `sha256=` and the HMAC of \
                     `X-Timestamp`, a dot and the body.",
                ),
            ),
        ],
    )
    .validate(named::names)
    .validate(forms)
}

/// The attributes that make up the forms of an entry.
const FORMS: [&str; 5] = ["slack_webhook", "slack_token", "rocket_chat_webhook", "teams_webhook", "webhook"];

/// What belongs to which form.
const WITH: [(&str, &str); 3] =
    [("slack_channel", "slack_token"), ("slack_api_url", "slack_token"), ("webhook_secret", "webhook")];

/// Each entry has exactly one form, and can be used as far as it is known.
fn forms(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    for (_, entry) in node.entries() {
        if entry.is_unknown() {
            continue;
        }
        let given = |name: &str| !entry.attribute(name).is_null();
        let forms: Vec<_> = FORMS.iter().copied().filter(|name| given(name)).collect();
        let &[form] = forms.as_slice() else {
            let names: Vec<_> = if forms.is_empty() { FORMS.to_vec() } else { forms };
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let detail = format!("Give the entry exactly one of {}.", names.join(", "));
            diagnostics.error_at(entry.path(), "Not one form", detail);
            continue;
        };
        let mut fits = true;
        for (name, owner) in WITH.iter().filter(|(name, owner)| given(name) && *owner != form) {
            let detail = format!("`{name}` belongs to `{owner}`.");
            diagnostics.error_at(entry.attribute(name).path(), "Conflicting form", detail);
            fits = false;
        }
        if form == "slack_token" && !given("slack_channel") {
            let detail = "`slack_token` and `slack_channel` go together.";
            diagnostics.error_at(entry.path(), "Incomplete form", detail);
            fits = false;
        }
        if fits && entry.is_wholly_known() {
            usable(&entry, diagnostics);
        }
    }
}

fn usable(entry: &Node<'_>, diagnostics: &mut Diagnostics) {
    let made = Notifier::new("", &service(entry), clock(), Timing::default());
    if let Err(error) = made {
        let InvalidService { field, .. } = error;
        diagnostics.error_at(entry.attribute(field).path(), "Invalid notifier", sentence(&error));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tfplugin::Value;

    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Value {
        Value::map(attributes.iter().map(|(name, value)| (*name, Value::from(*value))))
    }

    fn problems(entry: Value) -> Vec<String> {
        let value = Value::map([("ops", entry)]);
        let mut diagnostics = Diagnostics::new();
        forms(&Node::root(&value), &mut diagnostics);
        diagnostics.iter().map(|it| it.detail.clone()).collect()
    }

    const HOOK: (&str, &str) = ("slack_webhook", "https://hooks.slack.com/services/T/B/secret");

    #[rstest]
    #[case::slack(&[HOOK], None)]
    #[case::bot(&[("slack_token", "xoxb-1"), ("slack_channel", "#ops")], None)]
    #[case::signed(&[("webhook", "https://h"), ("webhook_secret", "s")], None)]
    #[case::nothing(
        &[],
        Some("Give the entry exactly one of `slack_webhook`, `slack_token`, `rocket_chat_webhook`, `teams_webhook`, `webhook`.")
    )]
    #[case::two(&[HOOK, ("webhook", "https://h")], Some("Give the entry exactly one of `slack_webhook`, `webhook`."))]
    #[case::no_channel(&[("slack_token", "xoxb-1")], Some("`slack_token` and `slack_channel` go together."))]
    #[case::a_channel_too_much(&[HOOK, ("slack_channel", "#ops")], Some("`slack_channel` belongs to `slack_token`."))]
    #[case::a_secret_too_much(&[HOOK, ("webhook_secret", "s")], Some("`webhook_secret` belongs to `webhook`."))]
    #[case::without_tls(
        &[("teams_webhook", "http://h/secret")],
        Some("`teams_webhook` must begin with `https://`: whoever reads it on its way could post in your name.")
    )]
    #[case::no_url(&[("rocket_chat_webhook", "secret")], Some("`rocket_chat_webhook` is not a URL."))]
    fn entries(#[case] attributes: &[(&str, &str)], #[case] expected: Option<&str>) {
        let found = problems(entry(attributes));
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            expected.into_iter().collect::<Vec<_>>()
        );
        assert!(found.iter().all(|problem| !problem.contains("/secret")));
    }

    #[test]
    fn what_is_not_known_yet_is_not_refused() {
        assert!(problems(Value::Unknown).is_empty());
        assert!(problems(Value::map([("teams_webhook", Value::Unknown)])).is_empty());
    }

    #[test]
    fn notifiers_by_name() {
        let notify = Notify::default();
        assert!(matches!(notify.notifier("ops"), Named::Unknown));
        let later = Value::map([("webhook", Value::Unknown)]);
        let value = Value::map([("ops", entry(&[HOOK])), ("later", later)]);
        notify.configure(&Node::root(&value));
        assert!(matches!(notify.notifier("ops"), Named::Known(_)));
        assert!(matches!(notify.notifier("later"), Named::Unknown));
        let Named::Missing(missing) = notify.notifier("dev") else { panic!("it is there") };
        assert_eq!(
            missing.to_string(),
            "The provider block has no entry `dev` in `notify`; it has `later`, `ops`."
        );
        assert!(!format!("{notify:?}").contains("secret"));
    }
}
