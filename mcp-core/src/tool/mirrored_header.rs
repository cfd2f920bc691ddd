//! Arguments that clients repeat in `Mcp-Param-*` headers (`x-mcp-header` in the input schema).

use http::HeaderName;
use mcp_common::problem::Problem;
use serde_json::{Map, Value};

const KEYWORD: &str = "x-mcp-header";
/// Keywords whose members are values or free text, not schemas.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];
/// Keywords whose members have names of the author's choice.
const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];

/// One argument and the header that repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredHeader {
    /// `mcp-param-…`.
    pub header: HeaderName,
    /// Member names from the root of the arguments to the value.
    pub path: Vec<String>,
    /// How the two are compared.
    pub kind: MirroredKind,
}

/// How a header is compared with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirroredKind {
    /// Texts are compared exactly.
    String,
    /// Values are compared as numbers: `42.0` equals `42`.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// All mirrored headers of an input schema. Clients drop a tool with an invalid one, so it is refused here.
pub(super) fn collect(schema: &Value, problems: &mut Vec<Problem>) -> Vec<MirroredHeader> {
    let mut walk = Walk {
        found: Vec::new(),
        problems,
    };
    walk.schema(schema, "input_schema", Some(&mut Vec::new()));
    walk.found
}

struct Walk<'a> {
    found: Vec<MirroredHeader>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    /// `path` is there while the place is reachable from the root through `properties` alone.
    fn schema(&mut self, schema: &Value, field: &str, mut path: Option<&mut Vec<String>>) {
        let Some(members) = schema.as_object() else { return };
        if let Some(name) = members.get(KEYWORD)
            && let Err(reason) = self.mirrored(name, members, path.as_deref())
        {
            self.problems
                .push(Problem::at(format!("{field}.{KEYWORD}"), reason));
        }
        for (keyword, value) in members {
            let field = format!("{field}.{keyword}");
            if DATA.contains(&keyword.as_str()) || keyword == KEYWORD {
                continue;
            }
            let named = value.as_object().filter(|_| NAMED.contains(&keyword.as_str()));
            if let Some(named) = named {
                for (name, schema) in named {
                    let field = format!("{field}.{name}");
                    match path.as_deref_mut().filter(|_| keyword == "properties") {
                        Some(path) => {
                            path.push(name.clone());
                            self.schema(schema, &field, Some(&mut *path));
                            path.pop();
                        }
                        None => self.schema(schema, &field, None),
                    }
                }
            } else if let Value::Array(parts) = value {
                for (index, part) in parts.iter().enumerate() {
                    self.schema(part, &format!("{field}[{index}]"), None);
                }
            } else {
                self.schema(value, &field, None);
            }
        }
    }

    fn mirrored(
        &mut self,
        name: &Value,
        schema: &Map<String, Value>,
        path: Option<&Vec<String>>,
    ) -> Result<(), String> {
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return Err("can only stand on a property that is reached through `properties` alone".into());
        };
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("string") => MirroredKind::String,
            Some("integer") => MirroredKind::Integer,
            Some("boolean") => MirroredKind::Boolean,
            _ => return Err("can only stand on a property of type string, integer or boolean".into()),
        };
        let name = name
            .as_str()
            .filter(|name| !name.is_empty())
            .ok_or("must be a text that is not empty")?;
        let header = HeaderName::from_bytes(format!("mcp-param-{name}").as_bytes())
            .map_err(|_| format!("`{name}` cannot be a header name"))?;
        if self.found.iter().any(|other| other.header == header) {
            return Err(format!("`{name}` appears twice (letter case does not count)"));
        }
        self.found.push(MirroredHeader {
            header,
            path: path.clone(),
            kind,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_are_found_by_path() {
        let schema = json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "query": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "x-mcp-header": {"type": "string", "default": {"x-mcp-header": 5}}
        }});
        let mut problems = Vec::new();
        let found = collect(&schema, &mut problems);
        let shown: Vec<_> = found
            .iter()
            .map(|h| (h.header.as_str(), h.path.join("."), h.kind))
            .collect();
        assert_eq!(
            shown,
            [
                ("mcp-param-region", "region".to_owned(), MirroredKind::String),
                ("mcp-param-n", "query.n".to_owned(), MirroredKind::Integer)
            ]
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn what_clients_would_drop_is_refused() {
        let property = |schema: Value| json!({"properties": {"a": schema}});
        let table = [
            (
                property(json!({"type": "number", "x-mcp-header": "A"})),
                "input_schema.properties.a.x-mcp-header: ",
            ),
            (
                property(json!({"type": ["string", "null"], "x-mcp-header": "A"})),
                "of type string",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": ""})),
                "not empty",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": 5})),
                "not empty",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a b"})),
                "cannot be a header name",
            ),
            (
                property(json!({"type": "string", "x-mcp-header": "a\r\nb"})),
                "cannot be a header name",
            ),
            (json!({"x-mcp-header": "A"}), "through `properties` alone"),
            (
                property(json!({"items": {"type": "string", "x-mcp-header": "A"}})),
                "through `properties` alone",
            ),
            (
                json!({"allOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
                "allOf[0]",
            ),
            (
                json!({"$defs": {"d": {"type": "string", "x-mcp-header": "A"}}}),
                "$defs.d",
            ),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}),
                "appears twice",
            ),
        ];
        for (schema, expected) in table {
            let mut problems = Vec::new();
            collect(&schema, &mut problems);
            let text = problems.iter().map(ToString::to_string).collect::<String>();
            assert!(text.contains(expected), "{schema}: {text}");
        }
    }
}
