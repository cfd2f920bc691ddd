//! `file_watch`: a file that lists servers, looked at again and again. Files that are replaced, links that lead elsewhere and file systems that tell
//! nothing are all the same to it.

use super::seen;
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    discovery::{Discovery, Habits, Look, NotSeen, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

/// Makes `file_watch`.
#[derive(Default)]
pub struct FileWatch;

#[mcp_common::discovery("file_watch")]
impl DiscoveryFactory for FileWatch {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(5),
            is_trusted: true,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        path(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Watched {
            path: path(place, settings)?,
            most: gateway.max_bytes,
            last: None,
        }))
    }
}

fn path(place: &str, settings: &Settings) -> Result<PathBuf, PluginError> {
    let table = Table::new(place, settings, &["file_path"])?;
    match table.text("file_path")? {
        Some(path) => Ok(path.into()),
        None => Err(table.wrong("file_path", "is missing: the file that lists servers")),
    }
}

struct Watched {
    path: PathBuf,
    most: usize,
    last: Option<Bytes>,
}

#[async_trait]
impl Discovery for Watched {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let (path, most) = (self.path.clone(), self.most);
        let reading = tokio::task::spawn_blocking(move || bounded(&path, most)).await;
        let shown = self.path.display();
        let read = reading.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        let text = read.map_err(|error| NotSeen::Broken(format!("{shown} cannot be read: {error}")))?;
        seen(text, &mut self.last).map_err(|reason| NotSeen::Broken(format!("{shown} {reason}")))
    }
}

/// A whole file. What is no file (a pipe, a device) might never end.
fn bounded(path: &Path, most: usize) -> io::Result<Bytes> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut text)?;
    if text.len() > most {
        return Err(io::Error::other(format!(
            "it has more than {most} bytes (max_bytes)"
        )));
    }
    Ok(text.into())
}
