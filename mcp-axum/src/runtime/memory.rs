//! How much memory there is: of the machine, or of the container that the gateway runs in.

use crate::settings::AutoSize;
use mcp_common::byte_size::ByteSize;
#[cfg(unix)]
use rustix::process::{Resource, getrlimit};
use std::{fs, path::Path};

/// What bodies and answers in flight may take: a fourth. The rest is for definitions, for what is made of an answer while
/// it is worked on, and for what everybody needs.
const PART: u64 = 4;
/// The memory below which nothing sensible could be served.
const LEAST: u64 = 64 << 20;
/// What compiled tools may take: an eighth.
const PART_COMPILED: u64 = 8;
/// The memory for them below which even a small gateway would compile all the time.
const LEAST_COMPILED: u64 = 32 << 20;
/// Where the system does not say how much there is.
const UNKNOWN: u64 = 2 << 30;

/// The bytes of `app.memory_budget`.
pub(crate) fn budget(setting: AutoSize) -> u64 {
    part(setting, PART, LEAST)
}

/// The bytes of `app.compiled_memory`.
pub(crate) fn compiled(setting: AutoSize) -> u64 {
    part(setting, PART_COMPILED, LEAST_COMPILED)
}

fn part(setting: AutoSize, part: u64, least: u64) -> u64 {
    match setting {
        AutoSize::Bytes(ByteSize(bytes)) => bytes,
        AutoSize::Auto => (available(Path::new("/")).min(allowed()) / part).max(least),
    }
}

/// What the process may have, where somebody bounds it (`ulimit -v`, `-d`).
fn allowed() -> u64 {
    #[cfg(unix)]
    let most = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    #[cfg(not(unix))]
    let most = [None];
    most.into_iter().flatten().min().unwrap_or(u64::MAX)
}

/// The memory of the machine whose files are below `root`.
fn available(root: &Path) -> u64 {
    let machine = machine(root).unwrap_or(UNKNOWN);
    groups(root).into_iter().fold(machine, u64::min)
}

/// `MemTotal:       16384 kB`
fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The limits of this process' control groups and of all above them, of both versions. Inside of a container the group's
/// own files may stand at the top whatever its path says, so that these are always looked at.
fn groups(root: &Path) -> Vec<u64> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut limits = Vec::new();
    // `0::/path` of version 2, `7:memory:/path` of version 1.
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (mount, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let limit = fs::read_to_string(root.join(mount).join(group).join(file)).ok();
            // Version 2 writes `max` where there is none, version 1 a number that no machine has.
            limits.extend(limit.and_then(|text| text.trim().parse::<u64>().ok()));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine_with(files: &[(&str, &str)]) -> u64 {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available(directory.path())
    }

    #[test]
    fn the_least_of_the_machine_and_of_all_groups_counts() {
        let meminfo = ("proc/meminfo", "MemTotal:        4000 kB\nMemFree: 1 kB\n");
        assert_eq!(machine_with(&[]), UNKNOWN);
        assert_eq!(machine_with(&[meminfo]), 4_096_000);
        let version_2 = [
            meminfo,
            ("proc/self/cgroup", "0::/pods/a\n"),
            ("sys/fs/cgroup/pods/a/memory.max", "max\n"),
            ("sys/fs/cgroup/pods/memory.max", "3000000\n"),
        ];
        assert_eq!(machine_with(&version_2), 3_000_000);
        let inside = [
            meminfo,
            ("proc/self/cgroup", "0::/not/seen/from/here\n"),
            ("sys/fs/cgroup/memory.max", "2000000\n"),
        ];
        assert_eq!(machine_with(&inside), 2_000_000);
        let version_1 = [
            meminfo,
            ("proc/self/cgroup", "9:cpu,cpuacct:/x\n7:memory:/docker/b\n"),
            ("sys/fs/cgroup/memory/docker/b/memory.limit_in_bytes", "1000000\n"),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ];
        assert_eq!(machine_with(&version_1), 1_000_000);
    }
}
