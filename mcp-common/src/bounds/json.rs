//! Bounds of a JSON text, looked at in one pass before anything is made of it.

use super::{Bound, Exceeded};
use memchr::{memchr2, memchr2_iter};

/// What an object takes beside its members: a table, and room for the first few of them.
pub const OBJECT: u64 = 640;
/// What a member or item takes beside its text: itself, its name, and the room that a list or table has in stock while it grows.
pub const VALUE: u64 = 256;

/// What a JSON text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonBounds {
    bytes: Option<Bound>,
    depth: Bound,
    nodes: Bound,
}

impl JsonBounds {
    /// Levels and values. A value of each array and object that is empty is counted too.
    pub fn new(depth: Bound, nodes: Bound) -> Self {
        Self {
            bytes: None,
            depth,
            nodes,
        }
    }

    /// The same bounds with one of bytes.
    pub fn with_bytes(self, bytes: Bound) -> Self {
        Self {
            bytes: Some(bytes),
            ..self
        }
    }

    /// Levels of nesting.
    pub fn depth(&self) -> Bound {
        self.depth
    }

    /// Values.
    pub fn nodes(&self) -> Bound {
        self.nodes
    }

    /// Refuses a text that has more. Whether it is JSON is not looked at.
    pub fn check(&self, text: &[u8]) -> Result<(), Exceeded> {
        if let Some(bytes) = self.bytes {
            bytes.check(text.len())?;
        }
        self.walk(text)
    }

    /// The same, by as little as it takes to be sure; for the way of calls, where nearly every text is far too short to have more.
    #[inline]
    pub fn check_quickly(&self, text: &[u8]) -> Result<(), Exceeded> {
        match self.is_surely_within(text) {
            true => Ok(()),
            false => self.check(text),
        }
    }

    /// A text has no more values than bytes (and the one that it is), and no more levels than brackets that open, wherever
    /// these stand.
    #[inline]
    fn is_surely_within(&self, text: &[u8]) -> bool {
        self.bytes.is_none()
            && text.len() < self.nodes.most
            && (text.len() <= self.depth.most
                || memchr2_iter(b'[', b'{', text).nth(self.depth.most).is_none())
    }

    /// Refuses a text around such a JSON text where it holds more values than both can have: `others` are those around it. How
    /// deep it is nested is its reader's matter.
    pub fn check_around(&self, others: usize, text: &[u8]) -> Result<(), Exceeded> {
        let more = |bound: Bound, most| Bound { most, ..bound };
        let whole = Self::new(
            more(self.depth, usize::MAX),
            more(self.nodes, self.nodes.most.saturating_add(others)),
        );
        whole.check_quickly(text).map_err(|_| self.nodes.exceeded())
    }

    fn walk(&self, text: &[u8]) -> Result<(), Exceeded> {
        let (mut depth, mut nodes, mut at) = (0_usize, 1_usize, 0_usize);
        while let Some(byte) = text.get(at) {
            at += 1;
            match byte {
                b'"' => at = end_of_string(text, at),
                b'[' | b'{' => {
                    depth += 1;
                    nodes += 1;
                    self.depth.check(depth)?;
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' => nodes += 1,
                _ => {}
            }
            if nodes > self.nodes.most {
                return Err(self.nodes.exceeded());
            }
        }
        Ok(())
    }
}

/// About the bytes of memory that the values of a JSON text take when it is read, at the most: a member or item of two bytes has a
/// place of its own, an object of two a table. What was measured stands in ADR 17.
pub fn weight(text: &[u8]) -> u64 {
    let (mut objects, mut values, mut at) = (0_u64, 1_u64, 0_usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b'{' => {
                objects += 1;
                values += 1;
            }
            b'[' | b',' => values += 1,
            _ => {}
        }
    }
    text.len() as u64 + objects * OBJECT + values * VALUE
}

/// Levels of nesting of a JSON text.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut most, mut at) = (0_usize, 0, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The place after the closing quote.
fn end_of_string(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        // What is escaped is no end.
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Bounds;

    fn bounds(depth: usize, nodes: usize) -> JsonBounds {
        let mut bounds = Bounds::default();
        bounds.set("definition_depth", depth).unwrap();
        bounds.set("definition_nodes", nodes).unwrap();
        bounds.definition()
    }

    fn refused(depth: usize, nodes: usize, text: &str) -> Option<&'static str> {
        let checked = bounds(depth, nodes).check(text.as_bytes());
        checked.err().map(|exceeded| exceeded.bound.key)
    }

    #[test]
    fn levels_and_values_are_counted() {
        let text = r#"{"a":[1,"x"],"b":{"c":null}}"#;
        assert_eq!(refused(2, 6, text), None);
        assert_eq!(refused(1, 6, text), Some("definition_depth"));
        assert_eq!(refused(2, 5, text), Some("definition_nodes"));
    }

    #[test]
    fn depth_is_that_of_the_deepest_place() {
        for (text, expected) in [("1", 0), ("[[],{\"[[[\":[1]}]", 3), ("{\"a\":{}}", 2)] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_in_a_string_is_text() {
        for text in [
            r#""[[[[,,,,""#,
            r#""\"[[[[,,,,""#,
            r#"["\\","[[{{,,"]"#,
            r#"["\\\"[[,,"]"#,
            r#""[[[\"#,
        ] {
            assert_eq!(refused(1, 3, text), None, "{text}");
        }
        assert_eq!(refused(1, 9, r#"["\\",[]]"#), Some("definition_depth"));
    }

    #[test]
    fn what_stands_around_a_text_has_room_of_its_own() {
        let text = format!("[{}]", vec!["1"; 500].join(","));
        let bounds = bounds(1, 400);
        assert!(bounds.check_around(101, text.as_bytes()).is_ok());
        let exceeded = bounds.check_around(99, text.as_bytes()).unwrap_err();
        assert_eq!(exceeded.bound.most, 400);
        assert!(bounds.check_around(1, "[".repeat(300).as_bytes()).is_ok());
    }

    #[test]
    fn a_quick_look_finds_what_a_whole_one_does() {
        let flat = |size: usize| format!("[{}]", vec!["1"; size].join(","));
        let deep = |size: usize| format!("{}{}", "[".repeat(size), "]".repeat(size));
        let named = |size: usize| format!("{{\"[[[{{{{\":{}}}", flat(size));
        let texts = (0..40).flat_map(|size| [flat(size), deep(size), named(size), "[".repeat(size)]);
        for text in texts.chain([flat(5_000), deep(5_000)]) {
            for (depth, nodes) in [(1, 1), (2, 3), (5, 9), (30, 20), (64, 100_000)] {
                let bounds = Bounds::default();
                let arguments = JsonBounds::new(
                    Bound {
                        most: depth,
                        ..bounds.arguments_depth
                    },
                    Bound {
                        most: nodes,
                        ..bounds.arguments_nodes
                    },
                );
                let (quick, whole) = (
                    arguments.check_quickly(text.as_bytes()),
                    arguments.check(text.as_bytes()),
                );
                assert_eq!(quick, whole, "{depth} levels, {nodes} values: {text}");
            }
        }
    }
}
