//! Patterns of other dialects as ECMA-262 has them with the flag `u`, which JSON Schema asks for and clients compile.
//!
//! Descriptions carry the patterns of what their servers are written in (.NET, Java, PCRE, Python, JavaScript without the
//! flag). Where all of these read a pattern alike, or where only one of them can read it, it is written anew; where they
//! read it differently, and it is not what ECMA-262 has, nobody knows what is meant.

mod class;
mod escape;
mod group;
mod property;
mod reference;

use jsonschema_regex::is_valid_ecma_regex;

/// May stand behind a backslash for themselves.
const SYNTAX: &str = r"^$\.*+?()[]{}|/";

/// The pattern with the flag `u`; `None` where that cannot be said exactly.
pub(crate) fn ecma(pattern: &str) -> Option<String> {
    read(pattern, false)
}

/// Whether clients can read what somebody wrote for them: here everything is meant as ECMA-262 has it.
pub(crate) fn is_for_clients(pattern: &str) -> bool {
    read(pattern, true).is_some()
}

fn read(pattern: &str, is_for_clients: bool) -> Option<String> {
    if !pattern.contains(|c| SYNTAX.contains(c)) {
        return Some(pattern.to_owned());
    }
    let mut reader = Reader {
        rest: pattern,
        out: String::with_capacity(pattern.len()),
        has_any: false,
        has_lone_bracket: false,
        is_for_clients,
        groups: Vec::new(),
        references: Vec::new(),
    };
    while let Some(c) = reader.next() {
        reader.one(c)?;
    }
    let is_ambiguous = reader.has_any && reader.has_lone_bracket;
    let out = reader.with_numbers()?;
    (!is_ambiguous && is_valid_ecma_regex(&out)).then_some(out)
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
    /// Whether `[^]` was read, which is the beginning of something else in other dialects.
    has_any: bool,
    /// Whether a `]` was read that closes nothing.
    has_lone_bracket: bool,
    /// Whether no other dialect can be meant.
    is_for_clients: bool,
    /// The groups that capture, with their names, in the order of their parentheses.
    groups: Vec<Option<&'a str>>,
    /// References by name, and where in `out` they have to stand.
    references: Vec<(usize, &'a str)>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Takes it if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes everything before `end`, and `end`.
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    fn one(&mut self, c: char) -> Option<()> {
        match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.group()?,
            '{' => self.brace()?,
            '}' | ']' => {
                self.has_lone_bracket |= c == ']';
                self.literal(c);
            }
            c => self.out.push(c),
        }
        Some(())
    }

    /// A character that means itself.
    fn literal(&mut self, c: char) {
        if SYNTAX.contains(c) {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// How often, or a brace that is just one.
    fn brace(&mut self) -> Option<()> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let inside = self.rest.split_once('}').map(|(inside, _)| inside);
        let bounds = inside.map(|inside| inside.split_once(',').unwrap_or((inside, "")));
        let (least, most) = bounds.unwrap_or_default();
        if is_number(least) && (most.is_empty() || is_number(most)) {
            let inside = self.until("}")?;
            self.out.push('{');
            self.out.push_str(inside);
            self.out.push('}');
        } else if least.is_empty() && is_number(most) {
            // Up to that often in Python, and five characters elsewhere.
            return None;
        } else {
            self.literal('{');
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ecma, is_for_clients};

    #[test]
    fn what_is_right_stays_as_it_is() {
        for pattern in [
            "abc-def",
            r"^\d{3}-\d{4}$",
            r"^[a-z0-9._%+-]+@[a-z\d.-]+\.[a-z]{2,}$",
            r"^\p{L}[\p{Lu}\p{Script=Greek}]*$",
            r"^(?!.*\.\.)(?:a|b)\/[^\]\\\-]*\u00e9\x41\u{1F600}$",
            r"(?<=a)b(?<!c)\1(x)",
            r"[a&&b]",
            "^$",
        ] {
            assert_eq!(ecma(pattern).as_deref(), Some(pattern));
        }
    }

    #[test]
    fn other_dialects_are_translated_where_that_is_exact() {
        for (pattern, expected) in [
            (r"^\d{3}\-\d{4}$", r"^\d{3}-\d{4}$"),
            (r"^[^\<\>]*$", r"^[^<>]*$"),
            (r"\<a\>\@\_\ ", "<a>@_ "),
            (r"[\w-.]", r"[\w\-.]"),
            (r"[\w.-]", r"[\w.-]"),
            (r"[a-\d]", r"[a\-\d]"),
            (r"[a-z-9]", r"[a-z\-9]"),
            (r"[-a]", r"[-a]"),
            ("[^]", r"[\s\S]"),
            (r"a\0b[\0-\x1f]", r"a\x00b[\x00-\x1f]"),
            (r"[\uD800\uDC00-\uDBFF\uDFFF]", r"[\u{10000}-\u{10ffff}]"),
            (
                r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*",
                r"[\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10ffff}\r\n\t]*",
            ),
            (
                r"\uD83D\uDE00\x{1F600}\U0001F600\cA",
                r"\u{1f600}\u{1f600}\u{1f600}\x01",
            ),
            (r"\A[\b]\z", r"^[\x08]$"),
            (r"(?P<a>x)(?P=a)(?'b'y)(?#no)", r"(?<a>x)\1(?<b>y)"),
            (r"^(?<year>\d{4})-\k<year>$", r"^(?<year>\d{4})-\1$"),
            // Numbered as everything else that captures.
            (
                r"(a)(?:b)(?=(c))(?<n>d)\k<n>+\k'n'\k{n}0",
                r"(a)(?:b)(?=(c))(?<n>d)\3+\3(?:\3)0",
            ),
            (r"(?<n>a)\k<n>\x30\k<n>(?#no)1", r"(?<n>a)\1\x30(?:\1)1"),
            (r"\k<n>(?<n>a)", r"\1(?<n>a)"),
            (r"\p{Emoji}\P{XID_Start}", r"\p{Emoji}\P{XID_Start}"),
            (r"\Qa.b\Ec", r"a\.bc"),
            (
                r"\pL\PN\p{^Lu}\p{L&}\p{Latin}",
                r"\p{L}\P{N}\P{Lu}\p{LC}\p{Script=Latin}",
            ),
            (r"^{[a-z]+}$", r"^\{[a-z]+\}$"),
            (r"[[:alpha:]_]", "[A-Za-z_]"),
            (r"[a[b]", r"[a\[b]"),
            (r"a]", r"a\]"),
        ] {
            assert_eq!(ecma(pattern).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn what_is_read_differently_is_not_guessed_at() {
        for pattern in [
            "(",
            "[a",
            "a**",
            "*a",
            r"a\",
            "(?i)a",
            "(?>a)",
            "a++",
            r"\Z",
            r"\k<n>",
            r"(?<m>a)\k<n>",
            r"(?:(?<n>a)|(?<n>b))\k<n>",
            r"\k{n}",
            r"\p{IsGreek}",
            // Of ASCII in Java.
            r"\p{Alpha}",
            r"[\p{Lower}]",
            r"\h",
            r"\e",
            "a{,3}",
            "[]a]",
            "[^]a]",
            r"[a-z-[aeiou]]",
            r"\uD800",
            r"[\uD800-\uDBFF][\uDC00-\uDFFF]",
            r"\012",
            "[z-a]",
            r"[\1]",
            r"\2(a)",
            "(?(1)a|b)",
            r"\i\c*",
            "a{2,1}",
        ] {
            assert_eq!(ecma(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_is_written_for_clients_may_have_every_property_of_ecma_262() {
        for pattern in [
            r"\p{Alpha}",
            r"^[\p{Lower}\P{space}]+$",
            r"\p{Uppercase_Letter}\p{digit}",
            r"(?<y>\p{L})\k<y>",
        ] {
            assert!(is_for_clients(pattern), "{pattern}");
        }
        for pattern in [
            r"\p{IsGreek}",
            r"\p{Alphas}",
            r"\p{Punct}",
            r"\h",
            "(?i)a",
            r"\k<n>",
        ] {
            assert!(!is_for_clients(pattern), "{pattern}");
        }
    }
}
