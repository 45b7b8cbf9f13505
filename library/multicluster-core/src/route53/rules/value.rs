//! The forms that values, regions and places must have.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dns::{Place, Subdivision};
use crate::route53::record_set::RecordName;
use crate::route53::txt;

/// The longest value in characters.
const VALUE_LIMIT: usize = 4000;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidValue {
    #[error("it has more than {VALUE_LIMIT} characters")]
    TooLong,
    #[error("an A record holds an IPv4 address, such as `192.0.2.1`")]
    Ipv4,
    #[error("an AAAA record holds an IPv6 address, such as `2001:db8::1`")]
    Ipv6,
    #[error("it must be a host name")]
    Host,
    #[error("it must be {0}")]
    Form(&'static str),
    #[error("{0}")]
    Text(#[from] txt::InvalidTxt),
}

/// Whether a value has the form of its type. Types that are not met here are left to Route 53.
pub(super) fn check(r#type: &str, value: &str) -> Result<(), InvalidValue> {
    if value.chars().count() > VALUE_LIMIT {
        return Err(InvalidValue::TooLong);
    }
    match r#type {
        "A" => value.parse::<Ipv4Addr>().map(|_| ()).map_err(|_| InvalidValue::Ipv4),
        "AAAA" => value.parse::<Ipv6Addr>().map(|_| ()).map_err(|_| InvalidValue::Ipv6),
        "CNAME" | "NS" | "PTR" => host(value),
        "TXT" | "SPF" => Ok(txt::strings(value).map(|_| ())?),
        "MX" => match *words(value).as_slice() {
            [priority, target] if number(priority) => host_or_root(target),
            _ => Err(InvalidValue::Form("a priority and a host name, such as `10 mail.example.com`")),
        },
        "SRV" => match *words(value).as_slice() {
            [priority, weight, port, target] if number(priority) && number(weight) && number(port) => {
                host_or_root(target)
            }
            _ => Err(InvalidValue::Form(
                "priority, weight, port and a host name, such as `10 5 443 a.example.com`",
            )),
        },
        "CAA" => {
            caa(value).ok_or(InvalidValue::Form("flags, a tag and a text, such as `0 issue \"ca.example\"`"))
        }
        _ => Ok(()),
    }
}

fn words(value: &str) -> Vec<&str> {
    value.split_ascii_whitespace().collect()
}

fn number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse::<u16>().is_ok()
}

fn host(value: &str) -> Result<(), InvalidValue> {
    RecordName::new(value).map(|_| ()).map_err(|_| InvalidValue::Host)
}

/// The root says that there is none (RFC 2782, RFC 7505).
fn host_or_root(value: &str) -> Result<(), InvalidValue> {
    if value == "." { Ok(()) } else { host(value) }
}

fn caa(value: &str) -> Option<()> {
    let (flags, rest) = value.split_once(' ')?;
    let (tag, text) = rest.trim_start().split_once(' ')?;
    flags.parse::<u8>().ok()?;
    let tagged = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (tagged && txt::strings(text.trim_start()).is_ok()).then_some(())
}

/// A value for a message: no longer than a line.
pub(super) fn shortened(value: &str) -> String {
    let mut text: String = value.chars().take(60).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    text
}

/// Whether Route 53 tells clients in the place from others.
///
/// # Errors
/// Why it does not.
pub(super) fn supported(place: &Place) -> Result<(), &'static str> {
    match place {
        // Continents and countries are those of its list, or they would not be.
        Place::Everywhere | Place::Continent(_) | Place::Country(_) => Ok(()),
        Place::Subdivision(part) if Subdivision::all().any(|known| known == *part) => Ok(()),
        Place::Subdivision(part) => match part.country.code() {
            "US" => Err("it is no state of the United States"),
            "UA" => Err("it is no region of Ukraine"),
            _ => Err("only the United States and Ukraine are divided"),
        },
    }
}
