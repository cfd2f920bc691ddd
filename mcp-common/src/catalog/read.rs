//! Stored record → live entry, or why not.

use super::{
    Compile,
    collection::DocumentEntry,
    entry::{ToolEntry, Version},
};
use crate::{
    bounds::JsonBounds,
    datasource::Record,
    definition::{InstanceDefinition, Read, ToolDefinition},
    document::Document,
    key::Revision,
    problem::{Problem, Problems},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Why a record cannot go live, and its document as far as there is one.
pub(super) struct Rejected {
    pub(super) problems: Problems,
    pub(super) document: Option<Document>,
}

/// Parses what is within the bounds; takes the text of `known` over if it is the same, so that two versions share it.
pub(super) fn document(
    record: &Record,
    known: Option<&Document>,
    bounds: &JsonBounds,
) -> Result<Document, Rejected> {
    if let Some(known) = known.filter(|known| known.is_text(&record.body)) {
        return Ok(known.clone());
    }
    let rejected = |problem: Problem| Rejected {
        problems: problem.into(),
        document: None,
    };
    bounds
        .check(&record.body)
        .map_err(|exceeded| rejected(Problem::whole(format!("the definition {exceeded}"))))?;
    Document::take(record.body.clone()).map_err(rejected)
}

/// A tool, ready to be called. `known` is the live version.
pub(super) fn tool<C: Compile>(
    compiler: &C,
    record: &Record,
    known: Option<&ToolEntry<C::Tool>>,
) -> Result<ToolEntry<C::Tool>, Rejected> {
    let (revision, updated_at) = (record.revision, record.updated_at);
    if let Some(known) = known.filter(|known| known.document.is_text(&record.body)) {
        return Ok(ToolEntry {
            id: known.id.clone(),
            name: known.name.clone(),
            tags: known.tags.clone(),
            access: known.access.clone(),
            limits: known.limits,
            enabled: known.enabled,
            secrets: known.secrets.clone(),
            document: known.document.clone(),
            compiled: known.compiled.clone(),
            revision,
            updated_at,
            warnings: known.warnings.clone(),
        });
    }
    let document = document(record, None, &compiler.bounds())?;
    let entry = compiled(compiler, &record.key.id, &document).map_err(|problems| Rejected {
        problems,
        document: Some(document),
    })?;
    Ok(ToolEntry {
        revision,
        updated_at,
        ..entry
    })
}

/// A tool that is not stored yet.
pub(super) fn draft<C: Compile>(
    compiler: &C,
    id: &Arc<str>,
    document: &Document,
) -> Result<ToolEntry<C::Tool>, Problems> {
    let exceeded = compiler.bounds().check(document.as_json().as_bytes()).err();
    match exceeded {
        Some(exceeded) => Err(Problem::whole(format!("the definition {exceeded}")).into()),
        None => compiled(compiler, id, document),
    }
}

fn compiled<C: Compile>(
    compiler: &C,
    id: &Arc<str>,
    document: &Document,
) -> Result<ToolEntry<C::Tool>, Problems> {
    let (
        Read {
            definition,
            mut warnings,
        },
        compiled,
    ) = ToolDefinition::read_and(id, document, |definition| compile(compiler, definition))?;
    warnings.extend(compiled.warnings);
    warnings.shrink_to_fit();
    Ok(ToolEntry {
        secrets: definition.used_secrets(),
        id: id.clone(),
        name: definition.name.into(),
        tags: definition.tags.into_iter().map(Arc::from).collect(),
        access: definition.access.map(Arc::new),
        limits: definition.limits,
        enabled: definition.enabled,
        document: document.clone(),
        compiled: Arc::new(compiled.tool),
        revision: Revision::default(),
        updated_at: None,
        warnings,
    })
}

/// A compiler that panics on one definition must not stop the others from being loaded.
fn compile<C: Compile>(
    compiler: &C,
    definition: &ToolDefinition,
) -> Result<super::Compiled<C::Tool>, Problems> {
    catch_unwind(AssertUnwindSafe(|| compiler.compile(definition))).unwrap_or_else(|_| {
        Err(Problem::whole(
            "compiling it ended in an internal error of the gateway; please report the document",
        )
        .into())
    })
}

/// A version of an instance. Whether its tools go together is found out by selecting them.
pub(super) fn instance<C: Compile>(
    compiler: &C,
    record: &Record,
    known: Option<&Document>,
) -> Result<Version, Rejected> {
    let document = document(record, known, &compiler.bounds())?;
    let read = InstanceDefinition::read_and(&record.key.id, &document, |definition| {
        compiler.check_instance(definition)
    });
    match read {
        Ok(Read { definition, warnings }) => Ok(Version {
            definition: Arc::new(definition),
            document,
            revision: record.revision,
            updated_at: record.updated_at,
            warnings,
        }),
        Err(problems) => Err(Rejected {
            problems,
            document: Some(document),
        }),
    }
}

/// A definition of a kind of which the catalog need not know more than its row.
pub(super) fn other<C: Compile>(
    compiler: &C,
    record: &Record,
    known: Option<&Document>,
) -> Result<DocumentEntry, Rejected> {
    let document = document(record, known, &compiler.bounds())?;
    let Record {
        key,
        revision,
        updated_at,
        ..
    } = record;
    let read = DocumentEntry::read(key.kind, &key.id, document, *revision, *updated_at);
    let rejected = |(problems, document)| Rejected {
        problems,
        document: Some(document),
    };
    let entry = read.map_err(rejected)?;
    match compiler.check_document(key.kind, &entry.definition) {
        Ok(()) => Ok(entry),
        Err(problems) => Err(rejected((problems, entry.document))),
    }
}
