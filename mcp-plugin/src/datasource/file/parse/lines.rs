//! Which line a byte of a text stands in: looked up for each definition of a file, so without counting from the beginning.

pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(content: &[u8]) -> Self {
        let ends = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(ends.map(|(offset, _)| offset).collect())
    }

    /// The line of a byte, counted from 1.
    pub(super) fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn a_line_ends_with_its_line_feed() {
        let text = b"a\n\nbc\n";
        let lines = Lines::of(text);
        let found: Vec<_> = (0..=text.len()).map(|offset| lines.at(offset)).collect();
        assert_eq!(found, [1, 1, 2, 3, 3, 3, 4]);
        assert_eq!((Lines::of(b"").at(0), Lines::of(b"\n").at(9)), (1, 2));
    }
}
