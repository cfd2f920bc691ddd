//! What stands inside of a template's tags, word by word: for checks that the template engine has no eyes for.

/// One word of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A name, keyword or number.
    Name(&'a str),
    /// What stands between the quotes, as it is written.
    Text(&'a str),
    /// Any other character.
    Symbol(char),
    /// The beginning of a statement.
    Block,
    /// The beginning of an expression, or the end of either.
    Edge,
}

/// The words of a template.
pub(super) struct Words<'a> {
    rest: &'a str,
    in_tag: bool,
    /// Braces of mappings that are open.
    braces: usize,
}

impl<'a> Words<'a> {
    /// The words of one template.
    pub(super) fn of(source: &'a str) -> Self {
        Self {
            rest: source,
            in_tag: false,
            braces: 0,
        }
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Steps into the next tag; comments are none.
    fn open(&mut self) -> Option<Word<'a>> {
        loop {
            let is_mark = |pair: &[u8]| matches!(pair, b"{{" | b"{%" | b"{#");
            let open = self.rest.as_bytes().windows(2).position(is_mark)?;
            let (mark, rest) = self.rest[open..].split_at(2);
            self.rest = rest;
            if mark != "{#" {
                self.in_tag = true;
                return Some(match mark {
                    "{%" => Word::Block,
                    _ => Word::Edge,
                });
            }
            self.rest = self.rest.split_once("#}")?.1;
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        if !self.in_tag {
            return self.open();
        }
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        let is_end = self.rest.starts_with("%}") || (self.braces == 0 && self.rest.starts_with("}}"));
        if is_end {
            self.rest = &self.rest[2..];
            self.braces = 0;
            self.in_tag = false;
            return Some(Word::Edge);
        }
        if matches!(first, '"' | '\'') {
            let text = &self.rest[1..];
            let (text, rest) = text.split_at(end_of_string(text, first));
            self.rest = rest.strip_prefix(first).unwrap_or_default();
            return Some(Word::Text(text));
        }
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = self
            .rest
            .find(|c| !is_part(c))
            .unwrap_or(self.rest.len())
            .max(first.len_utf8());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        match first {
            '{' => self.braces += 1,
            '}' => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
        Some(if is_part(first) {
            Word::Name(word)
        } else {
            Word::Symbol(first)
        })
    }
}

fn end_of_string(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices() {
        if c == quote && !is_escaped {
            return index;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Word, Words};

    #[test]
    fn words_are_found_in_every_tag_and_nowhere_else() {
        use Word::{Block, Edge, Name, Symbol, Text};
        let words = |source| Words::of(source).collect::<Vec<_>>();
        assert_eq!(
            words(r#"a {{ b["c-\"}}"] }} d {# {{ e }} #}{% if f %}"#),
            [
                Edge,
                Name("b"),
                Symbol('['),
                Text(r#"c-\"}}"#),
                Symbol(']'),
                Edge,
                Block,
                Name("if"),
                Name("f"),
                Edge
            ]
        );
        let mapping = words(r#"{{ {"a": {"b": 1}} | c }}{{ d }}"#);
        assert!(
            mapping.contains(&Name("c")) && mapping.contains(&Name("d")),
            "{mapping:?}"
        );
        assert_eq!(words("{{ 'open"), [Edge, Text("open")]);
    }
}
