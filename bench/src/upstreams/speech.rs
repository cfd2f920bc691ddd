//! What the MCP servers of this benchmark say: the same to everybody, whatever it is carried by.

use crate::{definitions, upstream::Upstream};
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::borrow::Cow;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// 2026-07-28.
    Modern,
    /// 2025-11-25.
    Older,
}

/// A server: its tools, and what each of them answers.
pub(super) struct Speech {
    pub(super) era: Era,
    /// The result of `tools/list`.
    list: String,
    /// The result of `tools/call`.
    called: String,
}

/// What comes of a message.
pub(super) enum Said {
    Nothing,
    Answer(String),
    /// Whoever asked is told when something changes; nothing does.
    Listening(String),
    /// Progress under this token, JSON text, and then the answer.
    Progress {
        token: String,
        answer: String,
    },
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: Option<&'a RawValue>,
}

impl Speech {
    /// `tools` is a list of JSON.
    pub(super) fn new(era: Era, tools: &str) -> Self {
        let result = |members: String| match era {
            Era::Modern => format!(r#"{{"resultType":"complete",{members}}}"#),
            Era::Older => format!("{{{members}}}"),
        };
        let lasting = match era {
            Era::Modern => r#","ttlMs":0,"cacheScope":"private""#,
            Era::Older => "",
        };
        let content = content();
        Self {
            era,
            list: result(format!(r#""tools":{tools}{lasting}"#)),
            called: result(format!(r#""content":{content},"isError":false"#)),
        }
    }

    /// So many tools, whose names begin so.
    pub(super) fn with_tools(era: Era, names: &str, count: usize) -> Self {
        let tools: Vec<Value> = (0..count)
            .map(|number| entry(&format!("{names}_{number:03}")))
            .collect();
        Self::new(era, &json!(tools).to_string())
    }

    pub(super) fn answer(&self, message: &[u8]) -> Result<Said> {
        let message: Message<'_> = serde_json::from_slice(message)?;
        let Some(id) = message.id else {
            return Ok(Said::Nothing);
        };
        let result = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        Ok(match (&*message.method, self.era) {
            ("tools/call", _) => {
                let answer = result(&self.called);
                match message.params.and_then(|params| params.meta?.token) {
                    None => Said::Answer(answer),
                    Some(token) => Said::Progress {
                        token: token.get().to_owned(),
                        answer,
                    },
                }
            }
            ("tools/list", _) => Said::Answer(result(&self.list)),
            ("server/discover", Era::Modern) => Said::Answer(result(
                r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"bench","version":"1"}},"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private"}"#,
            )),
            ("subscriptions/listen", Era::Modern) => Said::Listening(format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"notifications":{{"toolsListChanged":true}}}}}}"#
            )),
            ("initialize", Era::Older) => Said::Answer(result(
                r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}"#,
            )),
            _ => Said::Answer(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"Method not found"}}}}"#
            )),
        })
    }
}

/// What each tool answers: the text that the API behind tools with definitions answers, too.
pub(super) fn content() -> Value {
    json!([{"type": "text", "text": Upstream::body()}])
}

/// A tool as servers list it, with the schema of tools with definitions.
fn entry(name: &str) -> Value {
    let mut definition = definitions::tool(name, 0);
    json!({
        "name": definition["name"],
        "description": definition["description"],
        "inputSchema": definition["input_schema"].take(),
    })
}

/// How far a call is.
pub(super) fn progress(token: &str, step: u32, of: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{step},"total":{of},"message":"step {step} of {of}"}}}}"#
    )
}
