//! Where lines come from: a terminal, where they are edited and remembered, or anything else.

use super::complete::Completion;
use crate::{cli::Failure, client::Tool};
use rustyline::{
    CompletionType, Config, Editor,
    error::ReadlineError,
    history::{FileHistory, History},
};
use std::{
    fs,
    io::{IsTerminal, Lines as InputLines, StdinLock, stdin, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

/// So many lines are remembered.
const MOST: usize = 1_000;

/// The input.
pub(super) enum Lines {
    Terminal {
        editor: Box<Editor<Completion, FileHistory>>,
        /// Where its lines are kept.
        file: Option<PathBuf>,
    },
    Other {
        lines: InputLines<StdinLock<'static>>,
        number: usize,
    },
}

/// What came.
pub(super) enum Next {
    Line(String),
    /// A line that was given up.
    Again,
    End,
}

impl Lines {
    pub(super) fn open(remembers: bool) -> Result<Self, Failure> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return Ok(Self::Other {
                lines: stdin().lines(),
                number: 0,
            });
        }
        let config = Config::builder()
            .auto_add_history(true)
            .history_ignore_space(true)
            .max_history_size(MOST)
            .map_err(Failure::runtime)?
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).map_err(Failure::runtime)?;
        editor.set_helper(Some(Completion::default()));
        let file = history_file().filter(|_| remembers);
        if let Some(file) = &file
            && file.exists()
            && let Err(error) = editor.load_history(file)
        {
            eprintln!("note: {}: {error}; its lines are not remembered", file.display());
        }
        Ok(Self::Terminal {
            editor: Box::new(editor),
            file,
        })
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal { .. })
    }

    /// Of the line that came last, where somebody may look for it.
    pub(super) fn number(&self) -> Option<usize> {
        match self {
            Self::Terminal { .. } => None,
            Self::Other { number, .. } => Some(*number),
        }
    }

    pub(super) fn next(&mut self, prompt: &str, tools: &Arc<Vec<Tool>>) -> Result<Next, Failure> {
        match self {
            Self::Other { lines, number } => {
                *number += 1;
                match lines.next().transpose() {
                    Ok(Some(line)) => Ok(Next::Line(line)),
                    Ok(None) => Ok(Next::End),
                    Err(error) => Err(Failure::runtime(format_args!("line {number}: {error}"))),
                }
            }
            Self::Terminal { editor, file } => {
                if let Some(helper) = editor.helper_mut() {
                    helper.tools = tools.clone();
                }
                let line = match editor.readline(prompt) {
                    Ok(line) => line,
                    Err(ReadlineError::Interrupted) => return Ok(Next::Again),
                    Err(ReadlineError::Eof) => return Ok(Next::End),
                    Err(error) => return Err(Failure::runtime(error)),
                };
                // After each line: whoever is killed has lost nothing.
                if let Some(place) = file
                    && let Err(reason) = keep(editor.history_mut(), place)
                {
                    eprintln!("note: {}: {reason}; lines are not remembered", place.display());
                    *file = None;
                }
                Ok(Next::Line(line))
            }
        }
    }
}

/// Only its owner may read it, which the library sees to.
fn keep(history: &mut FileHistory, file: &Path) -> Result<(), ReadlineError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    history.append(file)
}

/// In the folder of what programs remember.
fn history_file() -> Option<PathBuf> {
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(home()?.join(".local/state")))?;
    Some(state.join("dynmcp/repl-history"))
}
