//! Filters and tests are looked up when a template runs; a misspelt one has to be found when it is written.

use minijinja::{Environment, ErrorKind};

/// Checks every `| filter` and `is test` inside the template's tags.
pub(super) fn check(environment: &Environment<'_>, source: &str) -> Result<(), String> {
    let mut state = environment.empty_state();
    let mut before = Word::Other;
    for word in (Words {
        rest: source,
        in_tag: false,
    }) {
        match (before, word) {
            (Word::Bar, Word::Name(name)) => {
                let unknown = state
                    .apply_filter(name, &[])
                    .is_err_and(|e| e.kind() == ErrorKind::UnknownFilter);
                if unknown {
                    return Err(format!("uses the filter `{name}`, which is unknown"));
                }
            }
            (Word::Name("is"), Word::Name("not")) => continue,
            (Word::Name("is"), Word::Name(name)) => {
                let unknown = state
                    .perform_test(name, &[])
                    .is_err_and(|e| e.kind() == ErrorKind::UnknownTest);
                if unknown {
                    return Err(format!("uses the test `{name}`, which is unknown"));
                }
            }
            _ => {}
        }
        before = word;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Name(&'a str),
    Bar,
    Other,
}

/// The words inside of tags, string literals left out.
struct Words<'a> {
    rest: &'a str,
    in_tag: bool,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        if !self.in_tag {
            let open = ["{{", "{%"]
                .iter()
                .filter_map(|mark| self.rest.find(mark))
                .min()?;
            self.rest = &self.rest[open + 2..];
            self.in_tag = true;
            return Some(Word::Other);
        }
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        if self.rest.starts_with("}}") || self.rest.starts_with("%}") {
            self.rest = &self.rest[2..];
            self.in_tag = false;
            return Some(Word::Other);
        }
        if matches!(first, '"' | '\'') {
            self.rest = after_string(&self.rest[1..], first);
            return Some(Word::Other);
        }
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = self
            .rest
            .find(|c| !is_part(c))
            .unwrap_or(self.rest.len())
            .max(first.len_utf8());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(match first {
            '|' => Word::Bar,
            _ if is_part(first) => Word::Name(word),
            _ => Word::Other,
        })
    }
}

fn after_string(text: &str, quote: char) -> &str {
    let mut is_escaped = false;
    for (index, c) in text.char_indices() {
        if c == quote && !is_escaped {
            return &text[index + c.len_utf8()..];
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::check;
    use minijinja::Environment;

    #[test]
    fn unknown_filters_and_tests_are_found_also_where_they_are_not_reached() {
        let environment = Environment::new();
        for known in [
            "{{ a | upper }}",
            "a | b",
            "{{ '| x' }}",
            "{{ a is defined and b is not none }}",
            "{{ \"\\\"|x\" }}",
        ] {
            assert_eq!(check(&environment, known), Ok(()), "{known}");
        }
        let refusal = |text: &str| check(&environment, text).unwrap_err();
        assert_eq!(
            refusal("{{ a | uper }}"),
            "uses the filter `uper`, which is unknown"
        );
        assert_eq!(
            refusal("x {% if false %}{{ a|lower|uper }}{% endif %}"),
            "uses the filter `uper`, which is unknown"
        );
        assert_eq!(
            refusal("{{ a is not definde }}"),
            "uses the test `definde`, which is unknown"
        );
    }
}
