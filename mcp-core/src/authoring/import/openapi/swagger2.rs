//! An operation of Swagger 2.0 as OpenAPI 3 has it. Schemas stay where they are; they differ in little.

use super::{parameter, spec::Spec};
use crate::authoring::import::{Unmappable, cost::Copies, place::At};
use serde_json::{Map, Value, json};

pub(super) fn operation(
    spec: &Spec<'_>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> Result<Map<String, Value>, Unmappable> {
    let at = At::root("parameters");
    let mut out = operation.clone();
    let parameters = parameter::of(spec, item, operation, &at)?;
    let mut kept = Vec::new();
    let mut fields = Vec::new();
    for parameter in parameters {
        match parameter.get("in").and_then(Value::as_str) {
            Some("body") => drop(out.insert("requestBody".into(), body(spec, operation, &parameter))),
            Some("formData") => fields.push(parameter),
            _ => kept.push(Value::Object(upgraded(parameter)?)),
        }
    }
    if !fields.is_empty() {
        out.insert("requestBody".into(), form(spec, operation, fields)?);
    }
    out.insert("parameters".into(), kept.into());
    let produces = media(spec, operation, "produces");
    let mut copies = Copies::new();
    if let Some(Value::Object(responses)) = out.get_mut("responses") {
        for response in responses.values_mut() {
            let Ok(resolved) = spec.resolve(response) else {
                *response = Value::Null;
                continue;
            };
            copies.take(resolved)?;
            *response = resolved.clone();
            answer(response, &produces);
        }
    }
    Ok(out)
}

fn media(spec: &Spec<'_>, operation: &Map<String, Value>, member: &str) -> Vec<String> {
    let list = operation
        .get(member)
        .or_else(|| spec.root.get(member))
        .and_then(Value::as_array);
    let list: Vec<String> = list
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if list.is_empty() {
        vec!["application/json".to_owned()]
    } else {
        list
    }
}

fn body(spec: &Spec<'_>, operation: &Map<String, Value>, parameter: &Map<String, Value>) -> Value {
    let entry = json!({"schema": parameter.get("schema").cloned().unwrap_or_else(|| json!({}))});
    let consumes = media(spec, operation, "consumes").into_iter();
    let is_form = |media: &String| media.starts_with("multipart/") || media.contains("form-urlencoded");
    let mut content: Map<String, Value> = consumes
        .filter(|media| !is_form(media))
        .map(|media| (media, entry.clone()))
        .collect();
    if content.is_empty() {
        content.insert("application/json".into(), entry);
    }
    let mut out = Map::new();
    if let Some(description) = parameter.get("description") {
        out.insert("description".into(), description.clone());
    }
    out.insert(
        "required".into(),
        (parameter.get("required") == Some(&Value::Bool(true))).into(),
    );
    out.insert("content".into(), content.into());
    out.into()
}

fn form(
    spec: &Spec<'_>,
    operation: &Map<String, Value>,
    fields: Vec<Map<String, Value>>,
) -> Result<Value, Unmappable> {
    let is_file = |field: &Map<String, Value>| field.get("type").is_some_and(|kind| kind == "file");
    let consumes = media(spec, operation, "consumes");
    let is_multipart = fields.iter().any(is_file)
        || consumes
            .first()
            .is_some_and(|media| media.starts_with("multipart/"));
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut encoding = Map::new();
    for field in fields {
        let name = field
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if field.get("required") == Some(&Value::Bool(true)) {
            required.push(name.clone());
        }
        let mut field = upgraded(field)?;
        let mut schema = field.shift_remove("schema").unwrap_or_default();
        if let (Some(description), Value::Object(schema)) = (field.get("description"), &mut schema) {
            schema.insert("description".into(), description.clone());
        }
        let style: Map<String, Value> = field
            .into_iter()
            .filter(|(member, _)| matches!(member.as_str(), "style" | "explode"))
            .collect();
        if !style.is_empty() {
            encoding.insert(name.clone(), style.into());
        }
        properties.insert(name, schema);
    }
    let media = if is_multipart {
        "multipart/form-data"
    } else {
        "application/x-www-form-urlencoded"
    };
    let is_required = !required.is_empty();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    Ok(json!({"required": is_required, "content": {media: {"schema": schema, "encoding": encoding}}}))
}

/// The members that describe the value become its schema, and `collectionFormat` becomes style and explode.
fn upgraded(parameter: Map<String, Value>) -> Result<Map<String, Value>, Unmappable> {
    const OF_THE_PARAMETER: [&str; 6] = [
        "name",
        "in",
        "description",
        "required",
        "allowEmptyValue",
        "x-example",
    ];
    let name = parameter
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut out = Map::new();
    let mut schema = Map::new();
    let mut format = None;
    let is_array =
        |schema: Option<&Value>| schema.and_then(|schema| schema.get("type")) == Some(&json!("array"));
    let is_list = parameter.get("type").is_some_and(|kind| kind == "array");
    if is_list && is_array(parameter.get("items")) {
        let reason = "a list of lists, each with a collectionFormat of its own, is not supported";
        return Err(Unmappable::at(format!("parameters/{name}"), reason));
    }
    for (member, value) in parameter {
        match member.as_str() {
            "collectionFormat" => format = value.as_str().map(str::to_owned),
            "x-example" => drop(out.insert("example".into(), value)),
            member if OF_THE_PARAMETER.contains(&member) => drop(out.insert(member.to_owned(), value)),
            _ => drop(schema.insert(member, value)),
        }
    }
    let place = out.get("in").and_then(Value::as_str).unwrap_or_default();
    let takes_style = matches!(place, "query" | "formData");
    let (style, explode) = match format.as_deref() {
        _ if !is_list => (None, None),
        None | Some("csv") => (None, takes_style.then_some(false)),
        Some("multi") if takes_style => (None, Some(true)),
        Some("ssv") if takes_style => (Some("spaceDelimited"), Some(false)),
        Some("pipes") if takes_style => (Some("pipeDelimited"), Some(false)),
        Some("tsv") if takes_style => (Some("tabDelimited"), Some(false)),
        Some(other) => {
            let reason = format!("the collectionFormat `{other}` in {place} is not supported");
            return Err(Unmappable::at(format!("parameters/{name}"), reason));
        }
    };
    if let Some(style) = style {
        out.insert("style".into(), style.into());
    }
    if let Some(explode) = explode {
        out.insert("explode".into(), explode.into());
    }
    out.insert("schema".into(), schema.into());
    Ok(out)
}

/// `schema` and `examples` move into `content`.
fn answer(response: &mut Value, produces: &[String]) {
    let Value::Object(response) = response else { return };
    let Some(schema) = response.shift_remove("schema") else {
        return;
    };
    let examples = response.shift_remove("examples");
    let entry = |media: &String| {
        let mut entry = json!({"schema": schema});
        if let Some(example) = examples.as_ref().and_then(|examples| examples.get(media)) {
            entry["example"] = example.clone();
        }
        (media.clone(), entry)
    };
    let content: Map<String, Value> = produces.iter().map(entry).collect();
    response.insert("content".into(), content.into());
}
