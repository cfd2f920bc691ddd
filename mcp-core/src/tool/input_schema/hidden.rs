//! Arguments that clients do not see: `const` and `hidden` parameters leave the listed schema.

use super::{
    Declared, Layout,
    property::{Change, change},
};
use mcp_common::{definition::tool::Param, problem::Problem};
use serde_json::Value;

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
        let path: Vec<&str> = group.into_iter().chain([param.name.as_str()]).collect();
        if let Some(changed) = change(&text, &path, Change::Remove).map_err(unreadable)? {
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
