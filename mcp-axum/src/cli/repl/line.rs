//! One line of it: words as a shell reads them, and what they ask for.

use crate::cli::{Failure, output::OutputFormat, tool_arguments::ToolArguments};
use clap::{CommandFactory, Parser, error::ErrorKind};

/// What can be asked; the first word of any other line is a tool.
#[derive(Parser)]
#[command(
    multicall = true,
    disable_help_flag = true,
    // Its own help would speak of a program.
    disable_help_subcommand = true,
    override_usage = "COMMAND, or a tool's name with its arguments: get_order id=7",
    help_template = "{usage}\n\n{subcommands}\n\nWords with spaces stand in quotation marks.\n"
)]
pub(super) enum Line {
    /// List the instance's tools with their arguments.
    List,
    /// List the tools that have all of these words in their names, descriptions or arguments.
    #[command(override_usage = "search WORD…")]
    Search {
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Say what a tool does, what it takes and what it gives back.
    #[command(override_usage = "describe TOOL")]
    Describe { tool: String },
    /// Call a tool: NAME=VALUE, NAME:=JSON, NAME=@FILE or --arguments JSON, as `dynmcp call` takes them.
    #[command(override_usage = "call TOOL [NAME=VALUE]…")]
    Call {
        tool: String,
        #[command(flatten)]
        arguments: ToolArguments,
    },
    /// Print results from now on as `text` or as `json`.
    #[command(override_usage = "format text|json")]
    Format {
        #[arg(value_enum)]
        format: OutputFormat,
    },
    /// Leave; so does the end of the input.
    #[command(alias = "exit")]
    Quit,
    /// The first word is a tool.
    #[command(external_subcommand)]
    Tool(Vec<String>),
    /// What there is to say.
    #[command(skip)]
    Help(String),
}

/// Commands by their names.
pub(super) const NAMES: [&str; 7] = ["list", "search", "describe", "call", "format", "help", "quit"];

/// `None` where nothing stands there.
pub(super) fn read(text: &str) -> Result<Option<Line>, Failure> {
    let words = shlex::split(text)
        .ok_or_else(|| Failure::configuration("a quotation mark or a backslash has nothing behind it"))?;
    match words.first().map(String::as_str) {
        None => return Ok(None),
        Some("help" | "?") => return Ok(Some(Line::Help(Line::command().render_help().to_string()))),
        Some(_) => {}
    }
    Line::try_parse_from(words).map(Some).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let end = match error.kind() {
            // Where it would say what no line here can.
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => text.len(),
            _ => text.find("\n\nFor more information").unwrap_or(text.len()),
        };
        Failure::configuration(&text[..end])
    })
}
