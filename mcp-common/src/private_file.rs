//! Files and folders that are nobody else's: definitions, keys and logs may hold what other users of the machine must not
//! read. What is there already keeps the rights that its owner gave it.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
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

/// Writes a file anew: after a power cut there is the old one or the new one. What is missing of its folder is made.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    create_folder(folder)?;
    // Another name for each: two may write at once, in this process or in another one. For this user alone, too.
    let mut unfinished = tempfile::Builder::new()
        .prefix(path.file_stem().unwrap_or_default())
        .suffix(&format!(".{UNFINISHED}"))
        .tempfile_in(folder)?;
    unfinished.write_all(content)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(path)?;
    Ok(())
}

/// How the name of a file ends that [`replace`] has not finished.
pub const UNFINISHED: &str = "tmp";

/// Opens a file to write at its end.
pub fn append(path: &Path) -> io::Result<File> {
    options().append(true).create(true).open(path)
}

/// Whether something could be written there, without leaving anything: what is not there would be made in the nearest folder
/// above that is.
pub fn could_be_written(path: &Path) -> io::Result<()> {
    let mut at = path;
    loop {
        match std::fs::metadata(at) {
            Ok(found) if found.is_dir() => return may_make(at),
            Ok(_) if at == path => return may_write(at),
            Ok(_) => return Err(io::Error::other(format!("`{}` is no folder", at.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Below a file there is no folder.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(error),
        }
        at = match at.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return Ok(()),
        };
    }
}

/// Makes a file without a name, since rights alone do not tell: nothing can be made in `/proc`, or where the disk is full, whoever asks.
fn may_make(folder: &Path) -> io::Result<()> {
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "nothing can be made in `{}`: {}",
                folder.display(),
                in_words(&error)
            ),
        )),
    }
}

/// What the system calls a file that is not there is, for a new one, a folder that takes none.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it takes no files".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(unix)]
fn may_write(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path)?.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        could_be_written(&file).unwrap();
        could_be_written(&folder.path().join("new/and/new.db")).unwrap();
        let error = could_be_written(&file.join("below.db")).unwrap_err();
        assert!(error.to_string().contains("is no folder"), "{error}");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing was left"
        );
    }

    #[test]
    fn many_who_write_at_once_leave_one_of_their_texts_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/a.b.login");
        std::thread::scope(|scope| {
            for text in 0..8_u8 {
                let file = &file;
                scope.spawn(move || {
                    for _ in 0..20 {
                        replace(file, &[text; 4096]).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read(&file).unwrap();
        assert!(text.len() == 4096 && text.iter().all(|byte| *byte == text[0]));
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_no_files_is_known_whoever_asks() {
        for path in ["/proc/x/d.db", "/proc/new"] {
            let error = could_be_written(Path::new(path)).unwrap_err();
            assert!(
                error.to_string().starts_with("nothing can be made in `/proc`: "),
                "{error}"
            );
        }
    }
}
