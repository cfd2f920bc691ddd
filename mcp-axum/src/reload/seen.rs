//! What a file was when it was looked at.

use super::ReloadError;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Nobody writes more by hand.
const MOST: u64 = 8 << 20;

/// A file, as far as it matters whether it is another one.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// There is no file, and there was none.
    Nowhere,
    Absent(PathBuf),
    Unreadable(PathBuf, Arc<io::Error>),
    Text([u8; 32]),
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nowhere, Self::Nowhere) => true,
            (Self::Absent(one), Self::Absent(other)) => one == other,
            (Self::Unreadable(_, one), Self::Unreadable(_, other)) => one.kind() == other.kind(),
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }
}

impl Seen {
    pub(super) fn look(file: Option<&Path>) -> Self {
        let Some(file) = file else { return Self::Nowhere };
        let mut text = Vec::new();
        let read = File::open(file).and_then(|opened| opened.take(MOST + 1).read_to_end(&mut text));
        match read {
            Ok(_) if text.len() as u64 > MOST => {
                let large = io::Error::other(format!("it has more than {MOST} bytes"));
                Self::Unreadable(file.to_owned(), Arc::new(large))
            }
            Ok(_) => Self::Text(Sha256::digest(&text).into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Absent(file.to_owned()),
            Err(error) => Self::Unreadable(file.to_owned(), Arc::new(error)),
        }
    }

    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Defaults in the place of a file that is gone would be a change that nobody wanted.
    pub(super) fn check(&self, was_there: bool) -> Result<(), ReloadError> {
        match self {
            Self::Nowhere | Self::Text(_) => Ok(()),
            Self::Absent(_) if !was_there => Ok(()),
            Self::Absent(file) => Err(ReloadError::Gone(file.clone())),
            Self::Unreadable(file, error) => Err(ReloadError::Unreadable(file.clone(), error.clone())),
        }
    }
}
