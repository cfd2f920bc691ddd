//! What stands behind a backslash.

use super::{Reader, property::property};
use std::fmt::Write;

/// Around the name of a group that is referred to.
const NAMED: [(&str, &str); 3] = [("<", ">"), ("'", "'"), ("{", "}")];

/// What an escape means.
pub(super) enum Escaped {
    /// One character.
    Character(char),
    /// One of several.
    Set,
}

impl Reader<'_> {
    /// Outside of a class; the backslash is read.
    pub(super) fn escape(&mut self) -> Option<()> {
        let rest = self.rest;
        match self.next()? {
            c @ ('b' | 'B' | '1'..='9') => {
                self.out.push('\\');
                self.out.push(c);
            }
            'A' => self.out.push('^'),
            'z' => self.out.push('$'),
            'Q' => self.until("\\E")?.chars().for_each(|c| self.literal(c)),
            'k' => {
                let (start, end) = NAMED
                    .into_iter()
                    .find(|(start, _)| self.rest.starts_with(start))?;
                self.eat(start);
                let name = self.until(end)?;
                self.reference(name);
            }
            c if !c.is_alphanumeric() => self.literal(c),
            _ => {
                self.rest = rest;
                self.common()?;
            }
        }
        Some(())
    }

    /// What means the same in a class and outside of one.
    pub(super) fn common(&mut self) -> Option<Escaped> {
        let c = self.next()?;
        let value = match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                self.out.push('\\');
                self.out.push(c);
                return Some(Escaped::Set);
            }
            'p' | 'P' => {
                let name = if self.eat("{") {
                    self.until("}")?
                } else {
                    let rest = self.rest;
                    let letter = self.next()?;
                    &rest[..letter.len_utf8()]
                };
                self.out.push_str(&property(c == 'P', name, self.is_for_clients)?);
                return Some(Escaped::Set);
            }
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'f' => '\u{c}',
            _ => return self.code_point(c).map(Escaped::Character),
        };
        self.out.push('\\');
        self.out.push(c);
        Some(Escaped::Character(value))
    }

    /// A character by its number. Written anew only where ECMA-262 writes it otherwise.
    fn code_point(&mut self, kind: char) -> Option<char> {
        let before = self.rest;
        let (value, is_ecma) = match kind {
            'x' if self.eat("{") => (self.hexadecimal_until_brace()?, false),
            'x' => (self.hexadecimal(2)?, true),
            'u' if self.eat("{") => (self.hexadecimal_until_brace()?, true),
            'u' => self.utf16()?,
            'U' => (self.hexadecimal(8)?, false),
            'c' => {
                let letter = self.next().filter(char::is_ascii_alphabetic)?;
                (letter as u32 % 32, false)
            }
            '0' if !self.rest.starts_with(|c: char| c.is_ascii_digit()) => (0, false),
            _ => return None,
        };
        let character = char::from_u32(value)?;
        if is_ecma {
            let written = &before[..before.len() - self.rest.len()];
            let _ = write!(self.out, "\\{kind}{written}");
        } else {
            self.numbered(character);
        }
        Some(character)
    }

    pub(super) fn numbered(&mut self, character: char) {
        let value = character as u32;
        let _ = match value {
            ..0x100 => write!(self.out, "\\x{value:02x}"),
            0x100..0x1_0000 => write!(self.out, "\\u{value:04x}"),
            _ => write!(self.out, "\\u{{{value:x}}}"),
        };
    }

    /// Four digits, or two halves of one character.
    fn utf16(&mut self) -> Option<(u32, bool)> {
        let first = self.hexadecimal(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return Some((first, true));
        }
        if !self.eat("\\u") {
            return None;
        }
        let second = self.hexadecimal(4)?;
        let second = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        Some((0x1_0000 + ((first - 0xD800) << 10) + second, false))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        of_digits(text)
    }

    fn hexadecimal_until_brace(&mut self) -> Option<u32> {
        of_digits(self.until("}")?)
    }
}

fn of_digits(text: &str) -> Option<u32> {
    let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_hexadecimal)
}
