//! `dynmcp schema`: what editors check definitions with, also where no gateway runs.

use super::{Failure, output};
use clap::builder::PossibleValuesParser;
use mcp_common::{
    definition::{self, UnknownMembers},
    key::Kind,
};

/// Files of definitions, as in a folder: definitions of all kinds, and lists of them.
const FILE: &str = "file";

/// The documents that have a schema: those of each kind, and files.
pub(super) fn documents() -> PossibleValuesParser {
    let kinds = Kind::all().into_iter().map(Kind::path_segment);
    PossibleValuesParser::new(kinds.chain([FILE]))
}

/// Prints the schema.
pub(super) fn print(documents: &str, is_strict: bool) -> Result<(), Failure> {
    let unknown = match is_strict {
        true => UnknownMembers::Refused,
        false => UnknownMembers::Kept,
    };
    let schema = match Kind::of_segment(documents) {
        Some(kind) => definition::schema(kind, unknown),
        None => definition::file_schema(unknown),
    };
    output::print_json(&schema)
}
