//! What `cargo xtask test` installed into `.tools`: Node.js with its packages, Python with its packages.

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// Paths into `.tools`.
pub struct Toolbox {
    root: PathBuf,
}

impl Toolbox {
    /// Tells how to install what is missing. Nothing is skipped silently.
    pub fn open() -> Result<Self> {
        let root = workspace().join(".tools");
        let toolbox = Self { root };
        for needed in [toolbox.node(), toolbox.python()] {
            if !needed.exists() {
                bail!(
                    "{} is missing: `cargo xtask test` installs what this test needs",
                    needed.display()
                );
            }
        }
        Ok(toolbox)
    }

    /// The Node.js executable.
    pub fn node(&self) -> PathBuf {
        self.root.join("node/bin/node")
    }

    /// Scripts that live elsewhere resolve their packages from here (`createRequire`).
    pub fn node_packages(&self) -> PathBuf {
        self.root.join("node/")
    }

    /// Where the identity provider is installed.
    pub fn provider(&self) -> Result<PathBuf> {
        let directory = self.root.join("provider");
        if !directory.join("installed").exists() {
            bail!(
                "{} is missing: `cargo xtask tools` installs it",
                directory.display()
            );
        }
        Ok(directory)
    }

    /// A file of an installed Node.js package.
    pub fn node_module(&self, path: &str) -> PathBuf {
        self.root.join("node/node_modules").join(path)
    }

    /// Where Python finds the everything server of this release of its SDK.
    pub fn everything(&self, release: &str) -> PathBuf {
        self.root.join(format!("everything-{release}"))
    }

    /// The Python executable with an SDK that knows the older revisions alone.
    pub fn old_python(&self) -> PathBuf {
        self.root.join("python-old/bin/python")
    }

    /// The Python executable.
    pub fn python(&self) -> PathBuf {
        self.root.join("python/bin/python")
    }
}

/// The workspace's root.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
}
