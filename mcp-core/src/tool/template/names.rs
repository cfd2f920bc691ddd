//! A template may only name what exists: a misspelt name is found when the definition is written, not when it is called.

use super::{CallerName, Reference, caller, whole_expression};
use crate::tool::{RequestHeader, input_schema::InputSchema};
use minijinja::Environment;
use std::collections::HashSet;

/// What a template names beside what every call has.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Member names from the root of the arguments.
    pub(super) arguments: Vec<Vec<String>>,
    /// Member names from `instance.vars` on.
    pub(super) vars: Vec<Vec<String>>,
    /// What not every caller has.
    pub(super) caller: Vec<CallerName>,
}

/// Checks the dotted names that the template `source` uses.
pub(super) fn check(
    environment: &Environment<'_>,
    source: &str,
    used: &HashSet<String>,
    schema: &InputSchema,
    allowed: &[RequestHeader],
) -> Result<Named, String> {
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut used: Vec<&str> = used.iter().map(String::as_str).collect();
    used.sort_unstable();
    let mut named = Named::default();
    for &name in &used {
        let mut steps = name.split('.');
        match (steps.next().unwrap_or_default(), steps.next()) {
            ("args", None) => {
                return Err("names `args` as a whole; name the argument: `args.<name>`".into());
            }
            ("args", Some(_)) => {
                let path: Vec<String> = name.split('.').skip(1).map(str::to_owned).collect();
                check_argument(&path, schema)?;
                named.arguments.push(path);
            }
            ("instance", None) => check_written(environment, source)?,
            ("instance", Some("vars")) => {
                let path: Vec<String> = name.split('.').skip(2).map(str::to_owned).collect();
                if path.is_empty() {
                    return Err(
                        "names `instance.vars` as a whole; name one of them: `instance.vars.<name>`".into(),
                    );
                }
                named.vars.push(path);
            }
            ("principal", Some("sub")) | ("instance", Some("id" | "name")) => {}
            ("principal", Some("roles")) => match steps.next() {
                None => {}
                Some(member) => {
                    return Err(format!(
                        "names `principal.roles.{member}`, but roles are a list: `\"{member}\" in principal.roles`"
                    ));
                }
            },
            // All of them at once, below.
            ("principal", Some("claims")) | ("request", None | Some("headers")) => {}
            ("instance", Some(member)) => {
                return Err(format!(
                    "names `instance.{member}`; known are `instance.id`, `instance.name` and `instance.vars.<name>`"
                ));
            }
            ("principal", Some(member)) => {
                return Err(format!(
                    "names `principal.{member}`; known are `principal.sub`, `principal.roles` and `principal.claims.<name>`"
                ));
            }
            ("principal", None) => {
                return Err(
                    "names `principal` as a whole; known are `principal.sub`, `principal.roles` and `principal.claims.<name>`"
                        .into(),
                );
            }
            ("request", Some(member)) => {
                return Err(format!(
                    "names `request.{member}`; known is only `request.headers[\"<name>\"]`"
                ));
            }
            (root, _) if globals.contains(&root) => {}
            (root, _) => {
                return Err(format!(
                    "names `{root}`, which is unknown; known are args, principal, request.headers, instance"
                ));
            }
        }
    }
    let names = |root: &str| {
        used.iter()
            .any(|name| *name == root || name.starts_with(&format!("{root}.")))
    };
    if names("principal.claims") {
        named.caller.extend(caller::claims(source)?);
    }
    if names("request") {
        named.caller.extend(caller::headers(source, allowed)?);
    }
    Ok(named)
}

/// `{{ instance }}` writes the id. Everywhere else it would have to be compared or filtered, and is no text there.
fn check_written(environment: &Environment<'_>, source: &str) -> Result<(), String> {
    let mut others = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        let end = rest[start..].find("}}").map_or(rest.len(), |end| start + end + 2);
        let (text, tag) = rest[..end].split_at(start);
        others.push_str(text);
        if whole_expression(tag) != Some("instance") {
            others.push_str(tag);
        }
        rest = &rest[end..];
    }
    others.push_str(rest);
    let is_used = environment
        .template_from_str(&others)
        .is_ok_and(|template| template.undeclared_variables(true).contains("instance"));
    if is_used {
        return Err("uses `instance` as a value; write `instance.id`".into());
    }
    Ok(())
}

/// The same for a leaf that is one name.
pub(super) fn check_reference(
    reference: &Reference,
    schema: &InputSchema,
    allowed: &[RequestHeader],
) -> Result<(), String> {
    match reference {
        Reference::Argument(path) => check_argument(path, schema),
        Reference::Caller(CallerName::Header(name)) => caller::header(name.as_str(), allowed).map(drop),
        Reference::Subject
        | Reference::Roles
        | Reference::Caller(CallerName::Claim(_))
        | Reference::InstanceId
        | Reference::InstanceName
        | Reference::InstanceVar(_) => Ok(()),
    }
}

fn check_argument(path: &[String], schema: &InputSchema) -> Result<(), String> {
    match schema.unknown(path) {
        Some(unknown) => Err(format!(
            "names `args.{}`, which input_schema does not have",
            unknown.join(".")
        )),
        None => Ok(()),
    }
}
