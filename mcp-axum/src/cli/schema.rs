//! `dynmcp schema`: what editors check definitions with, also where no gateway runs.

use super::{Failure, output};
use clap::ValueEnum;
use mcp_common::{definition, key::Kind};

/// Which documents.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SchemaKind {
    /// Tool definitions.
    Tds,
    /// Instances.
    Ids,
}

/// Prints the schema.
pub(super) fn print(kind: SchemaKind) -> Result<(), Failure> {
    let kind = match kind {
        SchemaKind::Tds => Kind::Tool,
        SchemaKind::Ids => Kind::Instance,
    };
    output::print_json(&definition::schema(kind))
}
