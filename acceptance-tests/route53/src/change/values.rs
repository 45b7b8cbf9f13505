//! The values of a record set, by type.
//!
//! Grammars: "Supported DNS record types" of the Developer Guide and the RFCs of the types. The problem names of
//! A and TXT values were seen in public reports; the others follow their pattern.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::model::{Data, Name, RecordSet, RecordType};

/// Bytes of one character string, RFC 1035 §3.3.
const CHARACTER_STRING_MAX: usize = 255;

/// A problem in the notation of the service: its name and what it means.
type Problem = (String, &'static str);
type Checked = Result<(), Problem>;

/// What is wrong with the values of a set, one message per value.
pub(super) fn problems(set: &RecordSet) -> Vec<String> {
    let Data::Records { values, .. } = &set.data else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for value in values {
        if let Err((name, meaning)) = check(set.record_type, value) {
            found.push(format!(
                "Invalid Resource Record: FATAL problem: {name} ({meaning}) encountered with '{value}'"
            ));
        } else if !seen.insert(value) {
            found.push(format!("Duplicate Resource Record: '{value}'"));
        }
    }
    found
}

fn check(record_type: RecordType, value: &str) -> Checked {
    let fail = |name: &str, meaning| Err((format!("{record_type}{name}"), meaning));
    match record_type {
        RecordType::A | RecordType::Aaaa | RecordType::Cname | RecordType::Ns | RecordType::Ptr => {
            if value.contains([' ', '\t']) {
                return fail("RRDATANotSingleField", "Value contains spaces");
            }
            match record_type {
                RecordType::A if value.parse::<Ipv4Addr>().is_err() => {
                    fail("RRDATAIllegalIPv4Address", "Value is not a valid IPv4 address")
                }
                RecordType::Aaaa if value.parse::<Ipv6Addr>().is_err() => {
                    fail("RRDATAIllegalIPv6Address", "Value is not a valid IPv6 address")
                }
                RecordType::A | RecordType::Aaaa => Ok(()),
                _ => name(value)
                    .or_else(|()| fail("RRDATAIllegalDomainName", "Value is not a valid domain name")),
            }
        }
        RecordType::Txt | RecordType::Spf => character_strings(value),
        _ => match fields(value) {
            Some(fields) if matches_type(record_type, &fields) => Ok(()),
            _ => fail("RRDATAIllegalFormat", "Value does not have the format of its type"),
        },
    }
}

fn name(value: &str) -> Result<(), ()> {
    // A single dot is the root: "no service here" of MX and SRV records.
    if value == "." { Ok(()) } else { Name::parse(value).map(|_| ()).map_err(|_| ()) }
}

/// One or more strings in double quotes, each of at most 255 bytes, with white space between them.
fn character_strings(value: &str) -> Checked {
    let unquoted = || ("InvalidCharacterString".to_owned(), "Value should be enclosed in quotation marks");
    let mut rest = value.trim_ascii();
    loop {
        let (length, after) = character_string(rest).ok_or_else(unquoted)?;
        if length > CHARACTER_STRING_MAX {
            return Err(("CharacterStringTooLong".to_owned(), "Value is too long"));
        }
        if after.is_empty() {
            return Ok(());
        }
        rest = after.trim_ascii_start();
        if rest.len() == after.len() {
            return Err(unquoted());
        }
    }
}

/// The length of the quoted string at the start of a text, and what follows it.
fn character_string(text: &str) -> Option<(usize, &str)> {
    let body = text.strip_prefix('"')?;
    let mut length = 0;
    let mut characters = body.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((length, &body[index + 1..])),
            '\\' => {
                // `\"` and `\\`, or three octal digits for one byte.
                let (at, escaped) = characters.next()?;
                if escaped.is_digit(8) {
                    let digits = body.get(at..at + 3)?;
                    u8::from_str_radix(digits, 8).ok()?;
                    characters.nth(1)?;
                }
                length += 1;
            }
            other => length += other.len_utf8(),
        }
    }
    None
}

/// Splits at white space, keeping quoted strings whole, with their quotes.
fn fields(value: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = value.trim_ascii();
    while !rest.is_empty() {
        let end = if rest.starts_with('"') {
            rest.len() - character_string(rest)?.1.len()
        } else {
            rest.find(|character: char| character.is_ascii_whitespace()).unwrap_or(rest.len())
        };
        let (field, after) = rest.split_at_checked(end)?;
        found.push(field);
        rest = after.trim_ascii_start();
    }
    Some(found)
}

fn matches_type(record_type: RecordType, fields: &[&str]) -> bool {
    match (record_type, fields) {
        (RecordType::Mx, [priority, host]) => u16(priority) && is_name(host),
        (RecordType::Srv, [priority, weight, port, host]) => {
            u16(priority) && u16(weight) && u16(port) && is_name(host)
        }
        (RecordType::Caa, [flags, tag, value]) => {
            u8(flags) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()) && quoted(value)
        }
        (RecordType::Naptr, [order, preference, flags, service, regexp, replacement]) => {
            u16(order)
                && u16(preference)
                && quoted(flags)
                && quoted(service)
                && quoted(regexp)
                && is_name(replacement)
        }
        (RecordType::Ds, [tag, algorithm, digest_type, digest @ ..]) => {
            u16(tag) && u8(algorithm) && u8(digest_type) && hexadecimal(digest)
        }
        (RecordType::Tlsa, [usage, selector, matching, data @ ..]) => {
            u8(usage) && u8(selector) && u8(matching) && hexadecimal(data)
        }
        (RecordType::Sshfp, [algorithm, digest_type, digest @ ..]) => {
            u8(algorithm) && u8(digest_type) && hexadecimal(digest)
        }
        (RecordType::Svcb | RecordType::Https, [priority, target, parameters @ ..]) => {
            u16(priority)
                && is_name(target)
                // Priority 0 is the alias form, which has no parameters, RFC 9460 §2.4.2.
                && (parameters.is_empty() || *priority != "0")
                && parameters.iter().all(|parameter| parameter.starts_with(|first: char| first.is_ascii_alphanumeric()))
        }
        (RecordType::Soa, [server, mailbox, numbers @ ..]) => {
            is_name(server)
                && is_name(mailbox)
                && numbers.len() == 5
                && numbers.iter().all(|number| u32(number))
        }
        _ => false,
    }
}

fn is_name(field: &str) -> bool {
    name(field).is_ok()
}

fn quoted(field: &str) -> bool {
    character_string(field).is_some_and(|(length, rest)| rest.is_empty() && length <= CHARACTER_STRING_MAX)
}

fn u8(field: &str) -> bool {
    digits(field) && field.parse::<u8>().is_ok()
}

fn u16(field: &str) -> bool {
    digits(field) && field.parse::<u16>().is_ok()
}

fn u32(field: &str) -> bool {
    digits(field) && field.parse::<u32>().is_ok()
}

/// Rust's number parser also takes a leading `+`.
fn digits(field: &str) -> bool {
    field.bytes().all(|byte| byte.is_ascii_digit())
}

fn hexadecimal(fields: &[&str]) -> bool {
    !fields.is_empty() && fields.iter().all(|field| field.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(record_type: RecordType, value: &str) -> bool {
        check(record_type, value).is_ok()
    }

    #[test]
    fn texts_are_quoted_strings_of_up_to_255_bytes() {
        let of = |length: usize| format!("\"{}\"", "x".repeat(length));
        assert!(accepted(RecordType::Txt, &of(255)));
        assert!(!accepted(RecordType::Txt, &of(256)));
        assert!(accepted(RecordType::Txt, &format!("{} {}", of(255), of(9))));
        assert!(accepted(RecordType::Txt, r#""say \"so\" \\ \050""#));
        assert!(accepted(RecordType::Txt, r#""""#));
        for value in ["x", "\"x", "\"a\"\"b\"", r#""\9""#.trim_end_matches('"'), r#""\05""#, "", r#""a" b"#] {
            assert!(!accepted(RecordType::Txt, value), "{value}");
        }
    }

    #[test]
    fn every_structured_type_has_a_format() {
        let cases = [
            (RecordType::Mx, "10 mail.example.com.", "mail.example.com."),
            (RecordType::Srv, "10 5 80 host.example.com", "10 5 65536 host.example.com"),
            (RecordType::Caa, "0 issue \"ca.example.net\"", "0 issue ca.example.net"),
            (RecordType::Naptr, r#"100 50 "u" "E2U+sip" "!^.*$!sip:a@b!" ."#, "100 50 u s r ."),
            (RecordType::Ds, "123 4 5 1234567890ABCDEF", "123 4 5 xyz"),
            (RecordType::Tlsa, "3 1 1 0a0b", "3 1 1"),
            (RecordType::Sshfp, "1 1 0a0b", "256 1 0a0b"),
            (RecordType::Https, "1 . alpn=h2,h3 ipv4hint=192.0.2.1", "0 host.example.com alpn=h2"),
            (RecordType::Soa, "ns. host. 1 7200 900 1209600 86400", "ns. host. 1 7200 900 1209600"),
            (RecordType::Cname, "a.example.org", "a..b"),
            (RecordType::Ptr, "host.example.com.", "two names"),
            (RecordType::Aaaa, "2001:db8::1", "192.0.2.1"),
        ];
        for (record_type, good, bad) in cases {
            assert!(accepted(record_type, good), "{record_type} {good}");
            assert!(!accepted(record_type, bad), "{record_type} {bad}");
        }
    }
}
