//! What somebody may have meant by a name that is not known.

/// Names longer than this, in characters, are not compared: nobody meant them.
const LONGEST: usize = 64;

/// A name as it is compared: lower case, without accents and punctuation, `&` as `and`, `St` as `Saint`.
pub(crate) fn fold(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for char in text.chars().flat_map(char::to_lowercase) {
        match char {
            '&' => spaced.push_str(" and "),
            // Accents that stand by themselves are dropped like those within letters.
            '\'' | '’' | '.' | '\u{300}'..='\u{36f}' => {}
            _ if char.is_alphanumeric() => spaced.push(plain(char)),
            _ => spaced.push(' '),
        }
    }
    let words: Vec<&str> =
        spaced.split_whitespace().map(|word| if word == "st" { "saint" } else { word }).collect();
    let from = usize::from(words.first() == Some(&"the"));
    words.get(from..).unwrap_or_default().join(" ")
}

/// A lower-case letter without its accent.
fn plain(char: char) -> char {
    match char {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ş' | 'š' | 'ś' => 's',
        'ù'..='ü' | 'ū' | 'ů' => 'u',
        'ý' | 'ÿ' => 'y',
        'ž' | 'ź' | 'ż' => 'z',
        other => other,
    }
}

/// The known name that is nearest to `text`, if one is near enough to be meant. The first of several.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let meant: Vec<char> = fold(text).chars().take(LONGEST + 1).collect();
    if meant.is_empty() || meant.len() > LONGEST {
        return None;
    }
    let limit = (meant.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let candidate: Vec<char> = fold(name).chars().collect();
        if candidate.len().abs_diff(meant.len()) > limit {
            continue;
        }
        let steps = distance(&meant, &candidate);
        if steps <= limit && best.is_none_or(|(least, _)| steps < least) {
            best = Some((steps, name));
        }
    }
    best.map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// How many letters must be put in, taken out, changed, or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, left) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, right) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&last, column) + usize::from(left != right))
                .min(at(&last, column + 1) + 1)
                .min(at(&next, column) + 1);
            let swapped =
                row > 0 && column > 0 && a.get(row - 1) == Some(right) && b.get(column - 1) == Some(left);
            if swapped {
                least = least.min(at(&before, column - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::case_and_accents("Türkiye", "turkiye")]
    #[case::apostrophes("Côte d'Ivoire", "cote divoire")]
    #[case::saints("St. Kitts & Nevis", "saint kitts and nevis")]
    #[case::article("The Bahamas", "bahamas")]
    #[case::dashes("  Timor-Leste ", "timor leste")]
    #[case::nothing("--", "")]
    fn names_are_folded(#[case] text: &str, #[case] folded: &str) {
        assert_eq!(fold(text), folded);
    }

    #[rstest]
    #[case::one_letter_missing("Germny", Some("Germany"))]
    #[case::swapped("Farnce", Some("France"))]
    #[case::too_far("Atlantis", None)]
    #[case::empty("", None)]
    #[case::short("D", None)]
    fn the_nearest_name_is_suggested(#[case] text: &str, #[case] expect: Option<&str>) {
        assert_eq!(nearest(text, ["France", "Germany", "Greece"]), expect);
    }

    #[test]
    fn foreign_text_is_no_trouble() {
        assert_eq!(nearest(&"ß".repeat(100_000), ["France"]), None);
    }
}
