//! What the input schema says about one argument.

use serde_json::{Value, value::RawValue};

const GROUPS: [&str; 5] = ["path", "query", "header", "cookie", "body"];
/// `$ref`s that lead to `$ref`s are followed this far.
const MOST_STEPS: usize = 16;

/// Where a value goes, and what the schema says about it.
pub(super) struct Target<'a> {
    /// Member names from the root.
    pub(super) path: Vec<String>,
    root: &'a Value,
    /// Absent where the schema does not know it.
    schema: Option<&'a Value>,
}

/// The argument that a name at the command line means.
pub(super) fn find<'a>(root: &'a Value, name: &str) -> Target<'a> {
    let target = |path: Vec<String>| {
        let schema = path.iter().try_fold(root, |schema, step| {
            resolve(root, schema).get("properties")?.get(step)
        });
        Target { path, root, schema }
    };
    let whole = target(vec![name.to_owned()]);
    if whole.schema.is_some() {
        return whole;
    }
    let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
    if parts.len() > 1 && parts.iter().all(|part| !part.is_empty()) {
        return target(parts);
    }
    let groups = root.get("properties").and_then(Value::as_object);
    let is_grouped = groups.is_some_and(|groups| {
        !groups.is_empty() && groups.keys().all(|group| GROUPS.contains(&group.as_str()))
    });
    let in_groups: Vec<Target<'a>> = GROUPS
        .iter()
        .filter(|_| is_grouped)
        .map(|group| target(vec![(*group).to_owned(), name.to_owned()]))
        .filter(|target| target.schema.is_some())
        .collect();
    match <[Target<'a>; 1]>::try_from(in_groups) {
        Ok([only]) => only,
        Err(_) => whole,
    }
}

impl<'a> Target<'a> {
    /// Each value that it can have, as it is typed; none where there are more than are listed.
    pub(super) fn values(&self) -> Vec<String> {
        let Some(schema) = self.schema.map(|schema| resolve(self.root, schema)) else {
            return Vec::new();
        };
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        let listed: Vec<String> = listed
            .chain(schema.get("const"))
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        if listed.is_empty() && types(self.root, schema, 0) == ["boolean"] {
            return vec!["true".to_owned(), "false".to_owned()];
        }
        listed
    }

    /// The types that it takes, in words.
    pub(super) fn kind(&self) -> String {
        let mut types = self
            .schema
            .map(|schema| types(self.root, schema, 0))
            .unwrap_or_default();
        types.dedup();
        match types.is_empty() {
            true => "any".to_owned(),
            false => types.join("|"),
        }
    }

    pub(super) fn description(&self) -> &'a str {
        let said = |schema: &'a Value| schema.get("description").and_then(Value::as_str);
        let schema = self.schema;
        schema
            .and_then(|schema| said(schema).or_else(|| said(resolve(self.root, schema))))
            .unwrap_or_default()
    }

    /// The text as JSON of a type that the schema takes; a text where none fits, so that validation says why.
    pub(super) fn convert(&self, text: &str) -> String {
        self.schema
            .map_or_else(|| quoted(text), |schema| self.converted(text, schema))
    }

    fn converted(&self, text: &str, schema: &Value) -> String {
        let types = types(self.root, schema, 0);
        let takes = |kind: &str| types.iter().any(|known| known == kind);
        if types.is_empty() || takes("string") {
            return quoted(text);
        }
        let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
        let fits = match text.as_bytes().first() {
            Some(b'{') => takes("object"),
            Some(b'[') => takes("array"),
            Some(b't' | b'f') => takes("boolean"),
            Some(b'n') => takes("null"),
            Some(b'-' | b'0'..=b'9') => takes("integer") || takes("number"),
            _ => false,
        };
        if is_json && fits {
            return text.to_owned();
        }
        let items = resolve(self.root, schema).get("items");
        match items.filter(|_| takes("array")) {
            Some(items) => self.converted(text, items),
            None => quoted(text),
        }
    }

    /// Whether the JSON text is one item of a list, not the list.
    pub(super) fn is_item(&self, json: &str) -> bool {
        let types = self
            .schema
            .map(|schema| types(self.root, schema, 0))
            .unwrap_or_default();
        let is_list = types.iter().any(|kind| kind == "array") && types.iter().all(|kind| kind != "string");
        is_list && !json.starts_with('[') && json != "null"
    }

    /// Whether texts stand for bytes.
    pub(super) fn is_base64(&self) -> bool {
        let says = |schema: &Value| {
            let has = |keyword: &str, value: &str| schema.get(keyword).is_some_and(|found| found == value);
            has("contentEncoding", "base64") || has("format", "byte") || has("format", "binary")
        };
        self.schema.is_some_and(|schema| {
            let schema = resolve(self.root, schema);
            let items = schema.get("items").map(|items| resolve(self.root, items));
            says(schema) || items.is_some_and(says)
        })
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Follows local references.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..MOST_STEPS {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let Some(found) = reference.and_then(|text| root.pointer(text.strip_prefix('#')?)) else {
            break;
        };
        schema = found;
    }
    schema
}

/// The types that the schema names, also in alternatives; none where it takes everything.
fn types(root: &Value, schema: &Value, depth: usize) -> Vec<String> {
    let schema = resolve(root, schema);
    let mut found: Vec<String> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    for keyword in ["anyOf", "oneOf", "allOf"] {
        let parts = schema.get(keyword).and_then(Value::as_array);
        for part in parts.into_iter().flatten().filter(|_| depth < MOST_STEPS) {
            found.extend(types(root, part, depth + 1));
        }
    }
    if found.is_empty() {
        let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        found.extend(values.chain(schema.get("const")).map(kind_of));
    }
    found
}

fn kind_of(value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    kind.to_owned()
}
