//! Looks for records, the latest first.

use super::folder::{self, BackwardLines};
use mcp_common::definition::upstream::Pattern;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

/// One search reads so much, and says where it stopped, in bytes.
const MOST_READ: u64 = 256 << 20;

/// No call takes longer.
const LONGEST_CALL: Duration = Duration::from_secs(2 * 3_600);

/// Which records are wanted; all that hold.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The subject, or the id of the key.
    pub(crate) principal: Option<String>,
    pub(crate) instance: Option<String>,
    /// With `*` for any text.
    pub(crate) tool: Option<Pattern>,
    /// With `*` for any text.
    pub(crate) action: Option<Pattern>,
    /// `allow` or `refuse`.
    pub(crate) decision: Option<String>,
    pub(crate) since: Option<SystemTime>,
    pub(crate) until: Option<SystemTime>,
    /// Records before this number.
    pub(crate) before: Option<u64>,
    pub(crate) limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Box<RawValue>>,
    /// There may be more before this number.
    pub(crate) before: Option<u64>,
}

#[derive(Deserialize)]
struct Record<'a> {
    seq: u64,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow, default)]
    principal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    instance: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    decision: Option<Cow<'a, str>>,
}

/// Reads the folder from its end. What is no record is left out; [`verify`](super::verify()) finds it.
pub(crate) fn search(folder: &Path, wanted: &Wanted) -> io::Result<Found> {
    let mut found = Found::default();
    let mut read = 0;
    for file in folder::files(folder)?.iter().rev() {
        if wanted.before.is_some_and(|before| file.first >= before) {
            continue;
        }
        let mut lines = match BackwardLines::open(&file.path) {
            Ok(lines) => lines,
            // Removed meanwhile, as the oldest ones are.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        while let Some(line) = lines.next()? {
            let Ok(record) = serde_json::from_slice::<Record<'_>>(&line) else {
                continue;
            };
            let at = humantime::parse_rfc3339(&record.at).ok();
            if wanted.is_over(at) {
                return Ok(found);
            }
            if wanted.is_met(&record, at) {
                let seq = record.seq;
                if let Some(text) = String::from_utf8(line)
                    .ok()
                    .and_then(|text| RawValue::from_string(text).ok())
                {
                    found.records.push(text);
                }
                if found.records.len() >= wanted.limit {
                    found.before = (seq > 1).then_some(seq);
                    return Ok(found);
                }
            } else if read + lines.read > MOST_READ {
                found.before = Some(record.seq);
                return Ok(found);
            }
        }
        read += lines.read;
    }
    Ok(found)
}

impl Wanted {
    /// Whether what stands before is too old, too: a record has the time when its call began, and stands where that ended.
    fn is_over(&self, at: Option<SystemTime>) -> bool {
        let since = self.since.and_then(|since| since.checked_sub(LONGEST_CALL));
        since.is_some_and(|since| at.is_some_and(|at| at < since))
    }

    fn is_met(&self, record: &Record<'_>, at: Option<SystemTime>) -> bool {
        let is = |wanted: &Option<String>, found: &Option<Cow<'_, str>>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| found.as_deref() == Some(wanted))
        };
        let matches = |wanted: &Option<Pattern>, found: &Option<Cow<'_, str>>| {
            let found = |pattern: &Pattern| found.as_deref().is_some_and(|found| pattern.matches(found));
            wanted.as_ref().is_none_or(found)
        };
        self.before.is_none_or(|before| record.seq < before)
            && (is(&self.principal, &record.principal) || is(&self.principal, &record.key_id))
            && is(&self.instance, &record.instance)
            && is(&self.decision, &record.decision)
            && matches(&self.tool, &record.tool)
            && matches(&self.action, &record.action)
            && self.since.is_none_or(|since| at.is_none_or(|at| at >= since))
            && self.until.is_none_or(|until| at.is_none_or(|at| at < until))
    }
}

/// A time as RFC 3339 (`2026-11-29T21:00:00Z`), or so long ago (`1h`, `2days`).
pub(crate) fn read_time(text: &str) -> Result<SystemTime, String> {
    let ago = |ago: Duration| SystemTime::now().checked_sub(ago);
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(time);
    }
    humantime::parse_duration(text).ok().and_then(ago).ok_or_else(|| {
        format!("`{text}` is no time: write `2026-11-29T21:00:00Z`, or how long ago, `1h`, `2days`")
    })
}
