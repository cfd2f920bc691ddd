//! The request's body: its members as arguments where they can be, the whole of it as one argument elsewhere.

mod file;
mod media;

use super::{
    flatten::{Flat, flatten, flatten_form},
    schema::Schemas,
};
use crate::authoring::import::{
    Unmappable,
    arguments::{Argument, Arguments, Place, pointer},
    charset,
    place::At,
};
use file::{Files, Made};
use media::{choose, concrete, essence, is_text, raw_schema, without_boundary};
use serde_json::{Map, Value, json};

/// The type of multipart bodies that need not be named.
const FORM_DATA: &str = "multipart/form-data";

/// What kind of body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    None,
    Json,
    Form,
    Multipart,
    Raw,
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) mode: Mode,
    pub(super) media: String,
    /// What the body's one argument is called on the wire: nothing, so that this is only a key.
    pub(super) root: Option<String>,
    /// Files, by the names that the API has for them.
    parts: Vec<(String, Option<String>)>,
    encoding: Map<String, Value>,
    /// A method that has no body otherwise.
    is_unusual: bool,
    /// Whether nothing is sent where nothing of it is given.
    is_optional: bool,
    /// What is not sent as the description says.
    notes: Vec<String>,
}

pub(super) fn none() -> Body {
    Body {
        mode: Mode::None,
        media: String::new(),
        root: None,
        parts: Vec::new(),
        encoding: Map::new(),
        is_unusual: false,
        is_optional: false,
        notes: Vec::new(),
    }
}

/// Adds the body's arguments.
pub(super) fn add(
    operation: &Map<String, Value>,
    is_unusual: bool,
    schemas: &mut Schemas<'_>,
    arguments: &mut Arguments,
    at: &At<'_>,
) -> Result<Body, Unmappable> {
    let Some(body) = operation.get("requestBody") else {
        return Ok(none());
    };
    let at = at.then("requestBody");
    let body = schemas
        .spec
        .resolve(body)
        .map_err(|reason| Unmappable::at(at, reason))?;
    let required = body.get("required") == Some(&Value::Bool(true));
    let Some(content) = body
        .get("content")
        .and_then(Value::as_object)
        .filter(|content| !content.is_empty())
    else {
        return Ok(none());
    };
    let (media, mode, entry) = choose(schemas.spec, content);
    let at = at.then(media);
    let media = &*media::of_body(schemas.spec, media, entry);
    let missing = json!({});
    let schema = entry.get("schema").unwrap_or(&missing);
    let mut out = Body {
        mode,
        is_unusual,
        ..none()
    };
    if mode == Mode::Json && media::file_of(schemas.spec, entry).is_some() {
        let note =
            "its body is a file by its schema, and JSON by its media type: it is sent as a JSON string";
        out.notes.push(note.to_owned());
    }
    // Bytes are the caller's own.
    out.media = if mode == Mode::Raw && !is_text(media) {
        media.to_owned()
    } else {
        out.as_utf8("its body", media)
    };
    if mode == Mode::Raw {
        let schema = raw_schema(media, schemas.spec.resolve(schema).unwrap_or(schema), body);
        let name = if is_text(media) { "text" } else { "content" };
        out.root = Some(name.to_owned());
        arguments.add(Argument::new(Place::Root, name, schema, required));
        return Ok(out);
    }
    let flat = match mode {
        Mode::Form | Mode::Multipart => flatten_form(schemas.spec, schema),
        _ => flatten(schemas.spec, schema),
    };
    if mode == Mode::Multipart && essence(media) != FORM_DATA && flat.is_none() {
        let reason = "is a multipart body of which the description does not name the parts";
        return Err(Unmappable::at(at, reason));
    }
    match flat {
        Some(flat) => out.members(flat, required, entry, schemas, arguments, &at)?,
        None if mode == Mode::Json => out.whole(schema, required, body, schemas, arguments, &at)?,
        // It says nothing of its fields; they are the caller's to choose.
        None if schema.as_object().is_some_and(Map::is_empty) => {
            out.whole(
                &json!({"type": "object"}),
                required,
                body,
                schemas,
                arguments,
                &at,
            )?;
        }
        None => out.whole(schema, required, body, schemas, arguments, &at)?,
    }
    Ok(out)
}

impl Body {
    /// Each member an argument.
    fn members(
        &mut self,
        flat: Flat,
        required: bool,
        entry: &Value,
        schemas: &mut Schemas<'_>,
        arguments: &mut Arguments,
        at: &At<'_>,
    ) -> Result<(), Unmappable> {
        let encodings = entry.get("encoding").and_then(Value::as_object);
        arguments.reserve(flat.properties.keys().map(String::as_str));
        // As one object, so that members which are never sent are left out.
        let whole = json!({"type": "object", "properties": flat.properties, "required": flat.required});
        let Value::Object(mut whole) = schemas.convert(&whole, at)? else {
            return Ok(());
        };
        let Some(Value::Object(properties)) = whole.shift_remove("properties") else {
            return Ok(());
        };
        let is_required = |name: &str| {
            let names = whole.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let files = Files::new(schemas.spec);
        let mut added = Vec::new();
        for (name, mut schema) in properties {
            let original = flat.properties.get(&name).unwrap_or(&Value::Null);
            let encoding = encodings.and_then(|encodings| encodings.get(&name));
            let made = match self.mode {
                Mode::Multipart => files.make_file(original, encoding, &mut schema),
                _ => Made::Text(None),
            };
            let is_file = matches!(made, Made::File { .. });
            if let Some(encoding) = encoding.filter(|_| !is_file) {
                self.encode(&name, encoding);
            }
            match made {
                Made::File { media, one_of } => {
                    if let Some(one_of) = one_of {
                        self.notes.push(format!(
                            "the file `{name}` is sent as application/octet-stream: the description allows several types, {one_of}"
                        ));
                    }
                    self.parts.push((name.clone(), media));
                }
                Made::Text(Some(media)) if !self.encoding.contains_key(&name) => {
                    let media = self.as_utf8(&format!("the field `{name}`"), &media);
                    self.encoding.insert(name.clone(), json!({"content_type": media}));
                }
                Made::Text(_) => {}
                Made::TextForFile => self.notes.push(format!(
                    "the field `{name}` may be a file, or have one in it, and something else too: it is sent as a text"
                )),
            }
            let is_required = is_required(&name);
            let place = if is_file { Place::Part } else { Place::Body };
            let argument = Argument::new(place, name, schema, required && is_required);
            added.push((arguments.add(argument), is_required));
        }
        if !required {
            all_or_nothing(&added, arguments);
            // An empty object is a body, and not always one that the API takes.
            let is_wrong_when_empty = added.iter().any(|(_, is_required)| *is_required);
            self.is_optional = is_wrong_when_empty || self.is_unusual || self.mode != Mode::Json;
        }
        let is_multipart = self.mode == Mode::Multipart;
        arguments.set_open(match flat.additional {
            None => None,
            Some(Value::Bool(open)) => Some(open.into()),
            // A part is a file by its name.
            Some(schema) if is_multipart && files.has_file(&schema) => {
                let note = "fields that the description does not name may be files, and cannot be given";
                self.notes.push(note.to_owned());
                Some(false.into())
            }
            Some(schema) => Some(schemas.convert(&schema, &at.then("additionalProperties"))?),
        });
        Ok(())
    }

    /// One argument is the body.
    fn whole(
        &mut self,
        schema: &Value,
        required: bool,
        body: &Value,
        schemas: &mut Schemas<'_>,
        arguments: &mut Arguments,
        at: &At<'_>,
    ) -> Result<(), Unmappable> {
        let is_list = schemas.spec.resolve(schema).is_ok_and(|schema| {
            schema.get("type").is_some_and(|kind| kind == "array") || schema.get("items").is_some()
        });
        let name = if is_list { "items" } else { "request" };
        if self.mode == Mode::Multipart && Files::new(schemas.spec).has_file(schema) {
            self.notes.push(
                "its body has files that the description does not name as members of one object: they are sent as texts"
                    .to_owned(),
            );
        }
        let mut converted = schemas.convert(schema, at)?;
        if converted == Value::Bool(true) {
            converted = json!({});
        }
        if let Value::Object(members) = &mut converted
            && !members.contains_key("description")
        {
            let text = body
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or("The request's body");
            let text =
                crate::authoring::import::prose::bounded(text, crate::authoring::import::prose::ARGUMENT);
            members.insert("description".into(), text.into());
        }
        self.root = Some(name.to_owned());
        arguments.add(Argument::new(Place::Root, name, converted, required));
        Ok(())
    }

    /// The type of a text; a note if it named another charset.
    fn as_utf8(&mut self, what: &str, media: &str) -> String {
        let (media, other) = charset::as_utf8(media);
        self.notes.extend(other.map(|other| charset::note(what, &other)));
        media
    }

    /// What the report says of it.
    pub(super) fn notes(&mut self, operation: &str) -> Vec<String> {
        let notes = self.notes.drain(..);
        notes.map(|note| format!("{operation}: {note}")).collect()
    }

    fn encode(&mut self, name: &str, encoding: &Value) {
        let mut out = Map::new();
        for (member, ours) in [
            ("style", "style"),
            ("explode", "explode"),
            ("contentType", "content_type"),
        ] {
            if let Some(value) = encoding.get(member) {
                out.insert(ours.into(), value.clone());
            }
        }
        // Says nothing where nothing is percent-encoded.
        if let Some(value) = encoding.get("allowReserved").filter(|_| self.mode == Mode::Form) {
            out.insert("allow_reserved".into(), value.clone());
        }
        // OpenAPI: the one makes the other meaningless.
        if ["style", "explode", "allow_reserved"]
            .iter()
            .any(|member| out.contains_key(*member))
        {
            out.shift_remove("content_type");
        }
        // Of several types nobody knows which one it is.
        if let Some(media) = out.shift_remove("content_type")
            && let Some(media) = media.as_str().and_then(concrete)
        {
            let media = self.as_utf8(&format!("the field `{name}`"), media);
            out.insert("content_type".into(), media.into());
        }
        if !out.is_empty() {
            self.encoding.insert(name.to_owned(), out.into());
        }
    }

    /// The member `body` of the definition; `None` where the rule for flat arguments says the same.
    pub(super) fn binding(&self, arguments: &Arguments) -> Option<Value> {
        let mut out = Map::new();
        let mode = match self.mode {
            Mode::None => return None,
            Mode::Json => "json",
            Mode::Form => "form",
            Mode::Multipart => "multipart",
            Mode::Raw => "raw",
        };
        let says_itself = self.media.trim().to_ascii_lowercase();
        let is_own_type = match self.mode {
            Mode::Raw => true,
            Mode::Json => !matches!(says_itself.as_str(), "application/json" | "*/*" | "application/*"),
            // What a parameter says (`; charset=…`, `; version=…`) is part of the type.
            Mode::Form => says_itself != "application/x-www-form-urlencoded",
            Mode::Multipart => !matches!(essence(&says_itself).as_str(), FORM_DATA | "multipart/*"),
            Mode::None => false,
        };
        if self.mode == Mode::Json
            && self.root.is_none()
            && !is_own_type
            && !self.is_unusual
            && !self.is_optional
        {
            return None;
        }
        out.insert("mode".into(), mode.into());
        if let Some(root) = &self.root {
            let name = arguments.named(Place::Root, root).unwrap_or(root);
            out.insert("root".into(), pointer(name).into());
        }
        if is_own_type && !self.media.contains('*') {
            out.insert("content_type".into(), without_boundary(&self.media).into());
        } else if self.mode == Mode::Raw && !is_text(&self.media) {
            // Of a picture, whatever its format is; the default would call it a text.
            out.insert("content_type".into(), "application/octet-stream".into());
        }
        if !self.parts.is_empty() {
            let part = |(name, media): &(String, Option<String>)| {
                let argument = arguments.named(Place::Part, name).unwrap_or(name);
                let mut part =
                    json!({"name": name, "from": pointer(argument), "source": "base64", "filename": name});
                if let Some(media) = media {
                    part["content_type"] = media.as_str().into();
                }
                part
            };
            out.insert("parts".into(), self.parts.iter().map(part).collect());
        }
        if self.is_optional {
            out.insert("optional".into(), true.into());
        }
        if !self.encoding.is_empty() {
            out.insert("encoding".into(), self.encoding.clone().into());
        }
        Some(out.into())
    }
}

/// Members that have to be there only if the body is there at all.
fn all_or_nothing(added: &[(String, bool)], arguments: &mut Arguments) {
    let required: Vec<&String> = added
        .iter()
        .filter(|(_, is_required)| *is_required)
        .map(|(name, _)| name)
        .collect();
    for (name, _) in added {
        let others: Vec<&String> = required.iter().copied().filter(|other| *other != name).collect();
        if !others.is_empty() {
            arguments.dependent.insert(name.clone(), json!(others));
        }
    }
}
