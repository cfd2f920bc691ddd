//! Replaces the file as a whole: after a power cut there is the old copy or the new one.

use super::{ASIDE, Place, format};
use mcp_common::{catalog::Snapshot, private_file};
use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::Path,
    sync::atomic::Ordering,
};

impl Place {
    pub(super) fn write<T>(&self, snapshot: &Snapshot<T>) -> io::Result<()> {
        let directory = self.file.parent().unwrap_or(Path::new("."));
        private_file::create_folder(directory)?;
        let temporary = self.file.with_extension(format!("{}.tmp", std::process::id()));
        let written = self
            .write_new(&temporary, snapshot)
            .and_then(|()| self.keep_unusable())
            .and_then(|()| fs::rename(&temporary, &self.file))
            .and_then(|()| sync(directory));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Moves a copy that this gateway cannot use out of the way.
    fn keep_unusable(&self) -> io::Result<()> {
        if self.is_unusable.load(Ordering::Relaxed) {
            fs::rename(&self.file, self.file.with_file_name(ASIDE))?;
            self.is_unusable.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    fn write_new<T>(&self, temporary: &Path, snapshot: &Snapshot<T>) -> io::Result<()> {
        // Left behind by a process that was killed and had the same number; it may have other rights.
        match fs::remove_file(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = private_file::options()
            .write(true)
            .create_new(true)
            .open(temporary)?;
        let mut output = BufWriter::new(file);
        format::write(snapshot, &self.owner, &mut output)?;
        output
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    }
}

/// A directory is what holds the name.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
