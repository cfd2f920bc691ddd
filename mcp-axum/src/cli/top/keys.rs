//! What is on the screen, and what keys change of it.

use super::{happened::Happened, seen::Seen, style::Palette};
use crate::client::ClientError;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::{collections::VecDeque, time::Instant};

/// How many looks the line of requests is long.
const HISTORY: usize = 240;

/// The pages, in the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Overview,
    Upstreams,
    Tools,
    Requests,
    Events,
    Logs,
    Quarantine,
}

impl Page {
    pub(super) const ALL: [Self; 7] = [
        Self::Overview,
        Self::Upstreams,
        Self::Tools,
        Self::Requests,
        Self::Events,
        Self::Logs,
        Self::Quarantine,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Upstreams => "Upstreams",
            Self::Tools => "Tools",
            Self::Requests => "Requests",
            Self::Events => "Events",
            Self::Logs => "Logs",
            Self::Quarantine => "Quarantine",
        }
    }

    pub(super) fn place(self) -> usize {
        Self::ALL
            .iter()
            .position(|page| *page == self)
            .unwrap_or_default()
    }
}

/// Whether a key ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Stay,
    Leave,
}

/// Everything that is drawn.
pub(super) struct Screen {
    pub(super) server: String,
    pub(super) palette: Palette,
    pub(super) page: Page,
    pub(super) seen: Seen,
    pub(super) happened: Happened,
    /// Since when the gateway does not answer, and why.
    pub(super) silent: Option<(Instant, String)>,
    /// Requests per second, look by look.
    pub(super) history: VecDeque<u64>,
    /// What lines have to have in them.
    pub(super) filter: String,
    pub(super) is_typing: bool,
    /// The chosen line of the page.
    pub(super) line: usize,
    /// The upstream whose log is shown.
    upstream: Option<String>,
}

impl Screen {
    pub(super) fn new(server: String, palette: Palette, seen: Seen) -> Self {
        Self {
            server,
            palette,
            page: Page::Overview,
            seen,
            happened: Happened::default(),
            silent: None,
            history: VecDeque::new(),
            filter: String::new(),
            is_typing: false,
            line: 0,
            upstream: None,
        }
    }

    /// What the gateway said, or that it said nothing: what was seen last stays.
    pub(super) fn take(&mut self, looked: Result<Seen, ClientError>) {
        match looked {
            Ok(seen) => {
                self.history.push_back(seen.latest.round() as u64);
                if self.history.len() > HISTORY {
                    self.history.pop_front();
                }
                self.seen = seen;
                self.silent = None;
            }
            Err(error) => {
                let since = self.silent.take().map_or_else(Instant::now, |(since, _)| since);
                self.silent = Some((since, error.to_string()));
            }
        }
    }

    /// Whose log is wanted.
    pub(super) fn upstream_in_view(&self) -> Option<String> {
        if self.page != Page::Logs {
            return None;
        }
        let first = || Some(self.seen.upstreams.first()?.id.clone());
        self.upstream.clone().or_else(first)
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Turn {
        if key.kind == KeyEventKind::Release {
            return Turn::Stay;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Turn::Leave;
        }
        if self.is_typing {
            self.typed(key.code);
            return Turn::Stay;
        }
        match key.code {
            KeyCode::Char('q') => return Turn::Leave,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Tab | KeyCode::Right => self.turn_to(self.page.place() + 1),
            KeyCode::BackTab | KeyCode::Left => self.turn_to(self.page.place() + Page::ALL.len() - 1),
            KeyCode::Char(digit @ '1'..='7') => self.turn_to(digit as usize - '1' as usize),
            KeyCode::Char('/') => {
                self.is_typing = true;
                self.filter.clear();
            }
            KeyCode::Down => self.line += 1,
            KeyCode::Up => self.line = self.line.saturating_sub(1),
            KeyCode::PageDown => self.line += 10,
            KeyCode::PageUp => self.line = self.line.saturating_sub(10),
            KeyCode::Home => self.line = 0,
            KeyCode::Enter if self.page == Page::Upstreams => self.show_logs(),
            _ => {}
        }
        Turn::Stay
    }

    fn typed(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(character) => self.filter.push(character),
            _ => {}
        }
        self.line = 0;
    }

    fn turn_to(&mut self, place: usize) {
        self.page = Page::ALL[place % Page::ALL.len()];
        self.line = 0;
        self.filter.clear();
    }

    fn show_logs(&mut self) {
        let shown = self
            .seen
            .upstreams
            .iter()
            .filter(|upstream| self.shows(&upstream.id));
        self.upstream = shown.map(|upstream| upstream.id.clone()).nth(self.line);
        self.turn_to(Page::Logs.place());
    }

    /// Whether a line with this text is shown.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.filter.is_empty() || text.to_lowercase().contains(&self.filter.to_lowercase())
    }
}
