//! One request that somebody made, as a tool that makes requests like it.
//!
//! Curl lines, Postman collections and HTTP archives have requests, not descriptions: what the arguments are and which
//! types they have is read from the values.

mod body;
mod header;
mod infer;
mod url;

use super::{
    ImportOptions, Imported, Unmappable,
    arguments::{Argument, Arguments, Place},
    definition::{Draft, rest_in_query},
    kept::{Kept, KeptName},
    name, pattern, prose,
};
pub(super) use body::Body;
use infer::text_schema;
use serde_json::{Value, json};
use url::Address;
pub(super) use url::{decode, pairs};

/// A request as it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// What its author calls it.
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) method: String,
    /// The URL with its query.
    pub(super) url: String,
    /// What its author says about placeholders of the path.
    pub(super) variables: Vec<Field>,
    /// What the URL's query does not have, or what is known about it.
    pub(super) query: Vec<Field>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// A name with a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
    /// Content of a file.
    pub(super) is_file: bool,
}

impl Field {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            ..Self::default()
        }
    }
}

/// More are of no use to a model.
const MAX_FIELDS: usize = 1_000;

/// Adds the tool that the sample is an example of.
pub(super) fn add(sample: Sample, options: &ImportOptions, kept: &Kept<'_>, imported: &mut Imported) {
    let shown = format!(
        "{} {}",
        sample.method,
        sample.url.split('?').next().unwrap_or_default()
    );
    let address = match Address::read(&sample.url, options) {
        Ok(address) => address,
        Err(reason) => return imported.skip(shown, reason),
    };
    if let Err(reason) = imported.effort.check_time() {
        return imported.skip(shown, reason);
    }
    let fields = address.query.len() + sample.query.len() + sample.variables.len() + sample.body.fields();
    if fields > MAX_FIELDS {
        return imported.skip(
            shown,
            format!("has {fields} fields, at most {MAX_FIELDS} are of use"),
        );
    }
    let path = address.path();
    let operation = format!("{} {path}", sample.method);
    if imported.spoken_for.contains(&operation) {
        // The first one speaks for all of its kind.
        return;
    }
    let subject = pattern::Operation {
        id: sample.title.as_deref(),
        method: &sample.method,
        path: &path,
        tags: &sample.tags,
    };
    if !options.selects(&subject) {
        return imported.leave_out(operation);
    }
    let rename = options
        .rename
        .iter()
        .find(|rename| rename.pattern.selects(&subject));
    let kept = kept.names(&operation, &path);
    match draft(&sample, address, &operation, kept, imported) {
        Ok(mut draft) => {
            if let Some(rename) = rename {
                draft.name = rename.name.replace("{name}", &draft.name);
            }
            imported.add(draft);
        }
        Err(reason) => imported.skip(operation, reason.0),
    }
}

fn draft(
    sample: &Sample,
    address: Address,
    operation: &str,
    kept: Vec<KeptName>,
    imported: &mut Imported,
) -> Result<Draft, Unmappable> {
    let mut arguments = Arguments::new();
    arguments.keep(kept);
    for placeholder in &address.placeholders {
        let known = sample
            .variables
            .iter()
            .find(|field| field.name == placeholder.name);
        let value = known
            .map(|field| field.value.as_str())
            .filter(|value| !value.is_empty());
        let mut schema = text_schema(&placeholder.name, value.unwrap_or(&placeholder.value));
        describe(&mut schema, known);
        arguments.add(Argument::new(
            Place::Path,
            placeholder.name.as_str(),
            schema,
            true,
        ));
    }
    for (name, fields) in grouped(address.query.iter().chain(&sample.query)) {
        let mut schema = match fields.as_slice() {
            [one] => text_schema(name, &one.value),
            [first, ..] => json!({"type": "array", "items": text_schema(name, &first.value)}),
            [] => continue,
        };
        describe(
            &mut schema,
            fields.iter().copied().find(|field| field.description.is_some()),
        );
        arguments.add(Argument::new(Place::Query, name, schema, false));
    }
    let headers = header::fixed(&sample.headers, operation, imported);
    let media = header::content_type(&sample.headers);
    let body = body::add(&sample.body, media, &mut arguments);
    arguments.avoid_groups();
    let path = arguments.path(&address.path());
    let (body, is_body_unusual) = body(&arguments, rest_in_query(&sample.method));
    let finished = arguments.finish(rest_in_query(&sample.method) && !is_body_unusual);
    let title = sample.title.as_deref().map(|title| prose::bounded(title, 100));
    let description = sample
        .description
        .as_deref()
        .map(|text| prose::bounded(text, prose::TOOL));
    let description = description
        .filter(|text| !text.is_empty())
        .or_else(|| title.clone());
    Ok(Draft {
        operation: operation.to_owned(),
        name: name::tool(sample.title.as_deref(), &sample.method, &path),
        title,
        description: description.unwrap_or_else(|| operation.to_owned()),
        tags: sample.tags.clone(),
        input_schema: finished.input_schema,
        params: finished.params,
        base_url: address.origin,
        method: sample.method.clone(),
        path,
        headers,
        body,
        ..Draft::default()
    })
}

fn describe(schema: &mut Value, field: Option<&Field>) {
    let description = field
        .and_then(|field| field.description.as_deref())
        .unwrap_or_default();
    let description = prose::bounded(description, prose::ARGUMENT);
    if !description.is_empty() {
        schema["description"] = description.into();
    }
}

/// The fields by name, in the order of their first appearance; a name that stands twice with one description is one field.
fn grouped<'a>(fields: impl Iterator<Item = &'a Field>) -> Vec<(&'a str, Vec<&'a Field>)> {
    let mut out: Vec<(&str, Vec<&Field>)> = Vec::new();
    for field in fields {
        match out.iter_mut().find(|(name, _)| *name == field.name) {
            Some((_, known)) => {
                let same = known.iter().position(|other| other.value == field.value);
                match same {
                    Some(index) if field.description.is_some() => known[index] = field,
                    Some(_) => {}
                    None => known.push(field),
                }
            }
            None => out.push((&field.name, vec![field])),
        }
    }
    out
}
