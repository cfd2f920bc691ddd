//! Where the program is that runs now.

use std::path::{Path, PathBuf};

/// The program that runs now, also where its file has been replaced by another version. Whatever program that is, it
/// came here through [`main`](super::main), and so it knows the subcommand `sandbox`.
pub(crate) fn own_program() -> Option<PathBuf> {
    let running = Path::new("/proc/self/exe");
    match running.exists() {
        true => Some(running.to_owned()),
        false => std::env::current_exe().ok(),
    }
}
