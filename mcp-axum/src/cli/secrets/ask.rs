//! The value of a secret, from whoever has it.

use crate::cli::Failure;
use crossterm::{
    event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
    terminal::{disable_raw_mode, enable_raw_mode},
};
use mcp_common::{definition::secret::LARGEST_VALUE, secret::Secret};
use std::io::{self, IsTerminal, Read};

/// From standard input, without the line break at its end; at a terminal as it is typed, which is not shown.
pub(super) fn value(name: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    if io::stdin().is_terminal() {
        eprint!("value of {name}: ");
        let typed = typed(&mut text);
        eprintln!();
        typed?;
    } else {
        // One more than there can be says that it is too much.
        let most = LARGEST_VALUE as u64 + 3;
        let read = io::stdin().take(most).read_to_string(&mut text);
        read.map_err(|error| Failure::runtime(format_args!("standard input: {error}")))?;
    }
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(Failure::runtime(
            "standard input has no value; nothing was stored",
        ));
    }
    if value.len() > LARGEST_VALUE {
        return Err(Failure::runtime(format_args!(
            "the value has more than {LARGEST_VALUE} bytes, which is the most that a secret has; nothing was stored"
        )));
    }
    Ok(Secret::from(value))
}

fn typed(text: &mut String) -> Result<(), Failure> {
    enable_raw_mode()?;
    let typed = keys(text);
    disable_raw_mode()?;
    typed
}

fn keys(text: &mut String) -> Result<(), Failure> {
    loop {
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Ok(()),
            KeyCode::Char('c' | 'd') if is_control => {
                return Err(Failure::runtime("given up; nothing was stored"));
            }
            KeyCode::Char('u') if is_control => text.clear(),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(typed) if !is_control => text.push(typed),
            _ => {}
        }
    }
}
