//! A template may only name what exists: a misspelt name is found when the definition is written, not when it is called.

use super::Reference;
use crate::tool::input_schema::InputSchema;
use std::collections::HashSet;

/// Checks the dotted names that a template uses; returns the arguments among them.
pub(super) fn check(
    used: &HashSet<String>,
    globals: &[&str],
    schema: &InputSchema,
) -> Result<Vec<Vec<String>>, String> {
    let mut used: Vec<&str> = used.iter().map(String::as_str).collect();
    used.sort_unstable();
    let mut arguments = Vec::new();
    for name in used {
        let mut steps = name.split('.');
        match (steps.next().unwrap_or_default(), steps.next()) {
            ("args", None) => {
                return Err("names `args` as a whole; name the argument: `args.<name>`".into());
            }
            ("args", Some(_)) => {
                let path: Vec<String> = name.split('.').skip(1).map(str::to_owned).collect();
                check_argument(&path, schema)?;
                arguments.push(path);
            }
            ("principal", Some("sub")) | ("instance", None) => {}
            ("principal", Some(member)) => {
                return Err(format!(
                    "names `principal.{member}`; known is only `principal.sub`"
                ));
            }
            ("principal", None) => {
                return Err("names `principal` as a whole; known is `principal.sub`".into());
            }
            (root, _) if globals.contains(&root) => {}
            (root, _) => {
                return Err(format!(
                    "names `{root}`, which is unknown; known are args, principal.sub, instance"
                ));
            }
        }
    }
    Ok(arguments)
}

/// The same for a leaf that is one name.
pub(super) fn check_reference(reference: &Reference, schema: &InputSchema) -> Result<(), String> {
    match reference {
        Reference::Argument(path) => check_argument(path, schema),
        Reference::Subject | Reference::Instance => Ok(()),
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
