//! Entries of a server's lists: what of them is used, and why some are not.

use super::{
    Listed, RemoteTool, Skipped, digest,
    readable::{mended, with_readable_schemas},
};
use crate::{
    json::{members::Members, one_line::compact},
    tool::{bounded, mirrored_headers_of},
    upstream::error::excerpt,
};
use mcp_common::bounds::Bounds;
use serde_json::{Value, json, value::RawValue};

/// Of one thing that is told; names in it are the server's.
const MOST_REASON: usize = 1_000;

/// A list of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tools,
    Resources,
    Templates,
    Prompts,
}

impl Kind {
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Prompts => "prompts/list",
        }
    }

    /// The member of a page that has the entries.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }

    /// In messages.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Tools => "the list of tools",
            Self::Resources => "the list of resources",
            Self::Templates => "the list of resource templates",
            Self::Prompts => "the list of prompts",
        }
    }

    /// The member that tells entries apart.
    fn key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }

    pub(super) fn skipped(self, name: &str, reason: String) -> Skipped {
        Skipped {
            list: self.method(),
            name: excerpt(name),
            reason: bounded(&reason, MOST_REASON),
        }
    }

    fn members<'a>(self, entry: &'a str) -> Result<(String, Members<'a>), Skipped> {
        let bounds = Bounds::default().definition();
        bounds
            .check(entry.as_bytes())
            .map_err(|exceeded| self.skipped("", exceeded.to_string()))?;
        let members = Members::read(entry).map_err(|reason| self.skipped("", reason))?;
        let key = members.get(self.key()).and_then(text);
        match key.filter(|key| !key.is_empty()) {
            Some(key) => Ok((key, members)),
            None => Err(self.skipped("", format!("it has no {}", self.key()))),
        }
    }
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A tool, if it can be used. What is done to it is told in `notes`.
pub(super) fn tool(entry: &str, notes: &mut Vec<Skipped>) -> Result<RemoteTool, Skipped> {
    let kind = Kind::Tools;
    let (name, members) = kind.members(entry)?;
    let schema = members
        .get("inputSchema")
        .map(|schema| serde_json::from_str::<Value>(schema.get()));
    let schema = match schema {
        Some(Ok(schema)) if schema.is_object() => schema,
        Some(_) => return Err(kind.skipped(&name, "its inputSchema is no JSON object".to_owned())),
        None => return Err(kind.skipped(&name, "it has no inputSchema".to_owned())),
    };
    if schema.get("type").is_some_and(|kind| kind != "object") {
        return Err(kind.skipped(&name, "its inputSchema is not of the type `object`".to_owned()));
    }
    let mirrored =
        mirrored_headers_of(&schema).map_err(|problems| kind.skipped(&name, problems.to_string()))?;
    let annotations = members.get("annotations");
    let annotations: Value = annotations
        .and_then(|annotations| serde_json::from_str(annotations.get()).ok())
        .unwrap_or_default();
    let only_reads = annotations["readOnlyHint"] == true;
    let is_repeatable = only_reads || annotations["idempotentHint"] == true;
    let (listing, said) = mended(kind, entry, &members);
    notes.extend(said.into_iter().map(|said| kind.skipped(&name, said)));
    let shown = Members::read(&listing).map_err(|reason| kind.skipped(&name, reason))?;
    let digest = digest::of_tool(&shown);
    let readable = with_readable_schemas(&shown);
    let came = readable.is_some().then(|| compact(&listing).into());
    let listing = match readable {
        Some((readable, said)) => {
            notes.extend(said.into_iter().map(|said| kind.skipped(&name, said)));
            readable
        }
        None => listing,
    };
    Ok(RemoteTool {
        digest,
        came,
        name: name.into(),
        legacy_listing: without_odd_output(&listing),
        listing: compact(&listing).into(),
        mirrored,
        is_repeatable,
        only_reads,
    })
}

/// The entry without an output schema that is no object's, which revisions before 2026-07-28 do not know.
fn without_odd_output(listing: &str) -> Option<Box<str>> {
    let members = Members::read(listing).ok()?;
    let output: Value = serde_json::from_str(members.get("outputSchema")?.get()).ok()?;
    if output["type"] == "object" {
        return None;
    }
    let kept = members.iter().filter(|(name, _)| *name != "outputSchema");
    let kept = kept.map(|(name, value)| format!("{}:{}", json!(name), compact(value.get())));
    Some(format!("{{{}}}", kept.collect::<Vec<_>>().join(",")).into())
}

/// A resource, a template or a prompt. Most clients refuse a whole list for one entry without a name.
pub(super) fn listed(kind: Kind, entry: &str, notes: &mut Vec<Skipped>) -> Result<Listed, Skipped> {
    let (key, members) = kind.members(entry)?;
    if members.get("name").and_then(text).is_none() {
        return Err(kind.skipped(
            &key,
            "it has no name, without which clients cannot read the list".to_owned(),
        ));
    }
    if kind == Kind::Prompts
        && let Some(arguments) = members.get("arguments")
    {
        let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
        let are_named = |all: &Vec<Value>| all.iter().all(|argument| argument["name"].is_string());
        if !arguments.as_array().is_some_and(are_named) {
            let reason = "its arguments are no list of objects with a name".to_owned();
            return Err(kind.skipped(&key, reason));
        }
    }
    let (listing, said) = mended(kind, entry, &members);
    notes.extend(said.into_iter().map(|said| kind.skipped(&key, said)));
    Ok(Listed {
        key: key.into(),
        listing: compact(&listing).into(),
    })
}
