//! HTTP archives, as browsers and proxies save them.

use super::{
    ImportError, ImportOptions, Imported,
    curl::body_of,
    kept::Kept,
    sample::{self, Body, Field, Sample},
    text,
};
use serde_json::Value;

/// What pages are made of.
const NOT_AN_API: [&str; 8] = [
    "text/html",
    "text/css",
    "javascript",
    "image/",
    "font",
    "audio/",
    "video/",
    "wasm",
];

pub(super) fn read(text: &str, options: &ImportOptions, kept: &Kept<'_>) -> Result<Imported, ImportError> {
    let root = text::read_json(text, &options.limits, &options.room, "an HTTP archive")?;
    let Some(entries) = root.pointer("/log/entries").and_then(Value::as_array) else {
        let reason = "this is not an HTTP archive: `log.entries` is missing".to_owned();
        return Err(ImportError::WrongFormat(reason));
    };
    let (count, limit) = (entries.len(), options.limits.max_operations);
    if count > limit {
        return Err(ImportError::TooManyOperations { count, limit });
    }
    let mut imported = Imported {
        title: "HTTP archive".to_owned(),
        ..Imported::new(options)
    };
    for entry in entries {
        match sample(entry) {
            Ok(sample) => sample::add(sample, options, kept, &mut imported),
            Err((operation, reason)) => imported.skip_once(operation, reason),
        }
    }
    Ok(imported)
}

fn sample(entry: &Value) -> Result<Sample, (String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let request = &entry["request"];
    let method = text(request.get("method")).to_ascii_uppercase();
    let url = text(request.get("url"));
    let operation = format!("{method} {}", url.split('?').next().unwrap_or_default());
    if method.is_empty() || url.is_empty() {
        return Err(("an entry".to_owned(), "has no request".to_owned()));
    }
    if method == "OPTIONS" || method == "CONNECT" {
        return Err((
            operation,
            format!("{method} is between browser and server, not an operation"),
        ));
    }
    let answer = text(entry.pointer("/response/content/mimeType"));
    if NOT_AN_API.iter().any(|kind| answer.contains(kind)) {
        return Err((
            operation,
            format!("its answer is {answer}: part of a page, not of an API"),
        ));
    }
    let pairs = |list: Option<&Value>| -> Vec<Field> {
        let list = list.and_then(Value::as_array).into_iter().flatten();
        let field = |pair: &Value| Field {
            is_file: pair.get("fileName").is_some(),
            ..Field::new(text(pair.get("name")), text(pair.get("value")))
        };
        list.map(field).collect()
    };
    let headers = pairs(request.get("headers"))
        .into_iter()
        .map(|field| (field.name, field.value))
        .collect();
    let post = request.get("postData").filter(|post| !post.is_null());
    let body = post.map(|post| {
        let media = text(post.get("mimeType"));
        let fields = pairs(post.get("params"));
        match (fields.is_empty(), media.starts_with("multipart/")) {
            (false, true) => Body::Multipart(fields),
            (false, false) => Body::Form(fields),
            (true, true) => Body::None,
            (true, false) => body_of(
                &text(post.get("text")),
                Some(&media).filter(|m| !m.is_empty()).map(|m| &**m),
                false,
            ),
        }
    });
    Ok(Sample {
        method,
        url,
        headers,
        body: body.unwrap_or_default(),
        ..Sample::default()
    })
}
