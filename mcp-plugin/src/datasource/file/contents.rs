//! What a folder of definitions holds, read once, for those who keep definitions in files without serving from them.
//! The same files, formats and rules as the data source has.

use super::{
    canonical,
    claims::place,
    parse::{self, LARGEST},
    scan::{self, Look},
};
use bytes::Bytes;
use mcp_common::key::Key;
use std::{fs, io, path::Path};

/// Everything in a folder, or in one file.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The definitions, in the order of their files and as they stand in them. A definition may stand in two places.
    pub definitions: Vec<FileDefinition>,
    /// What keeps a file, or one document of it, from being read.
    pub faults: Vec<FileFault>,
}

/// One definition of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDefinition {
    /// The key, which comes from the folder, the list or the document itself.
    pub key: Key,
    /// File and line, `definitions/orders.yaml:3`.
    pub place: String,
    /// The document as JSON text.
    pub body: Bytes,
}

/// One thing that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// File and line.
    pub place: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Reads all files of definitions (YAML, JSON, TOML) below the folder, or one file. The error is one of `root` itself;
/// everything else that is wrong is in [`Contents::faults`]. Blocks for as long as that takes.
pub fn read(root: &Path) -> io::Result<Contents> {
    let mut contents = Contents::default();
    if fs::metadata(root)?.is_file() {
        one_file(root, &mut contents)?;
        return Ok(contents);
    }
    let mut found = scan::find(root)?;
    found.files.sort();
    for (path, reason) in found.troubles {
        contents.faults.push(FileFault {
            place: root.join(path).display().to_string(),
            reason,
        });
    }
    for path in found.files {
        // A file that is gone again since the folder was looked through was not there.
        if let Look::Read(content, _) = scan::look(root, &path, None) {
            for document in &content.documents {
                contents.definitions.push(FileDefinition {
                    key: document.key.clone(),
                    place: place(root, &path, document.line),
                    body: document.body.clone(),
                });
            }
            contents
                .faults
                .extend(content.faults.iter().map(|fault| FileFault {
                    place: place(root, &path, fault.line),
                    reason: fault.reason.clone(),
                }));
        }
    }
    Ok(contents)
}

fn one_file(path: &Path, contents: &mut Contents) -> io::Result<()> {
    let refused = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    if !parse::is_candidate(path) {
        return Err(refused(
            "is no file of definitions; their names end in .yaml, .yml, .json or .toml".to_owned(),
        ));
    }
    let size = fs::metadata(path)?.len();
    if size > LARGEST {
        return Err(refused(format!("has {size} bytes, at most {LARGEST} are read")));
    }
    let parsed = parse::parse(path, &fs::read(path)?);
    let place = |line: usize| format!("{}:{line}", path.display());
    contents
        .definitions
        .extend(parsed.documents.into_iter().map(|document| FileDefinition {
            key: document.key,
            place: place(document.line),
            body: document.body,
        }));
    contents
        .faults
        .extend(parsed.faults.into_iter().map(|fault| FileFault {
            place: place(fault.line),
            reason: fault.reason,
        }));
    Ok(())
}

/// Writes the file as a whole, with its folders: whoever reads it sees the old content or the new one.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    canonical::write(path, text.as_bytes())
}
