//! What the service says, made fit for users.

/// Longer sentences are cut. Two names of 255 characters and what is said of them fit.
const LIMIT: usize = 1000;

/// One line, bounded, without control characters.
pub(super) fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = line.chars().filter(|character| !character.is_control());
    let mut short: String = characters.by_ref().take(LIMIT).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// Splits `[first, second]`, which is how the several problems of a batch arrive, into its sentences.
///
/// Sentences hold commas and brackets of their own, and nothing escapes them. A comma ends a sentence if it is
/// outside of inner brackets and what follows looks like a beginning; where that goes wrong, two sentences stay one.
pub(super) fn sentences(message: &str) -> Vec<String> {
    let message = message.trim();
    let Some(list) = message.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return if message.is_empty() { Vec::new() } else { vec![cut(message)] };
    };
    let mut sentences = Vec::new();
    let (mut depth, mut begin) = (0_u32, 0);
    for (at, character) in list.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 && begins_a_sentence(list.get(at + 1..).unwrap_or_default()) => {
                sentences.extend(list.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    sentences.extend(list.get(begin..));
    sentences.into_iter().map(cut).filter(|sentence| !sentence.is_empty()).collect()
}

/// Whether a new sentence follows: ` RRSet with …`, ` Tried to …`; and not ` type A`, ` SetIdentifier x`.
fn begins_a_sentence(rest: &str) -> bool {
    const WITHIN: [&str; 3] = ["SetIdentifier", "TTL", "Name="];
    let Some(word) = rest.strip_prefix(' ') else {
        return false;
    };
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && !WITHIN.iter().any(|it| word.starts_with(it))
}

/// The sentences of an answer that is an `InvalidChangeBatch` element by itself, a form that the API's documentation
/// shows beside the usual one. None for any other answer.
pub(super) fn batch_problems(body: &str) -> Option<Vec<String>> {
    let (_, messages) = body.split_once("<InvalidChangeBatch")?;
    let plain = |text: &str| {
        let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        cut(&marks.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)))
    };
    let sentences = messages.split("<Message>").skip(1).filter_map(|rest| rest.split_once("</Message>"));
    Some(sentences.map(|(text, _)| plain(text)).collect())
}

/// A message without what looks like the id of a credential, on one line.
pub(super) fn without_credentials(code: &str, message: &str) -> String {
    // Its text repeats the signed request, session token included.
    if code == "SignatureDoesNotMatch" {
        return "the service does not accept the signature: the secret key is wrong, or something on the way \
                changed the request"
            .to_owned();
    }
    let hide = |word: &str| {
        let plain = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_key = plain.len() >= 16 && ["AKIA", "ASIA"].iter().any(|start| plain.starts_with(start));
        if is_key { word.replace(plain, "…") } else { word.to_owned() }
    };
    message.split_whitespace().map(hide).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    const EXISTS: &str = "Tried to create resource record set [name='geo.x.', type='A', set-identifier='D'] but it already exists";
    const WEIGHTED: &str = "RRSet with DNS name example.org., type A, SetIdentifier foobar cannot be created as a non-weighted set exists with the same name and type.";
    const LATENCY: &str = "RRSet with DNS name x., type A, SetIdentifier x, and Region Name=eu-west-1 cannot be created because a latency RRSet with the same name, type and region already exists.";

    #[rstest]
    #[case::one(&[EXISTS])]
    #[case::commas_within(&[WEIGHTED])]
    #[case::two(&[EXISTS, WEIGHTED])]
    #[case::three(&[LATENCY, EXISTS, LATENCY])]
    #[case::none(&[])]
    fn batches(#[case] expected: &[&str]) {
        let message = format!("[{}]", expected.join(", "));
        assert_eq!(sentences(&message), expected);
    }

    #[rstest]
    #[case::plain("No hosted zone found with ID: Z1", &["No hosted zone found with ID: Z1"])]
    #[case::empty("", &[])]
    #[case::unbalanced("[a ] b], C", &["[a ] b], C"])]
    #[case::open("[one [two]", &["one [two"])]
    fn others(#[case] message: &str, #[case] expected: &[&str]) {
        assert_eq!(sentences(message), expected);
    }

    #[rstest]
    #[case::signature("SignatureDoesNotMatch", "x-amz-security-token:hunter2", "hunter2")]
    #[case::key("InvalidClientTokenId", "The key AKIAIOSFODNN7EXAMPLE, is unknown", "AKIA")]
    #[case::quoted("AccessDenied", "User `ASIAIOSFODNN7EXAMPLE` may not", "ASIA")]
    fn credentials_are_not_quoted(#[case] code: &str, #[case] message: &str, #[case] secret: &str) {
        let said = without_credentials(code, message);
        assert!(!said.contains(secret) && !said.is_empty(), "{said}");
    }

    #[test]
    fn problems_of_a_batch_by_themselves() {
        let body = "<?xml?><InvalidChangeBatch xmlns=\"x\"><Messages><Message>a &lt;b&gt; &amp;amp;</Message>\
                    <Message>c</Message></Messages></InvalidChangeBatch>";
        assert_eq!(batch_problems(body), Some(vec!["a <b> &amp;".to_owned(), "c".to_owned()]));
        assert_eq!(batch_problems("<ErrorResponse><Message>x</Message></ErrorResponse>"), None);
        assert_eq!(batch_problems("<InvalidChangeBatch><Message>open"), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_message_is_split_without_loss_of_bounds(text in "(?s).{0,1500}") {
            for sentence in sentences(&text) {
                prop_assert!(sentence.chars().count() <= LIMIT + 1);
            }
            prop_assert!(!without_credentials("X", &text).contains('\n'));
        }
    }
}
