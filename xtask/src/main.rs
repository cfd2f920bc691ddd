//! `cargo xtask …`: what a developer and CI run. Compiled for every task, so it stays small.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells people what it does"
)]

mod command;
mod deny;
mod fuzz;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};
use command::cargo;
use std::process::ExitCode;

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what the tests need if it is missing, then runs all of them, real clients and conformance included.
    Test {
        /// For `cargo test`, such as `-p mcp-core` or a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs the official MCP conformance suites and prints a table.
    Conformance {
        /// `--verbose` prints what each suite says; `--matrix` and `--client` run a part of them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measures the gateway beside nginx on the same upstream and load; `bench propagation` and `bench size` measure
    /// every data source instead, `bench instructions` the steps of a call by callgrind, `bench access` what keys, roles and limits cost, `bench hostile` what inputs made to hurt cost, `bench fleet` what probes of
    /// many endpoints cost, `bench upstreams` what MCP servers behind the gateway cost, `bench chaos` who notices when endpoints and a gateway die. Prints Markdown; `--help` lists the options.
    #[command(disable_help_flag = true)]
    Bench {
        /// For the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks licences, sources and advisories of all dependencies with cargo-deny.
    Deny,
    /// Looks for inputs that crash the gateway's parsers or take them too long, with libFuzzer.
    Fuzz(fuzz::Options),
    /// Only installs what the tests need.
    Tools,
}

/// The benchmarks that start every store.
const STORE_BENCHES: &[&str] = &["propagation", "size"];

/// Those that have nothing beside the gateway.
const PLAIN_BENCHES: &[&str] = &["access", "hostile", "fleet", "chaos"];

fn main() -> ExitCode {
    match perform(Xtask::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Test { arguments } => {
            tools::install()?;
            cargo(&["test", "--workspace"], &arguments)
        }
        Task::Conformance { arguments } => {
            tools::install()?;
            let built = cargo(&["build", "--workspace", "--bins"], &[])?;
            if built != ExitCode::SUCCESS {
                return Ok(built);
            }
            cargo(
                &["run", "--quiet", "--package", "dynmcp-conformance", "--"],
                &arguments,
            )
        }
        Task::Bench { arguments } if arguments.first().is_some_and(|first| first == "instructions") => {
            cargo(&["run", "--quiet", "--package", "dynmcp-bench", "--"], &arguments)
        }
        Task::Bench { arguments } => {
            if arguments
                .first()
                .is_some_and(|other| STORE_BENCHES.contains(&other.as_str()))
            {
                tools::install_stores()?;
            } else if arguments
                .first()
                .is_none_or(|first| !PLAIN_BENCHES.contains(&first.as_str()))
            {
                tools::install_nginx();
            }
            // Another gateway than this one is measured as it is.
            if !arguments.iter().any(|argument| argument == "--program") {
                let build = [
                    "build",
                    "--profile",
                    "dist",
                    "--package",
                    "mcp-axum",
                    "--bin",
                    "dynmcp",
                ];
                let built = cargo(&build, &[])?;
                if built != ExitCode::SUCCESS {
                    return Ok(built);
                }
            }
            cargo(
                &[
                    "run",
                    "--profile",
                    "dist",
                    "--quiet",
                    "--package",
                    "dynmcp-bench",
                    "--",
                ],
                &arguments,
            )
        }
        Task::Deny => {
            deny::check()?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Fuzz(options) => {
            tools::install_for_fuzz()?;
            fuzz::run_targets(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Tools => {
            tools::install()?;
            println!("everything is there");
            Ok(ExitCode::SUCCESS)
        }
    }
}
