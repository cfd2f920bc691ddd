//! `dynmcp schema`: what editors check definitions with, also where no gateway runs.

use super::{Failure, output};
use clap::ValueEnum;
use mcp_common::{
    definition::{self, UnknownMembers},
    key::Kind,
};

/// Which documents.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SchemaKind {
    /// Tool definitions.
    Tds,
    /// Instances.
    Ids,
    /// Files of definitions, as in a folder: tools, instances, lists of them.
    File,
}

/// Prints the schema.
pub(super) fn print(kind: SchemaKind, is_strict: bool) -> Result<(), Failure> {
    let unknown = match is_strict {
        true => UnknownMembers::Refused,
        false => UnknownMembers::Kept,
    };
    let schema = match kind {
        SchemaKind::Tds => definition::schema(Kind::Tool, unknown),
        SchemaKind::Ids => definition::schema(Kind::Instance, unknown),
        SchemaKind::File => definition::file_schema(unknown),
    };
    output::print_json(&schema)
}
