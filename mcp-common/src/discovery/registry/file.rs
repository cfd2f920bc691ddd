//! The file that keeps registrations over a restart: written whole beside the old one, which it then replaces.

use super::{Entry, shared::InStore};
use crate::{discovery::Registration, private_file};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Why registrations are not kept.
#[derive(Debug, thiserror::Error)]
#[error("registrations cannot be written to `{path}`, and would not outlive a restart: {cause}", path = .path.display())]
pub struct NotKept {
    path: PathBuf,
    cause: io::Error,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    servers: Vec<KeptServer>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KeptServer {
    #[serde(flatten)]
    pub(super) registration: Registration,
    id: String,
    owner: Arc<str>,
    registered_at_ms: u64,
    last_seen_ms: u64,
    #[serde(default)]
    stale: bool,
    /// Which version of it was in the store that replicas share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
}

pub(super) struct File {
    path: PathBuf,
    /// The version that is written. Held while one is.
    written: Mutex<u64>,
}

impl File {
    /// With what is in it. A file that cannot be read is put aside, so that nothing of it is lost.
    pub(super) fn open(path: PathBuf) -> (Self, Vec<Entry>) {
        let kept = match fs::read(&path) {
            Ok(text) => serde_json::from_slice::<Kept>(&text).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept { servers: Vec::new() }),
            Err(error) => Err(error.to_string()),
        };
        let servers = kept.map(|kept| kept.servers).unwrap_or_else(|reason| {
            let aside = aside(&path);
            let moved = fs::rename(&path, &aside).is_ok();
            let (file, aside) = (path.display(), aside.display());
            tracing::error!(%file, %aside, moved, reason, "registrations cannot be read; the file is put aside, and nobody is registered");
            Vec::new()
        });
        let file = Self {
            path,
            written: Mutex::new(0),
        };
        (file, servers.into_iter().map(Entry::from).collect())
    }

    /// Writes the entries, unless their version is written: it is asked first, since entries are many. What changes between the two is written now, and once more
    /// with its own version.
    pub(super) fn keep(
        &self,
        version: impl FnOnce() -> u64,
        entries: impl FnOnce() -> Vec<Entry>,
    ) -> Result<(), NotKept> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version();
        if *written == version {
            return Ok(());
        }
        let kept = Kept {
            servers: entries().into_iter().map(KeptServer::from).collect(),
        };
        self.replace(&kept).map_err(|cause| NotKept {
            path: self.path.clone(),
            cause,
        })?;
        *written = version;
        Ok(())
    }

    fn replace(&self, kept: &Kept) -> io::Result<()> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_file::create_folder(folder)?;
        }
        let new = self.path.with_extension("new.json");
        let mut file = private_file::options()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        fs::rename(new, &self.path)
    }
}

/// Where a file is put that cannot be read: another one may be there already.
fn aside(path: &Path) -> PathBuf {
    let usual = path.with_extension("broken.json");
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    if is_free(&usual) {
        return usual;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut dated = (now.as_secs()..).map(|seconds| path.with_extension(format!("broken-{seconds}.json")));
    dated.find(is_free).unwrap_or(usual)
}

impl From<KeptServer> for Entry {
    fn from(kept: KeptServer) -> Self {
        let at = |ms: u64| UNIX_EPOCH + Duration::from_millis(ms);
        Self {
            registration: kept.registration,
            id: kept.id,
            owner: kept.owner,
            registered_at: at(kept.registered_at_ms),
            last_seen: at(kept.last_seen_ms),
            seen: Instant::now(),
            is_stale: kept.stale,
            in_store: InStore::of(kept.version),
        }
    }
}

impl From<Entry> for KeptServer {
    fn from(entry: Entry) -> Self {
        let ms = |at: SystemTime| {
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        Self {
            id: entry.id,
            owner: entry.owner,
            registered_at_ms: ms(entry.registered_at),
            last_seen_ms: ms(entry.last_seen),
            stale: entry.is_stale,
            version: entry.in_store.version(),
            registration: entry.registration,
        }
    }
}
