//! Values as the API stores them, as record data on the wire.
//!
//! Names, quoted texts and DS data are read here, because the API escapes bytes by octal numbers and knows no origin;
//! the rest is read by the DNS library.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::{
    Name, RData,
    rdata::{CNAME, MX, NS, NULL, PTR, SOA, SRV, TXT},
};

use crate::model::RecordType;

use super::names;

/// The data of a value; none when it cannot be read.
pub(super) fn of(record_type: RecordType, value: &str) -> Option<RData> {
    let mut words = value.split_ascii_whitespace();
    let data = match record_type {
        RecordType::A => words.next()?.parse::<Ipv4Addr>().ok()?.into(),
        RecordType::Aaaa => words.next()?.parse::<Ipv6Addr>().ok()?.into(),
        RecordType::Cname => RData::CNAME(CNAME(name(words.next()?)?)),
        RecordType::Ns => RData::NS(NS(name(words.next()?)?)),
        RecordType::Ptr => RData::PTR(PTR(name(words.next()?)?)),
        RecordType::Mx => RData::MX(MX::new(words.next()?.parse().ok()?, name(words.next()?)?)),
        RecordType::Srv => RData::SRV(SRV::new(
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            name(words.next()?)?,
        )),
        RecordType::Soa => RData::SOA(SOA::new(
            name(words.next()?)?,
            name(words.next()?)?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
        )),
        RecordType::Ds => unknown(record_type, ds(&mut words)?),
        RecordType::Txt => {
            let texts = texts(value)?;
            return Some(RData::TXT(TXT::from_bytes(texts.iter().map(Vec::as_slice).collect())));
        }
        RecordType::Spf => return Some(unknown(record_type, character_strings(&texts(value)?)?)),
        RecordType::Caa
        | RecordType::Https
        | RecordType::Naptr
        | RecordType::Sshfp
        | RecordType::Svcb
        | RecordType::Tlsa => return RData::try_from_str(names::type_to_wire(record_type), value).ok(),
    };
    words.next().is_none().then_some(data)
}

/// A name that is absolute with or without its last dot.
fn name(text: &str) -> Option<Name> {
    if text == "." {
        return Some(Name::root());
    }
    names::to_wire(&crate::model::Name::parse(text).ok()?)
}

fn unknown(record_type: RecordType, bytes: Vec<u8>) -> RData {
    RData::Unknown { code: names::type_to_wire(record_type), rdata: NULL::with(bytes) }
}

/// Key tag, algorithm, digest type, digest in hexadecimal, which may be broken by spaces (RFC 4034 §5.3).
fn ds<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut bytes = words.next()?.parse::<u16>().ok()?.to_be_bytes().to_vec();
    bytes.push(words.next()?.parse().ok()?);
    bytes.push(words.next()?.parse().ok()?);
    let digits: Vec<u8> = words.flat_map(str::chars).map(nibble).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    bytes.extend(pairs.iter().map(|[high, low]| high << 4 | low));
    (rest.is_empty() && !pairs.is_empty()).then_some(bytes)
}

fn nibble(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The strings of a TXT or SPF value: in quotes, separated by spaces; inside them `\"`, `\\` and `\ooo` with three
/// octal digits. A word without quotes is a string as well.
fn texts(value: &str) -> Option<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    let mut bytes = value.bytes().peekable();
    loop {
        while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
        if bytes.peek().is_none() {
            return (!texts.is_empty()).then_some(texts);
        }
        let quoted = bytes.next_if_eq(&b'"').is_some();
        let mut text = Vec::new();
        let mut closed = !quoted;
        while let Some(byte) = bytes.next_if(|byte| quoted || !byte.is_ascii_whitespace()) {
            match byte {
                b'"' if quoted => {
                    closed = true;
                    break;
                }
                b'\\' => text.push(escaped(&mut bytes)?),
                _ => text.push(byte),
            }
        }
        if !closed || text.len() > usize::from(u8::MAX) {
            return None;
        }
        texts.push(text);
    }
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let octal = |byte: u8| (b'0'..=b'7').contains(&byte).then(|| u16::from(byte - b'0'));
    let first = bytes.next()?;
    let Some(high) = octal(first) else { return Some(first) };
    let value = high * 64 + octal(bytes.next()?)? * 8 + octal(bytes.next()?)?;
    u8::try_from(value).ok()
}

/// Each text behind a byte with its length (RFC 1035 §3.3).
fn character_strings(texts: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.push(u8::try_from(text.len()).ok()?);
        bytes.extend(text);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use hickory_proto::serialize::binary::BinEncodable as _;

    use super::*;

    fn wire(record_type: RecordType, value: &str) -> Option<Vec<u8>> {
        of(record_type, value).map(|data| data.to_bytes().unwrap())
    }

    #[test]
    fn every_type_is_read() {
        for (record_type, value) in [
            (RecordType::A, "192.0.2.1"),
            (RecordType::Aaaa, "2001:db8::1"),
            (RecordType::Caa, r#"0 issue "letsencrypt.org""#),
            (RecordType::Cname, "dis_allowed_.example.com"),
            (RecordType::Ds, "123 4 5 1234567890ABCDEF 1234567890ABCDEF"),
            (RecordType::Https, "1 . alpn=h2,h3"),
            (RecordType::Mx, "10 mail.example.com"),
            (RecordType::Naptr, r#"100 50 "u" "E2U+sip" "!^.*$!sip:info@example.com!" ."#),
            (RecordType::Ns, "ns-1.awsdns-01.org."),
            (RecordType::Ptr, "host.example.com"),
            (RecordType::Soa, "ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"),
            (RecordType::Spf, r#""v=spf1 -all""#),
            (RecordType::Srv, "1 10 5269 xmpp.example.com."),
            (RecordType::Sshfp, "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
            (RecordType::Svcb, "16 foo.example.com. port=53"),
            (RecordType::Tlsa, "3 1 1 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
            (RecordType::Txt, r#""one" "two""#),
        ] {
            let data = of(record_type, value);
            assert_eq!(
                data.map(|data| data.record_type()),
                Some(names::type_to_wire(record_type)),
                "{value}"
            );
        }
    }

    #[test]
    fn texts_keep_every_byte() {
        assert_eq!(wire(RecordType::Txt, r#""a\"b\\" "c\344d" e"#).unwrap(), b"\x04a\"b\\\x03c\xe4d\x01e");
        assert_eq!(wire(RecordType::Spf, r#""" "x""#).unwrap(), b"\x00\x01x");
        let long = "x".repeat(256);
        for broken in ["", r#""open"#, r"\9", r"\400", r"\12", &long] {
            let wire = wire(RecordType::Txt, broken);
            assert!(wire.is_none() || broken == r"\9", "{broken}: {wire:?}");
        }
    }

    #[test]
    fn what_is_no_data_is_none() {
        for (record_type, value) in [
            (RecordType::A, "2001:db8::1"),
            (RecordType::Mx, "mail.example.com"),
            (RecordType::Mx, "10 mail.example.com x"),
            (RecordType::Srv, "1 10 65536 xmpp.example.com."),
            (RecordType::Ds, "123 4 5 123"),
            (RecordType::Ds, "123 4 5 12 xy"),
            (RecordType::Cname, "a..b"),
            (RecordType::Tlsa, "3 1 1"),
        ] {
            assert_eq!(of(record_type, value), None, "{value}");
        }
    }
}
