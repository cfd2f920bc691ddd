//! Which process is the gateway of a data directory: a file that it holds a lock on for as long as it lives, so that nobody mistakes another
//! process for it. Nobody else ever locks that file for itself, and it takes its place as a whole: whoever finds it locked finds its owner in it.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::Path,
    thread,
    time::Duration,
};

const NAME: &str = "gateway.pid";
/// Whoever begins at the same time is done soon.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// The process that a data directory belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its number where it runs.
    pub(super) pid: u32,
    /// Whether that number means the same process here: one of another container, or of another machine, has numbers of its own.
    pub(super) is_here: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_here {
            true => write!(f, "process {}", self.pid),
            false => write!(f, "process {} of another container or machine", self.pid),
        }
    }
}

/// Held by a gateway until it ends. `None` where another one has it, or the folder takes no file: that is no reason not to serve.
///
/// What is held is open for reading alone: a disk with a file that is open for writing could not be made read-only.
pub(super) fn take(folder: &Path) -> Option<File> {
    let path = folder.join(NAME);
    let _beginning = begin(folder)?;
    if matches!(holder(folder), Ok(Some(_)) | Err(_)) {
        return None;
    }
    let mut new = tempfile::Builder::new().prefix(NAME).tempfile_in(folder).ok()?;
    let numbers = numbers().unwrap_or_default();
    write!(new, "{}\n{numbers}\n", std::process::id()).ok()?;
    let held = File::open(new.path()).ok()?;
    held.try_lock().ok()?;
    new.persist(&path).ok()?;
    Some(held)
}

/// One at a time looks whether there is a gateway, and becomes it: the folder is locked meanwhile.
fn begin(folder: &Path) -> Option<File> {
    let lock = File::open(folder).ok()?;
    for _ in 0..ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Some(lock),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// The process that has it.
pub(super) fn holder(folder: &Path) -> io::Result<Option<Holder>> {
    let mut file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        // Nobody has: it is of one that has ended.
        Ok(()) => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    let theirs = lines.next().unwrap_or_default();
    // One that says nothing of it is an older gateway's, or of a system that has no such thing.
    let is_here = theirs.is_empty() || numbers().is_some_and(|own| own == theirs);
    Ok(pid.map(|pid| Holder { pid, is_here }))
}

/// Where numbers of processes mean the same: their namespace, and the machine since it was started. `None` where the system does not say.
fn numbers() -> Option<String> {
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{} {}", namespace.display(), machine.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_gateway_has_it_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert_eq!(holder(at).unwrap(), None);
        let held = take(at).unwrap();
        let own = Holder {
            pid: std::process::id(),
            is_here: true,
        };
        assert_eq!(holder(at).unwrap(), Some(own));
        assert!(take(at).is_none(), "another one has it");
        drop(held);
        assert_eq!(holder(at).unwrap(), None, "what is left of it is nobody's");
        let _again = take(at).unwrap();
        let names = fs::read_dir(at).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [NAME], "nothing half-written is left");
    }

    #[test]
    fn a_number_of_elsewhere_is_no_process_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let found = |text: &str| {
            fs::write(&path, text).unwrap();
            let file = File::open(&path).unwrap();
            file.try_lock().unwrap();
            let holder = holder(folder.path()).unwrap();
            drop(file);
            holder
        };
        let of = |is_here| Some(Holder { pid: 7, is_here });
        assert_eq!(found("7\npid:[1] another-machine\n"), of(false));
        assert_eq!(found("7\n"), of(true), "of an older gateway");
        assert_eq!(found("7"), of(true));
        if let Some(numbers) = numbers() {
            assert_eq!(found(&format!("7\n{numbers}\n")), of(true));
        }
        assert_eq!(found("seven\n"), None);
    }
}
