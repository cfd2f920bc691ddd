//! Names of files: the id, readable, on every file system.

use crate::authoring::change_plan::digest;
use mcp_common::key::Key;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;

/// File systems take 255 bytes.
const LONGEST: usize = 150;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// Gives each definition a name of its own. Some file systems do not tell capital letters from small ones, so two ids
/// that differ in nothing else get names that differ in more.
#[derive(Debug, Default)]
pub struct FileNames {
    taken: BTreeSet<String>,
}

impl FileNames {
    /// Relative to the folder of definitions, `tds/orders.get.json`. Which one of two similar ids has the plain name is
    /// the order in which they are asked for.
    pub fn name(&mut self, key: &Key) -> String {
        let id = &*key.id;
        let mut name = utf8_percent_encode(id, ENCODED).to_string();
        if name.starts_with('.') {
            // Hidden files are nobody's.
            name.replace_range(..1, "%2E");
        }
        if name.len() > LONGEST {
            name.truncate(LONGEST);
            name = format!("{name}-{}", digest(id, 12));
        }
        let in_folder = |name: &str| format!("{}/{name}.json", key.kind.path_segment());
        let plain = in_folder(&name);
        if self.taken.insert(plain.to_lowercase()) {
            return plain;
        }
        let other = in_folder(&format!("{name}-{}", digest(id, 12)));
        self.taken.insert(other.to_lowercase());
        other
    }
}
