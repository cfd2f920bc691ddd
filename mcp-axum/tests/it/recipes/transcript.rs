//! What `NAME.http` says: the form that editors know for HTTP requests, with what the client got as comments.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::fmt::Write as _;

/// Lines that were written for all recipes: the header that nobody asked for.
const ACCEPT: &str = "Accept: application/json, */*;q=0.8\n";

#[derive(Default)]
pub struct Transcript {
    text: String,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Reply {
    result: ToolResult,
}

#[derive(Deserialize)]
struct ToolResult {
    #[serde(rename = "isError")]
    is_error: bool,
    content: Vec<Box<RawValue>>,
    #[serde(rename = "structuredContent")]
    structured: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBlock {
    r#type: String,
    text: String,
}

fn reply(answer: &str) -> ToolResult {
    let reply: Reply = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    reply.result
}

pub fn is_error(answer: &str) -> bool {
    reply(answer).is_error
}

/// The members of an object whose names are wanted, as they were written.
pub fn keep(json: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut members: IndexMap<String, Box<RawValue>> = serde_json::from_str(json).unwrap();
    members.retain(|name, _| is_wanted(name));
    to_raw_value(&members).unwrap().get().to_owned()
}

impl Transcript {
    pub fn call(&mut self, instance: &str, tool: &str, description: Option<&str>, arguments: &str) {
        let through = match instance {
            super::ALL => String::new(),
            instance => format!(" through {instance}"),
        };
        let blank = if self.text.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.text, "{blank}### {tool} {arguments}{through}");
        if let Some(description) = description {
            let _ = writeln!(self.text, "# {description}");
        }
    }

    /// `status`: what it was answered with, where that was not the end.
    pub fn request(&mut self, request: &str, status: Option<u16>) {
        self.write(request);
        if let Some(status) = status {
            let _ = writeln!(self.text, "\n### answered with {status}, then");
        }
    }

    fn write(&mut self, request: &str) {
        let request = request.replace(ACCEPT, "");
        // A value of its own for each call, the same in each attempt.
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Idempotency-Key: "));
        let Some(key) = key.map(str::to_owned) else {
            self.text.push_str(&request);
            return;
        };
        assert_eq!(key.len(), 32, "{key}");
        let number = self
            .keys
            .iter()
            .position(|known| *known == key)
            .unwrap_or_else(|| {
                self.keys.push(key.clone());
                self.keys.len() - 1
            });
        self.text
            .push_str(&request.replace(&key, &format!("KEY-{}", number + 1)));
    }

    pub fn answer(&mut self, answer: &str) {
        let result = reply(answer);
        let what = if result.is_error {
            "gives an error"
        } else {
            "gives"
        };
        let _ = writeln!(self.text, "\n### {what}");
        for block in &result.content {
            match serde_json::from_str::<TextBlock>(block.get()) {
                Ok(block) if block.r#type == "text" => {
                    for line in block.text.lines() {
                        let _ = writeln!(self.text, "# {line}");
                    }
                }
                _ => {
                    let _ = writeln!(self.text, "# {}", block.get());
                }
            }
        }
        if let Some(structured) = result.structured {
            let is_text =
                self.text.lines().last().and_then(|line| line.strip_prefix("# ")) == Some(structured.get());
            let shown = if is_text { "the same" } else { structured.get() };
            let _ = writeln!(self.text, "# structuredContent: {shown}");
        }
    }

    pub fn text(self) -> String {
        self.text
    }
}
