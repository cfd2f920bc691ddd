//! What the numbers were measured on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::available_parallelism,
};

/// As a list in Markdown. `program` is another gateway than the one of this build.
pub(crate) fn describe(with_nginx: bool, program: Option<&Path>) -> String {
    let cores = available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let nginx = if with_nginx {
        format!(", {}", version("nginx", "-v"))
    } else {
        String::new()
    };
    format!(
        "- machine: {cores} × {}, Linux {}\n- versions: {}{nginx}, {}\n- command: `cargo xtask bench {}`",
        processor(),
        kernel.trim(),
        gateway_version(program),
        version("rustc", "--version"),
        arguments.join(" "),
    )
    .replace(" `\n", "`\n")
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown processor", |(_, model)| model).to_owned()
}

fn gateway_version(program: Option<&Path>) -> String {
    let program = program.map_or_else(dynmcp_harness::dynmcp, |path| Ok(PathBuf::from(path)));
    program.map_or_else(
        |_| "dynmcp".to_owned(),
        |path| version(&path.to_string_lossy(), "--version"),
    )
}

/// nginx says it on its standard error.
fn version(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output
        .map(|output| [output.stdout, output.stderr].concat())
        .unwrap_or_default();
    String::from_utf8_lossy(&text)
        .trim()
        .replace("nginx version: ", "")
}
