//! Where the `dynmcp` binary is that cargo built together with the running test.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The binary of the same profile as the running executable; an error if it is missing or older than its sources.
pub fn dynmcp() -> Result<PathBuf> {
    let running = std::env::current_exe()?;
    let Some(directory) = running.ancestors().find(|path| path.join("dynmcp").is_file()) else {
        bail!(
            "no `dynmcp` binary above {}: build it with `cargo build --workspace`",
            running.display()
        );
    };
    let binary = directory.join("dynmcp");
    let built = modified(&binary)?;
    // Cargo's own list of what the binary was made from. Running an old one would prove nothing. `cargo test` alone
    // writes no list; it has just built the binary.
    let sources = fs::read_to_string(directory.join("dynmcp.d")).unwrap_or_default();
    let mut sources = sources
        .split_once(": ")
        .map_or("", |(_, sources)| sources)
        .split_whitespace();
    let newer = sources.find(|source| modified(Path::new(source)).is_ok_and(|changed| changed > built));
    if let Some(source) = newer {
        bail!(
            "{} is older than {source}: build it with `cargo build --workspace`",
            binary.display()
        );
    }
    Ok(binary)
}

fn modified(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).with_context(|| format!("{} is missing", path.display()))?;
    Ok(metadata.modified()?)
}
