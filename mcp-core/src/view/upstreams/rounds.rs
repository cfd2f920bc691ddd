//! What a server asks in its result (2026-07-28), of a client that is asked by requests: each is sent to it, and the answers
//! go with the next request to the server.

use crate::{
    json::members::Members,
    relay::{Answer, AskedFor, Line, Trouble},
};
use futures_util::future::try_join_all;
use serde_json::{json, value::RawValue};
use std::sync::Arc;

/// How often a server may ask.
pub(super) const MOST: usize = 8;
/// What it may ask at once.
const AT_ONCE: usize = 16;

/// The parameters of the next request: those of the first, what the client answered, and the server's state.
pub(super) async fn next(first: &str, asking: &Answer, line: &Line) -> Result<Arc<str>, Trouble> {
    let unfit = |reason: String| {
        Trouble::Failed(format!(
            "The server asks for input in a way that is none: {reason}."
        ))
    };
    let AskedFor { requests, state } = asking.asked_for().map_err(|error| unfit(error.to_string()))?;
    if requests.is_empty() && state.is_none() {
        return Err(unfit("it asks for nothing".to_owned()));
    }
    if requests.len() > AT_ONCE {
        return Err(unfit(format!("it asks for more than {AT_ONCE} things at once")));
    }
    let answers = requests.iter().map(async |(name, request)| {
        let params = request.params.as_deref();
        let named;
        let params = match (&*request.method, params) {
            ("elicitation/create", Some(params)) => {
                named = with_id(params);
                named.as_deref().or(Some(params))
            }
            _ => params,
        };
        let answer = line.ask(&request.method, params).await;
        let answer =
            answer.map_err(|reason| Trouble::Failed(format!("The server needs an answer: {reason}.")))?;
        Ok::<_, Trouble>(format!("{}:{}", json!(name), answer.get()))
    });
    let answers = try_join_all(answers).await?;
    let members = Members::read(first).map_err(Trouble::Invalid)?;
    let mut out = format!("{{\"inputResponses\":{{{}}}", answers.join(","));
    if let Some(state) = state {
        out.extend([",\"requestState\":", state]);
    }
    let own = ["inputResponses", "requestState"];
    for (name, value) in members.iter().filter(|(name, _)| !own.contains(name)) {
        out.extend([",", &*json!(name).to_string(), ":", value.get()]);
    }
    out.push('}');
    Ok(out.into())
}

/// Before 2026-07-28 a page that is to be opened has an id.
fn with_id(params: &RawValue) -> Option<Box<RawValue>> {
    let members = Members::read(params.get()).ok()?;
    if members.get("mode")?.get() != "\"url\"" || members.get("elicitationId").is_some() {
        return None;
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).ok()?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let inner = params.get().trim_start().strip_prefix('{')?;
    RawValue::from_string(format!("{{\"elicitationId\":\"{id}\",{inner}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_an_id_and_nothing_else_does() {
        let read = |text: &str| with_id(&RawValue::from_string(text.to_owned()).unwrap());
        let named = read(r#"{ "mode":"url","url":"https://a.example/x"}"#).unwrap();
        let members = Members::read(named.get()).unwrap();
        assert_eq!(members.get("elicitationId").unwrap().get().len(), 34);
        assert_eq!(members.get("url").unwrap().get(), "\"https://a.example/x\"");
        for other in [
            r#"{"mode":"form"}"#,
            r#"{"mode":"url","elicitationId":"1"}"#,
            "{}",
            "7",
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
