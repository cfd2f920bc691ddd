//! Lists: tools, resources, templates of resources, prompts. They are written from prepared bytes.

use crate::{
    protocol::{
        Reply,
        ask::Ask,
        fault::Fault,
        params::{ListParams, as_string},
    },
    spec::Method,
    view::Cursor,
};

pub(super) fn list(ask: &Ask<'_>, method: Method, params: &ListParams<'_>) -> Result<Reply, Fault> {
    let after = match params.cursor {
        None => None,
        Some(raw) => {
            let cursor = as_string(raw).and_then(|text| Cursor::decode(&text));
            Some(cursor.ok_or_else(|| Fault::invalid_params("Invalid cursor: list again without one"))?)
        }
    };
    let list = ask.exchange.view.list(method, ask.era);
    let list = list.ok_or_else(|| Fault::method_not_found(method.name(), ask.era))?;
    Ok(Reply::result(ask.id, list.page(after.as_ref())))
}
