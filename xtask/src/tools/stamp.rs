//! Remembers what an installation was made from, so that it is made once.

use anyhow::{Context, Result};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// An installation and the file of pinned versions behind it.
pub(super) struct Stamp {
    directory: PathBuf,
    pinned: String,
}

impl Stamp {
    pub(super) fn new(directory: &Path, pinned: &Path) -> Result<Self> {
        let pinned = fs::read_to_string(pinned).with_context(|| pinned.display().to_string())?;
        Ok(Self {
            directory: directory.to_owned(),
            pinned,
        })
    }

    /// Whether the installation is complete and of these versions.
    pub(super) fn holds(&self) -> bool {
        fs::read_to_string(self.path()).is_ok_and(|installed| installed == self.pinned)
    }

    /// Makes room for a new installation.
    pub(super) fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(fs::create_dir_all(&self.directory)?),
        }
    }

    /// The last step: everything before it has succeeded.
    pub(super) fn set(&self) -> Result<()> {
        Ok(fs::write(self.path(), &self.pinned)?)
    }

    fn path(&self) -> PathBuf {
        self.directory.join("installed")
    }
}
