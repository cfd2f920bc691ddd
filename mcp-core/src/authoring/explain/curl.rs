//! A request as a line for a POSIX shell, which sends exactly that request.

mod quote;

use super::outline::Outline;
use crate::encode;
use http::Method;
pub(super) use quote::{Piece, variable_name, word};
use serde::{Deserialize, Serialize};

/// Longer texts do not fit into one argument of a program everywhere (Linux: 128 KiB).
const MOST_IN_ARGUMENT: usize = 96 << 10;
/// Longer bodies are not repeated.
const MOST_IN_LINE: usize = 1 << 20;
/// The body's size from which on curl would ask first whether it may send (older ones from 1 KiB on).
const ASKS_FROM: usize = 1 << 10;

/// A command for a POSIX shell, to be pasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curl {
    /// The command; `$NAME` for credentials.
    pub line: String,
    /// The variables that have to be set before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// What has to be known about the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A variable of the shell that stands for a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The variable's name, without `$`.
    pub name: String,
    /// Where the gateway has it from: `${env:NAME}`, `${file:/path}`.
    pub from: String,
    /// A command that sets it where the secret can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
}

pub(super) fn line(outline: &Outline) -> Curl {
    let text = |text: &str| Piece::Text(text.to_owned());
    let mut lines: Vec<String> = Vec::new();
    let mut option = |name: &str, pieces: &[Piece]| lines.push(format!("{name} {}", word(pieces)));
    for (name, pieces) in &outline.headers {
        let is_empty = pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Text(text) if text.is_empty()));
        // An empty value is written with a semicolon; with a colon it would mean "without this header".
        let head = if is_empty {
            format!("{name};")
        } else {
            format!("{name}: ")
        };
        let whole: Vec<Piece> = [text(&head)].into_iter().chain(pieces.iter().cloned()).collect();
        option("-H", &whole);
    }
    for name in ["User-Agent", "Accept"] {
        if !outline.headers.iter().any(|(header, _)| header == name) {
            option("-H", &[text(&format!("{name}:"))]);
        }
    }
    if outline.body.len() > ASKS_FROM {
        option("-H", &[text("Expect:")]);
    }
    if let Some(pieces) = &outline.basic {
        option("--user", pieces);
    }
    if let Some((name, pieces)) = &outline.key {
        // The value is encoded by curl, the name is not.
        let mut head = Vec::new();
        encode::component(&mut head, name);
        head.push(b'=');
        let head = text(&String::from_utf8_lossy(&head));
        let whole: Vec<Piece> = [head].into_iter().chain(pieces.iter().cloned()).collect();
        option("--url-query", &whole);
    }
    for (name, pieces) in &outline.connection {
        option(name, pieces);
    }
    let (before, data, note) = data(outline);
    lines.extend(data);
    let newer = outline
        .key
        .is_some()
        .then(|| "--url-query needs curl 7.87 or newer".to_owned());
    let notes: Vec<String> = [note, outline.note.clone(), newer]
        .into_iter()
        .flatten()
        .collect();
    if outline.headers.iter().any(|(name, _)| name == "Accept-Encoding") {
        lines.push("--compressed".to_owned());
    }
    let url = match &outline.server {
        Some(server) => word(&at(server, &outline.url)),
        None => word(&outline.url),
    };
    let glob = if url.contains(['[', ']', '{', '}']) {
        "-g "
    } else {
        ""
    };
    let method = match &outline.method {
        &Method::GET if !outline.has_body => String::new(),
        &Method::HEAD => "--head ".to_owned(),
        method => format!("-X {} ", word(&[text(method.as_str())])),
    };
    let first = format!("{before}curl {glob}{method}{url}");
    let lines: Vec<String> = [first].into_iter().chain(lines).collect();
    Curl {
        line: lines.join(" \\\n  "),
        variables: outline.variables.clone(),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// The URL with another host and port.
fn at(server: &str, url: &[Piece]) -> Vec<Piece> {
    let mut url = url.to_vec();
    if let Some(Piece::Text(first)) = url.first_mut()
        && let Some((scheme, rest)) = first.split_once("://")
    {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        *first = format!("{scheme}://{server}{}", &rest[end..]);
    }
    url
}

/// What stands before `curl`, the option, and what to know about it.
fn data(outline: &Outline) -> (String, Option<String>, Option<String>) {
    if !outline.has_body {
        return (String::new(), None, None);
    }
    let piped = |command: String| (format!("{command} | "), Some("--data-binary @-".to_owned()), None);
    let body = &outline.body;
    if body.len() > MOST_IN_LINE {
        let note = format!(
            "the body has {} bytes, which are too many for a line: put them into the file body.bin",
            body.len()
        );
        return (
            String::new(),
            Some("--data-binary @body.bin".to_owned()),
            Some(note),
        );
    }
    match std::str::from_utf8(body) {
        Ok(text) if quote::is_plain(text) && text.len() <= MOST_IN_ARGUMENT => {
            let word = word(&[Piece::Text(text.to_owned())]);
            (String::new(), Some(format!("--data-raw {word}")), None)
        }
        Ok(text) => piped(format!("printf {}", quote::format(text))),
        Err(_) => {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            piped(format!("printf %s {} | base64 -d", STANDARD.encode(body)))
        }
    }
}
