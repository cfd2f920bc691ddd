//! Arguments that clients do not see: `const` and `hidden` parameters leave the listed schema.

use super::{Declared, Layout};
use indexmap::IndexMap;
use mcp_common::{definition::tool::Param, problem::Problem};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

type Members = IndexMap<String, Box<RawValue>>;

/// Whether clients are not to know of it.
pub(crate) fn is_hidden(param: &Param) -> bool {
    param.hidden || param.constant.is_some()
}

/// The schema without them, in `properties` and `required`.
pub(super) fn remove(text: String, layout: Layout, params: &[Param]) -> Result<String, Problem> {
    let mut text = text;
    for (index, param) in params.iter().enumerate().filter(|(_, param)| is_hidden(param)) {
        let group = (layout == Layout::Grouped).then(|| param.place.as_str());
        let unreadable = |error| Problem::at("input_schema", format!("cannot be read: {error}"));
        if let Some(changed) = without(&text, group, &param.name).map_err(unreadable)? {
            text = changed;
        }
        let value: Value = serde_json::from_str(&text).map_err(unreadable)?;
        let place = match group {
            Some(group) => value.get("properties").and_then(|groups| groups.get(group)),
            None => Some(&value),
        };
        if place.is_some_and(|schema| Declared::of(schema, &value).names.contains(&param.name)) {
            let reason = format!(
                "cannot be hidden: input_schema speaks of `{}` outside of `properties` too",
                param.name
            );
            return Err(Problem::at(format!("tds_ext_info.params[{index}]"), reason));
        }
    }
    Ok(text)
}

/// `None` where there is nothing to change.
fn without(schema: &str, group: Option<&str>, name: &str) -> Result<Option<String>, serde_json::Error> {
    let mut members: Members = serde_json::from_str(schema)?;
    let Some(properties) = members.get("properties") else {
        return Ok(None);
    };
    let mut properties: Members = serde_json::from_str(properties.get())?;
    if let Some(group) = group {
        let inner = match properties.get(group).filter(|raw| raw.get().starts_with('{')) {
            Some(inner) => without(inner.get(), None, name)?,
            None => None,
        };
        let Some(inner) = inner else { return Ok(None) };
        properties.insert(group.to_owned(), RawValue::from_string(inner)?);
    } else {
        if properties.shift_remove(name).is_none() {
            return Ok(None);
        }
        let required = members.get("required");
        let required = required.and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok());
        if let Some(mut required) = required {
            required.retain(|other| other != name);
            if required.is_empty() {
                members.shift_remove("required");
            } else {
                members.insert("required".into(), to_raw_value(&required)?);
            }
        }
    }
    members.insert("properties".into(), to_raw_value(&properties)?);
    serde_json::to_string(&members).map(Some)
}
