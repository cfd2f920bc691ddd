//! Selects operations by tag, path or operation id.

use super::ImportError;
use std::{fmt, str::FromStr};

/// What can be selected by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) tags: &'a [String],
}

/// `tag:GLOB`, `path:GLOB`, `operation:GLOB`, `method:NAME`; without a prefix a text that begins with `/` is a path,
/// `GET /path` is an operation without an id, and everything else an operation id. `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    subject: Subject,
    glob: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Tag,
    Path,
    Operation,
    Method,
    MethodAndPath,
}

impl Pattern {
    /// What it looks at, and for what.
    pub(super) fn parts(&self) -> (Subject, &str) {
        (self.subject, &self.glob)
    }

    pub(super) fn selects(&self, operation: &Operation<'_>) -> bool {
        match self.subject {
            Subject::Tag => operation.tags.iter().any(|tag| fits(&self.glob, tag)),
            Subject::Path => fits(&self.glob, operation.path),
            Subject::Operation => operation.id.is_some_and(|id| fits(&self.glob, id)),
            Subject::Method => self.glob.eq_ignore_ascii_case(operation.method),
            Subject::MethodAndPath => {
                let name = format!("{} {}", operation.method.to_ascii_uppercase(), operation.path);
                fits(&self.glob, &name)
            }
        }
    }
}

/// The pattern as it can be read again.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.subject {
            Subject::Tag => "tag:",
            Subject::Path => "path:",
            Subject::Operation => "operation:",
            Subject::Method => "method:",
            Subject::MethodAndPath => "",
        };
        write!(f, "{prefix}{}", self.glob)
    }
}

impl FromStr for Pattern {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let text = text.trim();
        let (subject, glob) = match text.split_once(':') {
            Some(("tag", glob)) => (Subject::Tag, glob),
            Some(("path", glob)) => (Subject::Path, glob),
            Some(("operation", glob)) => (Subject::Operation, glob),
            Some(("method", glob)) => (Subject::Method, glob),
            Some((prefix, _))
                if !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) =>
            {
                let reason = format!(
                    "`{text}` begins with `{prefix}:`, which is none of tag:, path:, operation: and method:; an operation id \
                     that begins so is written operation:{text}"
                );
                return Err(ImportError::Option(reason));
            }
            _ if text.starts_with('/') => (Subject::Path, text),
            _ if text.contains(" /") => (Subject::MethodAndPath, text),
            _ => (Subject::Operation, text),
        };
        if glob.is_empty() {
            let reason = format!("`{text}` selects nothing: write tag:NAME, path:/x/*, or an operation id");
            return Err(ImportError::Option(reason));
        }
        Ok(Self {
            subject,
            glob: glob.to_owned(),
        })
    }
}

/// `PATTERN=NAME`: another name for what the pattern selects; `{name}` in it is the name that the tool would have had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub(super) pattern: Pattern,
    pub(super) name: String,
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.pattern, self.name)
    }
}

impl FromStr for Rename {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let Some((pattern, name)) = text.rsplit_once('=').filter(|(_, name)| !name.trim().is_empty()) else {
            let reason =
                format!("`{text}` renames nothing: write OPERATION_ID=NAME or tag:NAME=prefix_{{name}}");
            return Err(ImportError::Option(reason));
        };
        Ok(Self {
            pattern: pattern.parse()?,
            name: name.trim().to_owned(),
        })
    }
}

/// Whether `text` is `glob`, where `*` is any characters.
fn fits(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters() {
        let table = [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*", "", true),
            ("/pets/*/x", "/pets/{id}/x", true),
            ("/pets/*/x", "/pets/x", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("ab*ba", "aba", false),
        ];
        for (glob, text, expected) in table {
            assert_eq!(fits(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn a_pattern_says_what_it_looks_at() {
        let tags = ["pets".to_owned()];
        let operation = Operation {
            id: Some("listPets"),
            method: "get",
            path: "/pets",
            tags: &tags,
        };
        for text in [
            "tag:pets",
            "tag:p*",
            "/pets",
            "path:/p*",
            "listPets",
            "operation:list*",
            "GET /pets",
            "method:GET",
        ] {
            assert!(text.parse::<Pattern>().unwrap().selects(&operation), "{text}");
        }
        for text in ["tag:pet", "/pet", "list", "POST /pets", "method:post"] {
            assert!(!text.parse::<Pattern>().unwrap().selects(&operation), "{text}");
        }
        for text in ["", "tag:", " ", "tags:pets", "operationId:listPets"] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
        assert!(
            "operation:pets:list".parse::<Pattern>().is_ok() && "GET /pets:list".parse::<Pattern>().is_ok()
        );
        let rename: Rename = "GET /pets=all_pets".parse().unwrap();
        assert!(rename.pattern.selects(&operation));
        assert_eq!(rename.name, "all_pets");
        assert!("listPets".parse::<Rename>().is_err() && "listPets= ".parse::<Rename>().is_err());
    }
}
