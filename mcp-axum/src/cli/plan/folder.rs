//! Reads a folder of definitions as the data source `file` would.

use crate::cli::Failure;
use mcp_common::document::Document;
use mcp_core::authoring::change_plan::{DesiredDefinition, Finding};
use mcp_plugin::datasource::file;
use std::path::Path;

/// What there is, and what could not be read.
pub(in crate::cli) fn read(folder: &Path) -> Result<(Vec<DesiredDefinition>, Vec<Finding>), Failure> {
    let at =
        |reason: &dyn std::fmt::Display| Failure::runtime(format_args!("{}: {reason}", folder.display()));
    let contents = file::read(folder).map_err(|error| at(&error))?;
    if contents.definitions.is_empty() && contents.faults.is_empty() {
        // With pruning an empty folder would delete everything; a wrong path is likelier.
        return Err(at(
            &"holds no definitions; their files end in .yaml, .yml, .json or .toml",
        ));
    }
    let mut faults: Vec<Finding> = contents
        .faults
        .into_iter()
        .map(|fault| finding(fault.place, fault.reason))
        .collect();
    let mut definitions = Vec::new();
    for definition in contents.definitions {
        match Document::parse(&definition.body) {
            Ok(document) => {
                definitions.push(DesiredDefinition::new(
                    &definition.key,
                    Some(definition.place),
                    &document,
                ));
            }
            Err(problem) => faults.push(finding(definition.place, problem.to_string())),
        }
    }
    Ok((definitions, faults))
}

fn finding(place: String, reason: String) -> Finding {
    Finding {
        place: Some(place),
        reason,
        ..Finding::default()
    }
}
