//! Looks references to secrets up. Those who write definitions need not be those who run the gateway, so what can be
//! referred to is the operator's choice.

use mcp_common::{
    definition::tool::{MaybeSecret, SecretReference},
    secret::{ExposeSecret, Secret},
};
use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// A changed file is noticed after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Larger files are no secrets.
const MAX_FILE: u64 = 64 << 10;
/// The gateway's own configuration, with its keys.
const OWN_PREFIX: &str = "APP__";

/// How names of environment variables begin that definitions may use unless the operator says something else.
pub const SECRET_VARIABLES: &str = "DYNMCP_SECRET_";

/// What definitions may refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSettings {
    /// Names of environment variables; `BILLING_*` for all that begin so. The gateway's own (`APP__…`) never.
    pub allow_env: Vec<String>,
    /// Where files of secrets are; none elsewhere is read.
    pub file_dirs: Vec<PathBuf>,
}

impl Default for SecretSettings {
    fn default() -> Self {
        Self {
            allow_env: vec![format!("{SECRET_VARIABLES}*")],
            file_dirs: vec![PathBuf::from("/run/secrets")],
        }
    }
}

/// Looks secrets up and remembers them. Clones share what is remembered.
#[derive(Clone, Default)]
pub struct Secrets {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    settings: SecretSettings,
    files: Mutex<HashMap<String, Remembered>>,
    variables: Mutex<HashMap<String, Arc<Secret>>>,
}

struct Remembered {
    secret: Arc<Secret>,
    looked: Instant,
    changed: Option<SystemTime>,
    size: u64,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.shared.settings).finish()
    }
}

impl Secrets {
    /// With nothing looked up yet.
    pub fn new(settings: SecretSettings) -> Self {
        let shared = Shared {
            settings,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The secret, or why there is none; the reason never has a secret in it.
    pub fn find(&self, reference: &SecretReference) -> Result<Arc<Secret>, String> {
        let found = match reference {
            SecretReference::Env(name) => self.variable(name),
            SecretReference::File(path) => self.file(path),
        };
        found.map_err(|reason| format!("{reference} {reason}"))
    }

    pub(super) fn find_text(&self, text: &MaybeSecret) -> Result<Arc<Secret>, String> {
        match text {
            MaybeSecret::Plain(text) => Ok(Arc::new(Secret::from(text.clone()))),
            MaybeSecret::Reference(reference) => self.find(reference),
        }
    }

    fn variable(&self, name: &str) -> Result<Arc<Secret>, String> {
        let allows = |rule: &String| match rule.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == rule,
        };
        if name.starts_with(OWN_PREFIX) || !self.shared.settings.allow_env.iter().any(allows) {
            return Err(
                "is not allowed: add its name to `secrets.allow_env` of the gateway's configuration".into(),
            );
        }
        let mut variables = self
            .shared
            .variables
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = variables.get(name) {
            return Ok(secret.clone());
        }
        let value = std::env::var(name).map_err(|_| "is not set where the gateway runs".to_owned())?;
        if value.is_empty() {
            return Err("is empty where the gateway runs".into());
        }
        let secret = Arc::new(Secret::from(value));
        variables.insert(name.to_owned(), secret.clone());
        Ok(secret)
    }

    fn file(&self, path: &str) -> Result<Arc<Secret>, String> {
        let mut files = self.shared.files.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = files.get(path);
        if let Some(remembered) = remembered.filter(|file| file.looked.elapsed() < LOOK_AGAIN) {
            return Ok(remembered.secret.clone());
        }
        let (real, metadata) = self.allowed(Path::new(path))?;
        let changed = metadata.modified().ok();
        if let Some(remembered) = files.get_mut(path)
            && remembered.changed == changed
            && remembered.size == metadata.len()
            && changed.is_some_and(|changed| changed.elapsed().is_ok_and(|age| age > LOOK_AGAIN * 2))
        {
            remembered.looked = Instant::now();
            return Ok(remembered.secret.clone());
        }
        let text = fs::read_to_string(real).map_err(|error| format!("cannot be read: {}", error.kind()))?;
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty".into());
        }
        let remembered = Remembered {
            secret: Arc::new(Secret::from(text)),
            looked: Instant::now(),
            changed,
            size: metadata.len(),
        };
        let secret = remembered.secret.clone();
        files.insert(path.to_owned(), remembered);
        Ok(secret)
    }

    /// The file itself, if it is where secrets may be, links followed.
    fn allowed(&self, path: &Path) -> Result<(PathBuf, fs::Metadata), String> {
        let forbidden = || "is not allowed (`secrets.file_dir` of the gateway's configuration)".to_owned();
        let dirs = &self.shared.settings.file_dirs;
        if !dirs.iter().any(|dir| path.starts_with(dir)) {
            return Err(forbidden());
        }
        let real = fs::canonicalize(path).map_err(|error| format!("cannot be read: {}", error.kind()))?;
        let mut real_dirs = dirs.iter().filter_map(|dir| fs::canonicalize(dir).ok());
        if !real_dirs.any(|dir| real.starts_with(dir)) {
            return Err(forbidden());
        }
        let metadata = fs::metadata(&real).map_err(|error| format!("cannot be read: {}", error.kind()))?;
        if !metadata.is_file() || metadata.len() > MAX_FILE {
            return Err(format!("is not a file of at most {MAX_FILE} bytes"));
        }
        Ok((real, metadata))
    }
}

/// The text without the secret, should the other side have repeated it.
pub(super) fn redacted(text: &str, secret: &Secret) -> String {
    match secret.expose_secret() {
        "" => text.to_owned(),
        secret => text.replace(secret, "[redacted]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> SecretReference {
        SecretReference::parse(text).unwrap()
    }

    #[test]
    fn only_what_the_operator_allows_is_looked_up() {
        let settings = SecretSettings {
            allow_env: vec!["PAT*".into(), "HOME".into(), "APP__*".into()],
            file_dirs: vec![std::env::temp_dir()],
        };
        let secrets = Secrets::new(settings);
        assert!(secrets.find(&reference("${env:PATH}")).is_ok());
        for (text, expected) in [
            ("${env:USER}", "secrets.allow_env"),
            ("${env:APP__APP__API_KEY}", "secrets.allow_env"),
            ("${env:PATH_THAT_IS_NOT_SET}", "is not set"),
            ("${file:/etc/passwd}", "secrets.file_dir"),
        ] {
            let reason = secrets.find(&reference(text)).unwrap_err();
            assert!(reason.starts_with(text) && reason.contains(expected), "{reason}");
        }
        assert!(!format!("{secrets:?}").contains(&std::env::var("PATH").unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn a_changed_file_is_read_again_and_links_lead_nowhere_else() {
        let dir = std::env::temp_dir().join(format!("dynmcp-secrets-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let settings = SecretSettings {
            file_dirs: vec![dir.clone()],
            ..SecretSettings::default()
        };
        let secrets = Secrets::new(settings);
        let path = dir.join("token");
        fs::write(&path, "first\n").unwrap();
        let token = reference(&format!("${{file:{}}}", path.display()));
        assert_eq!(secrets.find(&token).unwrap().expose_secret(), "first");
        fs::write(&path, "second\n").unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while secrets.find(&token).unwrap().expose_secret() != "second" {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(50));
        }
        std::os::unix::fs::symlink("/etc/hostname", dir.join("link")).unwrap();
        let link = reference(&format!("${{file:{}}}", dir.join("link").display()));
        assert!(secrets.find(&link).unwrap_err().contains("secrets.file_dir"));
        fs::remove_dir_all(&dir).unwrap();
    }
}
