//! Which process is the gateway of a data directory: a file that it holds a lock on for as long as it lives, so that nobody mistakes another
//! process for it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

const NAME: &str = "gateway.pid";

/// Held by a gateway until it ends. `None` where another one has it, or the folder takes no file: that is no reason not to serve.
pub(super) fn take(folder: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(folder.join(NAME)).ok()?;
    file.try_lock().ok()?;
    file.set_len(0).ok()?;
    write!(file, "{}", std::process::id()).ok()?;
    Some(file)
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
