//! One operation as a tool.

use super::{
    answer, body, example, parameter,
    schema::{Direction, Schemas},
    security::{self, Security},
    server,
    spec::{Spec, Version},
    swagger2,
};
use crate::authoring::import::{
    ImportOptions, Imported, Unmappable,
    arguments::Arguments,
    definition::{Draft, rest_in_query},
    name,
    pattern::Operation,
    place::At,
    prose,
};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Of those that the report names.
const MAX_SERVERS: usize = 20;
/// Of a path as the description has it.
const MAX_PATH: usize = 8 << 10;

pub(super) struct Reader<'s> {
    spec: &'s Spec<'s>,
    options: &'s ImportOptions,
    security: Security<'s>,
    without_output: usize,
    servers: Vec<String>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(spec: &'s Spec<'s>, options: &'s ImportOptions) -> Self {
        let security = Security::new(spec, &options.instance);
        Self {
            spec,
            options,
            security,
            without_output: 0,
            servers: Vec::new(),
        }
    }

    pub(super) fn read(
        &mut self,
        subject: &Operation<'_>,
        item: &Map<String, Value>,
        operation: &Map<String, Value>,
    ) -> Result<Draft, Unmappable> {
        if subject.path.len() > MAX_PATH {
            return Err(Unmappable(format!("its path has more than {MAX_PATH} bytes")));
        }
        let operation = match self.spec.version {
            Version::Swagger2 => Cow::Owned(swagger2::operation(self.spec, item, operation)?),
            _ => Cow::Borrowed(operation),
        };
        let method = subject.method.to_ascii_uppercase();
        let name = format!("{method} {}", subject.path);
        let at = At::root(&name);
        let mut schemas = Schemas::new(self.spec, Direction::Request);
        let mut arguments = Arguments::new();
        let server = server::base_url(self.spec, item, &operation, self.options)?;
        let auth = self.security.auth(&operation, &server.url);
        let mut declared = parameter::of(self.spec, item, &operation, &at)?;
        declared.retain(|parameter| !security::gives(auth.as_ref(), parameter));
        for parameter in &declared {
            parameter::add(parameter, &mut schemas, &mut arguments, &at)?;
        }
        parameter::add_undeclared(subject.path, &mut arguments);
        let in_query = rest_in_query(&method);
        let body = body::add(&operation, in_query, &mut schemas, &mut arguments, &at)?;
        arguments.avoid_groups();
        let example = example::arguments(self.spec, &declared, &operation, &body, &arguments);
        let path = arguments.path(subject.path);
        let body = body.binding(&arguments);
        let is_by_body = body
            .as_ref()
            .is_some_and(|body| body.get("mode").is_some_and(|mode| mode != "raw"));
        let finished = arguments.finish(in_query && !is_by_body);
        let mut input_schema = finished.input_schema;
        schemas.finish(&mut input_schema)?;
        let answer = answer::schema(self.spec, &operation, self.options.limits.max_output_schema);
        self.without_output += usize::from(answer.is_too_large);
        for other in server.others {
            if self.servers.len() < MAX_SERVERS && !self.servers.contains(&other) {
                self.servers.push(other);
            }
        }
        let examples = example::checked(example, &input_schema, &answer, self.options.compiler.bounds());
        Ok(Draft {
            name: name::tool(subject.id, &method, subject.path),
            title: title(&operation),
            description: description(&operation, item, &name),
            tags: subject.tags.to_vec(),
            deprecated: operation.get("deprecated") == Some(&Value::Bool(true)),
            input_schema,
            output_schema: answer.schema,
            base_url: server.url,
            auth,
            operation: name.clone(),
            headers: Map::new(),
            params: finished.params,
            method,
            path,
            body,
            examples,
        })
    }

    /// What concerns all operations.
    pub(super) fn note(self, imported: &mut Imported) {
        self.security.note(imported);
        if self.without_output > 0 {
            imported.note(format!(
                "{} answers are described by more than {} bytes of schema: those tools have no output_schema",
                self.without_output, self.options.limits.max_output_schema
            ));
        }
        if !self.servers.is_empty() && self.options.base_url.is_none() {
            imported.note(format!(
                "other servers of the API: {}; choose with --base-url",
                self.servers.join(", ")
            ));
        }
    }
}

/// As labels by which instances can include tools.
pub(super) fn tags(operation: &Map<String, Value>) -> Vec<String> {
    let tags = operation
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut out: Vec<String> = Vec::new();
    for tag in tags
        .filter_map(Value::as_str)
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .take(16)
    {
        if !out.iter().any(|known| known == tag) {
            out.push(tag.to_owned());
        }
    }
    out
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members
        .get(name)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn title(operation: &Map<String, Value>) -> Option<String> {
    let title = prose::bounded(text(operation, "summary")?, 100);
    Some(title.trim_end_matches('.').to_owned())
}

/// The summary and the description, one of them only where the other says the same; without both the request line.
fn description(operation: &Map<String, Value>, item: &Map<String, Value>, name: &str) -> String {
    let summary = text(operation, "summary").or_else(|| text(item, "summary"));
    let description = text(operation, "description").or_else(|| text(item, "description"));
    let whole = match (summary, description) {
        (Some(summary), Some(description)) => {
            let head = summary.trim_end_matches('.');
            let repeats = description.to_lowercase().starts_with(&head.to_lowercase());
            if repeats {
                description.to_owned()
            } else {
                format!("{head}.\n\n{description}")
            }
        }
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => name.to_owned(),
    };
    let bounded = prose::bounded(&whole, prose::TOOL);
    let text = if bounded.is_empty() {
        name.to_owned()
    } else {
        bounded
    };
    if operation.get("deprecated") == Some(&Value::Bool(true)) {
        return format!("Deprecated. {text}");
    }
    text
}
