//! How a source is doing, for people.

use crate::document::Document;
use std::{sync::Arc, time::SystemTime};

/// One source.
#[derive(Clone, Debug)]
pub struct SourceReport {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub kind: String,
    /// What it has found.
    pub upstreams: Vec<FoundUpstream>,
    /// What of its last set is not taken, and why; what was good before stays.
    pub skipped: Vec<(String, String)>,
    /// What else somebody should know of the last set.
    pub notes: Vec<String>,
    /// Why nothing was seen the last time.
    pub problem: Option<String>,
    /// When something was seen last.
    pub seen_at: Option<SystemTime>,
    /// How often it looked.
    pub looks: u64,
    /// How often nothing was seen.
    pub failures: u64,
}

/// An upstream that was found.
#[derive(Clone, Debug)]
pub struct FoundUpstream {
    /// Its id.
    pub id: Arc<str>,
    /// Its document.
    pub document: Document,
    /// The time when it was found.
    pub since: SystemTime,
    /// Who has the id instead; `None` where this is what is served.
    pub hidden_by: Option<String>,
}
