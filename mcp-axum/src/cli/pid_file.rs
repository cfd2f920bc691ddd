//! Which process is the gateway of a data directory: a file that it holds a lock on for as long as it lives, so that nobody mistakes another
//! process for it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read},
    path::Path,
};

const NAME: &str = "gateway.pid";

/// Held by a gateway until it ends. `None` where another one has it, or the folder takes no file: that is no reason not to serve.
///
/// What is held is open for reading alone: a disk with a file that is open for writing could not be made read-only.
pub(super) fn take(folder: &Path) -> Option<File> {
    let path = folder.join(NAME);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(&path).ok()?);
    let held = File::open(&path).ok()?;
    held.try_lock().ok()?;
    std::fs::write(&path, std::process::id().to_string()).ok()?;
    Some(held)
}

/// The process that has it.
pub(super) fn holder(folder: &Path) -> io::Result<Option<u32>> {
    let mut file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        // Nobody has: it is of one that has ended.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text.trim().parse().ok())
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
