//! OpenAPI 3.0 and 3.1, and Swagger 2.0.

mod answer;
mod body;
mod example;
mod flatten;
mod inline;
mod keyword;
mod operation;
mod parameter;
mod schema;
mod security;
mod selection;
mod server;
mod spec;
mod swagger2;

use super::{ImportError, ImportOptions, Imported, kept::Kept, pattern, text};
use operation::Reader;
use serde_json::{Map, Value};
use spec::Spec;

/// The methods as they stand in a path item.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

pub(super) fn read(text: &str, options: &ImportOptions, kept: &Kept<'_>) -> Result<Imported, ImportError> {
    let root = text::read(text, &options.limits, &options.room)?;
    let spec = Spec::new(&root)?;
    let mut imported = Imported {
        title: spec.title(),
        ..Imported::new(options)
    };
    imported.description = root
        .pointer("/info/description")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let empty = Map::new();
    let paths = match root.get("paths") {
        Some(Value::Object(paths)) => paths,
        None => &empty,
        Some(_) => return Err(ImportError::WrongFormat("`paths` is not an object".to_owned())),
    };
    let all = paths
        .iter()
        .filter_map(|(path, item)| Some((path.as_str(), item.as_object()?)));
    let limit = options.limits.max_operations;
    let selected = all
        .clone()
        .map(|(path, item)| selected(path, item, options))
        .sum();
    if selected > limit {
        return Err(ImportError::TooManyOperations {
            count: selected,
            limit,
        });
    }
    if all.flat_map(|(_, item)| operations(item)).next().is_none() {
        imported.note("the document has no operations under `paths`");
    }
    let mut reader = Reader::new(&spec, options, kept);
    let mut read = 0;
    for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
        let item = match spec.resolve(item) {
            Ok(item) => item,
            Err(reason) => {
                imported.skip(path.clone(), format!("paths/{path}: {reason}"));
                continue;
            }
        };
        let Some(item) = item.as_object() else {
            imported.skip(path.clone(), format!("paths/{path}: is not an object"));
            continue;
        };
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            // Path items that refer to one and the same.
            read += usize::from(is_selected(path, method, operation, options));
            if read > limit {
                return Err(ImportError::TooManyOperations { count: read, limit });
            }
            options.progress.at("read", read, selected);
            one(&mut imported, &mut reader, options, method, path, item, operation);
        }
    }
    reader.selection.note(&mut imported);
    reader.note(&mut imported);
    Ok(imported)
}

fn operations(item: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &Value)> {
    METHODS
        .iter()
        .filter_map(|method| Some((*method, item.get(*method)?)))
}

/// How many of them the caller wants: of a description with too many, a part can be imported.
fn selected(path: &str, item: &Map<String, Value>, options: &ImportOptions) -> usize {
    let wanted = operations(item).filter(|(method, operation)| is_selected(path, method, operation, options));
    wanted.count()
}

fn is_selected(path: &str, method: &str, operation: &Value, options: &ImportOptions) -> bool {
    let tags = operation.as_object().map(operation::tags).unwrap_or_default();
    options.selects(&pattern::Operation {
        id: operation.get("operationId").and_then(Value::as_str),
        method,
        path,
        tags: &tags,
    })
}

fn one(
    imported: &mut Imported,
    reader: &mut Reader<'_>,
    options: &ImportOptions,
    method: &str,
    path: &str,
    item: &Map<String, Value>,
    operation: &Value,
) {
    let name = format!("{} {path}", method.to_ascii_uppercase());
    let operation = match reader.resolve(operation) {
        Ok(Value::Object(operation)) => operation,
        Ok(_) => return imported.skip(name, "is not an object"),
        Err(reason) => return imported.skip(name, reason),
    };
    let tags = operation::tags(operation);
    let subject = pattern::Operation {
        id: operation.get("operationId").and_then(Value::as_str),
        method,
        path,
        tags: &tags,
    };
    reader.selection.look(&subject);
    if !options.selects(&subject) {
        return imported.leave_out(name);
    }
    if let Err(reason) = imported.effort.check_time_to_read() {
        return imported.skip(name, reason);
    }
    match reader.read(&subject, item, operation) {
        Ok(mut draft) => {
            let rename = options
                .rename
                .iter()
                .find(|rename| rename.pattern.selects(&subject));
            if let Some(rename) = rename {
                draft.name = rename.name.replace("{name}", &draft.name);
            }
            imported.add(draft);
        }
        Err(reason) => imported.skip(name, reason.0),
    }
}
