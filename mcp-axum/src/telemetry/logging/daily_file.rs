//! A file for each day (UTC), for this user only; the oldest ones are removed.

use mcp_common::private_file;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};
use time::{Date, OffsetDateTime};

const DAY_SECONDS: u64 = 24 * 3_600;

pub(super) struct DailyFile {
    directory: PathBuf,
    /// How the names begin.
    name: String,
    max_files: usize,
    /// Days since 1970, and that day's file.
    open: Option<(u64, File)>,
}

impl DailyFile {
    /// Opens the file of today, so that a folder which cannot be used is found out at once.
    pub(super) fn open(directory: PathBuf, name: &str, max_files: usize) -> io::Result<Self> {
        private_file::create_folder(&directory)?;
        let mut file = Self {
            directory,
            name: name.to_owned(),
            max_files,
            open: None,
        };
        file.at(SystemTime::now())?;
        Ok(file)
    }

    /// The file of that day.
    fn at(&mut self, now: SystemTime) -> io::Result<&mut File> {
        let today = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY_SECONDS;
        if self.open.as_ref().is_none_or(|(day, _)| *day != today) {
            let path = self
                .directory
                .join(self.file_name(OffsetDateTime::from(now).date()));
            self.open = Some((today, private_file::append(&path)?));
            self.prune();
        }
        let file = self.open.as_mut().map(|(_, file)| file);
        file.ok_or_else(|| io::Error::other("no file is open"))
    }

    fn file_name(&self, day: Date) -> String {
        format!("{}.{day}.log", self.name)
    }

    /// What cannot be removed stays; the next day tries again.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ours: Vec<String> = names.filter(|name| self.is_ours(name)).collect();
        // Dates of one length are in the order of their names.
        ours.sort_unstable();
        for name in ours.iter().rev().skip(self.max_files) {
            let _ = fs::remove_file(self.directory.join(name));
        }
    }

    /// `name.2026-07-28.log`
    fn is_ours(&self, file: &str) -> bool {
        let day = file
            .strip_prefix(&self.name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(".log"));
        day.is_some_and(|day| {
            day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
    }
}

impl Write for DailyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.at(SystemTime::now())?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |(_, file)| file.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_new_day_is_a_new_file_and_only_the_last_ones_stay() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("logs");
        let mut file = DailyFile::open(folder.clone(), "gw", 2).unwrap();
        fs::write(folder.join("gw.notes.log"), "not ours").unwrap();
        for day in [1_u64, 2, 2, 3] {
            let now = UNIX_EPOCH + Duration::from_secs(day * DAY_SECONDS + 7);
            file.at(now).unwrap().write_all(b"x").unwrap();
        }
        let mut names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        // Today's, which was opened first, is the latest of all.
        assert!(names.len() == 3 && names[0] == "gw.1970-01-04.log", "{names:?}");
        assert_eq!(fs::read_to_string(folder.join("gw.1970-01-04.log")).unwrap(), "x");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder), 0o700);
            assert_eq!(mode(&folder.join("gw.1970-01-04.log")), 0o600);
        }
    }
}
