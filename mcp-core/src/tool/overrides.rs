//! A tool as one instance has it that says something about its arguments: what it hides is neither listed nor accepted,
//! and what it gives need not be sent. The target is the tool's own and shared.

mod argument;
mod completion;
mod elsewhere;
mod values;

use super::{
    CompiledTool, Schema, Target,
    input_schema::{
        accepts_everything,
        property::{Change, change},
    },
    memory, mirrored_header, validator,
};
use crate::json::pointer::pointer_of;
use argument::Arguments;
pub(crate) use completion::{Completion, Group};
use mcp_common::{
    bounds::Bounds,
    definition::instance::ToolOverrides,
    problem::{Problem, Problems},
};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// What a call checks and adds before its arguments are the tool's.
pub(crate) struct Overridden {
    /// The validator of the schema that is listed; `None` where it accepts every object.
    pub(crate) validator: Option<Schema>,
    /// Member names from the root of the arguments.
    pub(crate) hidden: Vec<Vec<String>>,
    pub(crate) completion: Completion,
    /// What the instance's author should know. Names places inside of the overrides.
    pub(crate) warnings: Vec<String>,
}

impl fmt::Debug for Overridden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overridden")
            .field("hidden", &self.hidden)
            .field("completion", &self.completion)
            .finish_non_exhaustive()
    }
}

/// One argument that an instance speaks of.
struct Said<'a> {
    /// The place in the overrides.
    field: String,
    path: Vec<String>,
    default: Option<&'a str>,
    is_hidden: bool,
}

/// The tool with the overrides, or what does not fit. Problems name places inside of the overrides.
pub(super) fn apply(base: &Arc<CompiledTool>, overrides: &ToolOverrides) -> Result<CompiledTool, Problems> {
    let text = base.listing.input_schema();
    let unreadable =
        |error: serde_json::Error| Problem::whole(format!("input_schema cannot be read: {error}"));
    let schema: Value = serde_json::from_str(text).map_err(unreadable)?;
    let arguments = Arguments {
        layout: base.signature.layout,
        schema: &schema,
    };
    let mut problems = Vec::new();
    let said = read(&arguments, overrides, &mut problems);
    for one in &said {
        problems.extend(
            elsewhere::check(&arguments, &one.path)
                .err()
                .map(|reason| Problem::at(&one.field, reason)),
        );
        if one.is_hidden && one.default.is_none() && arguments.is_required(&base.target, &one.path) {
            let name = one.path.last().map_or("", String::as_str);
            let reason = format!("the tool requires `{name}`: give it a value in `defaults`");
            problems.push(Problem::at(&one.field, reason));
        }
        let value = one
            .default
            .map_or(Ok(()), |json| values::check(&base.signature, &one.path, json));
        let at_default = |reason| Problem::at(values::field(one), reason);
        problems.extend(value.map_err(at_default).err());
    }
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let completion = Completion::new(&base.signature, &said);
    let text = listed(text, &said, &completion).map_err(unreadable)?;
    let schema: Value = serde_json::from_str(&text).map_err(unreadable)?;
    let mirrored = mirrored_header::collect(&schema, &mut problems);
    let validator = validator::compile("input_schema", &schema, &Bounds::widest()).map_err(|problem| {
        let reason = format!(
            "what is left of the tool's schema cannot be used: {}",
            problem.reason
        );
        Problem::at("hide", reason)
    })?;
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let hidden: Vec<_> = said.iter().filter(|one| one.is_hidden).collect();
    let warning = match &base.target {
        Target::Http(call) if !hidden.is_empty() => call.refused(&schema, base.signature.layout, true),
        _ => None,
    };
    let overridden = Overridden {
        validator: (!accepts_everything(&schema)).then(|| Schema::new(validator, &schema)),
        hidden: hidden.into_iter().map(|one| one.path.clone()).collect(),
        completion,
        warnings: warning.into_iter().collect(),
    };
    Ok(CompiledTool {
        memory: memory::with_overrides(base, &overridden, &text),
        listing: base.listing.with_input_schema(text),
        mirrored,
        signature: base.signature.clone(),
        target: base.target.clone(),
        overridden: Some(Arc::new(overridden)),
        needs: base.needs.clone(),
        _own: Some(base.clone()),
    })
}

/// Each argument once, though it may be hidden and have a value.
fn read<'a>(
    arguments: &Arguments<'_>,
    overrides: &'a ToolOverrides,
    problems: &mut Vec<Problem>,
) -> Vec<Said<'a>> {
    let mut said = Vec::<Said<'a>>::new();
    let defaults = overrides.defaults.iter().map(|(name, json)| {
        let field = format!("defaults.{name}");
        (field, name, Some(&**json))
    });
    let hidden = overrides.hide.iter().enumerate();
    let hidden = hidden.map(|(index, name)| (format!("hide[{index}]"), name, None));
    for (field, name, default) in defaults.chain(hidden) {
        let path = match arguments.find(name) {
            Ok(path) => path,
            Err(reason) => {
                problems.push(Problem::at(field, reason));
                continue;
            }
        };
        let is_hidden = default.is_none();
        if let Some(known) = said.iter_mut().find(|known| known.path == path) {
            if known.is_hidden || !is_hidden {
                problems.push(Problem::at(
                    field,
                    format!("`{}` appears twice", pointer_of(&path)),
                ));
            }
            known.is_hidden = true;
            continue;
        }
        let overlaps = |known: &&Said<'_>| known.path.starts_with(&path) || path.starts_with(&known.path);
        if let Some(known) = said.iter().find(overlaps) {
            let reason = format!(
                "`{}` is a part of the other, `{}`",
                pointer_of(&path),
                pointer_of(&known.path)
            );
            problems.push(Problem::at(field, reason));
            continue;
        }
        said.push(Said {
            field,
            path,
            default,
            is_hidden,
        });
    }
    said
}

/// The schema as clients see it.
fn listed(text: &str, said: &[Said<'_>], completion: &Completion) -> Result<String, serde_json::Error> {
    let mut text = text.to_owned();
    let mut apply = |path: &[&str], to: Change<'_>| {
        if let Some(changed) = change(&text, path, to)? {
            text = changed;
        }
        Ok(())
    };
    for one in said {
        let path: Vec<&str> = one.path.iter().map(String::as_str).collect();
        match one.default {
            _ if one.is_hidden => apply(&path, Change::Remove)?,
            Some(json) => apply(&path, Change::Default(json))?,
            None => {}
        }
    }
    for (group, _) in completion.groups.iter().filter(|(_, group)| group.is_made) {
        apply(&[group], Change::Optional)?;
    }
    Ok(text)
}
