//! Who claims a name, by the TXT sets beside it.

use super::labels::Labels;
use super::{OwnerId, OwnerMark};
use crate::route53::record_set::{Data, RecordName, RecordSet, RecordType, SetKey};
use crate::route53::txt;

/// The types of records that answer for a name, as external-dns writes them before names.
const TYPES: [&str; 3] = ["a", "aaaa", "cname"];

/// The heritage of external-dns' values.
const EXTERNAL_DNS: &str = "external-dns";

/// Somebody's word that a name is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The set that says so. A group of external-dns has one for each of its identifiers.
    pub set: SetKey,
    /// Who it is.
    pub kind: ClaimKind,
}

/// Who claims a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// The owner who asks.
    Ours(OwnerMark),
    /// Another owner's configuration of this provider.
    Multicluster(OwnerMark),
    /// external-dns.
    ExternalDns {
        /// What it is started with as `--txt-owner-id`.
        owner: String,
        /// The object that asked for the name: `service/shop/web`.
        resource: Option<String>,
    },
    /// Somebody whose word cannot be read: encrypted by external-dns, or damaged.
    Unreadable,
}

/// The names at which claims of a name stand beside those below it: where external-dns writes, for each type.
///
/// `a-app.example.com` for `app.example.com`. Nothing for an apex, where external-dns' names are outside of the zone.
#[must_use]
pub fn claim_names(name: &RecordName, zone: &RecordName) -> Vec<RecordName> {
    let names = TYPES.iter().filter_map(|it| RecordName::new(&format!("{it}-{name}")).ok());
    names.filter(|it| it.within(zone)).collect()
}

/// All claims of a name among some sets of its zone, in the order of the sets.
///
/// The sets need to be those at the name, below it, and at [`claim_names`]; more do no harm. A wildcard whose asterisk
/// external-dns replaces by a word (`--txt-wildcard-replacement`) is seen among the sets of the whole zone only.
#[must_use]
pub fn claims(sets: &[RecordSet], name: &RecordName, owner: &OwnerId) -> Vec<Claim> {
    let text_sets = sets.iter().filter(|set| set.key.r#type == RecordType::txt());
    text_sets
        .filter_map(|set| {
            let kind = if OwnerMark::stands_in(set, name) {
                match OwnerMark::of(set, name) {
                    Some(mark) if mark.owner == *owner => ClaimKind::Ours(mark),
                    Some(mark) => ClaimKind::Multicluster(mark),
                    None => ClaimKind::Unreadable,
                }
            } else {
                external_dns(set, name, sets)?
            };
            Some(Claim { set: set.key.clone(), kind })
        })
        .collect()
}

fn external_dns(set: &RecordSet, name: &RecordName, sets: &[RecordSet]) -> Option<ClaimKind> {
    let place = stands(&set.key.name, name, sets)?;
    let Data::Values { values, .. } = &set.data else { return None };
    let texts = values.iter().filter_map(|value| txt::parse(value).ok());
    let labels = texts.filter_map(|text| Labels::parse(&text)).find(|it| it.heritage == EXTERNAL_DNS);
    match labels {
        Some(labels) => Some(ClaimKind::ExternalDns {
            // external-dns takes a value without an owner for its own default.
            owner: labels.get("owner").unwrap_or("default").to_owned(),
            resource: labels.get("resource").map(str::to_owned),
        }),
        // Nobody else writes one long word of base64 where external-dns would.
        None if place == Place::Exact && values.iter().all(|value| looks_encrypted(value)) => {
            Some(ClaimKind::Unreadable)
        }
        None => None,
    }
}

/// How surely a TXT is about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Where external-dns writes by default.
    Exact,
    /// Where it writes with a prefix of its own, or wrote long ago.
    Likely,
}

fn stands(txt: &RecordName, name: &RecordName, sets: &[RecordSet]) -> Option<Place> {
    if txt == name {
        // Before 0.12 the value stood at the name itself, as any other TXT may.
        return Some(Place::Likely);
    }
    let (first, parent) = name.as_str().split_once('.')?;
    let (label, rest) = txt.as_str().split_once('.')?;
    if rest != parent {
        return None;
    }
    if TYPES.iter().any(|it| label.strip_prefix(it).and_then(|rest| rest.strip_prefix('-')) == Some(first)) {
        return Some(Place::Exact);
    }
    if name.is_wildcard() {
        // The asterisk may be replaced by a word; but a host of that name would be the one that is meant.
        let word = TYPES.iter().find_map(|it| label.strip_prefix(it)?.strip_prefix('-'))?;
        let host = format!("{word}.{parent}");
        let is_host = |set: &RecordSet| set.key.name.as_str() == host && set.key.r#type != RecordType::txt();
        return (!sets.iter().any(is_host)).then_some(Place::Likely);
    }
    // `--txt-prefix=extdns-` makes `extdns-a-app`. With a type in front it is about the host `x-a-app`.
    let of_another = TYPES.iter().any(|it| label.strip_prefix(it).is_some_and(|rest| rest.starts_with('-')));
    let prefixed = TYPES.iter().any(|it| {
        let before = label.strip_suffix(first).and_then(|before| before.strip_suffix(&format!("{it}-")));
        before.is_some_and(|before| before.ends_with('-'))
    });
    (prefixed && !of_another).then_some(Place::Likely)
}

/// Whether a value may be a text that external-dns has encrypted: base64 of a nonce, a tag and something.
fn looks_encrypted(value: &str) -> bool {
    txt::parse(value).is_ok_and(|text| {
        let text = text.trim_matches('"');
        text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::route53::record_set::Routing;

    fn name(text: &str) -> RecordName {
        RecordName::new(text).unwrap()
    }

    fn set(at: &str, r#type: RecordType, value: &str) -> RecordSet {
        RecordSet {
            key: SetKey { name: name(at), r#type, set_identifier: None },
            routing: Routing::Simple,
            data: Data::Values { ttl: 300, values: [value.to_owned()].into() },
            health_check_id: None,
        }
    }

    fn txt_set(at: &str, text: &str) -> RecordSet {
        set(at, RecordType::txt(), &txt::quote(text))
    }

    const VALUE: &str =
        "heritage=external-dns,external-dns/owner=prod,external-dns/resource=service/shop/web";
    const CIPHER: &str = "y0cGQkVs8Gmq4tn0ZmTXnXPyEyB1TyQ5yR3cmlmYWxsc3RvdGhlbGFzdA==";

    #[rstest]
    #[case::a("app.example.com", "a-app.example.com", true)]
    #[case::aaaa("app.example.com", "aaaa-app.example.com", true)]
    #[case::cname("app.example.com", "cname-app.example.com", true)]
    #[case::long_ago("app.example.com", "app.example.com", true)]
    #[case::prefix("app.example.com", "extdns-a-app.example.com", true)]
    #[case::of_another_host("app.example.com", "cname-x-a-app.example.com", false)]
    #[case::of_a_longer_host("app.example.com", "a-app-2.example.com", false)]
    #[case::of_another_type("app.example.com", "mx-app.example.com", false)]
    #[case::of_a_child("app.example.com", "a-x.app.example.com", false)]
    #[case::wildcard("*.example.com", "a-*.example.com", true)]
    #[case::wildcard_by_a_word("*.example.com", "a-any.example.com", true)]
    #[case::wildcard_and_a_host("*.example.com", "a-host.example.com", false)]
    fn external_dns_is_recognised(#[case] of: &str, #[case] at: &str, #[case] claimed: bool) {
        let sets = [txt_set(at, VALUE), set("host.example.com", RecordType::a(), "192.0.2.1")];
        let owner = OwnerId::new("shop").unwrap();
        let found = claims(&sets, &name(of), &owner);
        let expected =
            ClaimKind::ExternalDns { owner: "prod".into(), resource: Some("service/shop/web".into()) };
        let claim = Claim { set: sets[0].key.clone(), kind: expected };
        assert_eq!(found, if claimed { vec![claim] } else { vec![] });
    }

    #[rstest]
    #[case::encrypted("a-app.example.com", CIPHER, true)]
    #[case::a_key_at_the_name_itself("app.example.com", CIPHER, false)]
    #[case::another_text("a-app.example.com", "v=spf1 include:example.net -all", false)]
    #[case::damaged_mark("_mc-owner.app.example.com", "heritage=multicluster", true)]
    fn unreadable_claims(#[case] at: &str, #[case] text: &str, #[case] claimed: bool) {
        let found = claims(&[txt_set(at, text)], &name("app.example.com"), &OwnerId::new("shop").unwrap());
        let kinds: Vec<_> = found.into_iter().map(|claim| claim.kind).collect();
        assert_eq!(kinds, if claimed { vec![ClaimKind::Unreadable] } else { vec![] });
    }

    #[test]
    fn marks_are_ours_or_of_another() {
        let app = name("app.example.com");
        let [ours, other] = ["shop", "blog"].map(|it| OwnerId::new(it).unwrap());
        let mark = OwnerMark { owner: ours.clone(), generation: 2, digest: String::new() };
        let sets = [mark.record_set(&app).unwrap()];
        assert_eq!(claims(&sets, &app, &ours)[0].kind, ClaimKind::Ours(mark.clone()));
        assert_eq!(claims(&sets, &app, &other)[0].kind, ClaimKind::Multicluster(mark));
        assert_eq!(claims(&sets, &name("example.com"), &ours), []);
    }

    #[test]
    fn names_to_read_lie_in_the_zone() {
        let zone = name("example.com");
        let names = |of: &str| -> Vec<String> {
            claim_names(&name(of), &zone).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            names("app.example.com"),
            ["a-app.example.com.", "aaaa-app.example.com.", "cname-app.example.com."]
        );
        assert_eq!(names("*.example.com")[0], "a-\\052.example.com.");
        assert!(names("example.com").is_empty());
    }
}
