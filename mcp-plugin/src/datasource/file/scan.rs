//! Looks at files: which there are, and what is in those that changed.

use super::{
    canonical,
    claims::Content,
    parse::{self, Document, LARGEST, Parsed},
    stamp::Stamp,
};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};
use walkdir::{DirEntry, WalkDir};

/// Deeper folders are not looked at.
const DEEPEST: usize = 16;

/// What is below the folder.
#[derive(Default)]
pub(super) struct Found {
    /// Files of definitions.
    pub(super) files: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub(super) troubles: Vec<(PathBuf, String)>,
}

/// What is said of a link to a file that is none of the folder's; nothing of what is in it.
const LEADS_OUT: &str = "a link leads out of the folder; files elsewhere are not read";

/// Looks for all files of definitions. Links inside the folder are followed; what is hidden is
/// not there, so a ConfigMap's `..data` is only seen through the links that lead into it.
pub(super) fn find(root: &Path) -> io::Result<Found> {
    let real_root = root.canonicalize()?;
    let walk = WalkDir::new(root).follow_links(true).max_depth(DEEPEST);
    let mut walk = walk
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
    let mut found = Found::default();
    while let Some(entry) = walk.next() {
        match entry {
            Ok(entry) if leads_out(&entry, &real_root) => {
                let is_folder = entry.file_type().is_dir();
                if is_folder {
                    walk.skip_current_dir();
                }
                if is_folder || parse::is_candidate(entry.path()) {
                    let path = relative(root, entry.path());
                    found.troubles.push((path, LEADS_OUT.to_owned()));
                }
            }
            Ok(entry) if entry.file_type().is_file() && parse::is_candidate(entry.path()) => {
                found.files.push(relative(root, entry.path()));
            }
            Ok(_) => {}
            Err(error) if error.depth() == 0 => return Err(error.into()),
            Err(error) => {
                let path = relative(root, error.path().unwrap_or(root));
                let is_gone = error
                    .io_error()
                    .is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
                // A dangling link looks the same as a file that was deleted meanwhile.
                if !is_gone {
                    found.troubles.push((path, io::Error::from(error).to_string()));
                }
            }
        }
    }
    Ok(found)
}

fn leads_out(entry: &DirEntry, real_root: &Path) -> bool {
    let is_link = entry.depth() > 0 && entry.path_is_symlink();
    is_link && !is_inside(entry.path(), real_root)
}

/// Whether what is written here ends up in the folder: the deepest part of the path that is there decides.
pub(super) fn stays_inside(root: &Path, path: &Path) -> bool {
    let Ok(real_root) = root.canonicalize() else {
        // Writing says what is wrong with the folder.
        return true;
    };
    let real = path
        .ancestors()
        .find_map(|part| root.join(part).canonicalize().ok());
    real.is_none_or(|real| real.starts_with(&real_root))
}

/// What is not there leads nowhere.
fn is_inside(path: &Path, real_root: &Path) -> bool {
    path.canonicalize()
        .map_or(true, |real| real.starts_with(real_root))
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

pub(super) fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

/// What a look at one file came to.
pub(super) enum Look {
    Gone,
    Unchanged,
    /// Read anew. The stamp is missing if it could not be read and another try may succeed.
    Read(Content, Option<Stamp>),
}

pub(super) fn look(root: &Path, path: &Path, known: Option<&Stamp>) -> Look {
    let now = SystemTime::now();
    let file = root.join(path);
    let metadata = match fs::metadata(&file) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Look::Gone,
        Err(error) if is_absent(&error) => return Look::Gone,
        Err(error) => return unreadable(&error),
    };
    let stamp = Stamp::new(&metadata, now);
    if known.is_some_and(|known| stamp.is_unchanged_since(known)) {
        return Look::Unchanged;
    }
    let modified = Some(stamp.modified());
    let key = canonical::key(path);
    if metadata.len() > LARGEST {
        let reason = format!(
            "the file has {} bytes, at most {LARGEST} are read",
            metadata.len()
        );
        return Look::Read(content(Parsed::broken(1, reason), modified), Some(stamp));
    }
    if !root.canonicalize().is_ok_and(|root| is_inside(&file, &root)) {
        return Look::Read(content(Parsed::broken(1, LEADS_OUT), None), None);
    }
    let body = match read(&file) {
        Ok(body) => body,
        Err(error) if is_absent(&error) => return Look::Gone,
        Err(error) => return unreadable(&error),
    };
    let parsed = match key {
        Some(key) => Parsed {
            documents: vec![Document {
                key,
                line: 1,
                body: body.into(),
            }],
            faults: Vec::new(),
        },
        None => parse::parse(path, &body),
    };
    Look::Read(content(parsed, modified), Some(stamp))
}

/// However much it has become meanwhile.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = File::open(file)?.take(LARGEST + 1).read_to_end(&mut body)?;
    if read as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(body)
}

fn unreadable(error: &io::Error) -> Look {
    let parsed = Parsed::broken(
        1,
        format!("cannot be read ({error}); give this user the right to"),
    );
    Look::Read(content(parsed, None), None)
}

fn content(parsed: Parsed, modified: Option<SystemTime>) -> Content {
    Content::new(parsed.documents, parsed.faults, modified)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
