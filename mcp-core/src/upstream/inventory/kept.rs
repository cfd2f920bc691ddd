//! Inventories on disk, so that what an upstream offers is listed after a restart before the upstream is there again. It is a
//! cache: what is wrong with a file is said and costs nothing else.
//!
//! ```text
//! dynmcp-inventory 1
//! {"of":"…","at":1764000000000,"protocol":"2025-11-25",…}
//! sha256 …
//! ```

use super::{
    Inventory, RemoteTool,
    digest::hex,
    entry::{self, Kind},
    list::Taking,
};
use crate::upstream::{features::Features, outgoing::Speech};
use bytes::Bytes;
use mcp_common::{definition::UpstreamDefinition, private_file};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    fs, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const HEAD: &str = "dynmcp-inventory 1\n";
const CHECKSUM: &str = "sha256 ";
/// The last line.
const CHECKSUM_LINE: usize = CHECKSUM.len() + 64 + 1;
const SUFFIX: &str = ".inventory";
/// A larger inventory is not kept.
const MOST_BYTES: u64 = 16 << 20;

/// What there is on disk of one upstream.
#[derive(Debug, Default)]
pub(in crate::upstream) struct Kept {
    pub(in crate::upstream) inventory: Option<Arc<Inventory>>,
    /// Tools as they were when their definitions were approved.
    pub(in crate::upstream) approved: Vec<Arc<RemoteTool>>,
}

/// Where inventories are kept; nowhere, without a folder.
#[derive(Debug)]
pub(in crate::upstream) struct Shelf(Option<PathBuf>);

#[derive(Serialize, Deserialize)]
struct Written {
    /// The server that it is of.
    of: String,
    /// Milliseconds since 1970.
    at: u64,
    protocol: String,
    server_info: Option<Box<RawValue>>,
    instructions: Option<String>,
    #[serde(default)]
    features: Features,
    tools: Vec<Box<RawValue>>,
    resources: Vec<Box<RawValue>>,
    templates: Vec<Box<RawValue>>,
    prompts: Vec<Box<RawValue>>,
    #[serde(default)]
    approved: Vec<Box<RawValue>>,
}

impl Shelf {
    /// What an earlier process had not finished writing is taken away.
    pub(in crate::upstream) fn new(folder: Option<PathBuf>) -> Self {
        let entries = folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|end| end == private_file::UNFINISHED)
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        Self(folder)
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("{id}{SUFFIX}")))
    }

    /// What the upstream of this definition offered last.
    pub(in crate::upstream) fn find(&self, definition: &UpstreamDefinition) -> Option<Kept> {
        let file = self.file(&definition.id)?;
        let read = match fs::metadata(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Ok(found) if found.len() > MOST_BYTES => Err("it is too large".to_owned()),
            _ => fs::read(&file).map_err(|error| error.to_string()),
        };
        match read.and_then(|text| self::read(&text.into(), definition)) {
            Ok(kept) => kept,
            Err(reason) => {
                let file = file.display();
                tracing::warn!(
                    "the inventory `{file}` cannot be used ({reason}); going on without it, the next one takes its place"
                );
                None
            }
        }
    }

    /// Takes the place of what was kept. What cannot be written is said.
    pub(in crate::upstream) fn put(
        &self,
        definition: &UpstreamDefinition,
        inventory: &Inventory,
        approved: &[Arc<RemoteTool>],
    ) {
        let Some(file) = self.file(&definition.id) else {
            return;
        };
        let text = written(definition, inventory, approved);
        let upstream = &*definition.id;
        if text.len() as u64 > MOST_BYTES {
            tracing::warn!(
                upstream,
                "the inventory has more than {MOST_BYTES} bytes, so it is not kept: after a restart nothing is listed of this \
                 upstream until it is there"
            );
            let _ = fs::remove_file(file);
        } else if let Err(error) = private_file::replace(&file, &text) {
            tracing::warn!(
                upstream, %error,
                "the inventory cannot be kept in `{}`: after a restart nothing is listed of this upstream until it is there",
                file.display()
            );
        }
    }

    /// Takes away what is of no upstream any more.
    pub(in crate::upstream) fn keep_only(&self, ids: &HashSet<&str>) {
        let entries = self.0.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            if id.is_some_and(|id| !ids.contains(id)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn written(definition: &UpstreamDefinition, inventory: &Inventory, approved: &[Arc<RemoteTool>]) -> Vec<u8> {
    let raw = |entry: &str| RawValue::from_string(entry.to_owned()).ok();
    let tools = |tools: &[Arc<RemoteTool>]| tools.iter().filter_map(|tool| raw(tool.as_it_came())).collect();
    let since = inventory.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = Written {
        of: place(definition),
        at: u64::try_from(since.as_millis()).unwrap_or_default(),
        protocol: inventory.protocol.to_owned(),
        server_info: inventory.server_info.clone(),
        instructions: inventory.instructions.clone(),
        features: inventory.features,
        tools: tools(&inventory.tools),
        resources: inventory
            .resources
            .iter()
            .filter_map(|entry| raw(&entry.listing))
            .collect(),
        templates: inventory
            .templates
            .iter()
            .filter_map(|entry| raw(&entry.listed.listing))
            .collect(),
        prompts: inventory
            .prompts
            .iter()
            .filter_map(|entry| raw(&entry.listing))
            .collect(),
        approved: tools(approved),
    };
    let mut text = HEAD.as_bytes().to_vec();
    // Texts and raw JSON, which can be written.
    let _ = serde_json::to_writer(&mut text, &written);
    text.push(b'\n');
    let sum = hex(&Sha256::digest(&text));
    text.extend_from_slice(format!("{CHECKSUM}{sum}\n").as_bytes());
    text
}

/// `None` for what is of another server.
fn read(text: &Bytes, definition: &UpstreamDefinition) -> Result<Option<Kept>, String> {
    let body = text
        .strip_prefix(HEAD.as_bytes())
        .ok_or("it is of another version, or none")?;
    let at = text.len().checked_sub(CHECKSUM_LINE).ok_or("it is cut off")?;
    let sum = hex(&Sha256::digest(&text[..at]));
    if text[at..] != *format!("{CHECKSUM}{sum}\n").as_bytes() {
        return Err("it is cut off, or its checksum is wrong".to_owned());
    }
    let body = &body[..body.len() - CHECKSUM_LINE];
    let written: Written = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if written.of != place(definition) {
        return Ok(None);
    }
    let protocol =
        Speech::known_version(&written.protocol).ok_or("its revision of the protocol is not known")?;
    let mut taking = Taking::default();
    for (kind, entries) in [
        (Kind::Tools, &written.tools),
        (Kind::Resources, &written.resources),
        (Kind::Templates, &written.templates),
        (Kind::Prompts, &written.prompts),
    ] {
        taking.take_all(kind, entries.iter().map(|entry| entry.get()));
    }
    let approved = written.approved.iter();
    let approved = approved.filter_map(|entry| entry::tool(entry.get(), &mut Vec::new()).ok());
    Ok(Some(Kept {
        approved: approved.map(Arc::new).collect(),
        inventory: Some(Arc::new(Inventory {
            epoch: 1,
            at: UNIX_EPOCH
                .checked_add(Duration::from_millis(written.at))
                .unwrap_or_else(SystemTime::now),
            protocol,
            server_info: written.server_info,
            instructions: written.instructions,
            features: written.features,
            ..taking.finished()
        })),
    }))
}

/// Which server it is: another one behind the same id offers something else.
fn place(definition: &UpstreamDefinition) -> String {
    let place = json!([
        definition.transport().as_str(),
        definition.url,
        definition.command,
        definition.args,
        definition.cwd,
    ]);
    hex(&Sha256::digest(place.to_string()))
}
