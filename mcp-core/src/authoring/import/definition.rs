//! One tool, drafted from one operation.

use serde_json::{Map, Value, json};

/// Everything but what the store decides: id, name and source.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// What it is known by from one import to the next, `GET /pets`.
    pub(super) operation: String,
    /// The name before it is made unique.
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) deprecated: bool,
    pub(super) input_schema: Map<String, Value>,
    pub(super) output_schema: Option<Value>,
    pub(super) base_url: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) params: Vec<Value>,
    pub(super) headers: Map<String, Value>,
    pub(super) body: Option<Value>,
    pub(super) auth: Option<Value>,
    pub(super) examples: Vec<Value>,
}

impl Draft {
    /// The document without `source`; its members stand in the order in which people read them.
    pub(super) fn document(&self, id: &str, name: &str) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("id".into(), id.into());
        out.insert("name".into(), name.into());
        if let Some(title) = &self.title {
            out.insert("title".into(), title.as_str().into());
        }
        out.insert("description".into(), self.description.as_str().into());
        if !self.tags.is_empty() {
            out.insert("tags".into(), json!(self.tags));
        }
        if self.deprecated {
            out.insert("deprecated".into(), true.into());
        }
        out.insert("input_schema".into(), self.input_schema.clone().into());
        if let Some(schema) = &self.output_schema {
            out.insert("output_schema".into(), schema.clone());
        }
        out.insert("annotations".into(), annotations(&self.method));
        out.insert("tds_ext_info".into(), self.binding());
        if !self.examples.is_empty() {
            out.insert("examples".into(), json!(self.examples));
        }
        out
    }

    fn binding(&self) -> Value {
        let mut out = Map::new();
        out.insert("base_url".into(), self.base_url.as_str().into());
        out.insert("method".into(), self.method.as_str().into());
        out.insert("path".into(), self.path.as_str().into());
        if !self.params.is_empty() {
            out.insert("params".into(), json!(self.params));
        }
        if !self.headers.is_empty() {
            out.insert("headers".into(), self.headers.clone().into());
        }
        if let Some(body) = &self.body {
            out.insert("body".into(), body.clone());
        }
        if let Some(auth) = &self.auth {
            out.insert("auth".into(), auth.clone());
        }
        out.into()
    }
}

/// What the method says (RFC 9110 section 9.2). Whether a POST destroys something it does not say.
fn annotations(method: &str) -> Value {
    match method {
        "GET" | "HEAD" | "OPTIONS" => json!({"readOnlyHint": true, "idempotentHint": true}),
        "PUT" => json!({"readOnlyHint": false, "idempotentHint": true}),
        "DELETE" => json!({"readOnlyHint": false, "destructiveHint": true, "idempotentHint": true}),
        _ => json!({"readOnlyHint": false}),
    }
}

/// Whether arguments of this method without a place of their own go to the query.
pub(super) fn rest_in_query(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "DELETE")
}
