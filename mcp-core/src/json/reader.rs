//! JSON text taken apart in one pass, however deep it is nested. It has been read as JSON before: a text that is none is
//! taken apart into something, but never into more than it has.

/// What comes next in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A list begins.
    List,
    /// An object begins.
    Object,
    /// The innermost list or object ends.
    End,
    /// A member's name, quoted as it is written; its value follows.
    Name(&'a str),
    /// A string, number, boolean or null as it is written.
    Scalar(&'a str),
}

/// The tokens of a text.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(json: &'a str) -> Self {
        Self { rest: json }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
        let structural = match self.rest.as_bytes().first()? {
            b'{' => Some(Token::Object),
            b'[' => Some(Token::List),
            b'}' | b']' => Some(Token::End),
            _ => None,
        };
        if let Some(token) = structural {
            self.take(1);
            return Some(token);
        }
        if !self.rest.starts_with('"') {
            let end = self.rest.find([',', ']', '}', ' ', '\t', '\n', '\r']);
            return Some(Token::Scalar(self.take(end.unwrap_or(self.rest.len()))));
        }
        let text = self.take(end_of_string(self.rest.as_bytes()));
        let is_name = self
            .rest
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with(':');
        Some(if is_name {
            Token::Name(text)
        } else {
            Token::Scalar(text)
        })
    }
}

/// Behind the closing quote.
fn end_of_string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        // The escaped character.
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};

    #[test]
    fn a_text_comes_apart_into_its_tokens() {
        use Token::{End, List, Name, Object, Scalar};
        let json = r#" {"a" : [1.10, "x\"]\\", true],"b\u0022":{}, "c":null } "#;
        let expected = [
            Object,
            Name(r#""a""#),
            List,
            Scalar("1.10"),
            Scalar(r#""x\"]\\""#),
            Scalar("true"),
            End,
            Name(r#""b\u0022""#),
            Object,
            End,
            Name(r#""c""#),
            Scalar("null"),
            End,
        ];
        assert_eq!(Tokens::of(json).collect::<Vec<_>>(), expected);
        assert_eq!(Tokens::of("7").collect::<Vec<_>>(), [Scalar("7")]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_no_json_comes_to_an_end(text in "[{}\\[\\]\",: \\\\a1ü]{0,40}") {
            proptest::prop_assert!(Tokens::of(&text).count() <= text.len());
        }
    }
}
