//! The path of a call: literal text and placeholders, taken apart once.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeSet;

/// What a literal may not have bare. `%` stays: the author may have encoded already.
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

/// Literal text and placeholders in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    pub(crate) parts: Vec<PathPart>,
    /// What the path has after `?`, encoded; empty where there is none.
    pub(crate) query: String,
    /// The placeholders that arguments of their name fill.
    fillers: BTreeSet<String>,
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathPart {
    /// Encoded text.
    Literal(String),
    /// Filled by the argument of that name.
    Placeholder(String),
    /// Filled by the declared parameter of that number.
    Declared(usize),
}

impl PathTemplate {
    /// Reads `path` and puts `prefix` before it.
    pub(crate) fn compile(prefix: &str, path: &str) -> Result<Self, String> {
        let path = path.trim();
        if path.contains('#') {
            return Err("must not have a fragment (`#`)".into());
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if query.contains(['{', '}']) {
            return Err(
                "placeholders cannot stand in the query; arguments get there by the `query` group".into(),
            );
        }
        let mut template = Self::default();
        let mut literal = prefix.to_owned();
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            literal.push('/');
            template.segment(segment, &mut literal)?;
        }
        template.literal(&mut literal);
        template.query = utf8_percent_encode(query, NOT_IN_PATH).to_string();
        Ok(template)
    }

    fn segment(&mut self, segment: &str, literal: &mut String) -> Result<(), String> {
        // So a colon is written that begins no placeholder; in a segment it stands as it is (RFC 3986, section 3.3).
        let start = segment.get(..3).filter(|start| start.eq_ignore_ascii_case("%3A"));
        let own = start.and_then(|start| segment.strip_prefix(start));
        if own.is_some() {
            literal.push(':');
        } else if let Some(name) = segment.strip_prefix(':').filter(|name| is_colon_name(name)) {
            self.placeholder(name, literal);
            return Ok(());
        }
        let segment = own.unwrap_or(segment);
        if !segment.contains(['{', '}']) {
            return encode_literal(segment, literal).map_err(Into::into);
        }
        let mut rest = segment;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(open);
            let close = from.find('}').filter(|_| from.starts_with('{'));
            let Some(close) = close else {
                return Err(format!("the braces of `{segment}` do not match"));
            };
            let name = from[1..close].trim();
            if name.is_empty() || name.contains('{') {
                return Err(format!("`{segment}` has a placeholder without a name"));
            }
            literal.push_str(&utf8_percent_encode(before, NOT_IN_PATH).to_string());
            self.placeholder(name, literal);
            rest = &from[close + 1..];
        }
        literal.push_str(&utf8_percent_encode(rest, NOT_IN_PATH).to_string());
        Ok(())
    }

    fn placeholder(&mut self, name: &str, literal: &mut String) {
        self.literal(literal);
        self.fillers.insert(name.to_owned());
        self.parts.push(PathPart::Placeholder(name.to_owned()));
    }

    fn literal(&mut self, literal: &mut String) {
        if !literal.is_empty() {
            self.parts.push(PathPart::Literal(std::mem::take(literal)));
        }
    }

    /// Names in order of appearance.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            PathPart::Placeholder(name) => Some(name.as_str()),
            PathPart::Literal(_) | PathPart::Declared(_) => None,
        })
    }

    /// Whether the path is filled by this argument.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fillers.contains(name)
    }

    /// Gives the placeholder to a declared parameter; `false` where there is none of that name.
    pub(super) fn declare(&mut self, name: &str, index: usize) -> bool {
        for part in &mut self.parts {
            if matches!(part, PathPart::Placeholder(placeholder) if placeholder == name) {
                *part = PathPart::Declared(index);
            }
        }
        self.fillers.remove(name)
    }
}

fn is_colon_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Appends literal path text, encoded where it must be; text that climbs is refused.
pub(super) fn encode_literal(text: &str, out: &mut String) -> Result<(), &'static str> {
    if text.split('/').any(is_dot_segment) {
        return Err("has a `.` or `..` segment");
    }
    out.extend(utf8_percent_encode(text, NOT_IN_PATH));
    Ok(())
}

/// Whether an upstream would read the segment as `.` or `..`, percent-encoded or not.
pub(crate) fn is_dot_segment(segment: &str) -> bool {
    if segment.len() > 6 || !segment.starts_with(['.', '%']) {
        return false;
    }
    let decoded = percent_decode_str(segment);
    matches!(decoded.collect::<Vec<u8>>().as_slice(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(path: &str) -> String {
        let template = PathTemplate::compile("", path).unwrap();
        let part = |part: &PathPart| match part {
            PathPart::Literal(text) => text.clone(),
            PathPart::Placeholder(name) => format!("<{name}>"),
            PathPart::Declared(index) => format!("<{index}>"),
        };
        template.parts.iter().map(part).collect::<String>()
    }

    #[test]
    fn placeholders_stand_in_braces_anywhere_and_behind_a_colon_as_a_whole_segment() {
        let table = [
            ("/v1/example", "/v1/example"),
            ("/users/{id}", "/users/<id>"),
            ("/users/:id", "/users/<id>"),
            ("/users/{id}:activate", "/users/<id>:activate"),
            ("/users/:id/orders/:order_id", "/users/<id>/orders/<order_id>"),
            ("/files/{name}.{ext}", "/files/<name>.<ext>"),
            ("/a{x}b{y}c/d", "/a<x>b<y>c/d"),
            ("/things:batchGet", "/things:batchGet"),
            ("/time/12:30", "/time/12:30"),
            ("/v1/%3Alookup", "/v1/:lookup"),
            ("/%3a{id}/x%3Ay", "/:<id>/x%3Ay"),
            ("/:", "/:"),
            ("/a/", "/a/"),
            ("", "/"),
            ("/", "/"),
            ("no/slash", "/no/slash"),
            ("/{user id}/ü x", "/<user id>/%C3%BC%20x"),
            ("/already%20encoded", "/already%20encoded"),
        ];
        for (path, expected) in table {
            assert_eq!(show(path), expected, "{path}");
        }
    }

    #[test]
    fn a_query_in_the_path_is_kept_and_the_prefix_stands_before() {
        let template = PathTemplate::compile("/api", "/x?a=1&b=ü").unwrap();
        assert_eq!(template.parts, [PathPart::Literal("/api/x".into())]);
        assert_eq!(template.query, "a=1&b=%C3%BC");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let table = [
            ("/{", "do not match"),
            ("/}", "do not match"),
            ("/a}b{", "do not match"),
            ("/{}", "without a name"),
            ("/{ }", "without a name"),
            ("/{{ args.x }}", "without a name"),
            ("/a/../b", "`..` segment"),
            ("/%2e%2E/b", "`..` segment"),
            ("/a#b", "fragment"),
            ("/a?x={id}", "query"),
        ];
        for (path, expected) in table {
            let reason = PathTemplate::compile("", path).unwrap_err();
            assert!(reason.contains(expected), "{path}: {reason}");
        }
    }
}
