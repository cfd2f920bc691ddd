//! How a command ends when it does not end well: one line and an exit code.

use super::foreign;
use crate::{
    client::ClientError, runtime::server::StartError, settings::SettingsError, telemetry::logging::LogError,
};
use mcp_core::authoring::writer::WriteError;
use std::{fmt, io, process::ExitCode};

/// One line for the operator.
pub(super) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// The circumstances are to blame.
    pub(super) fn runtime(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: 1,
        }
    }

    /// The configuration is.
    pub(super) fn configuration(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: 2,
        }
    }

    /// Nothing is wrong, but something is to be done.
    pub(super) fn pending(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: 3,
        }
    }

    /// How the program ends with this outcome; what went wrong is said.
    pub(super) fn or_exit_code(done: Result<u8, Self>) -> ExitCode {
        match done {
            Ok(code) => ExitCode::from(code),
            Err(failure) => {
                eprintln!("dynmcp: {failure}");
                ExitCode::from(failure.code)
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Texts of drivers may have several lines, and those of servers anything.
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        f.write_str(&foreign::line(&line))
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::configuration(format_args!("configuration: {error}"))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        if error.is_configuration() {
            Self::configuration(format_args!("configuration: {error}"))
        } else {
            Self::runtime(error)
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::runtime(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if error.is_configuration() {
            Self::configuration(error)
        } else {
            Self::runtime(error)
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::runtime(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::runtime(error)
    }
}
