//! `dynmcp repl`: the tools of an instance, one line after the other: at a terminal with completion, else as lines come.

mod complete;
mod describe;
mod line;
mod lines;

use super::{
    Failure, call,
    gateway::RunningGateway,
    near,
    output::{OutputFormat, print, print_json},
    tool_arguments::ToolArguments,
};
use crate::client::{Mcp, Tool};
use clap::Args;
use line::Line;
use lines::{Lines, Next};
use serde_json::value::RawValue;
use std::{path::PathBuf, sync::Arc};

#[derive(Args)]
pub(super) struct ReplArguments {
    /// The instance.
    instance: String,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print lists and results, until `format` says otherwise.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Remember the lines of a terminal in no file. Otherwise those that do not begin with a space are kept for the next time, in
    /// $XDG_STATE_HOME/dynmcp/repl-history, which only its owner may read.
    #[arg(long)]
    no_history: bool,
}

/// One conversation.
struct Repl<'a> {
    instance: &'a str,
    client: Mcp,
    tools: Arc<Vec<Tool>>,
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &ReplArguments) -> Result<(), Failure> {
    let server = arguments.gateway.server(config.clone())?;
    let client = Mcp::new(
        arguments.gateway.open(config)?,
        &arguments.instance,
        "dynmcp repl",
    );
    super::run(async {
        let mut repl = Repl {
            instance: &arguments.instance,
            client,
            tools: Arc::default(),
            format: arguments.format,
        };
        // What cannot be asked at all is said at once.
        repl.look().await?;
        let mut lines = Lines::open(!arguments.no_history)?;
        if lines.is_terminal() {
            print(&format!(
                "{} at {server} has {} tools. help says what there is, Tab completes, Ctrl-D leaves.\n",
                repl.instance,
                repl.tools.len()
            ))?;
        }
        repl.stay(&mut lines).await
    })
}

impl Repl<'_> {
    /// Until nothing more comes. At a terminal whoever typed has read what failed; of other lines the exit code tells.
    async fn stay(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let mut failed = 0;
        let prompt = format!("{}> ", self.instance);
        loop {
            let text = match lines.next(&prompt, &self.tools)? {
                Next::Line(text) => text,
                Next::Again => continue,
                Next::End => break,
            };
            let done = match line::read(&text) {
                Ok(None) => continue,
                Ok(Some(Line::Quit)) => break,
                Ok(Some(line)) if lines.is_terminal() => tokio::select! {
                    done = self.obey(line) => done,
                    _ = tokio::signal::ctrl_c() => Err(Failure::runtime("given up")),
                },
                Ok(Some(line)) => self.obey(line).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = done {
                failed += 1;
                match lines.number() {
                    Some(number) => eprintln!("line {number}: {failure}"),
                    None => eprintln!("{failure}"),
                }
            }
        }
        match failed {
            0 => Ok(()),
            _ if lines.is_terminal() => Ok(()),
            1 => Err(Failure::runtime("one line failed")),
            count => Err(Failure::runtime(format_args!("{count} lines failed"))),
        }
    }

    async fn obey(&mut self, line: Line) -> Result<(), Failure> {
        match line {
            Line::List => {
                self.look().await?;
                self.show_tools(self.tools.iter().collect())
            }
            Line::Search { words } => {
                self.look().await?;
                self.show_tools(describe::search(&self.tools, &words))
            }
            Line::Describe { tool } => {
                self.look().await?;
                let tool = self.tool(&tool)?;
                match self.format {
                    OutputFormat::Json => print_json(&tool.raw),
                    OutputFormat::Text => print(&describe::text(tool)),
                }
            }
            Line::Call { tool, arguments } => self.call(&tool, &arguments).await,
            Line::Tool(words) => {
                let mut words = words.into_iter();
                let name = words.next().unwrap_or_default();
                self.call(&name, &ToolArguments::of(words.collect())).await
            }
            Line::Format { format } => {
                self.format = format;
                Ok(())
            }
            Line::Help(text) => print(&text),
            Line::Quit => Ok(()),
        }
    }

    async fn call(&mut self, name: &str, arguments: &ToolArguments) -> Result<(), Failure> {
        // What it takes may have changed since the last line.
        self.look().await?;
        let tool = self.tool(name)?;
        let text = arguments.to_json(&tool.schema)?;
        let given: &RawValue = serde_json::from_str(&text).map_err(Failure::runtime)?;
        let result = self.client.call(tool, given).await?;
        call::show(&result, self.format)
    }

    async fn look(&mut self) -> Result<(), Failure> {
        match self.client.tools().await {
            Ok(tools) => self.tools = Arc::new(tools),
            Err(error) => return Err(call::refusal(&self.client, self.instance, error).await),
        }
        Ok(())
    }

    fn tool(&self, name: &str) -> Result<&Tool, Failure> {
        let found = self.tools.iter().find(|tool| tool.name == name);
        found.ok_or_else(|| {
            let tools = self.tools.iter().map(|tool| tool.name.as_str());
            let hint = match near::hint(name, tools.chain(line::NAMES)) {
                none if none.is_empty() => "; `list` shows what there is, `help` what can be done".to_owned(),
                hint => hint,
            };
            Failure::runtime(format_args!("{} has no tool `{name}`{hint}", self.instance))
        })
    }

    fn show_tools(&self, tools: Vec<&Tool>) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Json => print_json(&tools.iter().map(|tool| &tool.raw).collect::<Vec<_>>()),
            OutputFormat::Text => print(&call::list::text(&tools)),
        }
    }
}
