//! Which of the caller's patterns select nothing, which is a mistake more often than not.

use crate::authoring::import::{
    ImportOptions, Imported, Pattern,
    pattern::{Operation, Subject},
};
use std::collections::BTreeSet;

/// What a note names.
const MAX_NAMED: usize = 10;
/// What is kept of a description to name it.
const MAX_KEPT: usize = 5_000;

/// The patterns of `include`, `exclude` and `rename`, and what there is to select.
pub(super) struct Selection<'o> {
    patterns: Vec<(&'static str, &'o Pattern, bool)>,
    tags: BTreeSet<String>,
    ids: BTreeSet<String>,
    paths: BTreeSet<String>,
    methods: BTreeSet<String>,
    /// As `GET /pets`.
    requests: BTreeSet<String>,
}

impl<'o> Selection<'o> {
    pub(super) fn new(options: &'o ImportOptions) -> Self {
        let include = options.include.iter().map(|pattern| ("include", pattern, false));
        let exclude = options.exclude.iter().map(|pattern| ("exclude", pattern, false));
        let rename = options
            .rename
            .iter()
            .map(|rename| ("rename", &rename.pattern, false));
        Self {
            patterns: include.chain(exclude).chain(rename).collect(),
            tags: BTreeSet::new(),
            ids: BTreeSet::new(),
            paths: BTreeSet::new(),
            methods: BTreeSet::new(),
            requests: BTreeSet::new(),
        }
    }

    /// One more operation of the description.
    pub(super) fn look(&mut self, operation: &Operation<'_>) {
        if self.patterns.iter().all(|(.., is_used)| *is_used) {
            return;
        }
        for (_, pattern, is_used) in &mut self.patterns {
            *is_used = *is_used || pattern.selects(operation);
        }
        if self.tags.len() < MAX_KEPT {
            self.tags.extend(operation.tags.iter().cloned());
        }
        if self.ids.len() < MAX_KEPT {
            self.ids.extend(operation.id.map(str::to_owned));
        }
        let method = operation.method.to_ascii_uppercase();
        if self.paths.len() < MAX_KEPT {
            self.paths.insert(operation.path.to_owned());
        }
        if self.requests.len() < MAX_KEPT {
            self.requests.insert(format!("{method} {}", operation.path));
        }
        self.methods.insert(method);
    }

    /// Says which of them were of no use, and what would have been.
    pub(super) fn note(&self, imported: &mut Imported) {
        for (option, pattern, _) in self.patterns.iter().filter(|(.., is_used)| !is_used) {
            let (subject, glob) = pattern.parts();
            let (there_are, known) = match subject {
                Subject::Path => (named("paths", &self.paths), &self.paths),
                Subject::Method => (named("methods", &self.methods), &self.methods),
                Subject::MethodAndPath => (named("operations", &self.requests), &self.requests),
                Subject::Tag | Subject::Operation => {
                    let tags = named("tags", &self.tags);
                    let ids = named("operation ids", &self.ids);
                    let known = match subject {
                        Subject::Tag => &self.tags,
                        _ => &self.ids,
                    };
                    (format!("{tags} and {ids}"), known)
                }
            };
            let meant = meant(glob, known).map(|name| format!(" (did you mean `{name}`?)"));
            let meant = meant.unwrap_or_default();
            imported.note(format!(
                "{option} `{pattern}` selects no operation{meant}; the description has {there_are}"
            ));
        }
    }
}

/// What differs in letters that are large or small, in what stands between words, or at the ends of a path.
fn meant<'n>(glob: &str, names: &'n BTreeSet<String>) -> Option<&'n String> {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = letters(glob);
    let mut names = names.iter();
    names.find(|name| !wanted.is_empty() && !glob.contains('*') && letters(name) == wanted)
}

fn named(what: &str, names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return format!("no {what}");
    }
    let more = if names.len() > MAX_NAMED { ", …" } else { "" };
    let names: Vec<_> = names.iter().take(MAX_NAMED).map(String::as_str).collect();
    format!("the {what} {}{more}", names.join(", "))
}
