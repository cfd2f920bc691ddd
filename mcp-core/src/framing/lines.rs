//! Lines of a pipe, none longer than a bound: of a longer one the rest is read and dropped.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at once.
const PIECE: usize = 16 << 10;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without what ends it.
    Whole(Bytes),
    /// It was longer than the bound.
    TooLong,
}

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    most: usize,
    rest: BytesMut,
    /// The place up to which no line ends.
    searched: usize,
    /// The line that is being read is too long.
    is_skipping: bool,
    is_over: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// A reader of lines that have `most` bytes at the most.
    pub fn new(from: R, most: usize) -> Self {
        Self {
            from,
            most,
            rest: BytesMut::new(),
            searched: 0,
            is_skipping: false,
            is_over: false,
        }
    }

    /// The next line; `None` at the end, or where nothing can be read any more.
    pub async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.rest[self.searched..]) {
                let mut line = self.rest.split_to(self.searched + at + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                return Some(self.finished(line));
            }
            self.searched = self.rest.len();
            if self.rest.len() > self.most {
                self.is_skipping = true;
                self.rest.clear();
                self.searched = 0;
            }
            if self.is_over {
                let line = std::mem::take(&mut self.rest);
                self.searched = 0;
                let is_nothing = line.is_empty() && !self.is_skipping;
                return (!is_nothing).then(|| self.finished(line));
            }
            self.rest.reserve(PIECE);
            match self.from.read_buf(&mut self.rest).await {
                Ok(0) | Err(_) => self.is_over = true,
                Ok(_) => {}
            }
        }
    }

    fn finished(&mut self, line: BytesMut) -> Line {
        let is_skipped = std::mem::take(&mut self.is_skipping);
        if is_skipped || line.len() > self.most {
            return Line::TooLong;
        }
        Line::Whole(line.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;
    use futures_util::FutureExt;

    async fn all(text: &[u8], most: usize) -> Vec<Line> {
        let mut lines = Lines::new(text, most);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await {
            found.push(line);
        }
        found
    }

    #[test]
    fn reading_is_linear_also_where_what_was_read_is_kept() {
        type Make = fn(usize) -> String;
        let shapes: [(&str, Make); 3] = [
            ("one long line", |size| "x".repeat(size)),
            ("many lines", |size| "xyz\n".repeat(size / 4)),
            ("a long line after many", |size| {
                "xyz\n".repeat(size / 8) + &"x".repeat(size / 2)
            }),
        ];
        for (what, make) in shapes {
            for most in [100, usize::MAX / 2] {
                growth::is_linear(what, growth::ANSWER, make, |text| {
                    let lines = all(text.as_bytes(), most).now_or_never();
                    assert!(!lines.unwrap().is_empty());
                });
            }
        }
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(text.into())
    }

    #[tokio::test]
    async fn long_lines_are_passed_over_and_those_after_them_are_read() {
        assert_eq!(
            all(b"a\n\nbc\r\nd", 10).await,
            [whole("a"), whole(""), whole("bc\r"), whole("d")]
        );
        assert_eq!(all(b"", 10).await, []);
        let long = [b"x\n".to_vec(), vec![b'y'; 100_000], b"\nz\n".to_vec()].concat();
        assert_eq!(all(&long, 10).await, [whole("x"), Line::TooLong, whole("z")]);
        assert_eq!(all(&[b'y'; 100_000], 10).await, [Line::TooLong]);
        assert_eq!(
            all(b"0123456789\n01234567890\n", 10).await,
            [whole("0123456789"), Line::TooLong]
        );
    }
}
