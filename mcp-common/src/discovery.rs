//! Upstreams that nobody wrote as a document: the port behind which they are found, and what becomes of what is found.
//!
//! A [`Discovery`] looks and says what is there; it decides nothing. The [`Board`] has what all of them found, reads it as definitions, and joins it with
//! what is stored. It is no part of the catalog: what is found has no revision, no history and no quarantine, and goes when its source says so.

mod board;
pub mod client_file;
mod follow;
mod listing;
mod registered;
mod registry;
mod report;
mod settings;

pub use board::{Board, Check, Listener};
pub use follow::follow;
pub use listing::read;
pub use registered::Registration;
pub use registry::{Announcements, Entry, NotKept, NotRegistered, Registered, Registry, RegistrySettings};
pub use report::{FoundUpstream, SourceReport};
pub use settings::{Habits, SourceSettings};

use crate::secret::Secret;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use std::{fmt, future::pending, sync::Arc, time::Duration};

/// An upstream that a source knows.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The id that it is to have.
    pub id: String,
    /// Its document, or why there is none.
    pub document: Result<Value, String>,
}

/// Everything that a source knows now.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// The upstreams, in the order in which ids are given to them.
    pub upstreams: Vec<Announced>,
    /// What somebody should know of it.
    pub notes: Vec<String>,
}

/// What came of looking.
#[derive(Clone, Debug)]
pub enum Look {
    /// It is as it was the last time.
    Same,
    /// This is there, and nothing else.
    Set(Set),
}

/// Why nothing was seen. What was seen before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSeen {
    /// The place cannot be reached: the next look waits longer.
    #[error("{0}")]
    Away(String),
    /// What is there cannot be read.
    #[error("{0}")]
    Broken(String),
}

/// A place where upstreams are found.
#[async_trait]
pub trait Discovery: Send + 'static {
    /// Looks what is there. Bounded in time and bytes by the source itself.
    async fn look(&mut self) -> Result<Look, NotSeen>;

    /// Ready when it is worth looking again before the interval is over; never where nobody tells. Dropped and called again
    /// after each look.
    async fn changed(&mut self) {
        pending().await
    }

    /// How long it is let alone after a look, whatever it tells: who speaks there may be anybody, and what changes is made anew for everybody.
    fn pause(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// What a gateway has for those who look.
#[derive(Clone)]
pub struct Surroundings {
    /// Gets documents, to addresses that the gateway may call.
    pub pages: Arc<dyn Pages>,
    /// The most bytes that a document may have.
    pub max_bytes: usize,
    /// The most upstreams that are taken; a set with more is refused as a whole.
    pub max_servers: usize,
    /// The time between two looks.
    pub interval: Duration,
}

/// A document that is wanted.
#[derive(Clone)]
pub struct Page<'a> {
    /// Where it is, with `http` or `https`.
    pub url: &'a str,
    /// What the request has beside the usual headers.
    pub headers: &'a [(String, Secret)],
    /// The `ETag` of what is known.
    pub known: Option<&'a str>,
    /// How long all of it may take.
    pub timeout: Duration,
    /// More bytes are refused.
    pub max_bytes: usize,
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// What is known.
    Same,
    /// Another document.
    Page {
        /// The document.
        body: Bytes,
        /// What was said of it, such as its `ETag`.
        headers: HeaderMap,
    },
}

/// An HTTP client that keeps to the gateway's rules about addresses.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Gets a document; the error is one line.
    async fn get(&self, page: Page<'_>) -> Result<Fetched, String>;
}
