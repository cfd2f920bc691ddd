//! The arguments of a tool under construction: flat, each with a name of its own and a place in the request.

use super::{argument_names::ArgumentNames, kept::KeptName};
use mcp_common::definition::tool::GROUPS;
use serde_json::{Map, Value, json};

/// Where an argument goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
    /// A member of the body.
    Body,
    /// A file beside them, which the definition's `parts` place.
    Part,
    /// The whole body.
    Root,
}

impl Place {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body | Self::Part | Self::Root => "body",
        }
    }
}

/// One argument.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) place: Place,
    /// What the API calls it.
    pub(super) wire: String,
    pub(super) schema: Value,
    pub(super) required: bool,
    /// Members of its entry in `params`, where the defaults do not say it.
    pub(super) style: Map<String, Value>,
}

impl Argument {
    pub(super) fn new(place: Place, wire: impl Into<String>, schema: Value, required: bool) -> Self {
        Self {
            place,
            wire: wire.into(),
            schema,
            required,
            style: Map::new(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Arguments {
    entries: Vec<(String, Argument)>,
    names: ArgumentNames,
    /// `additionalProperties` of the input schema; `None` where members of the body may be added.
    open: Option<Value>,
    /// Conditions between arguments.
    pub(super) dependent: Map<String, Value>,
}

/// What the arguments come to in a definition.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) input_schema: Map<String, Value>,
    pub(super) params: Vec<Value>,
}

impl Arguments {
    pub(super) fn new() -> Self {
        Self {
            open: Some(Value::Bool(false)),
            ..Self::default()
        }
    }

    /// Gives the names of the last import to the arguments that had them.
    pub(super) fn keep(&mut self, names: Vec<KeptName>) {
        self.names.keep(names);
    }

    /// Keeps the names among these that need no change for the arguments that have them.
    pub(super) fn reserve<'a>(&mut self, wires: impl Iterator<Item = &'a str>) {
        self.names.reserve(wires);
    }

    /// Adds it under a name that is free, and returns the name.
    pub(super) fn add(&mut self, argument: Argument) -> String {
        let is_taken = |name: &str| self.entries.iter().any(|(taken, _)| taken == name);
        let name = self.names.choose(argument.place, &argument.wire, is_taken);
        self.entries.push((name.clone(), argument));
        name
    }

    /// Members of the body beside the declared ones: not said, or as the body's schema says.
    pub(super) fn set_open(&mut self, additional: Option<Value>) {
        self.open = additional;
    }

    /// The name under which something of this place was added.
    pub(super) fn named(&self, place: Place, wire: &str) -> Option<&str> {
        let found = self
            .entries
            .iter()
            .find(|(_, entry)| entry.place == place && entry.wire == wire);
        found.map(|(name, _)| name.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Argument)> {
        self.entries
            .iter()
            .map(|(name, argument)| (name.as_str(), argument))
    }

    /// The path with its placeholders under the arguments' names. A segment that begins with a colon is one only where a
    /// parameter of the path is called so.
    pub(super) fn path(&self, path: &str) -> String {
        let segments = path.split('/').map(|segment| match segment.strip_prefix(':') {
            Some(wire) if !wire.contains(['{', '}']) => match self.named(Place::Path, wire) {
                Some(name) => format!("{{{name}}}"),
                None => format!("%3A{wire}"),
            },
            _ => self.segment(segment),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    fn segment(&self, segment: &str) -> String {
        let mut out = String::with_capacity(segment.len());
        let mut rest = segment;
        while let Some((before, (wire, after))) = rest
            .split_once('{')
            .and_then(|(before, from)| Some((before, from.split_once('}')?)))
        {
            let name = self.named(Place::Path, wire).unwrap_or(wire);
            out.push_str(&format!("{before}{{{name}}}"));
            rest = after;
        }
        out + rest
    }

    /// A schema of nothing but `query`, `body` and so on would be read as groups of arguments.
    pub(super) fn avoid_groups(&mut self) {
        let is_scalar = |schema: &Value| {
            let kind = schema.get("type").and_then(Value::as_str);
            kind.is_some_and(|kind| kind != "object")
        };
        let looks_like_group =
            |name: &str, schema: &Value| GROUPS.contains(&name) && (name == "body" || !is_scalar(schema));
        let all = self
            .entries
            .iter()
            .all(|(name, entry)| looks_like_group(name, &entry.schema));
        if !all {
            return;
        }
        let renamed = |name: &str| format!("{name}_value");
        for (name, entry) in &mut self.entries {
            // A placeholder keeps its name; a path argument is a scalar wherever it can be filled.
            if entry.place != Place::Path {
                *name = renamed(name);
            }
        }
        // Members of the body only.
        let dependent = std::mem::take(&mut self.dependent).into_iter();
        self.dependent = dependent
            .map(|(name, others)| {
                let others = others.as_array().into_iter().flatten().filter_map(Value::as_str);
                (renamed(&name), others.map(renamed).collect())
            })
            .collect();
    }

    /// `rest_in_query`: arguments without a place go to the query, else into the body.
    pub(super) fn finish(self, rest_in_query: bool) -> Finished {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut params = Vec::new();
        for (name, argument) in self.entries {
            if argument.required {
                required.push(Value::from(name.clone()));
            }
            params.extend(entry(&name, &argument, rest_in_query));
            properties.insert(name, argument.schema);
        }
        let mut input_schema = Map::new();
        input_schema.insert("type".into(), "object".into());
        input_schema.insert("properties".into(), properties.into());
        if !required.is_empty() {
            input_schema.insert("required".into(), required.into());
        }
        if !self.dependent.is_empty() {
            input_schema.insert("dependentRequired".into(), self.dependent.into());
        }
        if let Some(open) = self.open {
            input_schema.insert("additionalProperties".into(), open);
        }
        Finished { input_schema, params }
    }
}

/// The entry in `params`, where the rule for flat arguments would do something else.
fn entry(name: &str, argument: &Argument, rest_in_query: bool) -> Option<Value> {
    let has_own_name = name == argument.wire;
    let goes_there_anyway = match argument.place {
        Place::Path => true,
        Place::Query => rest_in_query && has_own_name,
        Place::Body => !rest_in_query && has_own_name,
        Place::Header | Place::Cookie => false,
        Place::Part | Place::Root => return None,
    };
    if goes_there_anyway && argument.style.is_empty() {
        return None;
    }
    let mut entry = Map::new();
    entry.insert("name".into(), name.into());
    entry.insert("in".into(), argument.place.as_str().into());
    match argument.place {
        Place::Path | Place::Part | Place::Root => {}
        Place::Body => {
            let pointer = pointer(&argument.wire);
            if !has_own_name {
                entry.insert("as".into(), pointer.into());
            }
        }
        _ if has_own_name => {}
        _ => drop(entry.insert("as".into(), argument.wire.clone().into())),
    }
    entry.extend(argument.style.clone());
    Some(json!(entry))
}

/// A JSON pointer to a member.
pub(super) fn pointer(member: &str) -> String {
    format!("/{}", member.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(place: Place, wire: &str) -> Argument {
        Argument::new(place, wire, json!({"type": "string"}), false)
    }

    #[test]
    fn names_are_usable_and_unique_and_keep_their_place() {
        let mut arguments = Arguments::new();
        for (place, wire, expected) in [
            (Place::Path, "user id", "user_id"),
            (Place::Query, "id", "id"),
            (Place::Body, "id", "body_id"),
            (Place::Query, "tags[]", "tags"),
            (Place::Header, "X-Trace", "X-Trace"),
        ] {
            assert_eq!(arguments.add(argument(place, wire)), expected);
        }
        assert_eq!(arguments.path("/u/{user id}"), "/u/{user_id}");
        let Finished { params, .. } = arguments.finish(false);
        let expected = json!([
            {"name": "id", "in": "query"},
            {"name": "body_id", "in": "body", "as": "/id"},
            {"name": "tags", "in": "query", "as": "tags[]"},
            {"name": "X-Trace", "in": "header"},
        ]);
        assert_eq!(json!(params), expected);
    }

    #[test]
    fn names_of_groups_alone_are_avoided() {
        let mut alone = Arguments::new();
        alone.add(argument(Place::Body, "body"));
        alone.avoid_groups();
        assert_eq!(alone.named(Place::Body, "body"), Some("body_value"));
        let mut beside = Arguments::new();
        beside.add(argument(Place::Body, "body"));
        beside.add(argument(Place::Path, "id"));
        beside.avoid_groups();
        assert_eq!(beside.named(Place::Body, "body"), Some("body"));
    }

    #[test]
    fn what_depends_on_a_renamed_argument_is_renamed_too() {
        let mut alone = Arguments::new();
        alone.add(argument(Place::Body, "body"));
        alone.add(argument(Place::Body, "query"));
        alone
            .entries
            .iter_mut()
            .for_each(|(_, entry)| entry.schema = json!({}));
        alone.dependent.insert("query".into(), json!(["body"]));
        alone.avoid_groups();
        let Finished { input_schema, .. } = alone.finish(false);
        assert_eq!(
            input_schema["dependentRequired"],
            json!({"query_value": ["body_value"]})
        );
    }

    #[test]
    fn a_name_that_needs_no_change_is_given_to_nothing_else() {
        for wires in [
            ["StartTime<", "StartTime", "StartTime>"],
            ["StartTime", "StartTime<", "StartTime>"],
        ] {
            let mut arguments = Arguments::new();
            arguments.reserve(wires.into_iter());
            for wire in wires {
                arguments.add(argument(Place::Query, wire));
            }
            assert_eq!(arguments.named(Place::Query, "StartTime"), Some("StartTime"));
            assert_eq!(
                arguments.named(Place::Query, "StartTime<"),
                Some("query_StartTime")
            );
        }
    }

    #[test]
    fn placeholders_are_filled_in_one_pass() {
        let mut arguments = Arguments::new();
        arguments.reserve(["$id", "id"].into_iter());
        arguments.add(argument(Place::Path, "$id"));
        arguments.add(argument(Place::Path, "id"));
        assert_eq!(arguments.path("/x/{$id}/{id}"), "/x/{path_id}/{id}");
        assert_eq!(arguments.path("/v1/:lookup/:id/a:b"), "/v1/%3Alookup/{id}/a:b");
    }
}
