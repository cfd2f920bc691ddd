//! Which definition a document is. Its kind comes from where it stands or from what it says, and all that say
//! something have to agree; its id from the member `id`, or from the name of a file that holds nothing else.

use super::{Document, Fault, MOST_VALUE, Piece, excerpt};
use mcp_common::{
    document::Document as Json,
    key::{Key, Kind},
};

pub(super) fn identify(piece: Piece, folder: Option<Kind>, name: Option<&str>) -> Result<Document, Fault> {
    let line = piece.line;
    let fault = |reason: String| Fault::new(line, reason);
    let mut json = Json::parse(piece.json.as_bytes()).map_err(|problem| fault(problem.to_string()))?;
    let stated = stated_kind(&json).map_err(fault)?;
    let kind = agreed_kind(&json, [folder, piece.kind, stated]).map_err(fault)?;
    let id = id(&json, name).map_err(fault)?;
    let body = match json.remove("kind") {
        Some(_) => json.to_json(),
        None => piece.json,
    };
    Ok(Document {
        key: Key { kind, id: id.into() },
        line,
        body: body.into(),
    })
}

/// The member `kind`.
fn stated_kind(json: &Json) -> Result<Option<Kind>, String> {
    let Some(value) = json.get("kind") else {
        return Ok(None);
    };
    let text: Option<String> = serde_json::from_str(value.get()).ok();
    let kind = text.as_deref().and_then(Kind::of_word);
    kind.map(Some).ok_or_else(|| {
        let found = excerpt(value.get(), MOST_VALUE);
        // Elsewhere that is what a document of an upstream has it for.
        let hint = match text.as_deref() {
            Some("mcp" | "http") => "; how an upstream is spoken to is said by `protocol`",
            _ => "",
        };
        format!("`kind` is {found}; write {}{hint}", Kind::words())
    })
}

fn agreed_kind(json: &Json, stated: [Option<Kind>; 3]) -> Result<Kind, String> {
    let mut stated = stated.into_iter().flatten();
    if let Some(kind) = stated.next() {
        return match stated.find(|other| *other != kind) {
            None => Ok(kind),
            Some(other) => Err(format!(
                "stated are both {kind} and {other}; make the folder, the list and `kind` agree"
            )),
        };
    }
    let is_told = |kind: &Kind| kind.row().telling.iter().any(|name| json.get(name).is_some());
    let told: Vec<Kind> = Kind::all().into_iter().filter(is_told).collect();
    match told[..] {
        [kind] => Ok(kind),
        _ => Err(format!(
            "cannot tell whether this is {}; put it into a folder {}, or add {}",
            Kind::listed(|kind| kind.row().with_article(), "or"),
            Kind::words(),
            Kind::listed(|kind| format!("`kind: {}`", kind.path_segment()), "or"),
        )),
    }
}

fn id(json: &Json, name: Option<&str>) -> Result<String, String> {
    match json.get("id") {
        None => name
            .map(str::to_owned)
            .ok_or_else(|| "has no `id`, which every document needs in a file of several".to_owned()),
        Some(value) => match serde_json::from_str::<String>(value.get()) {
            Ok(id) if !id.is_empty() => Ok(id),
            Ok(_) => Err("`id` is empty".to_owned()),
            Err(_) => Err(format!(
                "`id` is {}, which is no text; put it in quotes",
                excerpt(value.get(), MOST_VALUE)
            )),
        },
    }
}
