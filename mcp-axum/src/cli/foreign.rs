//! Texts that others chose, for people at a terminal: nothing in them moves its cursor, colours it, or turns the text around them.

use std::fmt::Write;

/// On one line: ends of lines are spaces.
pub(super) fn line(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if steers(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// With its lines.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_end_of_line = c == '\r' && rest.peek() == Some(&'\n');
        let is_shown = is_end_of_line || matches!(c, '\n' | '\t') || !steers(c);
        out.push(if is_shown { c } else { char::REPLACEMENT_CHARACTER });
    }
    out
}

/// JSON that says the same: what a terminal would not show stands in texts alone, and is escaped there.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Between its values.
            '\n' | '\r' | '\t' => out.push(c),
            c if steers(c) => {
                // Writing to a `String` cannot fail; none of them needs two units of UTF-16.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a terminal does something with it instead of showing it: control characters of ASCII and of Latin-1, and what turns the direction of
/// the text after it.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}1mb\r\n\tc\u{7}\u{202e}d\re é 中 👍";
        assert_eq!(
            line(hostile),
            "a\u{fffd}[2J\u{fffd}1mb   c\u{fffd}\u{fffd}d e é 中 👍"
        );
        assert_eq!(
            text(hostile),
            "a\u{fffd}[2J\u{fffd}1mb\r\n\tc\u{fffd}\u{fffd}d\u{fffd}e é 中 👍"
        );
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({"a\u{9b}": ["\u{1b}[2J\u{7f}\n\t", "\u{202e}é👍"]});
        let written = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&written.replace('\n', "\r\n\t"));
        assert!(!text(&shown).contains(char::REPLACEMENT_CHARACTER), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
