//! What stands behind an opening parenthesis.

use super::Reader;

/// Read alike by all who know them.
const COMMON: [&str; 6] = ["?:", "?=", "?!", "?<=", "?<!", "?<"];

impl Reader<'_> {
    /// The parenthesis is read.
    pub(super) fn group(&mut self) -> Option<()> {
        if !self.rest.starts_with('?') {
            self.groups.push(None);
            self.out.push('(');
            return Some(());
        }
        if self.eat("?#") {
            self.until(")")?;
        } else if self.eat("?P<") {
            self.named(">")?;
        } else if self.eat("?P=") {
            let name = self.until(")")?;
            self.reference(name);
        } else if self.eat("?'") {
            self.named("'")?;
        } else {
            let common = COMMON.iter().find(|mark| self.rest.starts_with(**mark))?;
            self.eat(common);
            if *common == "?<" {
                return self.named(">");
            }
            self.out.push('(');
            self.out.push_str(common);
        }
        Some(())
    }

    /// A group with a name, which ends there.
    fn named(&mut self, end: &str) -> Option<()> {
        let name = self.until(end)?;
        self.groups.push(Some(name));
        self.out.push_str("(?<");
        self.out.push_str(name);
        self.out.push('>');
        Some(())
    }
}
