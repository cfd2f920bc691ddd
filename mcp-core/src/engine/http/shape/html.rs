//! What a reader sees of a web page: its text, without tags, scripts and styles. Enough for error pages and plain
//! articles; nothing is laid out.

/// Elements that begin a line of their own.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "br",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "tr",
    "table",
    "section",
    "article",
    "header",
    "footer",
    "pre",
    "blockquote",
    "body",
];
/// Longer texts between `&` and `;` are no character references.
const LONGEST_REFERENCE: usize = 10;
/// Elements whose content nobody reads.
const UNSEEN: [&str; 6] = ["script", "style", "head", "template", "noscript", "svg"];

/// The text of the page.
pub(super) fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push(&mut out, &rest[..open]);
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(end) = rest.find('>') else {
            return finish(&out);
        };
        let tag = rest[1..end].trim_start_matches('/');
        let is_end = rest[1..].starts_with('/');
        let name_end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len());
        let name = tag[..name_end].to_ascii_lowercase();
        rest = &rest[end + 1..];
        if UNSEEN.contains(&name.as_str()) && !is_end && !tag.ends_with('/') {
            rest = after_element(rest, &name);
        } else if BLOCKS.contains(&name.as_str()) {
            out.push('\n');
        } else if matches!(name.as_str(), "td" | "th") {
            out.push(' ');
        }
    }
    push(&mut out, rest);
    finish(&out)
}

/// What follows the end tag.
fn after_element<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some(start) = rest.find("</") {
        rest = &rest[start + 2..];
        let is_it = rest
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name));
        if is_it {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

/// Appends text with its character references read and its line breaks as blanks.
fn push(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        push_plain(out, &rest[..start]);
        rest = &rest[start + 1..];
        let reference = rest
            .bytes()
            .take(LONGEST_REFERENCE + 1)
            .position(|byte| byte == b';');
        match reference.and_then(|end| character(&rest[..end]).map(|c| (c, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    push_plain(out, rest);
}

fn push_plain(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
}

fn character(reference: &str) -> Option<char> {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match reference {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "copy" => '©',
        _ => return None,
    })
}

/// Lines without blanks at their ends, and no empty ones.
fn finish(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::growth;

    #[test]
    fn reading_is_linear() {
        for piece in [
            "&",
            "&amp;",
            "&#1",
            "<",
            "<p",
            "<p>",
            "</",
            "</p>",
            "<!--",
            "-->",
            "<!-->",
            "<script>",
            "<script></",
            "</script",
            ">",
            "\n ",
            "ü",
        ] {
            let make = |size: usize| piece.repeat(size / piece.len());
            growth::is_linear(piece, growth::ANSWER, make, |html| {
                text(html);
            });
        }
    }

    #[test]
    fn tags_go_and_text_stays() {
        let table = [
            (
                "<p>a<b>b</b></p><p>c &amp; &#252; &unknown; &</p>",
                "ab\nc & ü &unknown; &",
            ),
            (
                "<!-- x > --><script>if (a < b) {}</script>x<SCRIPT src='a'></SCRIPT>y",
                "xy",
            ),
            ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
            ("a < b", "a"),
            ("plain\n text", "plain text"),
            ("<head><title>t", ""),
        ];
        for (html, expected) in table {
            assert_eq!(text(html), expected, "{html}");
        }
    }
}
