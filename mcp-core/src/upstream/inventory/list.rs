//! Reads a server's lists to their ends, or to their bounds.

use super::{
    Inventory, Listed, RemoteTemplate, RemoteTool, Skipped,
    entry::{self, Kind},
    template::UriTemplate,
};
use crate::{
    json::members::Members,
    upstream::{
        error::UpstreamError,
        session::{Question, Session, within},
    },
};
use mcp_common::definition::UpstreamDefinition;
use serde_json::{json, value::RawValue};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

/// A list with more pages has no end.
const MOST_PAGES: usize = 1_000;
/// The size of a whole list.
const MOST_BYTES: usize = 64 << 20;

struct Page<'a> {
    entries: Vec<&'a RawValue>,
    next: Option<String>,
}

impl<'a> Page<'a> {
    fn read(kind: Kind, result: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(result).map_err(|error| error.to_string())?;
        let members = Members::read(text)?;
        let member = kind.member();
        let entries = members
            .get(member)
            .ok_or_else(|| format!("it has no `{member}`"))?;
        let entries = serde_json::from_str(entries.get());
        let next = members.get("nextCursor").map_or("null", RawValue::get);
        Ok(Self {
            entries: entries.map_err(|error| format!("`{member}`: {error}"))?,
            next: serde_json::from_str(next).map_err(|error| format!("`nextCursor`: {error}"))?,
        })
    }
}

/// Everything that the server offers now.
pub(in crate::upstream) async fn fetch(
    definition: &UpstreamDefinition,
    session: &Session,
) -> Result<Inventory, UpstreamError> {
    let mut taking = Taking::default();
    let features = session.about.features;
    let limits = &definition.limits;
    let lists = [
        (Kind::Tools, features.tools, limits.tools),
        (Kind::Resources, features.resources, limits.resources),
        (Kind::Templates, features.resources, limits.resources),
        (Kind::Prompts, features.prompts, limits.prompts),
    ];
    for (kind, _, most) in lists.into_iter().filter(|(_, offered, _)| offered.is_some()) {
        let reading = taking.read(kind, most as usize, session);
        let read = within(reading, definition.timeouts.list(), kind.what(), "list_ms").await;
        taking.settle(kind, read)?;
    }
    Ok(Inventory {
        epoch: 0,
        at: SystemTime::now(),
        protocol: session.speech.version().unwrap_or_default(),
        server_info: session.about.server_info.clone(),
        instructions: session.about.instructions.clone(),
        features,
        ..taking.finished()
    })
}

#[derive(Default)]
pub(super) struct Taking {
    tools: Vec<Arc<RemoteTool>>,
    resources: Vec<Listed>,
    templates: Vec<RemoteTemplate>,
    prompts: Vec<Listed>,
    skipped: Vec<Skipped>,
    by_name: HashMap<Arc<str>, usize>,
    /// The keys in the list that is being read.
    keys: HashSet<Arc<str>>,
}

impl Taking {
    /// What was taken, of a server of which nothing is known.
    pub(super) fn finished(self) -> Inventory {
        Inventory {
            epoch: 0,
            at: SystemTime::UNIX_EPOCH,
            protocol: "",
            server_info: None,
            instructions: None,
            features: Default::default(),
            tools: self.tools,
            resources: self.resources,
            templates: self.templates,
            prompts: self.prompts,
            skipped: self.skipped,
            by_name: self.by_name,
        }
    }

    /// A list that was read before.
    pub(super) fn take_all<'a>(&mut self, kind: Kind, entries: impl Iterator<Item = &'a str>) {
        self.keys.clear();
        for entry in entries {
            self.take(kind, entry);
        }
    }

    async fn read(&mut self, kind: Kind, most: usize, session: &Session) -> Result<(), UpstreamError> {
        let what = kind.what();
        let mut cursor: Option<String> = None;
        let (mut bytes, mut entries) = (0, 0);
        self.keys.clear();
        for _ in 0..MOST_PAGES {
            let params = cursor
                .as_ref()
                .map_or_else(String::new, |cursor| format!("\"cursor\":{}", json!(cursor)));
            let question = Question {
                method: kind.method(),
                params,
                ..Question::default()
            };
            let result = session.ask(question).await?;
            bytes += result.len();
            if bytes > MOST_BYTES {
                return Err(UpstreamError::NotMcp(format!(
                    "{what} has more than {MOST_BYTES} bytes"
                )));
            }
            let page = Page::read(kind, &result)
                .map_err(|reason| UpstreamError::NotMcp(format!("{what} cannot be read: {reason}")))?;
            for entry in page.entries {
                if entries >= most && kind == Kind::Tools {
                    return Err(UpstreamError::NotMcp(format!(
                        "the server lists more than {most} tools (`limits.tools`)"
                    )));
                }
                if entries >= most {
                    let reason =
                        format!("{what} has more than {most} entries; the rest is left out (`limits`)");
                    self.skipped.push(kind.skipped("", reason));
                    return Ok(());
                }
                entries += 1;
                self.take(kind, entry.get());
            }
            match page.next {
                None => return Ok(()),
                Some(next) if cursor.as_ref() == Some(&next) => {
                    return Err(UpstreamError::NotMcp(format!(
                        "{what} has a page that leads to itself"
                    )));
                }
                Some(next) => cursor = Some(next),
            }
        }
        Err(UpstreamError::NotMcp(format!(
            "{what} has more than {MOST_PAGES} pages"
        )))
    }

    /// A list beside that of tools which cannot be had takes nothing else along, as long as the server is there.
    fn settle(&mut self, kind: Kind, read: Result<(), UpstreamError>) -> Result<(), UpstreamError> {
        let error = match read {
            Err(error @ (UpstreamError::Rpc(_) | UpstreamError::NotMcp(_))) if kind != Kind::Tools => error,
            read => return read,
        };
        // Servers that have resources need not have templates of them.
        let is_unknown = matches!(&error, UpstreamError::Rpc(error) if error.code == METHOD_NOT_FOUND);
        if !(is_unknown && kind == Kind::Templates) {
            self.skipped.push(kind.skipped("", error.to_string()));
        }
        Ok(())
    }

    fn take(&mut self, kind: Kind, entry: &str) {
        let mut notes = Vec::new();
        let taken = match kind {
            Kind::Tools => entry::tool(entry, &mut notes).and_then(|tool| self.take_tool(tool)),
            kind => entry::listed(kind, entry, &mut notes).and_then(|listed| self.take_listed(kind, listed)),
        };
        self.skipped.extend(notes);
        self.skipped.extend(taken.err());
    }

    fn take_tool(&mut self, tool: RemoteTool) -> Result<(), Skipped> {
        self.is_first(Kind::Tools, &tool.name)?;
        self.by_name.insert(tool.name.clone(), self.tools.len());
        self.tools.push(Arc::new(tool));
        Ok(())
    }

    fn take_listed(&mut self, kind: Kind, listed: Listed) -> Result<(), Skipped> {
        self.is_first(kind, &listed.key)?;
        match kind {
            Kind::Templates => self.templates.push(RemoteTemplate {
                pattern: UriTemplate::read(&listed.key),
                listed,
            }),
            Kind::Prompts => self.prompts.push(listed),
            Kind::Tools | Kind::Resources => self.resources.push(listed),
        }
        Ok(())
    }

    fn is_first(&mut self, kind: Kind, key: &Arc<str>) -> Result<(), Skipped> {
        if self.keys.insert(key.clone()) {
            return Ok(());
        }
        let reason = "the name appears twice in the server's list; the first one has it".to_owned();
        Err(kind.skipped(key, reason))
    }
}

/// JSON-RPC's code for a method that there is not.
const METHOD_NOT_FOUND: i64 = -32601;
