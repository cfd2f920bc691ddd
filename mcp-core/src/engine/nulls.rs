//! Arguments without the nulls that some clients send for whatever they do not give, where an instance says that these
//! count as not given (`null_as_absent`).

use super::{CallContext, complete::Object};
use crate::{
    json::members::Members,
    tool::{Layout, Overridden, Signature},
};
use mcp_common::definition::tool::GROUPS;
use serde_json::value::RawValue;

/// The arguments without them; `None` where they stay as they are.
pub(crate) fn without_nulls(
    signature: &Signature,
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
) -> Option<Box<RawValue>> {
    let json = context.arguments.map(RawValue::get)?;
    if !context.instance.null_as_absent() || !json.contains("null") {
        return None;
    }
    let is_optional = |group: Option<&str>, name: &str| {
        let is_filled = overridden.is_some_and(|overridden| overridden.completion.gives(group, name));
        is_filled || !signature.required.has(group, name)
    };
    // What cannot be read is reported by whoever needs it.
    let root = Members::read(json).ok()?;
    let mut out = Object::new();
    for (name, raw) in root.iter() {
        let is_group = signature.layout != Layout::Flat && GROUPS.contains(&name);
        match raw.get() {
            "null" if is_optional(None, name) => {}
            object if is_group && object.starts_with('{') => {
                let mut group = Object::new();
                for (inner, raw) in Members::read(object).ok()?.iter() {
                    if raw.get() != "null" || !is_optional(Some(name), inner) {
                        group.add(inner, raw.get());
                    }
                }
                out.add(name, &group.end());
            }
            value => out.add(name, value),
        }
    }
    RawValue::from_string(out.end()).ok()
}
