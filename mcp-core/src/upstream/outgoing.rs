//! A message on its way to an upstream, with what the transport repeats of it.

use super::news::News;
use crate::relay::Line;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// It is not known yet: the first message of older revisions.
    Opening,
    /// 2026-07-28.
    Modern,
    /// An older revision, by the name that the server agreed to.
    Legacy(&'static str),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Outgoing<'a> {
    /// Ours, used once on a connection.
    pub(super) id: u64,
    pub(super) method: &'a str,
    /// What is called, where the method calls something by name.
    pub(super) name: Option<&'a str>,
    pub(super) body: Bytes,
    pub(super) speech: Speech,
    /// Arguments that the tool wants repeated in headers, and the trace.
    pub(super) headers: Option<&'a HeaderMap>,
    /// The gateways that the client's request passed, and this one.
    pub(super) via: Option<&'a HeaderValue>,
    /// The way back to the client before the answer.
    pub(super) line: Option<&'a Line>,
    /// Whether it may be done twice.
    pub(super) is_repeatable: bool,
    pub(super) asks: Asks<'a>,
}

/// Who asks, with what, as far as endpoints are chosen by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asks<'a> {
    /// The client's session.
    pub(super) session: Option<&'a str>,
    /// Its name; `None` for nobody in particular.
    pub(super) principal: Option<&'a str>,
    /// The parameters as the client sent them.
    pub(super) params: Option<&'a str>,
}

impl Speech {
    pub(super) const MODERN_VERSION: &'static str = "2026-07-28";

    /// Older revisions that a server may agree to.
    pub(super) const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

    /// The name of a revision that can be spoken.
    pub(super) fn known_version(name: &str) -> Option<&'static str> {
        let all = Self::LEGACY.into_iter().chain([Self::MODERN_VERSION]);
        all.into_iter().find(|known| *known == name)
    }

    /// How a server is spoken to in a revision that can be spoken.
    pub(super) fn of_version(version: &'static str) -> Self {
        match version {
            Self::MODERN_VERSION => Self::Modern,
            older => Self::Legacy(older),
        }
    }

    /// What the header says.
    pub(super) fn version(self) -> Option<&'static str> {
        match self {
            Self::Opening => None,
            Self::Modern => Some(Self::MODERN_VERSION),
            Self::Legacy(version) => Some(version),
        }
    }

    /// As it was agreed on for the session whose news these are.
    pub(super) fn of_session(news: &News) -> Self {
        news.speech().unwrap_or(Self::Opening)
    }
}

impl Outgoing<'_> {
    /// What is said with a method of HTTP alone.
    pub(super) fn nothing(speech: Speech) -> Self {
        Self {
            id: 0,
            method: "",
            name: None,
            body: Bytes::new(),
            speech,
            headers: None,
            via: None,
            line: None,
            is_repeatable: true,
            asks: Asks::default(),
        }
    }

    /// Whether its answer lasts for as long as somebody listens.
    pub(super) fn is_stream(&self) -> bool {
        self.method == "subscriptions/listen"
    }
}
