//! Where messages go.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::web::{Scrub, is_loopback};

/// A service that takes messages. `Debug` shows its kind only: the address of a chat's webhook is a secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Service {
    /// An incoming webhook of Slack, or of what takes the same messages.
    SlackWebhook {
        /// The webhook.
        url: SecretString,
    },
    /// Slack's API with a bot's token (scope `chat:write`).
    SlackBot {
        /// `xoxb-…`.
        token: SecretString,
        /// The channel's id or name. The bot must be in it.
        channel: String,
        /// Instead of `https://slack.com/api`.
        api: Option<String>,
    },
    /// An incoming webhook of Rocket.Chat.
    RocketChat {
        /// The webhook.
        url: SecretString,
    },
    /// A workflow of Microsoft Teams that begins with a webhook request.
    Teams {
        /// The workflow's address.
        url: SecretString,
    },
    /// Anything that takes JSON.
    Webhook {
        /// The address.
        url: SecretString,
        /// What deliveries are signed with; without it they are not signed.
        secret: Option<SecretString>,
    },
}

/// A service that cannot be used, known without connecting. Holds no address and no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct InvalidService {
    /// The setting, as the provider block calls it: `slack_webhook`.
    pub field: &'static str,
    /// What is wrong with it; never its content.
    pub problem: &'static str,
}

const SLACK_API: &str = "https://slack.com/api";

/// A service whose addresses have been read.
pub(super) enum Target {
    Slack(Url),
    SlackBot { token: SecretString, channel: String, post: Url, update: Url },
    RocketChat(Url),
    Teams(Url),
    Webhook { url: Url, secret: Option<SecretString> },
}

impl Target {
    pub(super) fn new(service: &Service) -> Result<Self, InvalidService> {
        Ok(match service {
            Service::SlackWebhook { url } => Self::Slack(secret_url("slack_webhook", url)?),
            Service::SlackBot { token, channel, api } => {
                let api = address("slack_api_url", api.as_deref().unwrap_or(SLACK_API), Plain::OnLoopback)?;
                let token = token.expose_secret().trim();
                if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return invalid("slack_token", "is empty or holds characters that no token holds");
                }
                if channel.trim().is_empty() {
                    return invalid("slack_channel", "must be the channel's id or name");
                }
                Self::SlackBot {
                    token: token.into(),
                    channel: channel.trim().to_owned(),
                    post: method(&api, "chat.postMessage"),
                    update: method(&api, "chat.update"),
                }
            }
            Service::RocketChat { url } => Self::RocketChat(secret_url("rocket_chat_webhook", url)?),
            Service::Teams { url } => Self::Teams(secret_url("teams_webhook", url)?),
            Service::Webhook { url, secret } => {
                if secret.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
                    return invalid(
                        "webhook_secret",
                        "is empty: leave it out if deliveries need no signature",
                    );
                }
                Self::Webhook {
                    url: address("webhook", url.expose_secret(), Plain::Anywhere)?,
                    secret: secret.clone(),
                }
            }
        })
    }

    /// Whether it is on this machine, where no proxy leads.
    pub(super) fn is_on_loopback(&self) -> bool {
        let url = match self {
            Self::Slack(url) | Self::RocketChat(url) | Self::Teams(url) => url,
            Self::SlackBot { post, .. } => post,
            Self::Webhook { url, .. } => url,
        };
        url.host_str().is_some_and(is_loopback)
    }

    /// Whether every event counts, and not only how things stand.
    pub(super) fn takes_all(&self) -> bool {
        matches!(self, Self::Webhook { .. })
    }

    /// What must not be in any message: tokens, and addresses whole and by the parts that only few know.
    pub(super) fn secrets(&self) -> Scrub {
        let mut secrets: Vec<SecretString> = Vec::new();
        let url = match self {
            Self::Slack(url) | Self::RocketChat(url) | Self::Teams(url) => Some(url),
            Self::SlackBot { token, .. } => {
                secrets.push(token.clone());
                None
            }
            Self::Webhook { url, secret } => {
                secrets.extend(secret.clone());
                Some(url)
            }
        };
        if let Some(url) = url {
            secrets.push(url.as_str().into());
            secrets.push(url.path().into());
            secrets.extend(
                url.path_segments().into_iter().flatten().filter(|part| part.len() >= 8).map(Into::into),
            );
            secrets.extend(url.query().map(Into::into));
            secrets.extend(
                url.query_pairs().filter(|(_, value)| value.len() >= 8).map(|(_, value)| (&*value).into()),
            );
        }
        Scrub::new(secrets)
    }
}

/// Whether an address may be one without TLS.
#[derive(Clone, Copy)]
enum Plain {
    Anywhere,
    OnLoopback,
}

fn secret_url(field: &'static str, url: &SecretString) -> Result<Url, InvalidService> {
    address(field, url.expose_secret(), Plain::OnLoopback)
}

fn address(field: &'static str, text: &str, plain: Plain) -> Result<Url, InvalidService> {
    let Ok(url) = Url::parse(text.trim()) else {
        return invalid(field, "is not a URL");
    };
    let host = url.host_str().unwrap_or_default();
    match (url.scheme(), plain) {
        _ if host.is_empty() => invalid(field, "names no host"),
        ("https", _) | ("http", Plain::Anywhere) => Ok(url),
        ("http", Plain::OnLoopback) if is_loopback(host) => Ok(url),
        ("http", Plain::OnLoopback) => {
            invalid(field, "must begin with `https://`: whoever reads it on its way could post in your name")
        }
        (_, Plain::Anywhere) => invalid(field, "must begin with `https://` or `http://`"),
        (_, Plain::OnLoopback) => invalid(field, "must begin with `https://`"),
    }
}

fn invalid<T>(field: &'static str, problem: &'static str) -> Result<T, InvalidService> {
    Err(InvalidService { field, problem })
}

fn method(api: &Url, name: &str) -> Url {
    let mut url = api.clone();
    // An address with a host can have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(name);
    }
    url
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SlackWebhook { .. } => "SlackWebhook",
            Self::SlackBot { .. } => "SlackBot",
            Self::RocketChat { .. } => "RocketChat",
            Self::Teams { .. } => "Teams",
            Self::Webhook { .. } => "Webhook",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn slack(url: &str) -> Service {
        Service::SlackWebhook { url: url.into() }
    }

    fn webhook(url: &str, secret: Option<&str>) -> Service {
        Service::Webhook { url: url.into(), secret: secret.map(Into::into) }
    }

    fn bot(token: &str, channel: &str, api: Option<&str>) -> Service {
        Service::SlackBot { token: token.into(), channel: channel.into(), api: api.map(str::to_owned) }
    }

    #[rstest]
    #[case::slack(slack("https://hooks.slack.com/services/T/B/secret"), None)]
    #[case::on_loopback(slack("http://127.0.0.1:1/services/T/B/secret"), None)]
    #[case::plain(
        slack("http://hooks.example.com/secret"),
        Some("`slack_webhook` must begin with `https://`: ")
    )]
    #[case::no_url(slack("secret"), Some("`slack_webhook` is not a URL"))]
    #[case::another_scheme(slack("ftp://h/secret"), Some("`slack_webhook` must begin with `https://`"))]
    #[case::plain_webhook(webhook("http://ci.internal/hook", None), None)]
    #[case::empty_secret(webhook("https://h", Some("")), Some("`webhook_secret` is empty"))]
    #[case::bot(bot("xoxb-secret", "#ops", None), None)]
    #[case::no_channel(bot("xoxb-secret", " ", None), Some("`slack_channel` must be"))]
    #[case::a_token_of_two_lines(bot("a\nsecret", "#ops", None), Some("`slack_token` is empty or holds"))]
    #[case::plain_api(
        bot("xoxb-secret", "#ops", Some("http://slack.example.com")),
        Some("`slack_api_url` must begin")
    )]
    fn services(#[case] service: Service, #[case] problem: Option<&str>) {
        let found = Target::new(&service).err().map(|error| error.to_string());
        match (&found, problem) {
            (None, None) => {}
            (Some(found), Some(problem)) => {
                assert!(found.starts_with(problem) && !found.contains("secret\""), "{found}");
            }
            _ => panic!("{found:?}"),
        }
        assert!(!format!("{service:?}").contains("secret"));
    }

    #[test]
    fn the_parts_of_an_address_are_secret_too() {
        let target =
            Target::new(&slack("https://hooks.slack.com/services/T0000000/B0000000/aBcDeFgHiJ")).unwrap();
        assert_eq!(
            target.secrets().line("no hook aBcDeFgHiJ of T0000000"),
            "no hook [redacted] of [redacted]"
        );
    }
}
