//! Colours, or none where the environment does not want any.

use crate::telemetry::logging::forbids_colours;
use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    is_plain: bool,
}

impl Palette {
    /// By `NO_COLOR`, and by a terminal that says it knows no colours.
    pub(super) fn of_environment() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self {
            is_plain: is_dumb || forbids_colours(std::env::var_os("NO_COLOR").as_deref()),
        }
    }

    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { is_plain: true }
    }

    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn quiet(self) -> Style {
        self.coloured(Color::DarkGray, Modifier::DIM)
    }

    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green, Modifier::empty())
    }

    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red, Modifier::BOLD)
    }

    fn coloured(self, colour: Color, instead: Modifier) -> Style {
        match self.is_plain {
            true => Style::new().add_modifier(instead),
            false => Style::new().fg(colour),
        }
    }
}
