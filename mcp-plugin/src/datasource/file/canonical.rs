//! The files that the gateway writes itself: `admin/tds/<id>.json` and `admin/ids/<id>.json`. The name is the id, the
//! content is the document, byte for byte.

use mcp_common::key::{Key, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

const FOLDER: &str = "admin";

/// Longer names are cut into folders, because file systems take 255 bytes.
const LONGEST: usize = 200;

/// A name continues in the folder of this end.
const CONTINUED: char = '+';

/// Capital letters too: some file systems do not tell them from small ones.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .add(b'A')
    .add(b'B')
    .add(b'C')
    .add(b'D')
    .add(b'E')
    .add(b'F')
    .add(b'G')
    .add(b'H')
    .add(b'I')
    .add(b'J')
    .add(b'K')
    .add(b'L')
    .add(b'M')
    .add(b'N')
    .add(b'O')
    .add(b'P')
    .add(b'Q')
    .add(b'R')
    .add(b'S')
    .add(b'T')
    .add(b'U')
    .add(b'V')
    .add(b'W')
    .add(b'X')
    .add(b'Y')
    .add(b'Z')
    .remove(b'_')
    .remove(b'-');

/// Where the definition is written, below the folder of definitions.
pub(super) fn path(key: &Key) -> PathBuf {
    let name = utf8_percent_encode(&key.id, ENCODED).to_string();
    let mut path = Path::new(FOLDER).join(key.kind.path_segment());
    let mut rest = &*name;
    while rest.len() > LONGEST {
        let (part, more) = rest.split_at(LONGEST);
        path.push(format!("{part}{CONTINUED}"));
        rest = more;
    }
    path.push(format!("{rest}.json"));
    path
}

/// Whose file this is, if it is one of the gateway's.
pub(super) fn key(path: &Path) -> Option<Key> {
    let mut parts = path.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    if parts.next()?? != FOLDER {
        return None;
    }
    let kind = Kind::parse(parts.next()??)?;
    let mut name = String::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_some() { "+" } else { ".json" };
        name.push_str(part?.strip_suffix(end)?);
    }
    let id = percent_decode_str(&name).decode_utf8().ok()?;
    let key = Key {
        kind,
        id: id.as_ref().into(),
    };
    // A name that is spelled differently is not one of the gateway's: two files would be one definition.
    (self::path(&key) == path && !id.is_empty()).then_some(key)
}

/// Replaces the file: whoever reads it sees the old content or the new one, also after a power cut.
pub(super) fn write(path: &Path, body: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    // Hidden, so that nobody takes it for a definition.
    let temporary = directory.join(format!(
        ".{}.{}",
        &name[..name.len().min(LONGEST)],
        std::process::id()
    ));
    let written = write_new(&temporary, body).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync(directory)
}

/// Deletes the file, for good.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

fn write_new(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    file.write_all(body)?;
    file.sync_all()
}

/// A directory is what holds the name.
fn sync(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_keys() {
        let long = "ü".repeat(128);
        for id in [
            "wetter", "Wetter", "a/b", "..", ".", "天气", "a b%_", "con.json", "x+", &long,
        ] {
            for key in [Key::tool(id), Key::instance(id)] {
                let path = path(&key);
                assert_eq!(self::key(&path), Some(key), "{}", path.display());
                for part in &path {
                    assert!(part.len() < 255 && !part.to_str().unwrap().starts_with('.'));
                }
            }
        }
    }

    #[test]
    fn other_files_are_nobodys() {
        for path in [
            "tds/a.json",
            "admin/a.json",
            "admin/tds/A.json",
            "admin/tds/a.yaml",
            "admin/tds/x/a.json",
        ] {
            assert_eq!(key(Path::new(path)), None, "{path}");
        }
    }
}
