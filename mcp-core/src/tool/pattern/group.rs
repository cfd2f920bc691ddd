//! What stands behind an opening parenthesis.

use super::Reader;

/// Read alike by all who know them.
const COMMON: [&str; 6] = ["?:", "?=", "?!", "?<=", "?<!", "?<"];

impl Reader<'_> {
    /// The parenthesis is read.
    pub(super) fn group(&mut self) -> Option<()> {
        if !self.rest.starts_with('?') {
            self.out.push('(');
            return Some(());
        }
        if self.eat("?#") {
            self.until(")")?;
        } else if self.eat("?P<") {
            self.out.push_str("(?<");
        } else if self.eat("?P=") {
            let name = self.until(")")?;
            self.out.push_str("\\k<");
            self.out.push_str(name);
            self.out.push('>');
        } else if self.eat("?'") {
            let name = self.until("'")?;
            self.out.push_str("(?<");
            self.out.push_str(name);
            self.out.push('>');
        } else {
            let common = COMMON.iter().find(|mark| self.rest.starts_with(**mark))?;
            self.eat(common);
            self.out.push('(');
            self.out.push_str(common);
        }
        Some(())
    }
}
