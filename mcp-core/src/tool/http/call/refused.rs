//! Arguments that clients see and that every call refuses, since their name leads where something else leads already.
//! Known when the definition is compiled, so that its author is told, not the model.

use super::Call;
use crate::tool::{Body, Declared, Format, Layout, resolve};
use serde_json::Value;

/// Names in a warning.
const MAX_NAMES: usize = 5;

impl Call {
    /// A warning where there are some. `schema` is what clients see; `is_guarded`: whether the instance hides arguments.
    pub(crate) fn refused(&self, schema: &Value, layout: Layout, is_guarded: bool) -> Option<String> {
        let group = |name: &str| schema.get("properties").and_then(|groups| groups.get(name));
        let mut found = Vec::new();
        let mut look =
            |place: Option<&str>, schema: &Value, root: &Value, is_refused: &dyn Fn(&str) -> bool| {
                let properties = schema.get("properties").and_then(Value::as_object);
                let listed = Declared::of(schema, root).names.into_iter().filter(|name| {
                    let path = [place.unwrap_or_default(), name.as_str()];
                    let is_placed = self.is_placed(if place.is_some() { &path[..] } else { &path[1..] });
                    let own = properties.and_then(|properties| properties.get(name));
                    !is_placed && is_one_value(own, root) && is_refused(name)
                });
                let shown = |name: String| match place {
                    Some(place) => format!("`{place}.{name}`"),
                    None => format!("`{name}`"),
                };
                found.extend(listed.map(shown));
            };
        let in_query = |name: &str| self.taken_query.gives(name, None, is_guarded).is_some();
        let in_body = |name: &str| self.gives_field(name, is_guarded);
        match layout {
            Layout::Flat => look(None, schema, schema, &|name| {
                !self.path.has(name)
                    && match self.rest_in_query {
                        true => in_query(name),
                        false => in_body(name),
                    }
            }),
            Layout::Grouped => {
                let in_cookies = |name: &str| self.taken_cookies.gives(name, None, true).is_some();
                if let Some(of) = group("query") {
                    look(Some("query"), of, schema, &in_query);
                }
                if let Some(of) = group("cookie") {
                    look(Some("cookie"), of, schema, &in_cookies);
                }
                if let Some(of) = group("body") {
                    look(Some("body"), of, schema, &in_body);
                }
            }
            Layout::ByShape => {}
        }
        let more = if found.len() > MAX_NAMES { ", …" } else { "" };
        found.truncate(MAX_NAMES);
        let found = found.join(", ");
        (!found.is_empty()).then(|| match is_guarded {
            false => format!(
                "input_schema: {found}{more} is listed, and every call that gives it is refused: the definition gives what it \
                 would give; leave it out of the schema, or give it another place in `params`"
            ),
            true => format!(
                "hide: {found}{more} is listed, and every call that gives it is refused: it leads where another argument leads, \
                 and could stand in for one that is hidden; hide it too"
            ),
        })
    }

    /// Whether something else gives this field of a form.
    fn gives_field(&self, name: &str, is_guarded: bool) -> bool {
        let Body::Built(plan) = &self.body else {
            return false;
        };
        match plan.format {
            Format::Form(_) | Format::Multipart(_) => plan.taken.gives(name, name, is_guarded).is_some(),
            Format::Json | Format::Raw { .. } => false,
        }
    }
}

/// Whether it is sent under its own name: an object may be sent under those of its members.
fn is_one_value(schema: Option<&Value>, root: &Value) -> bool {
    let Some(schema) = schema else { return false };
    let schema = resolve(schema, root).unwrap_or(schema);
    let is_plain = |kind: &Value| kind != "object";
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().all(is_plain),
        Some(kind) => is_plain(kind),
        None => false,
    }
}
