//! Looks references to secrets up. Those who write definitions need not be those who run the gateway, so what can be
//! referred to is the operator's choice; what says who the machine is never can.

mod keys;
mod platform;
mod vault;
mod written;

pub use keys::{NoKeys, Sealed, SecretKeys};
use mcp_common::{
    definition::tool::{MaybeSecret, SecretReference},
    secret::{ExposeSecret, Secret},
};
pub use platform::holds_identity;
use std::{
    collections::HashMap,
    fmt,
    fs::{self, File},
    io::{self, Read},
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

pub use mcp_common::secret::SECRET_VARIABLES;
pub use vault::Vault;
pub use written::to_be_stored;
/// Where secrets of definitions are unless the operator says something else: a directory of the gateway's own, since
/// platforms put what they know of the machine into `/run/secrets`.
pub const SECRET_DIRECTORY: &str = "/run/secrets/dynmcp";

/// What definitions may refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSettings {
    /// Names of environment variables; `BILLING_*` for all that begin so. The gateway's own (`APP__…`) never, those of the
    /// platform (`AWS_…`) only where their own name, or more of it than the platform's part, is given.
    pub allow_env: Vec<String>,
    /// Where files of secrets are; none elsewhere is read, and none that a link leads to elsewhere.
    pub file_dirs: Vec<PathBuf>,
}

/// Who looks secrets up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Process {
    /// The gateway, which makes the calls.
    #[default]
    Gateway,
    /// A command; what it does not find may be there for the gateway.
    Command,
}

impl Process {
    fn place(self) -> &'static str {
        match self {
            Self::Gateway => "where the gateway runs",
            Self::Command => "where this command runs (where the gateway runs it may be)",
        }
    }
}

impl Default for SecretSettings {
    fn default() -> Self {
        Self {
            allow_env: vec![format!("{SECRET_VARIABLES}*")],
            file_dirs: vec![PathBuf::from(SECRET_DIRECTORY)],
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
    /// Those of the store.
    vault: Vault,
    looked_up_by: Process,
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
    /// Secrets with nothing looked up yet.
    pub fn new(settings: SecretSettings) -> Self {
        Self::with_vault(settings, Vault::default())
    }

    /// The same with those of the store.
    pub fn with_vault(settings: SecretSettings, vault: Vault) -> Self {
        let shared = Shared {
            settings,
            vault,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The same for a command, which may not find what the gateway finds.
    pub fn of_command(settings: SecretSettings, vault: Vault) -> Self {
        let shared = Shared {
            settings,
            vault,
            looked_up_by: Process::Command,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Those of the store.
    pub fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// The secret, or why there is none; the reason never has a secret in it.
    pub fn find(&self, reference: &SecretReference) -> Result<Arc<Secret>, String> {
        let found = match reference {
            SecretReference::Env(name) => self.variable(name),
            SecretReference::File(path) => self.file(path),
            SecretReference::Stored(name) => self.shared.vault.find(name),
        };
        found.map_err(|reason| format!("{reference} {reason}"))
    }

    pub(crate) fn find_text(&self, text: &MaybeSecret) -> Result<Arc<Secret>, String> {
        match text {
            MaybeSecret::Plain(text) => Ok(Arc::new(Secret::from(text.clone()))),
            MaybeSecret::Reference(reference) => self.find(reference),
        }
    }

    fn variable(&self, name: &str) -> Result<Arc<Secret>, String> {
        if name.starts_with(OWN_PREFIX) {
            return Err("is not allowed: it belongs to the gateway's own configuration, which `secrets.allow_env` does not open".into());
        }
        let family = platform::family(name);
        let allows = |rule: &String| match rule.strip_suffix('*') {
            Some(start) => name.starts_with(start) && family.is_none_or(|family| start.starts_with(family)),
            None => name == rule,
        };
        if !self.shared.settings.allow_env.iter().any(allows) {
            let why = family.map_or_else(String::new, |family| {
                format!("; `{family}…` says who the machine is, so `*` does not mean it")
            });
            return Err(format!(
                "is not allowed: add its name to `secrets.allow_env` of the gateway's configuration{why}"
            ));
        }
        let mut variables = self
            .shared
            .variables
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = variables.get(name) {
            return Ok(secret.clone());
        }
        let place = self.shared.looked_up_by.place();
        let value = std::env::var(name).map_err(|_| format!("is not set {place}"))?;
        if value.is_empty() {
            return Err(format!("is empty {place}"));
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
        let text = read(&real).map_err(|error| format!("cannot be read: {}", error.kind()))?;
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

    /// The file itself, if it is where secrets may be, links followed. Nothing is said about files elsewhere, not even
    /// whether they are there.
    fn allowed(&self, path: &Path) -> Result<(PathBuf, fs::Metadata), String> {
        let dirs = &self.shared.settings.file_dirs;
        if platform::holds_identity(path) {
            return Err(platform::REFUSAL.into());
        }
        if !dirs.iter().any(|dir| path.starts_with(dir)) {
            let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            let dirs = dirs.join(", ");
            return Err(format!(
                "is not allowed: it is not in a directory of `secrets.file_dir` of the gateway's configuration ({dirs})"
            ));
        }
        let cannot = |error: io::Error| format!("cannot be read: {}", error.kind());
        let real = fs::canonicalize(path).map_err(cannot)?;
        if platform::holds_identity(&real) {
            return Err(platform::REFUSAL.into());
        }
        // Kubernetes mounts secrets as links to `..data` beside them; those stay inside.
        let mut real_dirs = dirs.iter().filter_map(|dir| fs::canonicalize(dir).ok());
        if !real_dirs.any(|dir| real.starts_with(dir)) {
            return Err(
                "is not allowed: a link leads out of the directories of `secrets.file_dir` of the gateway's configuration"
                    .into(),
            );
        }
        let metadata = fs::metadata(&real).map_err(cannot)?;
        if !metadata.is_file() || metadata.len() > MAX_FILE {
            return Err(format!("is not a file of at most {MAX_FILE} bytes"));
        }
        Ok((real, metadata))
    }
}

/// However much it has become meanwhile.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
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
            ("${env:APP__APP__API_KEY}", "the gateway's own configuration"),
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
        let reason = secrets.find(&link).unwrap_err();
        assert!(reason.contains("a link leads out of"), "{reason}");
        fs::remove_dir_all(&dir).unwrap();
    }

    /// The links are those with which Kubernetes mounts a secret and changes one.
    #[cfg(unix)]
    #[test]
    fn links_inside_the_directory_are_followed() {
        use std::os::unix::fs::symlink;
        let dir = std::env::temp_dir().join(format!("dynmcp-mounted-{}", std::process::id()));
        fs::create_dir_all(dir.join("..2026_1")).unwrap();
        fs::write(dir.join("..2026_1/token"), "first").unwrap();
        symlink("..2026_1", dir.join("..data")).unwrap();
        symlink("..data/token", dir.join("token")).unwrap();
        let secrets = Secrets::new(SecretSettings {
            file_dirs: vec![dir.clone()],
            ..SecretSettings::default()
        });
        let token = reference(&format!("${{file:{}/token}}", dir.display()));
        assert_eq!(secrets.find(&token).unwrap().expose_secret(), "first");
        fs::create_dir(dir.join("..2026_2")).unwrap();
        fs::write(dir.join("..2026_2/token"), "second").unwrap();
        symlink("..2026_2", dir.join("..next")).unwrap();
        fs::rename(dir.join("..next"), dir.join("..data")).unwrap();
        fs::remove_dir_all(dir.join("..2026_1")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while secrets.find(&token).unwrap().expose_secret() != "second" {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(50));
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    /// However the operator has opened the way, and however the file is reached.
    #[cfg(unix)]
    #[test]
    fn identities_of_the_platform_are_never_read() {
        let dir = std::env::temp_dir().join(format!("dynmcp-identity-{}", std::process::id()));
        let account = dir.join("run/secrets/kubernetes.io/serviceaccount");
        fs::create_dir_all(&account).unwrap();
        fs::create_dir_all(dir.join("run/secrets/dynmcp")).unwrap();
        fs::write(account.join("token"), "who the pod is").unwrap();
        std::os::unix::fs::symlink("run", dir.join("var-run")).unwrap();
        std::os::unix::fs::symlink(
            "../kubernetes.io/serviceaccount",
            dir.join("run/secrets/dynmcp/link"),
        )
        .unwrap();
        let secrets = Secrets::new(SecretSettings {
            file_dirs: vec![dir.clone(), account.clone(), PathBuf::from("/proc")],
            allow_env: vec!["*".into()],
        });
        for path in [
            "run/secrets/kubernetes.io/serviceaccount/token",
            "run/secrets//kubernetes.io/./serviceaccount/token",
            "var-run/secrets/kubernetes.io/serviceaccount/token",
            "run/secrets/dynmcp/link/token",
            "run/secrets/eks.amazonaws.com/serviceaccount/token",
        ] {
            let reason = secrets
                .find(&reference(&format!("${{file:{}/{path}}}", dir.display())))
                .unwrap_err();
            assert!(reason.contains("who the machine is"), "{reason}");
        }
        let environment = secrets
            .find(&reference("${file:/proc/self/environ}"))
            .unwrap_err();
        assert!(environment.contains("who the machine is"), "{environment}");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_star_does_not_mean_what_the_platform_set() {
        let with = |rule: &str| {
            Secrets::new(SecretSettings {
                allow_env: vec![rule.into()],
                ..SecretSettings::default()
            })
        };
        let find = |rule: &str, name: &str| {
            let reason = with(rule).find(&reference(&format!("${{env:{name}}}")));
            reason.map(|_| String::new()).unwrap_or_else(|reason| reason)
        };
        for name in ["AWS_SECRET_ACCESS_KEY", "KUBERNETES_TOKEN", "VAULT_TOKEN"] {
            for rule in ["*", "A*", "KUBE*", "V*"] {
                let reason = find(rule, name);
                assert!(reason.contains("secrets.allow_env"), "{rule}: {reason}");
            }
            // Not set here, but it would be looked up.
            assert!(find(name, name).contains("is not set"), "{name}");
        }
        assert!(find("AWS_SECRET*", "AWS_SECRET_ACCESS_KEY").contains("is not set"));
        assert!(find("*", "DYNMCP_TEST_THAT_IS_NOT_SET").contains("is not set"));
        assert!(find("APP__*", "APP__APP__API_KEY").contains("the gateway's own configuration"));
    }
}
