//! `cargo xtask fuzz`: libFuzzer on the stable compiler.
//!
//! The coverage counters come from a pass that stable LLVM has; only sanitizers need a nightly one, and without unsafe
//! code of our own there is little for them to find. What is looked for are panics, stacks that overflow, inputs that
//! take long or much memory.

use crate::command::{root, run};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{available_parallelism, sleep},
    time::Duration,
};

/// Which targets, for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds that each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Targets that run at the same time; as many as there are CPUs without it.
    #[arg(long)]
    jobs: Option<usize>,
    /// All of `fuzz/fuzz_targets` without one.
    targets: Vec<String>,
}

/// As `cargo fuzz` has them.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// An input that takes so many seconds is a finding.
const SLOW: u32 = 10;
/// So is one that takes so many MiB.
const MEMORY: u32 = 1024;
/// KiB of address space, so that no input takes the machine down before anybody looks at its memory.
const ADDRESS_SPACE: u32 = 6 << 20;

/// Builds the targets and runs them; an error if one found something.
pub(crate) fn run_targets(options: &Options) -> Result<()> {
    let all = targets()?;
    if let Some(unknown) = options.targets.iter().find(|target| !all.contains(target)) {
        bail!("there is no target `{unknown}`; there are {}", all.join(", "));
    }
    let chosen = if options.targets.is_empty() {
        &all
    } else {
        &options.targets
    };
    let programs = build()?;
    let jobs = match options.jobs {
        Some(jobs) => jobs.max(1),
        None => available_parallelism()?.get(),
    };
    let mut waiting: VecDeque<&String> = chosen.iter().collect();
    let (mut running, mut failed): (Vec<Run>, Vec<&str>) = Default::default();
    while !(waiting.is_empty() && running.is_empty()) {
        while running.len() < jobs
            && let Some(target) = waiting.pop_front()
        {
            running.push(Run::start(target, &programs, options.seconds)?);
        }
        sleep(Duration::from_millis(200));
        let mut index = 0;
        while let Some(run) = running.get_mut(index) {
            match run.child.try_wait()? {
                None => index += 1,
                Some(status) => {
                    let run = running.swap_remove(index);
                    run.report(status.success())?;
                    if !status.success() {
                        failed.push(run.target);
                    }
                }
            }
        }
    }
    ensure!(failed.is_empty(), "inputs were found by {}", failed.join(", "));
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let path = file?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Where the programs are.
fn build() -> Result<PathBuf> {
    let host = host()?;
    let directory = root().join("target/fuzz");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--locked", "--release", "--manifest-path"])
        .arg(root().join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&directory)
        // With a target the flags are for it alone, not for what runs while building.
        .args(["--target", &host])
        .env("RUSTFLAGS", COVERAGE);
    run(&mut build).context("the fuzz targets cannot be built")?;
    Ok(directory.join(host).join("release"))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// One target at work.
struct Run<'a> {
    target: &'a str,
    child: Child,
    log: PathBuf,
    program: PathBuf,
}

/// Where a log begins to say what was found.
const TELLING: [&str; 3] = ["panicked at", "overflowed its stack", "ERROR: libFuzzer"];

impl<'a> Run<'a> {
    fn start(target: &'a str, programs: &Path, seconds: u32) -> Result<Self> {
        let fuzz = root().join("fuzz");
        let (corpus, artifacts) = (
            fuzz.join("corpus").join(target),
            fuzz.join("artifacts").join(target),
        );
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&artifacts)?;
        let log = artifacts.join("log");
        let output = File::create(&log)?;
        let program = programs.join(target);
        let limited = format!("ulimit -v {ADDRESS_SPACE} && exec \"$@\"");
        let mut command = Command::new("sh");
        command
            .args(["-c", &limited, "sh"])
            .arg(&program)
            .args([
                format!("-max_total_time={seconds}"),
                format!("-timeout={SLOW}"),
                format!("-rss_limit_mb={MEMORY}"),
                format!("-artifact_prefix={}/", artifacts.display()),
                "-print_final_stats=1".to_owned(),
                "-use_value_profile=1".to_owned(),
            ])
            // New inputs are kept in the first.
            .arg(corpus)
            .args(
                [fuzz.join("seeds").join(target)]
                    .iter()
                    .filter(|path| path.is_dir()),
            )
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command.spawn().context("sh cannot be started")?;
        Ok(Self {
            target,
            child,
            log,
            program,
        })
    }

    /// A line; of what was found, everything.
    fn report(&self, is_well: bool) -> Result<()> {
        let log = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        let of = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix(name));
            line.map_or("?", str::trim).to_owned()
        };
        let coverage = log.lines().rev().find_map(|line| line.split_once(" cov: "));
        let coverage = coverage.and_then(|(_, rest)| rest.split(' ').next());
        println!(
            "{}: {} runs, {} places reached, {} MiB at most",
            self.target,
            of("stat::number_of_executed_units:"),
            coverage.unwrap_or("?"),
            of("stat::peak_rss_mb:"),
        );
        if !is_well {
            let is_telling = |line: &&str| TELLING.iter().any(|words| line.contains(words));
            let first = log.lines().position(|line| is_telling(&line)).unwrap_or(0);
            log.lines()
                .skip(first)
                .take(12)
                .for_each(|line| println!("  {line}"));
            let inputs = log.lines().filter(|line| line.contains("Test unit written to"));
            inputs.for_each(|line| println!("  {line}"));
            println!("  all of it: {}", self.log.display());
            println!("  again: {} INPUT", self.program.display());
        }
        Ok(())
    }
}
