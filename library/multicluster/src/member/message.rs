//! Foreign text in messages: one line, bounded.

/// Longer answers of servers, proxies and webhooks are cut; the first lines say what is wrong, and a message is read
/// in a terminal.
const LIMIT: usize = 300;

/// Cuts a text to 300 characters and one line.
pub(crate) fn cut(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let separator = usize::from(!line.is_empty());
        let characters = word.chars().count();
        if length + separator + characters > LIMIT {
            let rest = LIMIT.saturating_sub(length + separator);
            if separator == 1 && rest > 0 {
                line.push(' ');
            }
            line.extend(word.chars().filter(|c| !c.is_control()).take(rest));
            line.push('…');
            return line;
        }
        if separator == 1 {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        length += separator + characters;
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::lines_become_one("a\n  b\tc", "a b c")]
    #[case::escapes_go("\u{1b}[31mred", "[31mred")]
    #[case::empty("", "")]
    fn cuts(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn a_line_that_is_full_takes_no_blank() {
        let full = "x".repeat(LIMIT);
        assert_eq!(cut(&format!("{full} y")), format!("{full}…"));
        assert_eq!(cut(&full), full);
    }

    proptest! {
        #[test]
        fn any_text_is_bounded_and_on_one_line(text in "(?s).{0,700}") {
            let line = cut(&text);
            prop_assert!(line.chars().count() <= LIMIT + 1);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
