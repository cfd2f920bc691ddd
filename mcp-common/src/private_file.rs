//! Files and folders that are nobody else's: definitions, keys and logs may hold what other users of the machine must not
//! read. What is there already keeps the rights that its owner gave it.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes the folder and what is missing above it, for this user only.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options that make the file, where it is not there, for this user only.
pub fn options() -> OpenOptions {
    // The two are one on other systems.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file, for a library that opens files by itself and would let others read it.
pub fn create_if_missing(path: &Path) -> io::Result<()> {
    match options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file to write at its end.
pub fn append(path: &Path) -> io::Result<File> {
    options().append(true).create(true).open(path)
}
