//! Texts for models: what a description says, without what only a web page needs, and not longer than useful.

/// The characters of a tool's description.
pub(super) const TOOL: usize = 1_024;
/// The characters of an argument's description.
pub(super) const ARGUMENT: usize = 300;
/// The characters of the description of a member of an answer.
pub(super) const ANSWER: usize = 120;
/// The characters of an instance's description.
pub(super) const INSTANCE: usize = 2_000;

/// Links become their text, tags go, blanks are folded, and what is too long ends with a sentence or a word.
pub(super) fn bounded(text: &str, max: usize) -> String {
    let text = without_tags(&without_links(text));
    let mut out = String::new();
    let mut blank_lines = 0;
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank_lines > 0 { "\n\n" } else { "\n" });
        }
        out.push_str(&line);
        blank_lines = 0;
    }
    cut(&out, max)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let end = text
        .char_indices()
        .nth(max.saturating_sub(2))
        .map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let sentence = head.rfind(". ").map(|at| at + 1).filter(|at| *at > end / 2);
    let word = head.rfind(char::is_whitespace).filter(|at| *at > end / 2);
    let head = &head[..sentence.or(word).unwrap_or(end)];
    format!("{} …", head.trim_end())
}

/// `[text](address)` and `![text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        let link = from.find("](").and_then(|middle| {
            let label = &from[1..middle];
            let end = from[middle..].find(')')? + middle;
            let is_link = !label.contains(['[', '\n']) && !from[middle..end].contains(char::is_whitespace);
            is_link.then_some((label, end))
        });
        out.push_str(before);
        match link {
            Some((label, end)) => {
                if out.ends_with('!') {
                    out.pop();
                }
                out.push_str(label);
                rest = &from[end + 1..];
            }
            None => {
                out.push('[');
                rest = &from[1..];
            }
        }
    }
    out + rest
}

/// `<br/>`, `<p>`, `</b>` and the like are left out; `a < b` and `<id>` stay.
fn without_tags(text: &str) -> String {
    const TAGS: [&str; 24] = [
        "a", "b", "br", "p", "i", "em", "strong", "code", "pre", "ul", "ol", "li", "div", "span", "table",
        "tr", "td", "th", "tbody", "thead", "h1", "h2", "h3", "hr",
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let tag = from.find('>').filter(|end| {
            let inside = from[1..*end].trim_start_matches('/');
            let name = inside
                .split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default();
            TAGS.contains(&name.to_ascii_lowercase().as_str())
        });
        match tag {
            Some(end) => {
                out.push(' ');
                rest = &from[end + 1..];
            }
            None => {
                out.push('<');
                rest = &from[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::bounded;

    #[test]
    fn what_only_a_page_needs_goes() {
        let table = [
            (
                "  Lists   pets.\r\n\r\n\r\nMore [here](https://x.example/a_(b)).\n",
                "Lists pets.\n\nMore here).",
            ),
            ("![logo](l.png) a[0] [x] [y](z", "logo a[0] [x] [y](z"),
            (
                "<p>One</p><br/>two <b>three</b> a < b <id>",
                "One two three a < b <id>",
            ),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(bounded(text, 100), expected);
        }
    }

    #[test]
    fn what_is_too_long_ends_with_a_sentence_or_a_word() {
        assert_eq!(
            bounded("One two three. Four five six seven", 24),
            "One two three. …"
        );
        assert_eq!(bounded("Onetwothree four", 14), "Onetwothree …");
        assert_eq!(bounded(&"ä".repeat(50), 10).chars().count(), 10);
        assert!(bounded(&"wort ".repeat(500), 300).chars().count() <= 300);
    }
}
