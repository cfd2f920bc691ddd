//! A file of somebody else's program: read with bounds, copied before it is written, and written as a whole or not at all.

use crate::cli::Failure;
use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Files of clients have settings in them; one of them keeps its history beside.
const MOST_BYTES: u64 = 64 << 20;

/// A client's file as it was found.
pub(super) struct ClientFile {
    /// Where it is, behind all links.
    pub(super) path: PathBuf,
    /// `None` where there is none yet.
    text: Option<String>,
}

impl ClientFile {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |reason: &dyn Display| {
            Failure::runtime(format_args!("{}: {reason}; nothing was changed", path.display()))
        };
        let absolute = std::path::absolute(path).map_err(|error| failed(&error))?;
        let metadata = match fs::metadata(&absolute) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(&absolute).is_ok() {
                    return Err(failed(&"is a link that leads nowhere"));
                }
                return Ok(Self {
                    path: absolute,
                    text: None,
                });
            }
            Err(error) => return Err(failed(&error)),
        };
        if !metadata.is_file() {
            return Err(failed(&"is no file"));
        }
        if metadata.permissions().readonly() {
            return Err(failed(&"may not be written (it is read-only)"));
        }
        if metadata.len() > MOST_BYTES {
            return Err(failed(&format_args!("has more than {MOST_BYTES} bytes")));
        }
        let path = fs::canonicalize(&absolute).map_err(|error| failed(&error))?;
        let bytes = fs::read(&path).map_err(|error| failed(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| failed(&"is not UTF-8"))?;
        Ok(Self {
            path,
            text: Some(text),
        })
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether all users of the machine may read it, as it is now: what was there keeps its permissions.
    pub(super) fn is_open_to_all(&self) -> bool {
        #[cfg(unix)]
        let is_open = fs::metadata(&self.path).is_ok_and(|metadata| {
            use std::os::unix::fs::PermissionsExt;
            metadata.permissions().mode() & 0o004 != 0
        });
        #[cfg(not(unix))]
        let is_open = false;
        is_open
    }

    /// Returns where the copy of what was there is; `None` where nothing was.
    pub(super) fn write(&self, text: &str) -> Result<Option<PathBuf>, Failure> {
        let failed = |reason: &dyn Display| {
            Failure::runtime(format_args!(
                "{}: {reason}; it was left as it is",
                self.path.display()
            ))
        };
        let folder = self.path.parent().ok_or_else(|| failed(&"has no folder"))?;
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        // Only its owner reads it, unless the file that it takes the place of says something else.
        let mut new = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        io::Write::write_all(&mut new, text.as_bytes()).map_err(|error| failed(&error))?;
        new.as_file().sync_all().map_err(|error| failed(&error))?;
        let Some(before) = &self.text else {
            new.persist_noclobber(&self.path).map_err(|error| {
                failed(&format_args!("somebody else made it meanwhile ({})", error.error))
            })?;
            return Ok(None);
        };
        let metadata = fs::metadata(&self.path).map_err(|error| failed(&error))?;
        new.as_file()
            .set_permissions(metadata.permissions())
            .map_err(|error| failed(&error))?;
        let backup = self.backup(before).map_err(|error| failed(&error))?;
        let now = fs::read(&self.path).map_err(|error| failed(&error))?;
        if now != before.as_bytes() {
            let _ = fs::remove_file(&backup);
            return Err(failed(&"its program changed it meanwhile; try again"));
        }
        new.persist(&self.path).map_err(|error| failed(&error.error))?;
        Ok(Some(backup))
    }

    /// A copy beside it, with its permissions: other secrets may be in it.
    fn backup(&self, text: &str) -> io::Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut copy = NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut copy, text.as_bytes())?;
        copy.as_file().sync_all()?;
        copy.as_file()
            .set_permissions(fs::metadata(&self.path)?.permissions())?;
        for number in 1.. {
            let backup = folder.join(format!("{name}.before-dynmcp-{number}"));
            match copy.persist_noclobber(&backup) {
                Ok(_) => return Ok(backup),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => copy = error.file,
                Err(error) => return Err(error.error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}
