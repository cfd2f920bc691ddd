//! The command line. The only part of the program that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod access;
mod add;
mod audit;
mod banner;
mod benchmark;
mod call;
mod clients;
mod completions;
mod config;
mod connect;
mod contract;
mod definitions;
mod demo;
mod events;
mod examples;
mod explain;
mod export;
mod failure;
mod foreign;
mod gateway;
mod hash_key;
mod import;
mod keys;
mod manual;
mod migrate;
mod near;
#[cfg(unix)]
mod open_files;
mod output;
mod own_program;
mod pid_file;
mod pin;
mod place;
mod plan;
mod progress;
mod repl;
mod roles;
#[cfg(unix)]
mod sandbox;
mod schema;
mod secrets;
mod serve;
mod status;
mod stdio;
#[cfg(unix)]
mod stop;
mod store;
mod tool_arguments;
mod top;
mod try_definition;
mod upstreams;
mod verify;
#[cfg(unix)]
mod warden;

use access::AccessCommand;
use add::AddArguments;
use audit::AuditArguments;
use benchmark::BenchmarkArguments;
use call::CallArguments;
use clap::{Parser, Subcommand};
use clients::ClientsArguments;
use config::ConfigCommand;
use connect::ConnectArguments;
use contract::TestArguments;
use definitions::{
    DeleteArguments, DiffArguments, GetArguments, HistoryArguments, ListArguments, RollbackArguments,
};
use events::EventsArguments;
use examples::EXAMPLES;
use explain::ExplainArguments;
use export::ExportArguments;
use failure::Failure;
use import::ImportCommand;
use keys::KeysCommand;
use migrate::MigrateArguments;
use output::OutputFormat;
use pin::PinArguments;
use plan::{ApplyArguments, PlanArguments};
use repl::ReplArguments;
use roles::RolesCommand;
use secrets::SecretsCommand;
use status::StatusArguments;
use std::{ffi::OsString, path::PathBuf, process::ExitCode};
use stdio::StdioArguments;
#[cfg(unix)]
use stop::StopArguments;
use top::TopArguments;
use try_definition::TryDefinitionArguments;
use upstreams::{OftenUpstreamsCommand, UpstreamsArguments};
use verify::VerifyArguments;

pub(crate) use own_program::own_program;
#[cfg(unix)]
pub(crate) use sandbox::program as sandbox_program;
#[cfg(unix)]
pub(crate) use warden::command as warden;

/// A gateway that turns HTTP APIs into MCP tools: tools are data, a change is live within milliseconds.
#[derive(Parser)]
#[command(name = "dynmcp", version, after_help = EXAMPLES, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Read this configuration file instead of config/$RUN_MODE.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM or Ctrl-C.
    ///
    /// Reads config/$RUN_MODE.toml (RUN_MODE is `development` unless set) or the file of --config, then the environment
    /// (APP__…). Without an admin key in the configuration the first start makes one and prints it, once.
    Serve,
    /// The same, with the address on the command line; also with the configuration file of the aggregator Only1MCP, as it is.
    ///
    /// YAML, or TOML with `servers`: its keys become those of the configuration, its servers upstreams, at /mcp together. What has no
    /// effect is named. The file is followed while the gateway runs.
    ///
    ///   dynmcp start --config only1mcp.yaml --port 9000
    #[command(verbatim_doc_comment)]
    Start(serve::StartArguments),
    /// Run a gateway with a sample HTTP API and tools for it, call one of them, and stay up.
    ///
    /// Touches nothing but data/demo: not your configuration, not your store.
    Demo {
        /// Where to listen on 127.0.0.1.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// With two other MCP servers, a program and one with a URL, whose tools stand in the same list.
        #[arg(long)]
        aggregate: bool,
    },
    /// Make the operations of an API description the tools of an instance, or a client's file of MCP servers upstreams.
    ///
    /// Importing again updates the tools: what was edited by hand stays. Works on the configured data source, also
    /// beside a running gateway, or with --server through the admin API of one.
    Import {
        #[command(subcommand)]
        what: Box<ImportCommand>,
    },
    /// Bring the tables of the configured data source up to date.
    ///
    /// For sqlite, mysql and postgres; other data sources have none. Safe beside running gateways, and to run again: one
    /// does it, others wait. Use it with an account that may make tables, and `migrate = "never"` in
    /// [data_source.<name>] for gateways whose account may not. The account can come from the environment:
    ///
    ///   APP__DATA_SOURCE__POSTGRES__URL=postgres://owner:…@host/database dynmcp migrate
    #[command(verbatim_doc_comment)]
    Migrate(MigrateArguments),
    /// Compare a folder of definitions with what is stored: what would be written, what clients would notice.
    ///
    /// Everything is checked as it would be when it is written, as a whole. Writes nothing. Works on the configured
    /// data source, also beside a running gateway, or with --server through the admin API of one.
    Plan(PlanArguments),
    /// Write what `plan` shows: tools first, then instances, deletions last.
    ///
    /// Each definition is written only if nobody changed it since the plan was made. What is stopped half-way is
    /// finished by doing it again. Nothing is deleted without --prune or --prune-all.
    Apply(ApplyArguments),
    /// Run the examples of definitions as contract tests; or, with an upstream's id, connect with it and say how long that took.
    ///
    /// With the answers that stand in the examples, so that nothing is sent, or with --live against the upstreams.
    Test(TestArguments),
    /// Write what is stored as files, each definition in one spelling, for git and for `plan` and `apply`.
    Export(ExportArguments),
    /// Print the JSON Schema of definitions, for editors and pipelines.
    Schema {
        /// The documents: tools (tds), instances (ids), upstreams (uds), keys (keys), secrets (secrets), or files of definitions (file).
        #[arg(value_parser = schema::documents())]
        documents: String,
        /// Refuse members that nobody knows, as a strict PUT does. Without it most are allowed, because they are kept.
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        _format: output::JsonAlways,
    },
    /// Show which request a call of a tool makes, and which rule places each argument.
    ///
    /// Works on the configured data source or on a file with a definition, without a gateway; or with --server through
    /// the admin API of one. Nothing is sent without --send. Credentials are never shown: in the curl line they are
    /// variables of the shell.
    Explain(Box<ExplainArguments>),
    /// Call a tool through the MCP endpoint of a running gateway, or list an instance's tools.
    ///
    /// Prints what the model would read. Exit code 1 where the tool reports an error.
    Call(Box<CallArguments>),
    /// List, search, describe and call the tools of an instance, line by line.
    ///
    /// At a terminal lines are completed (Tab: tools, arguments, their values) and remembered. Otherwise they are read as they come,
    /// and the exit code is 1 where one of them failed:
    ///
    ///   dynmcp repl support
    ///   printf '%s\n' 'search order' 'get_order id=7' | dynmcp repl support
    #[command(verbatim_doc_comment)]
    Repl(ReplArguments),
    /// Carry messages between an instance and a client that starts its servers as programs.
    ///
    /// What comes on standard input goes to the MCP endpoint of a running gateway, in every revision; standard output has
    /// nothing but messages. Ends with standard input, or on SIGTERM. In a client's file of servers:
    ///
    ///   {"mcpServers": {"desk": {"command": "dynmcp", "args": ["stdio", "desk", "--server", "http://127.0.0.1:8080"],
    ///     "env": {"DYNMCP_KEY": "…"}}}}
    #[command(verbatim_doc_comment)]
    Stdio(StdioArguments),
    /// Store another MCP server as an upstream, by its URL or as a program.
    ///
    /// Works on the configured data source, also beside a running gateway, or with --server through the admin API of one.
    /// An upstream with the same id is replaced. Programs are started only if `stdio.allow` of the gateway's configuration
    /// names their command:
    ///
    ///   dynmcp add docs https://docs.example.com/mcp --instance desk
    ///   dynmcp add time --instance desk -- uvx mcp-server-time
    #[command(verbatim_doc_comment)]
    Add(Box<AddArguments>),
    /// Connect an MCP client with an instance: print what it wants to be told, or merge it into its file.
    ///
    /// Makes a key for this client, which opens this instance alone and no /admin: in the configured data source, also beside a
    /// running gateway, or with --server through the admin API of one. With --write the client's file is copied first; what is in
    /// it stays as it is, comments and order, too, and a file that is not understood is left alone.
    ///
    ///   dynmcp connect desk --client claude-desktop --write
    ///   dynmcp connect desk --client vscode --project --write
    ///   dynmcp connect desk --client cursor --url https://gateway.example.com
    #[command(verbatim_doc_comment)]
    Connect(Box<ConnectArguments>),
    /// Print what each MCP client (Claude, VS Code, Cursor, …) wants to be told of an instance.
    Clients(ClientsArguments),
    /// Show how the upstreams of a running gateway are doing: state, revision, tools, the last error, the next attempt.
    ///
    /// Or do something with one of them: remove, test, enable, disable, refresh, restart, login, logout, logs.
    Upstreams(Box<UpstreamsArguments>),
    #[command(flatten)]
    OfUpstream(OftenUpstreamsCommand),
    /// Print what happens in a running gateway, as it happens: upstreams, endpoints, definitions, keys, calls, refusals.
    ///
    /// Goes on when the gateway is started anew. The key needs the right admin/events/read. Calls are told as far as
    /// `events.tool_executed` of the configuration says.
    ///
    ///   dynmcp events --types 'breaker.*,upstream.*'
    #[command(verbatim_doc_comment)]
    Events(EventsArguments),
    /// List the definitions of a kind: tools, instances, upstreams, roles, keys or secrets.
    ///
    /// Works on the configured data source, also beside a running gateway, or with --server through the admin API of one; so do
    /// get and delete.
    List(ListArguments),
    /// Print a definition as it is stored.
    Get(GetArguments),
    /// Delete a definition.
    Delete(DeleteArguments),
    /// List the states that a definition had, newest first: of a running gateway.
    History(HistoryArguments),
    /// Show what differs between two states of a definition.
    Diff(DiffArguments),
    /// Store an earlier state of a definition again.
    Rollback(RollbackArguments),
    /// Say how a running gateway is doing; exit code 1 where it is not ready or what it serves may be old.
    Status(StatusArguments),
    /// List what is stored and cannot be used, and why; exit code 1 where there is something.
    Quarantine(StatusArguments),
    /// Say whether everything that is stored can be used; with --examples also whether it does what its examples say.
    ///
    /// Works on the configured data source, compiling everything as a gateway would, or with --server on what a running gateway
    /// says of its own. Exit code 1 where something is not as it should be.
    ///
    ///   dynmcp verify
    ///   dynmcp verify tools get_order --examples
    #[command(verbatim_doc_comment)]
    Verify(VerifyArguments),
    /// Call a tool many times through a running gateway and print how long it took.
    Benchmark(Box<BenchmarkArguments>),
    /// End the gateway that runs with this configuration on this machine, and wait until calls in flight are finished.
    #[cfg(unix)]
    Stop(StopArguments),
    /// Say whether a configuration is valid: what `config check` says, one problem a line, exit code 1.
    Validate {
        /// The file [default: that of --config, or config/$RUN_MODE.toml].
        file: Option<PathBuf>,
        /// How to print it; the problems stand on standard error anyway.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Watch a running gateway: requests, calls and their times, upstreams, tools, events, logs, what is in quarantine.
    ///
    /// Works from afar; asks /metrics and the admin API once a second, and hears events while their page is open. q leaves, Tab and
    /// 1 to 7 turn pages, arrows choose lines, / finds.
    #[command(visible_alias = "tui")]
    Top(TopArguments),
    /// Show which tools of an upstream are not as they were approved, and what differs; approve them.
    ///
    /// A server can change what a tool says of itself, or takes, at any time. With `pin.mode: enforce` such tools, and new
    /// ones, are neither listed nor called until somebody approves them:
    ///
    ///   dynmcp pin weather
    ///   dynmcp pin weather --approve --mode enforce
    #[command(verbatim_doc_comment)]
    Pin(PinArguments),
    /// Make, list, replace and switch off the keys with which callers come in.
    ///
    /// Each key is a definition that has the hash of a secret, the instances that it opens and until when. A change holds on
    /// every replica from the next request on. Works on the configured data source, also beside a running gateway, or with
    /// --server through the admin API of one.
    ///
    ///   dynmcp keys create --name claude-support --instance support
    ///   dynmcp keys rotate claude-support --grace 24h
    #[command(verbatim_doc_comment)]
    Keys {
        #[command(subcommand)]
        command: Box<KeysCommand>,
    },
    /// List, write and delete roles: what the holders of keys that name them may do, and what not.
    ///
    ///   dynmcp roles put support-agent.yaml
    ///   dynmcp keys create --name claude-support --role support-agent
    #[command(verbatim_doc_comment)]
    Roles {
        #[command(subcommand)]
        command: Box<RolesCommand>,
    },
    /// Write, list and delete the secrets of the store, which definitions name as ${secret:NAME}.
    ///
    /// A value comes from standard input or is asked for, is stored encrypted, and is never shown. Works on the configured data source, also
    /// beside a running gateway, or with --server through the admin API of one.
    ///
    ///   dynmcp secrets put billing --upstream billing < key.txt
    ///   dynmcp secrets rotate
    #[command(verbatim_doc_comment)]
    Secrets {
        #[command(subcommand)]
        command: Box<SecretsCommand>,
    },
    /// Ask what somebody may do, and why.
    Access {
        #[command(subcommand)]
        command: AccessCommand,
    },
    /// Print who did what: the records of the audit log, the latest last.
    ///
    /// Reads the files of this replica, also beside a running gateway, or with --server what a gateway's own files say
    /// (action audit/read). There are records where `audit.enabled` is true.
    ///
    ///   dynmcp audit --principal claude-support --since 1h
    ///   dynmcp audit --decision refuse --action "admin/*" --format json
    ///   dynmcp audit verify
    #[command(verbatim_doc_comment)]
    Audit(Box<AuditArguments>),
    /// Print what a shell completes the command line with.
    ///
    ///   dynmcp completions bash > /usr/share/bash-completion/completions/dynmcp
    ///   dynmcp completions zsh > ~/.zfunc/_dynmcp
    ///   dynmcp completions fish > ~/.config/fish/completions/dynmcp.fish
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    ///
    ///   dynmcp manual | man -l -
    #[command(verbatim_doc_comment)]
    Manual {
        /// The folder, which has to be there.
        folder: Option<PathBuf>,
    },
    /// Do work for a gateway, which starts this itself.
    #[cfg(unix)]
    #[command(hide = true)]
    Sandbox {
        /// Bytes that the work may take.
        #[arg(long)]
        memory: u64,
    },
    /// An MCP server that tells the time, over pipes: what `demo --aggregate` starts.
    #[command(hide = true)]
    SampleClock,
    /// End a gateway's programs if it is killed, which starts this itself.
    #[cfg(unix)]
    #[command(hide = true)]
    Warden,
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the hash of a key, for `authenticator.api_key.keys` in the configuration.
    ///
    /// Reads the key from standard input, so that it stays out of the shell's history:
    ///
    ///   printf %s "$KEY" | dynmcp hash-key
    HashKey {
        /// Make a new key and print it with its hash.
        #[arg(long)]
        generate: bool,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Compile the definition on standard input, where nothing else can be hurt by it.
    ///
    /// A gateway starts it for definitions that a process may have died of.
    #[command(hide = true)]
    TryDefinition(TryDefinitionArguments),
}

/// The whole program. `main` of `dynmcp`, and of any crate that links plugins of its own.
pub fn main() -> ExitCode {
    run_command(Cli::parse())
}

/// The same under the name that the first version's binary had, which knew no commands: without one it serves.
pub fn serve_by_default() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.len() < 2 {
        arguments.push("serve".into());
    }
    run_command(Cli::parse_from(arguments))
}

fn run_command(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve => serve::serve(cli.config),
        Command::Start(arguments) => serve::start(cli.config, arguments),
        Command::Demo { port, aggregate } => demo::demo(port, aggregate),
        Command::Config { command } => config::run(cli.config, &command),
        Command::Validate { file, format } => config::validate(file.or(cli.config), format),
        Command::List(arguments) => definitions::list(cli.config, &arguments),
        Command::Get(arguments) => definitions::get(cli.config, &arguments),
        Command::Delete(arguments) => definitions::delete(cli.config, &arguments),
        Command::History(arguments) => definitions::history(cli.config, &arguments),
        Command::Diff(arguments) => definitions::diff(cli.config, &arguments),
        Command::Rollback(arguments) => definitions::rollback(cli.config, &arguments),
        Command::Status(arguments) => status::status(cli.config, &arguments),
        Command::Quarantine(arguments) => status::quarantine(cli.config, &arguments),
        Command::Verify(arguments) => verify::run(cli.config, &arguments),
        Command::Benchmark(arguments) => benchmark::run(cli.config, &arguments),
        #[cfg(unix)]
        Command::Stop(arguments) => stop::run(cli.config, &arguments),
        Command::Import { what } => import::run(cli.config, *what),
        Command::Migrate(arguments) => migrate::run(cli.config, &arguments),
        Command::Plan(arguments) => return Failure::or_exit_code(plan::plan(cli.config, &arguments)),
        Command::Apply(arguments) => return Failure::or_exit_code(plan::apply(cli.config, &arguments)),
        Command::Test(arguments) => return Failure::or_exit_code(contract::run(cli.config, &arguments)),
        Command::Export(arguments) => export::run(cli.config, &arguments),
        Command::Schema {
            documents, strict, ..
        } => schema::print(&documents, strict),
        Command::Explain(arguments) => explain::run(cli.config, &arguments),
        Command::Call(arguments) => call::run(cli.config, &arguments),
        Command::Repl(arguments) => repl::run(cli.config, &arguments),
        Command::Stdio(arguments) => stdio::run(cli.config, &arguments),
        Command::Add(arguments) => add::run(cli.config, &arguments),
        Command::Connect(arguments) => connect::run(cli.config, &arguments),
        Command::Clients(arguments) => clients::run(cli.config, &arguments),
        Command::Upstreams(arguments) => upstreams::run(cli.config, &arguments),
        Command::OfUpstream(command) => upstreams::often(cli.config, &command),
        Command::Events(arguments) => events::run(cli.config, &arguments),
        Command::Top(arguments) => top::run(cli.config, &arguments),
        Command::Pin(arguments) => pin::run(cli.config, &arguments),
        Command::Keys { command } => keys::run(cli.config, &command),
        Command::Roles { command } => roles::run(cli.config, &command),
        Command::Secrets { command } => secrets::run(cli.config, &command),
        Command::Access { command } => access::run(cli.config, &command),
        Command::Audit(arguments) => audit::run(cli.config, &arguments),
        Command::SampleClock => crate::demo::clock().map_err(Failure::from),
        #[cfg(unix)]
        Command::Warden => warden::run(),
        #[cfg(unix)]
        Command::Sandbox { memory } => sandbox::run(memory),
        Command::Completions { shell } => completions::print(shell),
        Command::Manual { folder } => manual::run(folder.as_deref()),
        Command::HashKey { generate, format } => hash_key::run(generate, format),
        Command::TryDefinition(arguments) => try_definition::run(arguments),
    };
    Failure::or_exit_code(done.map(|()| 0))
}

/// Runs a command that needs no more than one thread.
fn run<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests;
