//! Holds the direction of imports inside this crate, `docs/ARCHITECTURE.md`: a room imports only what stands below it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The rooms of the crate from the ground up. Each may import those before it.
const ROOMS: &[&str] = &[
    "growth",
    "stack",
    "spans",
    "spec",
    "activity",
    "via",
    "peer",
    "live",
    "fleet",
    "json",
    "relay",
    "encode",
    "framing",
    "secrets",
    "tls_material",
    "egress",
    "connect",
    "oauth",
    "tool",
    "engine",
    "upstream",
    "telemetry",
    "view",
    "policy",
    "protocol",
];

/// Stands beside the way of a call: it may import every room but the protocol, and no room imports it.
const BESIDE: &str = "authoring";

/// Rooms side by side: what one of them does is nothing that the other may need.
const STRANGERS: [&str; 2] = ["engine", "upstream"];

/// One import of a room by another.
#[derive(Debug)]
struct Import {
    /// File and line, as editors open them.
    place: String,
    from: String,
    to: String,
}

impl Import {
    fn is_allowed(&self) -> bool {
        let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
        match (rank(&self.from), rank(&self.to)) {
            _ if self.from == self.to => true,
            _ if [&self.from, &self.to].map(|room| STRANGERS.contains(&&**room)) == [true, true] => false,
            (Some(from), Some(to)) => to < from,
            (None, Some(_)) => self.from == BESIDE && self.to != "protocol",
            _ => false,
        }
    }
}

#[test]
fn imports_lead_downward() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = Vec::new();
    for file in files_below(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        if relative != Path::new("lib.rs") {
            imports.extend(imports_of(relative, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(imports.len() > 100, "only {} imports were found", imports.len());

    let upward: Vec<_> = imports
        .iter()
        .filter(|import| !import.is_allowed())
        .map(|import| format!("{}: `{}` imports `{}`", import.place, import.from, import.to))
        .collect();
    assert!(
        upward.is_empty(),
        "imports that lead upward:\n{}",
        upward.join("\n")
    );
}

/// What is compiled is immutable. What calls change has a home of its own; the catalog's bookkeeping and the running of a jq
/// program are no part of a tool.
#[test]
fn nothing_that_is_compiled_can_change() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let beside = [
        "tool/state.rs",
        "tool/stored.rs",
        "tool/shelf.rs",
        "tool/http/bases.rs",
        "tool/jq/budget.rs",
    ];
    let changeable = [
        "Mutex",
        "RwLock",
        "Atomic",
        "Cell<",
        "OnceLock",
        "OnceCell",
        "Semaphore",
        "LazyLock",
    ];
    let mut seen = 0;
    for file in files_below(&source.join("tool")) {
        let relative = file.strip_prefix(&source).unwrap();
        if beside.iter().any(|path| relative == Path::new(path)) {
            continue;
        }
        seen += 1;
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let found = changeable.iter().find(|word| code.contains(**word));
            assert_eq!(found, None, "src/{}:{}", relative.display(), number + 1);
        }
    }
    assert!(seen > 50, "only {seen} files were found");
}

#[test]
fn an_upward_import_is_named_with_its_line() {
    let text = "//! `crate::view` in a comment\nuse crate::{\n    json::members,\n    engine::{\n        Engine, http\n    },\n};\n";
    let found = imports_of(Path::new("tool/http/call.rs"), text);
    let upward: Vec<_> = found
        .iter()
        .filter(|import| !import.is_allowed())
        .map(|import| (import.place.as_str(), import.to.as_str()))
        .collect();
    assert_eq!(upward, [("src/tool/http/call.rs:4", "engine")]);

    let relative = imports_of(
        Path::new("json/reader.rs"),
        "fn f() { super::super::protocol::g() }",
    );
    assert_eq!(
        (relative[0].to.as_str(), relative[0].is_allowed()),
        ("protocol", false)
    );
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every path of a file that begins at the crate's root.
fn imports_of(relative: &Path, text: &str) -> Vec<Import> {
    let module: Vec<_> = relative
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    let code: Vec<_> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let mut found = Vec::new();
    // One more `super` leads out of a module that stands in the file.
    let mut levels = module.len();
    for (number, line) in code.iter().enumerate() {
        if is_module_in_the_file(line) {
            levels = module.len() + 1;
        } else if *line == "}" {
            levels = module.len();
        }
        for root in ["crate::".to_owned(), "super::".repeat(levels)] {
            for (at, _) in line.match_indices(&root) {
                if line[..at].ends_with("::") {
                    continue;
                }
                let rest =
                    std::iter::once(&line[at + root.len()..]).chain(code[number + 1..].iter().copied());
                for (below, to) in first_names(rest) {
                    found.push(Import {
                        place: format!("src/{}:{}", relative.display(), number + 1 + below),
                        from: module[0].clone(),
                        to,
                    });
                }
            }
        }
    }
    found
}

fn is_module_in_the_file(line: &str) -> bool {
    let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
    line.starts_with("mod ") && line.ends_with('{')
}

/// The name that a path goes on with, or the names of a group; each with the number of lines to it.
fn first_names<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut is_next = true;
    for (number, line) in lines.enumerate() {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let word: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !word.is_empty() {
                if is_next {
                    names.push((number, word.clone()));
                    is_next = false;
                }
                rest = &rest[word.len()..];
            } else {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => is_next = true,
                    _ => {}
                }
                rest = &rest[c.len_utf8()..];
            }
            if depth == 0 {
                return names;
            }
        }
    }
    names
}
