//! Programs from the system's packages.

use crate::command::{run, succeeds};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// A program, how to see that it is there, and the Debian packages that bring it.
struct Needed {
    program: &'static str,
    probe: &'static [&'static str],
    packages: &'static [&'static str],
}

const FOR_TESTS: &[Needed] = &[
    Needed {
        program: "curl",
        probe: &["--version"],
        packages: &["curl"],
    },
    Needed {
        program: "sqlite3",
        probe: &["--version"],
        packages: &["sqlite3"],
    },
    // Limits that replicas count together.
    Needed {
        program: "redis-server",
        probe: &["--version"],
        packages: &["redis-server"],
    },
    // A gateway whose clock is another one.
    Needed {
        program: "faketime",
        probe: &["--version"],
        packages: &["faketime"],
    },
    // RSA keys of identity providers are made for the tests.
    Needed {
        program: "openssl",
        probe: &["version"],
        packages: &["openssl"],
    },
    Needed {
        program: "python3",
        probe: &["-c", "import ensurepip, venv"],
        packages: &["python3", "python3-venv"],
    },
    Needed {
        program: "npm",
        probe: &["--version"],
        packages: &["npm"],
    },
    // What is scraped, and the rules over it, are checked as Prometheus checks them.
    Needed {
        program: "promtool",
        probe: &["--version"],
        packages: &["prometheus"],
    },
    // What is shown on a terminal is compared with what it makes of the same metrics.
    Needed {
        program: "prometheus",
        probe: &["--version"],
        packages: &["prometheus"],
    },
    // Servers of the tests are ended by it.
    Needed {
        program: "env",
        probe: &["kill", "-l"],
        packages: &["procps"],
    },
    // A terminal, for what draws on one.
    Needed {
        program: "script",
        probe: &["--version"],
        packages: &["bsdutils"],
    },
    // The Debian package is made, and taken apart.
    Needed {
        program: "dpkg-shlibdeps",
        probe: &["--version"],
        packages: &["dpkg-dev", "binutils"],
    },
    // The unit is read as systemd reads it; nothing of it runs.
    Needed {
        program: "systemd-analyze",
        probe: &["--version"],
        packages: &["systemd"],
    },
    // The console is tested in a browser.
    Needed {
        program: "chromium",
        probe: &["--version"],
        packages: &["chromium"],
    },
];

/// libFuzzer is written in it.
const FOR_FUZZ: &[Needed] = &[Needed {
    program: "c++",
    probe: &["--version"],
    packages: &["g++"],
}];

const STORES: &[Needed] = &[
    Needed {
        program: "etcd",
        probe: &["--version"],
        packages: &["etcd-server"],
    },
    Needed {
        program: "etcdctl",
        probe: &["version"],
        packages: &["etcd-client"],
    },
    // The tests start servers of their own; where the packages bring up services, those are left alone.
    Needed {
        program: "sh",
        probe: &[
            "-c",
            "PATH=$PATH:/usr/sbin:/usr/libexec; mariadbd --version && command -v mariadb-install-db",
        ],
        packages: &["mariadb-server"],
    },
    Needed {
        program: "sh",
        probe: &[
            "-c",
            "PATH=$PATH$(printf ':%s' /usr/lib/postgresql/*/bin); initdb --version && psql --version",
        ],
        packages: &["postgresql"],
    },
];

const NGINX: Needed = Needed {
    program: "nginx",
    probe: &["-v"],
    packages: &["nginx-light"],
};

pub(super) fn install() -> Result<()> {
    install_missing(FOR_TESTS)?;
    install_stores()
}

pub(super) fn install_stores() -> Result<()> {
    install_missing(STORES)
}

pub(super) fn install_for_fuzz() -> Result<()> {
    install_missing(FOR_FUZZ)
}

pub(super) fn install_nginx() -> Result<()> {
    install_missing(&[NGINX])
}

fn install_missing(needed: &[Needed]) -> Result<()> {
    let missing = needed
        .iter()
        .filter(|needed| !succeeds(needed.program, needed.probe));
    let packages: Vec<_> = missing.flat_map(|needed| needed.packages).copied().collect();
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = packages.join(" ");
    println!("installing {wanted}");
    if !succeeds("apt-get", &["--version"]) {
        bail!("please install what the Debian packages `{wanted}` hold; there is no apt-get to do it here");
    }
    let update = run(apt()?.arg("update"));
    let install = run(apt()?
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&packages));
    // An index that is not the newest is good enough if the packages come.
    install
        .and_then(|()| still_missing(needed))
        .with_context(|| match update {
            Ok(()) => format!("please install the Debian packages `{wanted}`"),
            Err(reason) => format!("please install the Debian packages `{wanted}` ({reason:#})"),
        })
}

fn still_missing(needed: &[Needed]) -> Result<()> {
    match needed
        .iter()
        .find(|needed| !succeeds(needed.program, needed.probe))
    {
        Some(needed) => bail!("`{} {}` still fails", needed.program, needed.probe.join(" ")),
        None => Ok(()),
    }
}

/// `apt-get`, as root or through a `sudo` that does not ask.
fn apt() -> Result<Command> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if succeeds("sudo", &["-n", "true"]) {
        let mut command = Command::new("sudo");
        command.args(["-n", "apt-get"]);
        command
    } else {
        bail!("neither root nor a `sudo` that works without a password");
    };
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
