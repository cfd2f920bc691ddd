//! References to groups by name, as numbers: not every engine that runs patterns has names for them.

use super::Reader;

impl<'a> Reader<'a> {
    /// A reference to the group of this name, which may come later.
    pub(super) fn reference(&mut self, name: &'a str) {
        self.references.push((self.out.len(), name));
    }

    /// The whole, with the number of each group that is referred to; `None` where no group is called so, or several are.
    pub(super) fn with_numbers(self) -> Option<String> {
        let mut out = self.out;
        for (at, name) in self.references.into_iter().rev() {
            let mut named = self
                .groups
                .iter()
                .zip(1..)
                .filter(|(group, _)| **group == Some(name));
            let (Some((_, number)), None) = (named.next(), named.next()) else {
                return None;
            };
            let is_before_digit = out[at..].starts_with(|c: char| c.is_ascii_digit());
            let reference: String = match is_before_digit {
                true => format!("(?:\\{number})"),
                false => format!("\\{number}"),
            };
            out.insert_str(at, &reference);
        }
        Some(out)
    }
}
