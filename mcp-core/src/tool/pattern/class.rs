//! Classes of characters: `[a-z]`.

use super::{Reader, SYNTAX, escape::Escaped};

/// POSIX names, as their standard has them in the C locale.
const POSIX: [(&str, &str); 10] = [
    ("alpha", "A-Za-z"),
    ("digit", "0-9"),
    ("alnum", "A-Za-z0-9"),
    ("upper", "A-Z"),
    ("lower", "a-z"),
    ("xdigit", "0-9A-Fa-f"),
    ("space", r"\t-\r\x20"),
    ("blank", r"\t\x20"),
    ("cntrl", r"\x00-\x1f\x7f"),
    ("word", r"\w"),
];

/// What was read before a hyphen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that a range begins with.
    Nothing,
    One(char),
    Set,
}

impl Reader<'_> {
    /// The bracket is read.
    pub(super) fn class(&mut self) -> Option<()> {
        let is_negated = self.eat("^");
        if self.eat("]") {
            self.has_any = true;
            self.out.push_str(r"[\s\S]");
            // Without `^` it is nothing at all, or the beginning of a class with a bracket in it.
            return is_negated.then_some(());
        }
        self.out.push_str(if is_negated { "[^" } else { "[" });
        let mut before = Before::Nothing;
        loop {
            let is_first = self.out.ends_with('[') || self.out.ends_with("[^");
            match self.next()? {
                ']' => break,
                '-' if self.rest.starts_with('[') => return None,
                '-' if self.rest.starts_with(']') || (before == Before::Nothing && is_first) => {
                    self.out.push('-');
                    before = Before::One('-');
                }
                '-' => before = self.hyphen(before)?,
                c => before = self.atom(c)?,
            }
        }
        self.out.push(']');
        Some(())
    }

    /// A range, or a hyphen.
    fn hyphen(&mut self, before: Before) -> Option<Before> {
        if before == Before::Nothing {
            self.out.push_str("\\-");
            return Some(Before::One('-'));
        }
        let at = self.out.len();
        let next = self.next()?;
        let after = self.atom(next)?;
        match (before, after) {
            (Before::One(first), Before::One(last)) if first <= last => self.out.insert(at, '-'),
            (Before::One(_), Before::One(_)) => return None,
            _ => self.out.insert_str(at, "\\-"),
        }
        Some(Before::Nothing)
    }

    fn atom(&mut self, c: char) -> Option<Before> {
        let value = match c {
            '[' if self.rest.starts_with(':') => {
                let name = self.rest[1..].split_once(":]").map(|(name, _)| name);
                let (name, characters) = POSIX.iter().find(|(known, _)| Some(*known) == name)?;
                self.rest = &self.rest[name.len() + 3..];
                self.out.push_str(characters);
                return Some(Before::Set);
            }
            '[' => {
                self.out.push_str("\\[");
                c
            }
            '\\' => return self.escape_in_class(),
            c => {
                self.out.push(c);
                c
            }
        };
        Some(Before::One(value))
    }

    fn escape_in_class(&mut self) -> Option<Before> {
        let c = self.rest.chars().next()?;
        if c == 'b' {
            self.next();
            self.numbered('\u{8}');
            return Some(Before::One('\u{8}'));
        }
        if !c.is_alphanumeric() {
            self.next();
            if SYNTAX.contains(c) || c == '-' {
                self.out.push('\\');
            }
            self.out.push(c);
            return Some(Before::One(c));
        }
        Some(match self.common()? {
            Escaped::Character(value) => Before::One(value),
            Escaped::Set => Before::Set,
        })
    }
}
