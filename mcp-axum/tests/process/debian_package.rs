//! The Debian package: made of this binary, taken apart, and what it would put in place used there.

use super::Sandbox;
use std::{path::Path, process::Command};

const BUILD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/debian/build.sh");

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{why}");
    said
}

#[test]
fn it_has_what_a_service_needs() {
    let sandbox = Sandbox::new();
    output(
        Command::new("sh")
            .args([BUILD, env!("CARGO_BIN_EXE_dynmcp")])
            .arg(sandbox.path())
            // What is shipped is packed; packing takes a minute for nothing here.
            .env("DPKG_DEB_COMPRESSOR_TYPE", "none"),
    );
    let version = env!("CARGO_PKG_VERSION");
    let made = sandbox.files();
    let [package] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert!(package.starts_with(&format!("dynmcp_{version}_")), "{package}");
    let package = sandbox.path().join(package);

    let control = output(Command::new("dpkg-deb").arg("--field").arg(&package));
    for field in [format!("Version: {version}"), "Depends: libc6 (>= ".to_owned()] {
        assert!(control.contains(&field), "{control}");
    }
    let root = sandbox.path().join("root");
    output(
        Command::new("dpkg-deb")
            .arg("--raw-extract")
            .arg(&package)
            .arg(&root),
    );
    let unit = std::fs::read_to_string(root.join("usr/lib/systemd/system/dynmcp.service")).unwrap();
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let mut words = start
        .split(' ')
        .map(|word| root.join(word.trim_start_matches('/')));
    let program = words.next().unwrap();
    let configuration = words.next_back().unwrap();
    let checked = output(
        sandbox
            .command_of(&program, &["config", "check", "--config"])
            .arg(&configuration),
    );
    assert!(checked.starts_with("ok: "), "{checked}");

    let conffiles = std::fs::read_to_string(root.join("DEBIAN/conffiles")).unwrap();
    assert_eq!(root.join(conffiles.trim().trim_start_matches('/')), configuration);
    for script in ["postinst", "prerm", "postrm"] {
        output(Command::new("sh").arg("-n").arg(root.join("DEBIAN").join(script)));
    }
    for file in [
        "usr/share/man/man1/dynmcp.1.gz",
        "usr/share/man/man1/dynmcp-serve.1.gz",
        "usr/share/bash-completion/completions/dynmcp",
        "usr/share/zsh/vendor-completions/_dynmcp",
        "usr/share/fish/vendor_completions.d/dynmcp.fish",
        "usr/share/doc/dynmcp/copyright",
    ] {
        let size = std::fs::metadata(root.join(file)).unwrap().len();
        assert!(size > 50, "{file}");
    }
    let configured = std::fs::metadata(&configuration).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&configured.permissions());
    assert_eq!(mode & 0o777, 0o644, "the service's own user reads it");
    assert!(
        !Path::new(&root).join("var").exists(),
        "what a gateway writes is its own"
    );
}
