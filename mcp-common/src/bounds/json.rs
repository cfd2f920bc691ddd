//! Bounds of a JSON text, looked at in one pass before anything is made of it.

use super::{Bound, Exceeded};
use memchr::memchr2;

/// A shorter text is not looked at where calls come by: it cannot hold enough values to matter, and the JSON reader
/// bounds its nesting.
const SHORT: usize = 4 << 10;

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

    /// The same, without a look at a text of a few KiB; for the way of calls.
    #[inline]
    pub fn check_long(&self, text: &[u8]) -> Result<(), Exceeded> {
        if text.len() <= SHORT {
            return Ok(());
        }
        self.check(text)
    }

    /// Refuses a long text around such a JSON text where it holds more values than both can have: `others` are those around it. How
    /// deep it is nested is its reader's matter.
    pub fn check_around(&self, others: usize, text: &[u8]) -> Result<(), Exceeded> {
        let more = |bound: Bound, most| Bound { most, ..bound };
        let whole = Self::new(
            more(self.depth, usize::MAX),
            more(self.nodes, self.nodes.most.saturating_add(others)),
        );
        whole.check_long(text).map_err(|_| self.nodes.exceeded())
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
        let text = format!("[{}]", vec!["1"; SHORT].join(","));
        let bounds = bounds(1, SHORT - 100);
        assert!(bounds.check_around(101, text.as_bytes()).is_ok());
        let exceeded = bounds.check_around(99, text.as_bytes()).unwrap_err();
        assert_eq!(exceeded.bound.most, SHORT - 100);
        assert!(bounds.check_around(1, "[".repeat(1_000).as_bytes()).is_ok());
    }

    #[test]
    fn a_short_text_on_the_way_of_calls_is_left_to_the_reader() {
        let short = "[".repeat(SHORT);
        assert!(bounds(1, 1).check_long(short.as_bytes()).is_ok());
        assert!(bounds(1, 1).check_long("[".repeat(SHORT + 1).as_bytes()).is_err());
    }
}
