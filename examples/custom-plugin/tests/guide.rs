//! `docs/PLUGINS.md` shows code that is there, and sends its readers to places that exist.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const GUIDE: &str = include_str!("../../../docs/PLUGINS.md");

/// Stands where the page leaves something out.
const LEFT_OUT: &str = "// …";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A block of code, and the file that it is said to be from.
struct Block {
    language: String,
    file: Option<String>,
    code: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut file, mut lines) = (None, GUIDE.lines());
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language: language.to_owned(),
                file: file.take(),
                code: code.join("\n"),
            });
        } else {
            let comment = line
                .strip_prefix("<!-- ")
                .and_then(|rest| rest.strip_suffix(" -->"));
            file = comment.map(str::to_owned);
        }
    }
    blocks
}

/// The pieces between what is left out stand in the file, in this order.
fn check(code: &str, file: &str) {
    let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut rest = &text[..];
    let mut piece = String::new();
    for line in code.lines().chain([LEFT_OUT]) {
        if line.trim() != LEFT_OUT {
            piece.push_str(line);
            piece.push('\n');
            continue;
        }
        let at = rest.find(&piece);
        let at = at.unwrap_or_else(|| panic!("this is not (or no longer) in {file}:\n{piece}"));
        rest = &rest[at + piece.len()..];
        piece.clear();
    }
}

#[test]
fn the_code_is_from_the_files_that_are_named() {
    let blocks = blocks();
    let rust = blocks.iter().filter(|block| block.language == "rust");
    assert!(rust.clone().count() >= 10, "the page has lost its code");
    for block in rust {
        assert!(block.file.is_some(), "where is this from?\n{}", block.code);
    }
    for block in &blocks {
        if let Some(file) = &block.file {
            check(&block.code, file);
        }
    }
}

/// The `use` items of a file's beginning.
fn uses(file: &str) -> String {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let first = text.find("\nuse ").map_or(0, |at| at + 1);
    let items = text[first..].split_inclusive(";\n");
    items.take_while(|item| item.starts_with("use ")).collect()
}

/// Who copies a piece has what it takes.
#[test]
fn the_first_piece_of_a_file_comes_with_its_use_lines() {
    let mut seen = BTreeSet::new();
    for block in blocks().iter().filter(|block| block.language == "rust") {
        let file = block.file.as_deref().unwrap();
        let uses = uses(file);
        if !seen.insert(file.to_owned()) || uses.is_empty() || !file.starts_with("examples/") {
            continue;
        }
        assert!(
            block.code.starts_with(uses.trim_end()),
            "{file}: begin with\n{uses}"
        );
    }
    assert!(seen.len() >= 8, "{seen:?}");
}

/// What the suite has is what the page has.
#[test]
fn the_page_names_every_case_and_every_method() {
    let suite = include_str!("../../../mcp-common/src/testsuite.rs");
    let cases = suite
        .split("{ $harness:")
        .nth(1)
        .unwrap()
        .split('}')
        .next()
        .unwrap();
    let ports = [
        include_str!("../../../mcp-common/src/datasource.rs"),
        include_str!("../../../mcp-common/src/authenticator.rs"),
        include_str!("../../../mcp-common/src/plugin.rs"),
    ];
    let methods = ports.iter().flat_map(|text| text.split("pub trait ").skip(1));
    let methods = methods.flat_map(|of| {
        of.split("\n}\n")
            .next()
            .unwrap()
            .split("    fn ")
            .skip(1)
            .chain(of.split("\n}\n").next().unwrap().split("    async fn ").skip(1))
    });
    let methods = methods.map(|rest| rest.split('(').next().unwrap());
    let mut count = 0;
    for name in cases.split_whitespace().chain(methods) {
        assert!(GUIDE.contains(&format!("`{name}`")), "{name}");
        count += 1;
    }
    assert!(count >= 40, "{count}");
}

/// The manifest of the page is one for an empty folder; everything in it is in the example's, at the workspace's version.
#[test]
fn the_manifest_names_what_the_example_has() {
    let blocks = blocks();
    let mut manifests = blocks
        .iter()
        .filter(|block| block.language == "toml" && block.code.contains("[dependencies]"));
    let (manifest, None) = (manifests.next().unwrap(), manifests.next()) else {
        panic!("which one is the manifest?")
    };
    let example = fs::read_to_string(root().join("examples/custom-plugin/Cargo.toml")).unwrap();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let repository = workspace
        .lines()
        .find_map(|line| line.strip_prefix("repository = "));
    for line in manifest.code.lines() {
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        assert!(
            example.contains(&format!("\n{name}")),
            "the example does not need `{name}`"
        );
        if let Some((_, git)) = value.split_once("git = ") {
            assert!(git.starts_with(repository.unwrap()), "{line}");
            continue;
        }
        let version = value
            .trim_start_matches("{ version = ")
            .split('"')
            .nth(1)
            .unwrap();
        let declared = workspace
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")));
        assert!(
            declared.unwrap().contains(&format!("\"{version}\"")),
            "{line}: {declared:?}"
        );
    }
}

#[test]
fn its_links_lead_somewhere() {
    for part in GUIDE.split("](").skip(1) {
        let target = part.split(')').next().unwrap();
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = root().join("docs").join(file);
        assert!(path.exists(), "{target}");
        if anchor.is_empty() {
            continue;
        }
        let page = match file {
            "" => GUIDE.to_owned(),
            _ => fs::read_to_string(path).unwrap(),
        };
        let heading = |line: &str| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        };
        let is_there = page
            .lines()
            .any(|line| line.starts_with("##") && heading(line) == anchor);
        assert!(is_there, "{target}");
    }
    for page in ["README.md", "README-CN.md", "docs/ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        assert!(text.contains("PLUGINS.md"), "{page} does not link to the guide");
    }
}
