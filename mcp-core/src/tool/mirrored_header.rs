//! Arguments that clients repeat in `Mcp-Param-*` headers (`x-mcp-header` in the input schema).

use super::bounded;
use http::HeaderName;
use mcp_common::problem::Problem;
use serde_json::{Map, Value};
use std::collections::HashSet;

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

/// Arguments of one tool that are repeated.
const MOST_HEADERS: usize = 100;
/// Bytes of the names that lead to one of them.
const MOST_PATH: usize = 4 << 10;
/// More than that nobody mends at once.
const MOST_PROBLEMS: usize = 20;
/// How much of a place is named, and how much of a name.
const MOST_FIELD: usize = 400;
const MOST_NAME: usize = 200;

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
        known: HashSet::new(),
        problems: Vec::new(),
        steps: Vec::new(),
    };
    walk.schema(schema, true);
    problems.extend(walk.problems);
    walk.found
}

/// Where one is in the schema.
enum Step<'s> {
    Member(&'s str),
    Item(usize),
}

struct Walk<'s> {
    found: Vec<MirroredHeader>,
    known: HashSet<HeaderName>,
    problems: Vec<Problem>,
    /// From the root to where one is. Written out only where something is to be said of it: names are as long as their author likes.
    steps: Vec<Step<'s>>,
}

impl<'s> Walk<'s> {
    /// `is_reached`: from the root, through `properties` alone.
    fn schema(&mut self, schema: &'s Value, is_reached: bool) {
        let Some(members) = schema.as_object() else { return };
        if let Some(name) = members.get(KEYWORD)
            && self.problems.len() < MOST_PROBLEMS
            && let Err(reason) = self.mirrored(name, members, is_reached)
        {
            self.problems.push(Problem::at(self.field(), reason));
        }
        for (keyword, value) in members {
            if DATA.contains(&keyword.as_str()) || keyword == KEYWORD {
                continue;
            }
            self.steps.push(Step::Member(keyword));
            let named = value.as_object().filter(|_| NAMED.contains(&keyword.as_str()));
            if let Some(named) = named {
                let is_reached = is_reached && keyword == "properties";
                for (name, schema) in named {
                    self.inside(Step::Member(name), schema, is_reached);
                }
            } else if let Value::Array(parts) = value {
                for (index, part) in parts.iter().enumerate() {
                    self.inside(Step::Item(index), part, false);
                }
            } else {
                self.schema(value, false);
            }
            self.steps.pop();
        }
    }

    fn inside(&mut self, step: Step<'s>, schema: &'s Value, is_reached: bool) {
        self.steps.push(step);
        self.schema(schema, is_reached);
        self.steps.pop();
    }

    /// The place of the keyword.
    fn field(&self) -> String {
        let mut field = "input_schema".to_owned();
        for step in &self.steps {
            match step {
                Step::Member(name) => field.extend([".", *name]),
                Step::Item(index) => field += &format!("[{index}]"),
            }
        }
        format!("{}.{KEYWORD}", bounded(&field, MOST_FIELD))
    }

    /// The names of the members, of a place that is reached through `properties` alone.
    fn path(&self) -> impl Iterator<Item = &'s str> {
        let names = self.steps.iter().skip(1).step_by(2);
        names.filter_map(|step| match step {
            Step::Member(name) => Some(*name),
            Step::Item(_) => None,
        })
    }

    fn mirrored(
        &mut self,
        name: &Value,
        schema: &Map<String, Value>,
        is_reached: bool,
    ) -> Result<(), String> {
        if !is_reached || self.steps.is_empty() {
            return Err("can only stand on a property that is reached through `properties` alone".into());
        }
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
            .map_err(|_| format!("`{}` cannot be a header name", bounded(name, MOST_NAME)))?;
        if self.known.contains(&header) {
            let name = bounded(name, MOST_NAME);
            return Err(format!("`{name}` appears twice (letter case does not count)"));
        }
        if self.found.len() >= MOST_HEADERS {
            return Err(format!(
                "is one more than {MOST_HEADERS}, and no request has so many headers"
            ));
        }
        if self.path().map(str::len).sum::<usize>() > MOST_PATH {
            return Err(format!(
                "stands on a property whose names have more than {MOST_PATH} bytes, from the root on"
            ));
        }
        self.known.insert(header.clone());
        self.found.push(MirroredHeader {
            header,
            path: self.path().map(str::to_owned).collect(),
            kind,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;
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

    #[test]
    fn how_many_there_are_and_how_far_inside_they_stand_has_an_end() {
        let many = |count: usize, schema: &dyn Fn(usize) -> Value| {
            let members: Map<_, _> = (0..count).map(|n| (format!("p{n}"), schema(n))).collect();
            json!({"properties": members})
        };
        let mirrored = |n: usize| json!({"type": "string", "x-mcp-header": format!("H{n}")});
        for (schema, found, said) in [
            (many(100, &mirrored), 100, 0),
            (many(110, &mirrored), 100, 10),
            (many(1_000, &|_| json!({"x-mcp-header": "a b"})), 0, MOST_PROBLEMS),
            (
                json!({"properties": {"x".repeat(10_000): many(3, &mirrored)}}),
                0,
                3,
            ),
        ] {
            let mut problems = Vec::new();
            assert_eq!(collect(&schema, &mut problems).len(), found);
            assert_eq!(problems.len(), said, "{problems:?}");
            assert!(problems.iter().all(|problem| problem.to_string().len() < 1_000));
        }
    }

    /// One long name, and as much below it as there is above.
    #[test]
    fn looking_for_them_takes_time_that_grows_with_the_schema() {
        let make = |bytes: usize| {
            let members: Map<_, _> = (0..bytes / 24)
                .map(|n| (format!("p{n}"), json!({"x": {}})))
                .collect();
            json!({"properties": {"x".repeat(bytes / 2): {"properties": members}}})
        };
        growth::is_linear("headers", 2 << 20, make, |schema| {
            assert!(collect(schema, &mut Vec::new()).is_empty());
        });
    }
}
