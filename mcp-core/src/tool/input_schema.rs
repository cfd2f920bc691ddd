//! The input schema as it is listed, and what it says about where arguments go.

mod declared;
mod hidden;
mod normal_form;
pub(crate) mod property;

pub(crate) use declared::{Declared, resolve};
pub(crate) use hidden::is_hidden;

use super::{listing::mended_input, schema_bounds};
use mcp_common::{
    bounds::Bounds,
    definition::tool::{GROUPS, RequiredParams, TargetDefinition, ToolDefinition},
    problem::Problem,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How arguments arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `{path: {…}, query: {…}, header: {…}, cookie: {…}, body: …}`.
    Grouped,
    /// Arguments stand by name.
    Flat,
    /// The schema says nothing; each call's arguments show it.
    ByShape,
}

/// An input schema in its normal form.
#[derive(Debug)]
pub(crate) struct InputSchema {
    /// The text as listed.
    pub(crate) text: String,
    pub(crate) value: Value,
    pub(crate) layout: Layout,
    /// What is declared at the root.
    pub(crate) declared: Declared,
    /// What an object-valued `required` of the schema asks for.
    pub(crate) required: Vec<(String, String)>,
}

impl InputSchema {
    pub(crate) fn compile(definition: &ToolDefinition, bounds: &Bounds) -> Result<Self, Problem> {
        let stored = definition.input_schema.as_ref().map_or("{}", |raw| raw.get());
        schema_bounds::check_text("input_schema", stored, bounds)?;
        let value: Value = serde_json::from_str(stored)
            .map_err(|error| Problem::at("input_schema", format!("cannot be read: {error}")))?;
        schema_bounds::check("input_schema", &value, bounds)?;
        let Value::Object(members) = value else {
            return Err(Problem::at("input_schema", "must be a JSON object"));
        };
        check_root_type(&members)?;
        let required = required_by_group(&members)?;
        let layout = layout(&members);
        let text = normal_form::text(stored, &members, layout, &required)
            .map_err(|error| Problem::at("input_schema", format!("cannot be read: {error}")))?;
        let text = mended_input(&text);
        let text = match definition.target() {
            Ok(TargetDefinition::Http(binding)) => hidden::remove(text, layout, &binding.params)?,
            _ => text,
        };
        let value = serde_json::from_str(&text)
            .map_err(|error| Problem::at("input_schema", format!("cannot be read: {error}")))?;
        let declared = Declared::of(&value, &value);
        Ok(Self {
            text,
            value,
            layout,
            declared,
            required,
        })
    }

    /// Stands in for one that cannot be read, so that the rest of the definition can be looked at.
    pub(crate) fn unread() -> Self {
        let value = serde_json::json!({"type": "object"});
        Self {
            text: value.to_string(),
            declared: Declared::of(&value, &value),
            value,
            layout: Layout::ByShape,
            required: Vec::new(),
        }
    }

    /// What a group of a grouped schema declares.
    pub(crate) fn group(&self, name: &str) -> Declared {
        let schema = self
            .value
            .get("properties")
            .and_then(|properties| properties.get(name));
        schema.map_or_else(Declared::nothing, |schema| Declared::of(schema, &self.value))
    }

    /// The beginning of the path that no argument can have; `None` where the schema knows or invites it.
    pub(crate) fn unknown<'a>(&self, path: &'a [String]) -> Option<&'a [String]> {
        let first = path.first()?;
        if !self.declared.allows(first) {
            return Some(&path[..1]);
        }
        let second = path.get(1).filter(|_| self.layout == Layout::Grouped)?;
        (!self.group(first).allows(second)).then(|| &path[..2])
    }

    /// The schema of the argument, where it can be told.
    pub(crate) fn at(&self, path: &[String]) -> Option<&Value> {
        path.iter().try_fold(&self.value, |schema, name| {
            let schema = declared::resolve(schema, &self.value).unwrap_or(schema);
            schema.get("properties")?.get(name)
        })
    }

    /// Members that the schema of the argument names.
    pub(crate) fn members_of(&self, path: &[String]) -> BTreeSet<String> {
        let schema = self.at(path);
        schema.map_or_else(BTreeSet::new, |schema| Declared::of(schema, &self.value).names)
    }

    /// Follows a local `$ref`.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        declared::resolve(schema, &self.value).unwrap_or(schema)
    }
}

/// Whether every object of arguments is valid, so that nothing has to be checked.
pub(crate) fn accepts_everything(schema: &Value) -> bool {
    const SAYS_NOTHING: [&str; 10] = [
        "type",
        "title",
        "description",
        "$schema",
        "$id",
        "$comment",
        "examples",
        "default",
        "$defs",
        "definitions",
    ];
    let members = schema.as_object();
    members.is_some_and(|members| {
        members
            .keys()
            .all(|keyword| SAYS_NOTHING.contains(&keyword.as_str()))
    })
}

fn check_root_type(members: &Map<String, Value>) -> Result<(), Problem> {
    match members.get("type") {
        None => Ok(()),
        Some(Value::String(kind)) if kind == "object" => Ok(()),
        Some(other) => Err(Problem::at(
            "input_schema.type",
            format!("must be \"object\" (arguments are one), not {other}"),
        )),
    }
}

fn required_by_group(members: &Map<String, Value>) -> Result<Vec<(String, String)>, Problem> {
    let Some(Value::Object(groups)) = members.get("required") else {
        return Ok(Vec::new());
    };
    RequiredParams::by_group(groups).ok_or_else(|| {
        let reason = "must be an array of names, or {path: [..], query: [..], body: [..]}";
        Problem::at("input_schema.required", reason)
    })
}

fn layout(members: &Map<String, Value>) -> Layout {
    let root = Value::Object(members.clone());
    let Some(properties) = members
        .get("properties")
        .and_then(Value::as_object)
        .filter(|p| !p.is_empty())
    else {
        let declared = Declared::of(&root, &root);
        return if declared.names.is_empty() && declared.open {
            Layout::ByShape
        } else {
            Layout::Flat
        };
    };
    let is_group = |(name, schema): (&String, &Value)| {
        GROUPS.contains(&name.as_str()) && (name == "body" || is_object(schema, &root))
    };
    if properties.iter().all(is_group) {
        Layout::Grouped
    } else {
        Layout::Flat
    }
}

fn is_object(schema: &Value, root: &Value) -> bool {
    let schema = declared::resolve(schema, root).unwrap_or(schema);
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => {
            kinds.iter().any(|kind| kind == "object")
                && kinds.iter().all(|kind| kind == "object" || kind == "null")
        }
        Some(_) => false,
        None => schema.get("properties").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_common::document::Document;

    fn compile(schema: &str) -> Result<InputSchema, String> {
        let text = format!(
            r#"{{"name":"n","description":"d","input_schema":{schema},"tds_ext_info":{{"domain":"a","method":"GET","path":"/"}}}}"#
        );
        let document = Document::parse(text.as_bytes()).unwrap();
        let definition = ToolDefinition::read("t", &document).unwrap().definition;
        InputSchema::compile(&definition, &Bounds::default()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn three_things_are_made_regular_and_everything_else_is_listed_as_it_stands() {
        let table = [
            ("{}", r#"{"type":"object"}"#),
            (
                r#"{"properties":{"a":{"default":1.10}}}"#,
                r#"{"type":"object","properties":{"a":{"default":1.10}}}"#,
            ),
            (
                r#"{"$schema":"http://json-schema.org/draft-07/schema#", "x-own": [1e2, {"a":null}], "type":"object"}"#,
                r#"{"$schema":"http://json-schema.org/draft-07/schema#","x-own":[1e2,{"a":null}],"type":"object"}"#,
            ),
            (
                r#"{"type":"object","properties":{"path":{"type":"object","properties":{"id":{"maximum":1.0}}},"query":{"type":"object","required":["b"]},"body":{"type":"object"}},"required":{"path":["id"],"query":["a","b"],"body":[]}}"#,
                r#"{"type":"object","properties":{"path":{"type":"object","properties":{"id":{"maximum":1.0}},"required":["id"]},"query":{"type":"object","required":["b","a"]},"body":{"type":"object"}}}"#,
            ),
            (
                r#"{"properties":{"id":{}},"required":{"path":["id"]}}"#,
                r#"{"type":"object","properties":{"id":{}},"required":["id"]}"#,
            ),
        ];
        for (stored, listed) in table {
            assert_eq!(compile(stored).unwrap().text, listed);
        }
    }

    #[test]
    fn grouped_or_flat_is_read_from_the_schema() {
        let table = [
            ("{}", Layout::ByShape),
            (r#"{"type":"object"}"#, Layout::ByShape),
            (r#"{"type":"object","properties":{}}"#, Layout::Flat),
            (r#"{"type":"object","additionalProperties":false}"#, Layout::Flat),
            (r#"{"properties":{"path":{"type":"object"}}}"#, Layout::Grouped),
            (
                r#"{"properties":{"path":{"properties":{"id":{}}},"body":{"type":"array"}}}"#,
                Layout::Grouped,
            ),
            (
                r##"{"properties":{"query":{"$ref":"#/$defs/q"}},"$defs":{"q":{"type":"object"}}}"##,
                Layout::Grouped,
            ),
            (r#"{"properties":{"path":{"type":"string"}}}"#, Layout::Flat),
            (
                r#"{"properties":{"path":{"type":"object"},"id":{}}}"#,
                Layout::Flat,
            ),
            (r#"{"properties":{"body":{"type":"string"}}}"#, Layout::Grouped),
            (r#"{"properties":{"id":{}}}"#, Layout::Flat),
        ];
        for (schema, layout) in table {
            assert_eq!(compile(schema).unwrap().layout, layout, "{schema}");
        }
    }

    #[test]
    fn a_root_that_is_no_object_is_refused() {
        assert!(
            compile("true")
                .unwrap_err()
                .contains("input_schema: must be a JSON object")
        );
        assert!(
            compile(r#"{"type":"array"}"#)
                .unwrap_err()
                .contains("input_schema.type: must be \"object\"")
        );
        assert!(
            compile(r#"{"required":{"path":"id"}}"#)
                .unwrap_err()
                .contains("input_schema.required: ")
        );
    }
}
