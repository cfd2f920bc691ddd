//! One operation as a tool.

use super::{
    answer, body, example, parameter,
    schema::{Direction, Schemas},
    security::{self, Security},
    selection::Selection,
    server,
    spec::{Spec, Version},
    swagger2,
};
use crate::{
    authoring::import::{
        ImportOptions, Imported, Unmappable,
        arguments::Arguments,
        definition::{Draft, rest_in_query},
        kept::Kept,
        name,
        pattern::Operation,
        place::At,
        prose,
    },
    tool::read_header_name,
};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet};

/// The number of servers that the report names.
const MAX_SERVERS: usize = 20;
/// The number of paths with a fragment that the report names.
const MAX_FRAGMENTS: usize = 5;
/// The bytes of a path as the description has it.
const MAX_PATH: usize = 8 << 10;

pub(super) struct Reader<'s> {
    spec: &'s Spec<'s>,
    options: &'s ImportOptions,
    kept: &'s Kept<'s>,
    security: Security<'s>,
    without_output: usize,
    /// Input schemas of which only a part is told.
    cut: usize,
    /// References of answers that are too large for an output schema.
    large_answers: BTreeSet<String>,
    servers: Vec<String>,
    /// Details that were left out.
    details: Vec<String>,
    /// Operations whose paths have a fragment: there may be hundreds of one path, and one note is for all.
    with_fragment: Vec<String>,
    pub(super) selection: Selection<'s>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(spec: &'s Spec<'s>, options: &'s ImportOptions, kept: &'s Kept<'s>) -> Self {
        let security = Security::new(spec, &options.instance);
        Self {
            spec,
            options,
            kept,
            security,
            without_output: 0,
            cut: 0,
            large_answers: BTreeSet::new(),
            servers: Vec::new(),
            details: Vec::new(),
            with_fragment: Vec::new(),
            selection: Selection::new(options),
        }
    }

    pub(super) fn resolve(&self, operation: &'s Value) -> Result<&'s Value, String> {
        self.spec.resolve(operation)
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
        // A fragment is never sent; some descriptions tell operations of one path apart by it.
        let path = match subject.path.split_once('#') {
            Some((path, _)) => {
                self.with_fragment.push(name.clone());
                path
            }
            None => subject.path,
        };
        let at = At::root(&name);
        let mut schemas = Schemas::new(
            self.spec,
            Direction::Request,
            self.options.limits.max_input_schema,
        );
        let mut arguments = Arguments::new();
        let server = server::base_url(self.spec, item, &operation, self.options)?;
        let auth = match &self.options.auth {
            Some(given) => given.value(),
            None => self.security.auth(&operation, &server.url),
        };
        let mut declared = parameter::of(self.spec, item, &operation, &at)?;
        declared.retain(|parameter| !security::gives(auth.as_ref(), parameter));
        let given = &self.options.headers;
        declared.retain(|parameter| !given.iter().any(|header| header.is(parameter)));
        declared.retain(|parameter| self.can_be_sent(parameter, &name));
        parameter::check_path(&declared, path)?;
        arguments.keep(self.kept.names(&name, path));
        arguments.reserve(declared.iter().filter_map(parameter::wire));
        for parameter in &declared {
            parameter::add(parameter, &mut schemas, &mut arguments, &at)?;
        }
        parameter::add_undeclared(path, &mut arguments);
        let in_query = rest_in_query(&method);
        let mut body = body::add(&operation, in_query, &mut schemas, &mut arguments, &at)?;
        self.details.extend(body.notes(&name));
        arguments.avoid_groups();
        let example = example::arguments(self.spec, &declared, &operation, &body, &arguments);
        let path = arguments.path(path);
        let body = body.binding(&arguments);
        let is_by_body = body
            .as_ref()
            .is_some_and(|body| body.get("mode").is_some_and(|mode| mode != "raw"));
        let finished = arguments.finish(in_query && !is_by_body);
        let mut input_schema = finished.input_schema;
        let schema = schemas.finish(&mut input_schema, &name)?;
        self.details.extend(schema.details);
        self.cut += usize::from(schema.is_cut);
        let most = self.options.limits.max_output_schema;
        let answer = answer::schema(self.spec, &operation, most, &mut self.large_answers);
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
            description: description(&operation, item, subject.id, &name),
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

    /// Whether the parameter can be sent. Headers that belong to the connection are not the caller's to give.
    fn can_be_sent(&mut self, parameter: &Map<String, Value>, operation: &str) -> bool {
        let Some(name) = parameter::wire(parameter).filter(|_| parameter.get("in") == Some(&"header".into()))
        else {
            return true;
        };
        let Err(reason) = read_header_name(name) else {
            return true;
        };
        self.details
            .push(format!("{operation}: the header `{name}` is left out: {reason}"));
        false
    }

    /// What concerns all operations.
    pub(super) fn note(mut self, imported: &mut Imported) {
        for detail in self.details {
            imported.note(detail);
        }
        if !self.with_fragment.is_empty() {
            let more = self.with_fragment.len().saturating_sub(MAX_FRAGMENTS);
            self.with_fragment.truncate(MAX_FRAGMENTS);
            let named = self.with_fragment.join("`, `");
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            imported.note(format!(
                "`{named}`{more}: what a path has after `#` is never sent and is left out; where it tells operations of one path \
                 apart, say it in what is sent (a parameter or a header of the definition)"
            ));
        }
        self.security.note(imported);
        if self.without_output > 0 {
            imported.note(format!(
                "{} answers are described by more than {} bytes of schema: those tools have no output_schema",
                self.without_output, self.options.limits.max_output_schema
            ));
        }
        if self.cut > 0 {
            imported.note(format!(
                "{} operations take more than {} bytes of schema describe: those tools describe what is nearest to their arguments, \
                 and any value has a place in the rest",
                self.cut, self.options.limits.max_input_schema
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

/// The tags as labels by which instances can include tools.
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

/// Of descriptions of operations that should not be used any more.
const DEPRECATED: &str = "Deprecated. ";

/// The summary, unless it is the name, and the description, one of them only where the other says the same; without both the request line.
fn description(
    operation: &Map<String, Value>,
    item: &Map<String, Value>,
    id: Option<&str>,
    name: &str,
) -> String {
    let summary = text(operation, "summary").or_else(|| text(item, "summary"));
    let description = text(operation, "description").or_else(|| text(item, "description"));
    // Says nothing that the tool's name does not say.
    let is_name = |summary: &&str| id.is_some_and(|id| letters(id) == letters(summary));
    let summary = summary.filter(|summary| !is_name(summary));
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
    let prefix = match operation.get("deprecated") {
        Some(Value::Bool(true)) => DEPRECATED,
        _ => "",
    };
    let bounded = prose::bounded(&whole, prose::TOOL - prefix.len());
    let text = if bounded.is_empty() { name } else { &bounded };
    format!("{prefix}{text}")
}

/// What names have in common however they are written.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
