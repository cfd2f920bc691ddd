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
        session::{Question, Session},
    },
};
use mcp_common::definition::UpstreamDefinition;
use serde_json::{json, value::RawValue};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout};

/// A list with more pages has no end.
const MOST_PAGES: usize = 1_000;
/// The size of a whole list.
const MOST_BYTES: usize = 64 << 20;
/// What is told of what was left out or changed. How much there is, the server decides.
const MOST_TOLD: usize = 1_000;

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
        let patience = Patience::new(definition.timeouts.list());
        let read = taking.read(kind, most as usize, session, patience).await;
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

/// The time that a server has for a list. What is made of its pages takes none of it.
struct Patience {
    limit: Duration,
    left: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, left: limit }
    }

    async fn wait<T>(
        &mut self,
        asking: impl Future<Output = Result<T, UpstreamError>>,
        step: &'static str,
    ) -> Result<T, UpstreamError> {
        let begun = Instant::now();
        let answered = timeout(self.left, asking).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        answered.unwrap_or(Err(UpstreamError::Timeout {
            step,
            member: "list_ms",
            limit: self.limit,
        }))
    }
}

#[derive(Default)]
pub(super) struct Taking {
    tools: Vec<Arc<RemoteTool>>,
    resources: Vec<Listed>,
    templates: Vec<RemoteTemplate>,
    prompts: Vec<Listed>,
    skipped: Vec<Skipped>,
    /// Of which nothing is told.
    untold: usize,
    by_name: HashMap<Arc<str>, usize>,
    /// The keys in the list that is being read.
    keys: HashSet<Arc<str>>,
}

impl Taking {
    /// What was taken, of a server of which nothing is known.
    pub(super) fn finished(mut self) -> Inventory {
        if self.untold > 0 {
            let list = self.skipped.last().map_or("", |last| last.list);
            let reason = format!(
                "{} more things that were left out or changed are not told",
                self.untold
            );
            self.skipped.push(Skipped {
                list,
                name: String::new(),
                reason,
            });
        }
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

    async fn read(
        &mut self,
        kind: Kind,
        most: usize,
        session: &Session,
        mut patience: Patience,
    ) -> Result<(), UpstreamError> {
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
                params: params.into(),
                ..Question::default()
            };
            let result = patience.wait(session.ask(&question), what).await?;
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
                    self.tell([kind.skipped("", reason)], MOST_TOLD);
                    return Ok(());
                }
                entries += 1;
                self.take_in_turn(kind, entry.get()).await;
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
            self.tell([kind.skipped("", error.to_string())], MOST_TOLD);
        }
        Ok(())
    }

    /// Tells of it as long as not more than `most` was told.
    fn tell(&mut self, skipped: impl IntoIterator<Item = Skipped>, most: usize) {
        for one in skipped {
            match self.skipped.len() < most {
                true => self.skipped.push(one),
                false => self.untold += 1,
            }
        }
    }

    /// The same where others wait for this thread: a list may have ten thousand entries, and the schemas of each are looked at.
    async fn take_in_turn(&mut self, kind: Kind, entry: &str) {
        self.take(kind, entry);
        tokio::task::yield_now().await;
    }

    fn take(&mut self, kind: Kind, entry: &str) {
        let mut notes = Vec::new();
        let taken = match kind {
            Kind::Tools => entry::tool(entry, &mut notes).and_then(|tool| self.take_tool(tool)),
            kind => entry::listed(kind, entry, &mut notes).and_then(|listed| self.take_listed(kind, listed)),
        };
        // What was mended leaves room for what is lost.
        self.tell(notes, MOST_TOLD / 2);
        self.tell(taken.err(), MOST_TOLD);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn others_go_on_while_a_list_is_taken() {
        const ENTRIES: usize = 500;
        let (turns, is_done) = (Cell::new(0), Cell::new(false));
        let taking = async {
            let mut taking = Taking::default();
            for n in 0..ENTRIES {
                let entry = json!({"name": format!("t{n}"), "inputSchema": {"type": "object"}}).to_string();
                taking.take_in_turn(Kind::Tools, &entry).await;
            }
            is_done.set(true);
            taking.finished()
        };
        let others = async {
            while !is_done.get() {
                turns.set(turns.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        let (inventory, ()) = tokio::join!(taking, others);
        assert_eq!(inventory.tools.len(), ENTRIES);
        assert!(turns.get() >= ENTRIES, "{}", turns.get());
    }

    #[test]
    fn what_is_told_of_entries_has_an_end() {
        let mut taking = Taking::default();
        let entries: Vec<_> = (0..3_000).map(|n| format!("{{\"name\":\"t{n}\"}}")).collect();
        taking.take_all(Kind::Tools, entries.iter().map(String::as_str));
        let skipped = taking.finished().skipped;
        assert_eq!(skipped.len(), MOST_TOLD + 1);
        assert!(
            skipped[MOST_TOLD].reason.starts_with("2000 more things"),
            "{:?}",
            skipped[MOST_TOLD]
        );
    }

    #[tokio::test]
    async fn the_time_of_a_list_is_named_as_the_document_has_it() {
        let mut patience = Patience::new(Duration::from_secs(100));
        assert!(patience.wait(async { Ok(()) }, "the list").await.is_ok());
        patience.left = Duration::ZERO;
        let late = patience
            .wait(std::future::pending::<Result<(), _>>(), "the list")
            .await;
        assert!(
            matches!(late, Err(UpstreamError::Timeout { member: "list_ms", limit, .. }) if limit.as_secs() == 100)
        );
    }
}
