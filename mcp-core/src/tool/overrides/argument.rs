//! How an instance names the arguments of a tool.

use crate::{
    json::pointer,
    tool::{Layout, Target},
};
use mcp_common::definition::tool::GROUPS;
use serde_json::{Map, Value};

/// How many names a refusal lists.
const MAX_NAMES: usize = 12;

/// What a tool's schema declares.
pub(super) struct Arguments<'a> {
    pub(super) layout: Layout,
    pub(super) schema: &'a Value,
}

impl Arguments<'_> {
    /// Member names from the root of the arguments: a property, or where arguments are grouped a property of a group
    /// (or the body as a whole).
    pub(super) fn find(&self, name: &str) -> Result<Vec<String>, String> {
        if self.layout == Layout::ByShape {
            return Err("the tool's input_schema declares no arguments".into());
        }
        if name.starts_with('/') {
            return self.at(name);
        }
        if self.layout == Layout::Flat {
            return match self.has(&[name]) {
                true => Ok(vec![name.to_owned()]),
                false => Err(self.unknown(name)),
            };
        }
        let in_groups = GROUPS.iter().map(|group| vec![*group, name]);
        let whole_body = (name == "body").then(|| vec!["body"]);
        let mut found: Vec<_> = in_groups
            .chain(whole_body)
            .filter(|path| self.has(path))
            .collect();
        if found.len() > 1 {
            let pointers: Vec<_> = found
                .iter()
                .map(|path| format!("`{}`", pointer::pointer_of(path)))
                .collect();
            return Err(format!(
                "`{name}` may be {}; write which one",
                pointers.join(" or ")
            ));
        }
        let found = found.pop().ok_or_else(|| self.unknown(name))?;
        Ok(found.into_iter().map(str::to_owned).collect())
    }

    fn at(&self, text: &str) -> Result<Vec<String>, String> {
        let path = pointer::parse(text)?;
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let depth = match self.layout {
            Layout::Grouped if steps != ["body"] => 2,
            _ => 1,
        };
        if path.len() > depth {
            return Err(format!(
                "`{text}` is a part of an argument; only whole arguments can be given or hidden"
            ));
        }
        if path.len() < depth {
            return Err(format!(
                "`{text}` is a group of arguments; name one of them: `{text}/<name>`"
            ));
        }
        if self.has(&steps) {
            Ok(path)
        } else {
            Err(self.unknown(text))
        }
    }

    fn has(&self, path: &[&str]) -> bool {
        let mut schema = Some(self.schema);
        for name in path {
            schema = schema.and_then(|schema| schema.get("properties")?.get(*name));
        }
        schema.is_some()
    }

    fn unknown(&self, name: &str) -> String {
        let names = |schema: &Value, prefix: &str| -> Vec<String> {
            let properties = schema.get("properties").and_then(Value::as_object);
            let names = properties.into_iter().flat_map(Map::keys);
            names.map(|name| format!("{prefix}{name}")).collect()
        };
        let mut known = match self.layout {
            Layout::Grouped => {
                let groups = self.schema.get("properties");
                let of = |group: &&str| Some(names(groups?.get(*group)?, &format!("/{group}/")));
                GROUPS.iter().filter_map(of).flatten().collect()
            }
            _ => names(self.schema, ""),
        };
        let more = if known.len() > MAX_NAMES { ", …" } else { "" };
        known.truncate(MAX_NAMES);
        match known.is_empty() {
            true => format!("the tool's input_schema has no property `{name}`"),
            false => format!(
                "the tool's input_schema has no property `{name}`; there are {}{more}",
                known.join(", ")
            ),
        }
    }

    /// The schema of the object that has the argument.
    pub(super) fn around(&self, path: &[String]) -> Option<&Value> {
        match path {
            [_] => Some(self.schema),
            [group, _] => self.schema.get("properties")?.get(group),
            _ => None,
        }
    }

    /// Whether there is no call without it.
    pub(super) fn is_required(&self, target: &Target, path: &[String]) -> bool {
        let Some(name) = path.last() else { return false };
        let group = (path.len() == 2).then(|| path[0].as_str());
        let required = self
            .around(path)
            .and_then(|schema| schema.get("required")?.as_array());
        let by_schema = required.is_some_and(|names| names.iter().any(|required| required == name.as_str()));
        by_schema || target.requires(group, name)
    }
}
