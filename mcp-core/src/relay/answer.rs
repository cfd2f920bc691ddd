//! What an origin answers.

mod bounded;
mod shaped;

pub(crate) use bounded::TooLarge;
pub(crate) use shaped::ShapedText;

use crate::{json::one_line::compact, spec::Era};
use indexmap::IndexMap;
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc};

/// A result, its members as they came but for those that belong to one hop.
#[derive(Clone, Debug)]
pub struct Answer {
    members: IndexMap<String, String>,
    /// The texts of `_meta`, without the server's own name.
    meta: IndexMap<String, String>,
    result_type: String,
    /// The upstream that it is of, where that has tasks.
    keeper: Option<Arc<str>>,
}

/// Why there is no result.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// The request does not fit what it asks for.
    #[error("{0}")]
    Invalid(String),
    /// There is no such resource.
    #[error("there is no such resource")]
    NotFound,
    /// The client did not declare what it takes (2026-07-28).
    #[error("{message}")]
    Unable {
        /// The message for people.
        message: String,
        /// What it takes, as the server wrote it.
        data: Box<RawValue>,
    },
    /// The client has to open pages first (2025-11-25), as it said that it can.
    #[error("{message}")]
    NeedsPages {
        /// For people.
        message: String,
        /// Which, as the server wrote it.
        data: Box<RawValue>,
    },
    /// It could not be answered now.
    #[error("{0}")]
    Failed(String),
    /// The same, and it certainly reached no server.
    #[error("{0}")]
    Unsent(String),
}

/// What a result asks for.
#[derive(Debug)]
pub(crate) struct AskedFor<'a> {
    /// By the names that answers repeat.
    pub(crate) requests: Vec<(String, Request)>,
    /// What goes back to the server, JSON text.
    pub(crate) state: Option<&'a str>,
}

/// One of the things that a result asks for.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) params: Option<Box<RawValue>>,
}

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

impl Answer {
    /// Takes a result object apart. What a revision or a hop has for itself (`resultType`, `ttlMs`, `cacheScope`, the
    /// server's name) is put in anew for each client.
    pub fn read(result: &RawValue) -> Result<Self, serde_json::Error> {
        let mut all: IndexMap<Cow<'_, str>, &RawValue> = serde_json::from_str(result.get())?;
        let meta = match all.shift_remove("_meta") {
            Some(raw) => serde_json::from_str::<IndexMap<Cow<'_, str>, &RawValue>>(raw.get())?,
            None => IndexMap::new(),
        };
        let result_type = match all.shift_remove("resultType") {
            Some(raw) => serde_json::from_str(raw.get())?,
            None => "complete".to_owned(),
        };
        all.shift_remove("ttlMs");
        all.shift_remove("cacheScope");
        let on_one_line = |(name, raw): (Cow<'_, str>, &RawValue)| (name.into_owned(), compact(raw.get()));
        let meta = meta.into_iter().filter(|(name, _)| name != SERVER_INFO);
        Ok(Self {
            members: all.into_iter().map(on_one_line).collect(),
            meta: meta.map(on_one_line).collect(),
            result_type,
            keeper: None,
        })
    }

    /// A tool's result that says what went wrong.
    pub(crate) fn tool_error(reason: &str) -> Self {
        let content = format!("[{{\"type\":\"text\",\"text\":{}}}]", string(reason));
        let members = [("content", content), ("isError", "true".to_owned())];
        Self {
            members: members.map(|(name, value)| (name.to_owned(), value)).into(),
            meta: IndexMap::new(),
            result_type: "complete".to_owned(),
            keeper: None,
        }
    }

    /// A tool's result that there is, and that could not be made into one for clients.
    pub(crate) fn unworked(reason: &str) -> Self {
        Self::tool_error(&format!(
            "The tool answered, and its answer could not be worked on: {reason} The call itself succeeded: what it changes is changed."
        ))
    }

    /// About how much there is to work on.
    pub(crate) fn bytes(&self) -> usize {
        self.members.values().map(String::len).sum()
    }

    /// The same of an upstream; `is_about_task` where it was asked for a task, which a call may turn into by itself.
    pub(crate) fn kept_by(self, upstream: &Arc<str>, is_about_task: bool) -> Self {
        let is_task = is_about_task || self.result_type == "task";
        Self {
            keeper: is_task.then(|| upstream.clone()),
            ..self
        }
    }

    /// The upstream that a task is of, and the id that it has there, if the result is of one.
    pub(crate) fn task(&self) -> Option<(&str, String)> {
        let own = serde_json::from_str(self.members.get("taskId")?).ok()?;
        Some((self.keeper.as_deref()?, own))
    }

    /// Gives the task of the result another id.
    pub(crate) fn rename_task(&mut self, id: &str) {
        if let Some(own) = self.members.get_mut("taskId") {
            *own = string(id);
        }
    }

    /// Whether a tool says that it failed.
    pub fn is_error(&self) -> bool {
        self.members.get("isError").is_some_and(|value| value == "true")
    }

    /// Whether this is the result, not a question or a task.
    pub(crate) fn is_complete(&self) -> bool {
        self.result_type == "complete"
    }

    /// Whether this asks the client for more before there is a result (2026-07-28, multi round-trip requests).
    pub fn asks_for_input(&self) -> bool {
        self.result_type == "input_required"
    }

    /// What it asks for.
    pub(crate) fn asked_for(&self) -> Result<AskedFor<'_>, serde_json::Error> {
        let requests: IndexMap<String, Request> = match self.members.get("inputRequests") {
            Some(text) => serde_json::from_str(text)?,
            None => IndexMap::new(),
        };
        Ok(AskedFor {
            requests: requests.into_iter().collect(),
            state: self.members.get("requestState").map(String::as_str),
        })
    }

    /// A result that asks for these (2026-07-28); the client makes the request again, with the answers.
    pub(crate) fn asking(requests: &serde_json::Value) -> Self {
        Self {
            members: [("inputRequests".to_owned(), requests.to_string())].into(),
            meta: IndexMap::new(),
            result_type: "input_required".to_owned(),
            keeper: None,
        }
    }

    /// The result object for a client of that era, with members of the gateway's own in the modern one.
    pub(crate) fn render(&self, era: Era, hints: &str, server_info: &str) -> String {
        let mut out = String::from("{");
        for (name, value) in &self.members {
            // Before 2026-07-28 structured content is always an object.
            if era == Era::Legacy && name == "structuredContent" && !value.starts_with('{') {
                continue;
            }
            member(&mut out, name, value);
        }
        let mut meta = String::from("{");
        for (name, value) in &self.meta {
            member(&mut meta, name, value);
        }
        if era == Era::Modern {
            member(&mut out, "resultType", &string(&self.result_type));
            out += hints;
            member(&mut meta, SERVER_INFO, server_info);
        }
        meta.push('}');
        if meta.len() > 2 {
            member(&mut out, "_meta", &meta);
        }
        out.push('}');
        out
    }
}

fn member(out: &mut String, name: &str, value: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.extend([&string(name), ":", value]);
}

fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;

    #[test]
    fn results_are_read_in_time_that_grows_with_them() {
        let content =
            |size: usize| format!(r#"{{"content":[{}1]}}"#, r#"{"type":"text"},"#.repeat(size / 16));
        let members = |size: usize| {
            let members: String = (0..size / 16).map(|n| format!("\"m{n}\":[[]],")).collect();
            format!(r#"{{{members}"content":[]}}"#)
        };
        let meta = |size: usize| format!(r#"{{"_meta":{}}}"#, members(size));
        let shapes: [(&str, &dyn Fn(usize) -> String); 3] =
            [("content", &content), ("members", &members), ("_meta", &meta)];
        for (what, make) in shapes {
            growth::is_linear(what, growth::ANSWER, make, |text| {
                let raw: &RawValue = serde_json::from_str(text).unwrap();
                drop(Answer::read(raw).unwrap());
            });
        }
    }

    #[test]
    fn a_result_keeps_what_is_its_own_and_loses_what_belongs_to_a_hop() {
        let raw: Box<RawValue> = serde_json::from_str(
            r#"{"resultType":"complete","content":[ {"type":"text","text":"a\nb"} ],"structuredContent":[12345678901234567890.10],
                "x":1,"ttlMs":5,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up"},"a/b":{"c":1}}}"#,
        )
        .unwrap();
        let answer = Answer::read(&raw).unwrap();
        assert_eq!(
            answer.render(
                Era::Modern,
                ",\"ttlMs\":0,\"cacheScope\":\"private\"",
                "{\"name\":\"dynmcp\"}"
            ),
            r#"{"content":[{"type":"text","text":"a\nb"}],"structuredContent":[12345678901234567890.10],"x":1,"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":{"a/b":{"c":1},"io.modelcontextprotocol/serverInfo":{"name":"dynmcp"}}}"#
        );
        assert_eq!(
            answer.render(Era::Legacy, "", "{}"),
            r#"{"content":[{"type":"text","text":"a\nb"}],"x":1,"_meta":{"a/b":{"c":1}}}"#
        );
    }
}
