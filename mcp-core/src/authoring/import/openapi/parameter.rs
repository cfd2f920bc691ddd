//! Parameters in path, query, header and cookie.

use super::{schema::Schemas, spec::Spec};
use crate::authoring::import::{
    Unmappable,
    arguments::{Argument, Arguments, Place},
    cost::Copies,
    place::At,
    prose,
};
use serde_json::{Map, Value, json};

/// Given by the request itself (OpenAPI 3: "shall be ignored").
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// More are of no use to a model.
const MAX_PARAMETERS: usize = 500;

/// The parameters of the path item and those of the operation, which win.
pub(super) fn of(
    spec: &Spec<'_>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
    at: &At<'_>,
) -> Result<Vec<Map<String, Value>>, Unmappable> {
    let mut out: Vec<Map<String, Value>> = Vec::new();
    let mut copies = Copies::new();
    for members in [item, operation] {
        let list = match members.get("parameters") {
            None => continue,
            Some(Value::Array(list)) => list,
            Some(_) => return Err(Unmappable::at(at, "`parameters` is not a list")),
        };
        for (index, parameter) in list.iter().enumerate() {
            let step = format!("parameters/{index}");
            let target = spec
                .resolve(parameter)
                .map_err(|reason| Unmappable::at(at.then(&step), reason))?;
            let Value::Object(resolved) = target else {
                return Err(Unmappable::at(at.then(&step), "is not an object"));
            };
            let is_same = |other: &Map<String, Value>| {
                ["name", "in"]
                    .iter()
                    .all(|member| other.get(*member) == resolved.get(*member))
            };
            copies.take(target)?;
            if out.len() >= MAX_PARAMETERS {
                let reason = format!("has more than {MAX_PARAMETERS} parameters");
                return Err(Unmappable::at(at, reason));
            }
            match out.iter_mut().find(|other| is_same(other)) {
                Some(other) => *other = resolved.clone(),
                None => out.push(resolved.clone()),
            }
        }
    }
    Ok(out)
}

/// What the parameter is called and where it goes; `None` for what the request gives itself.
pub(super) fn place(parameter: &Map<String, Value>) -> Result<Option<(Place, &str)>, String> {
    let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err("a parameter has no name".to_owned());
    }
    Ok(match parameter.get("in").and_then(Value::as_str) {
        Some("path") => Some((Place::Path, name)),
        Some("query") => Some((Place::Query, name)),
        Some("header") if IGNORED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) => None,
        Some("header") => Some((Place::Header, name)),
        Some("cookie") => Some((Place::Cookie, name)),
        // Of Swagger 2.0; they became the body.
        Some("body" | "formData") => None,
        other => {
            let place = other.unwrap_or("nothing");
            return Err(format!(
                "the parameter `{name}` is in `{place}`, which is no place"
            ));
        }
    })
}

pub(super) fn add(
    parameter: &Map<String, Value>,
    schemas: &mut Schemas<'_>,
    arguments: &mut Arguments,
    at: &At<'_>,
) -> Result<(), Unmappable> {
    let Some((place, name)) = place(parameter).map_err(|reason| Unmappable::at(at, reason))? else {
        return Ok(());
    };
    let at = at.then("parameters");
    let at = at.then(name);
    let mut style = Map::new();
    let mut schema = match (
        parameter.get("schema"),
        parameter.get("content").and_then(Value::as_object),
    ) {
        (Some(schema), _) => {
            style = style_of(parameter, place, schema, schemas.spec)
                .map_err(|reason| Unmappable::at(at, reason))?;
            schemas.convert(schema, &at.then("schema"))?
        }
        (None, Some(content)) => {
            let Some((media, content)) = content.iter().next() else {
                return Err(Unmappable::at(at, "its `content` is empty"));
            };
            if !media.contains("json") {
                return Err(Unmappable::at(
                    at,
                    format!("a parameter written as {media} is not supported"),
                ));
            }
            style.insert("style".into(), "json".into());
            match content.get("schema") {
                Some(schema) => schemas.convert(schema, &at.then("content"))?,
                None => json!({}),
            }
        }
        (None, None) => json!({"type": "string"}),
    };
    describe(&mut schema, parameter);
    let required = place == Place::Path || parameter.get("required") == Some(&Value::Bool(true));
    arguments.add(Argument {
        place,
        wire: name.to_owned(),
        schema,
        required,
        style,
    });
    Ok(())
}

/// What the API calls the parameter.
pub(super) fn wire(parameter: &Map<String, Value>) -> Option<&str> {
    parameter.get("name").and_then(Value::as_str)
}

/// A parameter in the path has to stand there; it cannot be sent anywhere else.
pub(super) fn check_path(parameters: &[Map<String, Value>], path: &str) -> Result<(), Unmappable> {
    let in_path = parameters
        .iter()
        .filter(|parameter| parameter.get("in") == Some(&"path".into()));
    for name in in_path.filter_map(wire) {
        let has_colon = path
            .split('/')
            .any(|segment| segment.strip_prefix(':') == Some(name));
        if !has_colon && !path.contains(&format!("{{{name}}}")) {
            let reason = format!("the path has no {{{name}}}, which the description says is there");
            return Err(Unmappable::at("parameters", reason));
        }
    }
    Ok(())
}

/// Placeholders of the path that no parameter speaks of: a mistake that many descriptions have.
pub(super) fn add_undeclared(path: &str, arguments: &mut Arguments) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    for (name, _) in names.filter(|(name, _)| !name.is_empty()) {
        if arguments.named(Place::Path, name).is_none() {
            arguments.add(Argument::new(Place::Path, name, json!({"type": "string"}), true));
        }
    }
}

/// The parameter's own description and example; they are nearer than the schema's.
fn describe(schema: &mut Value, parameter: &Map<String, Value>) {
    if *schema == Value::Bool(true) {
        *schema = json!({});
    }
    let Value::Object(members) = schema else { return };
    let description = parameter
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let description = prose::bounded(description, prose::ARGUMENT);
    if !description.is_empty() {
        members.insert("description".into(), description.into());
    }
    if parameter.get("deprecated") == Some(&Value::Bool(true)) {
        members.insert("deprecated".into(), true.into());
    }
    if let Some(example) = parameter.get("example").filter(|example| !example.is_null())
        && example.to_string().len() <= 200
    {
        members.insert("examples".into(), json!([example]));
    }
}

/// What has to be said about how it is written.
fn style_of(
    parameter: &Map<String, Value>,
    place: Place,
    schema: &Value,
    spec: &Spec<'_>,
) -> Result<Map<String, Value>, String> {
    let default = match place {
        Place::Path | Place::Header => "simple",
        _ => "form",
    };
    let style = parameter.get("style").and_then(Value::as_str).unwrap_or(default);
    let known: &[&str] = match place {
        Place::Path => &["simple", "label", "matrix"],
        // `tabDelimited` is what Swagger 2.0 calls `tsv`.
        Place::Query => &[
            "form",
            "spaceDelimited",
            "pipeDelimited",
            "tabDelimited",
            "deepObject",
        ],
        Place::Header => &["simple"],
        _ => &["form"],
    };
    if !known.contains(&style) {
        return Err(format!("the style `{style}` is not one for {}", place.as_str()));
    }
    let explodes_by_default = style == "form";
    let explode = parameter.get("explode").and_then(Value::as_bool);
    let mut out = Map::new();
    if style != default {
        out.insert("style".into(), style.into());
    }
    // Says nothing for a scalar, and `deepObject` has only one way.
    let is_scalar = is_scalar(schema, spec);
    if let Some(explode) =
        explode.filter(|explode| *explode != explodes_by_default && !is_scalar && style != "deepObject")
    {
        out.insert("explode".into(), explode.into());
    }
    // "Only applies to parameters with an `in` value of `query`."
    if place == Place::Query && parameter.get("allowReserved") == Some(&Value::Bool(true)) {
        out.insert("allow_reserved".into(), true.into());
    }
    Ok(out)
}

fn is_scalar(schema: &Value, spec: &Spec<'_>) -> bool {
    let schema = spec.resolve(schema).unwrap_or(schema);
    matches!(
        schema.get("type").and_then(Value::as_str),
        Some("string" | "integer" | "number" | "boolean")
    )
}
