//! `dynmcp repl`: tools, line by line.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// An API that answers with what it was asked for.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok);
            let asked = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let path = asked.split(' ').nth(1).unwrap_or_default();
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}",
                path.len()
            );
            let _ = write!(stream, "{head}\r\n\r\n{path}");
        }
    });
    origin
}

fn with_tools(sandbox: &Sandbox) -> Gateway {
    let gateway = Gateway::start(
        sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let schema = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer", "description": "The order's number."}, "state": {"enum": ["open", "paid"]}}});
    let order = json!({"name": "get_order", "description": "Reads an order.\nOr says that there is none.", "input_schema": schema,
        "tds_ext_info": {"domain": upstream(), "method": "GET", "path": "/orders/{id}"}});
    gateway.put("tds/get_order", &order);
    let weather = json!({"name": "weather", "description": "Says what it is like outside.", "input_schema": {},
        "static": {"structured": {"sky": "grey"}}});
    gateway.put("tds/weather", &weather);
    gateway.put(
        "ids/desk",
        &json!({"name": "Desk", "tool_ids": ["get_order", "weather"]}),
    );
    gateway
}

fn says(
    sandbox: &Sandbox,
    gateway: &Gateway,
    arguments: &[&str],
    input: &str,
) -> (Option<i32>, String, String) {
    let here = ["--server", gateway.origin.as_str(), "--key", KEY];
    let mut child = sandbox
        .command(&[&["repl"], arguments, &here].concat())
        .env("XDG_STATE_HOME", sandbox.path().join("state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn lines_are_read_and_obeyed() {
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let list = "get_order id [state]\n    Reads an order. …\nweather\n    Says what it is like outside.\n";
    let table = [
        ("list\n", list.to_owned()),
        ("\n   \nlist", list.to_owned()),
        (
            "search OUTSIDE\n",
            "weather\n    Says what it is like outside.\n".to_owned(),
        ),
        (
            "search order number\nsearch state reads\n",
            "no tools\nget_order id [state]\n    Reads an order. …\n".to_owned(),
        ),
        (
            "describe get_order\n",
            "get_order (only reads)\n    Reads an order.\n    Or says that there is none.\n\
             ARGUMENT  TYPE                 DESCRIPTION\n\
             id        integer    required  The order's number.\n\
             state     open|paid\n"
                .to_owned(),
        ),
        (
            "call get_order id=7 state=paid\n",
            "/orders/7?state=paid\n".to_owned(),
        ),
        ("get_order 'id=7' --arguments '{}'\n", String::new()),
        (
            "call get_order --arguments '{\"id\": 8, \"state\": \"open\"}'\n",
            "/orders/8?state=open\n".to_owned(),
        ),
        (
            "get_order id=7 state=open\nquit\nlist\n",
            "/orders/7?state=open\n".to_owned(),
        ),
        ("exit\nlist\n", String::new()),
    ];
    for (input, expected) in &table {
        let (code, said, errors) = says(&sandbox, &gateway, &["desk"], input);
        if expected.is_empty() && input.starts_with("get_order") {
            // Behind a tool's name there are pairs alone.
            assert_eq!((code, said.as_str()), (Some(1), ""), "{input:?}");
            assert!(
                errors.contains("line 1: `--arguments` is not NAME=VALUE"),
                "{errors}"
            );
            continue;
        }
        assert_eq!(
            (code, &said, errors.as_str()),
            (Some(0), expected, ""),
            "{input:?}"
        );
    }
    let (_, said, _) = says(&sandbox, &gateway, &["desk"], "help\n");
    for name in [
        "list",
        "search",
        "describe",
        "call",
        "format",
        "quit",
        "get_order id=7",
    ] {
        assert!(said.contains(name), "{name} is not in {said}");
    }
    let (code, said, _) = says(
        &sandbox,
        &gateway,
        &["desk", "--format", "json"],
        "weather\nformat text\nlist\n",
    );
    assert_eq!(code, Some(0));
    let (first, rest) = said.split_once('\n').unwrap();
    let result: Value = serde_json::from_str(first).unwrap();
    assert_eq!(
        (&result["structuredContent"], rest),
        (&json!({"sky": "grey"}), list)
    );
    assert!(
        !sandbox.path().join("state").exists(),
        "lines of no terminal are not kept"
    );
}

#[test]
fn what_is_changed_meanwhile_is_seen_by_the_next_line() {
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let mut child = sandbox
        .command(&["repl", "desk", "--server", &gateway.origin, "--key", KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    input.write_all(b"search later\n").unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), "no tools");
    let later = json!({"name": "later", "description": "Came later.", "input_schema": {}, "static": {"structured": {"at": "last"}}});
    gateway.put("tds/later", &later);
    gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["later"]}));
    input.write_all(b"later\n").unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), r#"{"at":"last"}"#);
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_line_that_fails_ends_nothing_and_the_exit_code_tells() {
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let table = [
        (
            "get_ordre id=7",
            "desk has no tool `get_ordre`; did you mean `get_order`?",
        ),
        ("lits", "desk has no tool `lits`; did you mean `list`?"),
        ("describe nothing_like_it", "desk has no tool `nothing_like_it`"),
        ("get_order id", "`id` is not NAME=VALUE"),
        ("get_order id:=x", "id: not JSON"),
        ("get_order id=seven", "the tool reports an error"),
        (
            "get_order 'id=7",
            "a quotation mark or a backslash has nothing behind it",
        ),
        ("describe", "<TOOL>"),
        ("describe a b", "unexpected argument 'b' found"),
        ("format xml", "invalid value 'xml'"),
        ("search", "<WORDS>"),
    ];
    for (line, expected) in table {
        let (code, said, errors) = says(&sandbox, &gateway, &["desk"], &format!("list\n{line}\nweather\n"));
        assert_eq!(code, Some(1), "{line}");
        assert!(
            said.starts_with("get_order id") && said.ends_with("{\"sky\":\"grey\"}\n"),
            "{said}"
        );
        assert!(
            errors.starts_with("line 2: ") && errors.contains(expected),
            "{line}: {errors}"
        );
        assert!(errors.ends_with("dynmcp: one line failed\n"), "{errors}");
    }
    let (_, _, errors) = says(&sandbox, &gateway, &["desk"], "a\nb\n");
    assert!(errors.ends_with("dynmcp: 2 lines failed\n"), "{errors}");
    let (code, said, errors) = says(&sandbox, &gateway, &["dsek"], "list\n");
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(
        errors.contains("no instance is called `dsek`; did you mean `desk`?"),
        "{errors}"
    );
}

/// A terminal of its own, with what it has shown so far.
#[cfg(target_os = "linux")]
struct Terminal {
    child: std::process::Child,
    shown: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

#[cfg(target_os = "linux")]
impl Terminal {
    fn open(sandbox: &Sandbox, gateway: &Gateway, options: &str) -> Self {
        let mut child = sandbox
            .command_of("script", &["--quiet", "--return", "--command"])
            .arg(format!(
                "stty cols 80 rows 24; {} repl desk {options} --server {} --key {KEY}",
                env!("CARGO_BIN_EXE_dynmcp"),
                gateway.origin
            ))
            .arg("/dev/null")
            .env("TERM", "xterm-256color")
            .env("XDG_STATE_HOME", sandbox.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let (sender, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut part) {
                if sender.send(part[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            shown,
            seen: String::new(),
        }
    }

    fn press(&mut self, keys: &str) {
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Waits until it has shown this; forgets what came before it.
    fn until(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{text:?} is not in {:?}", self.seen);
            match self.shown.recv_timeout(PATIENCE) {
                Ok(part) => self.seen.push_str(&String::from_utf8_lossy(&part)),
                Err(_) => panic!("{text:?} is not in {:?}", self.seen),
            }
        }
    }

    /// Presses Ctrl-D where there is no line.
    fn leave(mut self) {
        self.press("\u{4}");
        assert!(self.child.wait().unwrap().success(), "{:?}", self.seen);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_completes_and_remembers() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let gateway = with_tools(&sandbox);
    let history = sandbox.path().join("state/dynmcp/repl-history");

    let mut terminal = Terminal::open(&sandbox, &gateway, "");
    terminal.until("has 2 tools");
    terminal.until("desk> ");
    // A tool, its arguments, a value of one: each by Tab.
    terminal.press("get\ti\t7 s\tpa\t\r");
    terminal.until("/orders/7?state=paid");
    terminal.until("desk> ");
    // Given up, a mistake, and a line that nobody is to know: each goes on.
    terminal.press("never finished\u{3}");
    terminal.until("desk> ");
    terminal.press("nonsense\r");
    terminal.until("desk has no tool `nonsense`");
    terminal.until("desk> ");
    terminal.press(" get_order id=9 state=open\r");
    terminal.until("/orders/9?state=open");
    terminal.until("desk> ");
    terminal.leave();

    let kept = fs::read_to_string(&history).unwrap();
    assert!(
        kept.contains("get_order id=7 state=paid") && kept.contains("nonsense"),
        "{kept}"
    );
    assert!(!kept.contains("id=9") && !kept.contains("never"), "{kept}");
    assert_eq!(
        fs::metadata(&history).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // The next time: up to the line before the last.
    let mut terminal = Terminal::open(&sandbox, &gateway, "");
    terminal.until("desk> ");
    terminal.press("\u{1b}[A\u{1b}[A\r");
    terminal.until("/orders/7?state=paid");
    terminal.until("desk> ");
    terminal.leave();

    fs::remove_file(&history).unwrap();
    let mut terminal = Terminal::open(&sandbox, &gateway, "--no-history");
    terminal.until("desk> ");
    terminal.press("weather\r");
    terminal.until("grey");
    terminal.until("desk> ");
    terminal.leave();
    assert!(!history.exists());
}
