//! A server process that ends with the tests, however they end.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Runs the server, says its process id, and kills it (and removes what is named in `$GONE`) when the input closes,
/// which the system does even if the tests are killed.
const GUARD: &str = r#"
"$@" </dev/null >"$LOG" 2>&1 &
server=$!
echo $server
cat >/dev/null
kill -s "$END" $server 2>/dev/null
wait $server 2>/dev/null
[ -z "$GONE" ] || rm -rf "$GONE"
"#;

pub(crate) struct Process {
    guard: Child,
    pub(crate) id: u32,
}

impl Process {
    /// `end` is the signal that ends it at once. `gone` is removed then.
    pub(crate) fn start(command: &[String], log: &Path, end: &str, gone: Option<&Path>) -> Self {
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .args(command)
            .env("LOG", log)
            .env("END", end)
            .env("GONE", gone.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut id = String::new();
        BufReader::new(guard.stdout.take().unwrap())
            .read_line(&mut id)
            .unwrap();
        Self {
            guard,
            id: id.trim().parse().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A port that nobody used a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, arguments: &[&str], package: &str) {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("`{program}` ({error}); install the package {package}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}
