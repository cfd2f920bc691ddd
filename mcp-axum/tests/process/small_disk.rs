//! A disk that can be full, and one that cannot be written, without the rights of an administrator.
//!
//! Where the system lets us, it is a small file system of the gateway's own, in a namespace. Everywhere it is a bound of
//! the process for the size of its files, and rights that are taken from a directory; so both ways are proven where the
//! first one is possible, and one is proven wherever the tests run.

use super::{Gateway, Sandbox};
use std::{
    fs::{self, File, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Larger than what a bounded process may write, and in the end larger than the small disk.
pub(crate) const LARGE: usize = 300 * 1024;
const BOUND: usize = 128 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SmallDisk {
    /// As root of a namespace, or as root.
    FileSystem(&'static [&'static str]),
    Bounds,
}

impl SmallDisk {
    /// What is possible here.
    #[expect(clippy::print_stderr, reason = "shown when a test fails: which kind it was")]
    pub(crate) fn kinds() -> impl Iterator<Item = Self> {
        let namespaces: [&[&str]; 2] = [
            &["unshare", "--user", "--map-root-user", "--mount"],
            &["unshare", "--mount"],
        ];
        let works = |namespace: &&&[&str]| {
            let directory = tempfile::tempdir().unwrap();
            let mut command = Command::new(namespace[0]);
            command.args(&namespace[1..]).args(["sh", "-c", MOUNT, "sh"]);
            command.arg(directory.path()).arg("true").stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let file_system = namespaces.iter().find(works).copied();
        let kinds = [Some(Self::Bounds), file_system.map(Self::FileSystem)];
        kinds.into_iter().flatten().inspect(|kind| eprintln!("{kind:?}"))
    }

    /// A gateway for which `disk` in its directory is the small disk.
    pub(crate) fn gateway(self, sandbox: &Sandbox, config: &str) -> Gateway {
        let disk = sandbox.path().join("disk");
        fs::create_dir_all(&disk).unwrap();
        let config = sandbox.write("test.toml", config);
        let plain = sandbox.command(&["serve", "--config", config.to_str().unwrap()]);
        let mut command = match self {
            Self::FileSystem(namespace) => {
                let mut command = Command::new(namespace[0]);
                command
                    .args(&namespace[1..])
                    .args(["sh", "-c", MOUNT, "sh"])
                    .arg(&disk);
                command
            }
            // A process is killed that reaches its bound, unless it says that it can do with an error. Nor may one be
            // root to whom a directory's rights mean nothing.
            Self::Bounds => {
                let mut command = Command::new("sh");
                command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
                if is_root() {
                    command.args(["setpriv", "--bounding-set=-all", "--inh-caps=-all"]);
                }
                command
            }
        };
        command.arg(plain.get_program()).args(plain.get_args());
        command.current_dir(sandbox.path()).stdin(Stdio::null());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("APP__APP__PORT", "0");
        Gateway::spawn_until_ready(sandbox, command)
    }

    /// The small disk, seen from here.
    pub(crate) fn path(self, sandbox: &Sandbox, gateway: &Gateway) -> PathBuf {
        let disk = sandbox.path().join("disk");
        match self {
            Self::Bounds => disk,
            Self::FileSystem(_) => {
                let root = PathBuf::from(format!("/proc/{}/root", gateway.pid()));
                root.join(disk.strip_prefix("/").unwrap())
            }
        }
    }

    /// From now on nothing large can be written.
    pub(crate) fn fill(self, sandbox: &Sandbox, gateway: &Gateway) {
        match self {
            Self::Bounds => bound(gateway, &BOUND.to_string()),
            Self::FileSystem(_) => {
                let mut filler = File::create(self.filler(sandbox, gateway)).unwrap();
                // To the last byte.
                for size in [64 * 1024, 1024, 1] {
                    assert_eq!(until_it_fails(&mut filler, size), ErrorKind::StorageFull);
                }
            }
        }
    }

    pub(crate) fn free(self, sandbox: &Sandbox, gateway: &Gateway) {
        match self {
            Self::Bounds => bound(gateway, "unlimited"),
            Self::FileSystem(_) => fs::remove_file(self.filler(sandbox, gateway)).unwrap(),
        }
    }

    /// Takes the right to write away, or gives it back.
    pub(crate) fn allow_writes(self, sandbox: &Sandbox, gateway: &Gateway, allow: bool) {
        match self {
            Self::Bounds => {
                let mode = if allow { 0o755 } else { 0o555 };
                let directories = fs::read_dir(sandbox.path().join("disk")).unwrap();
                let inside = directories
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.is_dir());
                for directory in inside.chain([sandbox.path().join("disk")]) {
                    fs::set_permissions(directory, Permissions::from_mode(mode)).unwrap();
                }
            }
            Self::FileSystem(_) => {
                let how = if allow {
                    "remount,bind,rw"
                } else {
                    "remount,bind,ro"
                };
                let mut command = self.command(sandbox, gateway, "mount");
                assert!(command.args(["-o", how, "disk"]).status().unwrap().success());
            }
        }
    }

    /// A program that sees what the gateway sees, where the gateway is.
    pub(crate) fn command(self, sandbox: &Sandbox, gateway: &Gateway, program: &str) -> Command {
        let mut command = match self {
            Self::Bounds => Command::new(program),
            Self::FileSystem(namespace) => {
                let mut command = Command::new("nsenter");
                command
                    .arg(format!("--target={}", gateway.pid()))
                    .args(["--mount", "--wd"]);
                if namespace.contains(&"--user") {
                    command.args(["--user", "--preserve-credentials"]);
                }
                command.arg(program);
                command
            }
        };
        command.current_dir(sandbox.path());
        command
    }

    fn filler(self, sandbox: &Sandbox, gateway: &Gateway) -> PathBuf {
        self.path(sandbox, gateway).join(".filler")
    }
}

/// Mounts it on `$1` and runs the rest in its place.
const MOUNT: &str = r#"mount -t tmpfs -o size=4m none "$1" && shift && exec "$@""#;

fn until_it_fails(file: &mut File, size: usize) -> ErrorKind {
    let piece = vec![0; size];
    loop {
        if let Err(error) = file.write_all(&piece) {
            return error.kind();
        }
    }
}

/// The soft limit, which a process may be given and freed of by its own user.
fn bound(gateway: &Gateway, bytes: &str) {
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--pid={}", gateway.pid()))
        .arg(format!("--fsize={bytes}:"));
    assert!(command.status().unwrap().success());
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

/// All files below, by path from there.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => directories.push(path),
                false => found.push(path.strip_prefix(directory).unwrap().display().to_string()),
            }
        }
    }
    found.retain(|name| name != ".filler");
    found.sort();
    found
}
