//! URI templates (RFC 6570), as far as it takes to see which of them a URI may come from.

/// Longer URIs come from no template.
const LONGEST: usize = 8 << 10;
/// Templates of more parts match nothing.
const MOST_PARTS: usize = 64;

/// A template, taken apart.
#[derive(Debug)]
pub(super) struct UriTemplate(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    /// What an expression stands for: some text without a slash.
    Segment,
    /// Any text, or none: expressions with an operator, of which some may be left out.
    Any,
}

impl UriTemplate {
    /// Reads a template; one that is none stands for the text that it is.
    pub(super) fn read(mut text: &str) -> Self {
        let mut parts = Vec::new();
        while let Some((before, rest)) = text.split_once('{') {
            let Some((expression, after)) = rest.split_once('}') else {
                break;
            };
            if !before.is_empty() {
                parts.push(Part::Literal(before.into()));
            }
            let has_operator =
                expression.starts_with(['+', '#', '.', '/', ';', '?', '&', '=', ',', '!', '@', '|']);
            parts.push(if has_operator || expression.ends_with('*') {
                Part::Any
            } else {
                Part::Segment
            });
            text = after;
        }
        if !text.is_empty() {
            parts.push(Part::Literal(text.into()));
        }
        Self(parts)
    }

    /// Whether the URI may come from it.
    pub(super) fn matches(&self, uri: &str) -> bool {
        if uri.len() > LONGEST || self.0.len() > MOST_PARTS {
            return false;
        }
        let uri = uri.as_bytes();
        // Up to where the parts so far may reach.
        let mut reached = vec![false; uri.len() + 1];
        reached[0] = true;
        for part in &self.0 {
            reached = part.reach(&reached, uri);
            // Most URIs begin otherwise.
            if !reached.contains(&true) {
                return false;
            }
        }
        reached[uri.len()]
    }

    /// How many steps a look at a URI may take.
    pub(super) fn steps(&self, uri: &str) -> usize {
        self.0.len().saturating_mul(uri.len() + 1)
    }
}

impl Part {
    fn reach(&self, from: &[bool], uri: &[u8]) -> Vec<bool> {
        let mut to = vec![false; from.len()];
        match self {
            Self::Literal(text) => {
                let text = text.as_bytes();
                for at in (0..from.len()).filter(|at| from[*at]) {
                    if uri[at..].starts_with(text) {
                        to[at + text.len()] = true;
                    }
                }
            }
            Self::Segment => {
                let mut is_inside = false;
                for at in 0..uri.len() {
                    is_inside = (is_inside || from[at]) && uri[at] != b'/';
                    to[at + 1] = is_inside;
                }
            }
            Self::Any => {
                let mut is_inside = false;
                for at in 0..from.len() {
                    is_inside |= from[at];
                    to[at] = is_inside;
                }
            }
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_recognized_that_may_come_from_a_template() {
        for (template, uri, matches) in [
            ("test://template/{id}/data", "test://template/123/data", true),
            ("test://template/{id}/data", "test://template//data", false),
            ("test://template/{id}/data", "test://template/1/2/data", false),
            ("test://template/{id}/data", "test://template/1/data/x", false),
            ("file:///{+path}", "file:///a/b/c", true),
            ("file:///{path*}", "file:///a/b", true),
            ("db://t{?limit,offset}", "db://t", true),
            ("db://t{?limit,offset}", "db://t?limit=3", true),
            ("{scheme}://{host}", "a://b", true),
            ("x:{a}b{c}b", "x:1bb2b", true),
            ("x:{a}b{c}b", "x:bb", false),
            ("x:{a}é", "x:ü-é", true),
            ("x:plain", "x:plain", true),
            ("x:{open", "x:{open", true),
            ("x:{open", "x:1", false),
            ("", "", true),
        ] {
            assert_eq!(
                UriTemplate::read(template).matches(uri),
                matches,
                "{template} {uri}"
            );
        }
        assert!(!UriTemplate::read("{+x}").matches(&"x".repeat(LONGEST + 1)));
        assert!(!UriTemplate::read(&"{+x}".repeat(MOST_PARTS + 1)).matches("x"));
    }
}
