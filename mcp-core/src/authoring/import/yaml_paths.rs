//! Paths as keys of YAML's flow style: `{/pets/{id}: {get: …}}`. People write them, YAML ends the key at the brace, and the whole
//! document would be lost.

/// The text with such paths in quotation marks; `None` where there is none.
pub(super) fn quoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find('/') {
        let (before, path) = rest.split_at(at);
        out.push_str(before);
        let is_key = out.trim_end().ends_with(['{', ',']);
        let length = is_key.then(|| key(path)).flatten();
        let taken = length.unwrap_or(1);
        match length {
            Some(_) => {
                is_changed = true;
                out.push('"');
                out.push_str(&path[..taken]);
                out.push('"');
            }
            None => out.push('/'),
        }
        rest = &path[taken..];
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

/// How long the path is that the text begins with, if it is a key that has a placeholder.
fn key(text: &str) -> Option<usize> {
    let mut is_open = false;
    let mut has_placeholder = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' if !is_open => is_open = true,
            '}' if is_open => (is_open, has_placeholder) = (false, true),
            ':' if !is_open && text[at + 1..].starts_with([' ', '\n', '\r', '{']) => {
                return has_placeholder.then_some(at);
            }
            '{' | '}' | ',' | '[' | ']' | '"' | '\'' | '\\' | '\n' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_keys_with_placeholders_are_put_in_quotation_marks() {
        for (text, expected) in [
            (
                "{/a/{id}: {get: 1}, /b/{x}/c: 2}",
                Some("{\"/a/{id}\": {get: 1}, \"/b/{x}/c\": 2}"),
            ),
            (
                "paths: {\n  /a/{id}:\n    {}}",
                Some("paths: {\n  \"/a/{id}\":\n    {}}"),
            ),
            ("/a/{id}: 1", None),
            ("{/a: 1}", None),
            ("{url: https://a/{b}: 1}", None),
            ("{\"/a/{id}\": 1}", None),
            ("{/a/{id}, b}", None),
            ("{/a/{id", None),
        ] {
            assert_eq!(quoted(text).as_deref(), expected, "{text}");
        }
    }
}
