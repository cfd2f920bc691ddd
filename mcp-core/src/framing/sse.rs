//! Streams of events, as the HTML standard has them, read from bytes: a bounded buffer, and the data of one event at a time.

use bytes::{Bytes, BytesMut};

/// The kind of an event that says none.
const MESSAGE: &str = "message";

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The lines of its data, joined.
    pub data: Bytes,
    /// Its id, where it has one; an empty one takes the last away.
    pub id: Option<String>,
    /// How long to wait before a stream that ended is asked for again, in milliseconds.
    pub retry: Option<u64>,
    /// What kind of event it is; `None` for a message.
    pub kind: Option<String>,
}

/// An event, or the line that is being read, is larger than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than it may be")]
pub struct TooLarge;

/// Takes bytes in any pieces and gives events back.
#[derive(Debug)]
pub struct Parser {
    most: usize,
    /// What is not a whole line yet.
    rest: BytesMut,
    /// The number of bytes in which there is no end of a line.
    searched: usize,
    /// A carriage return ended the last line; a line feed that follows belongs to it.
    after_return: bool,
    is_first_line: bool,
    data: Option<BytesMut>,
    event: Event,
}

impl Parser {
    /// A parser of events that have `most` bytes of data at the most.
    pub fn new(most: u64) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            rest: BytesMut::new(),
            searched: 0,
            after_return: false,
            is_first_line: true,
            data: None,
            event: Event::default(),
        }
    }

    /// The events that end in these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        loop {
            if self.after_return && !self.rest.is_empty() {
                if self.rest[0] == b'\n' {
                    let _ = self.rest.split_to(1);
                }
                self.after_return = false;
            }
            let found = memchr::memchr2(b'\n', b'\r', &self.rest[self.searched..]);
            let Some(end) = found.map(|found| self.searched + found) else {
                self.searched = self.rest.len();
                let is_fitting = self.rest.len() <= self.most.saturating_add(16);
                return if is_fitting { Ok(events) } else { Err(TooLarge) };
            };
            self.after_return = self.rest[end] == b'\r';
            self.searched = 0;
            let mut line = self.rest.split_to(end + 1);
            line.truncate(end);
            if let Some(event) = self.line(&line)? {
                events.push(event);
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Event>, TooLarge> {
        let line = match std::mem::take(&mut self.is_first_line) {
            true => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            let data = self.data.take();
            let says_something = data.is_some() || event.id.is_some() || event.retry.is_some();
            event.data = data.unwrap_or_default().freeze();
            return Ok(says_something.then_some(event));
        }
        let colon = memchr::memchr(b':', line);
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                let data = match &mut self.data {
                    Some(data) => {
                        data.extend_from_slice(b"\n");
                        data
                    }
                    None => self.data.insert(BytesMut::new()),
                };
                if data.len() + value.len() > self.most {
                    return Err(TooLarge);
                }
                data.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => {
                self.event.id = std::str::from_utf8(value).ok().map(str::to_owned);
            }
            b"retry" => {
                let text = std::str::from_utf8(value).ok();
                self.event.retry = text.and_then(|text| text.parse().ok()).or(self.event.retry);
            }
            // What nearly all of them are is not worth a text of its own.
            b"event" => {
                let text = std::str::from_utf8(value).ok();
                self.event.kind = text
                    .filter(|kind| !kind.is_empty() && *kind != MESSAGE)
                    .map(str::to_owned);
            }
            // A comment, or what nobody knows.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;

    fn all(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::new(100);
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(parser.push(piece).unwrap());
        }
        events
    }

    fn event(data: &'static str, id: Option<&str>, retry: Option<u64>) -> Event {
        Event {
            data: data.into(),
            id: id.map(str::to_owned),
            retry,
            kind: None,
        }
    }

    #[test]
    fn events_are_the_same_in_whatever_pieces_they_come() {
        let text = "\u{feff}: hello\r\nid: 1\r\ndata:\r\n\r\nevent: message\ndata: {\"a\":\ndata:  1}\nretry: 50\n\nignored: x\n\ndata\r\rdata: é\n\n";
        let expected = [
            event("", Some("1"), None),
            event("{\"a\":\n 1}", None, Some(50)),
            event("", None, None),
            event("é", None, None),
        ];
        assert_eq!(all(&[text.as_bytes()]), expected);
        for size in 1..9 {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(all(&pieces), expected, "{size}");
        }
    }

    #[test]
    fn the_kind_of_an_event_is_known_where_it_is_no_message() {
        let kinds: Vec<_> =
            all(&[b"event: endpoint\ndata: /x\n\nevent: message\ndata: 1\n\nevent:\ndata: 2\n\ndata: 3\n\n"])
                .into_iter()
                .map(|event| event.kind)
                .collect();
        assert_eq!(kinds, [Some("endpoint".to_owned()), None, None, None]);
    }

    #[test]
    fn what_is_not_finished_is_no_event() {
        assert_eq!(all(&[b"data: 1\n"]), []);
        assert_eq!(all(&[b"data: 1\n\ndata: 2"]), [event("1", None, None)]);
    }

    #[test]
    fn reading_is_linear_in_whatever_pieces_it_comes() {
        type Make = fn(usize) -> String;
        let shapes: [(&str, Make); 4] = [
            ("one long line", |size| format!("data: {}\n\n", "x".repeat(size))),
            ("one event of many lines", |size| {
                "data: x\n".repeat(size / 8) + "\n"
            }),
            ("many events", |size| "event: a\ndata: x\n\n".repeat(size / 18)),
            ("lines that say nothing", |size| ":\r\n".repeat(size / 3)),
        ];
        for (what, make) in shapes {
            for piece in [1 << 10, usize::MAX] {
                growth::is_linear(what, growth::ANSWER, make, |text| {
                    let mut parser = Parser::new(u64::MAX);
                    for piece in text.as_bytes().chunks(piece) {
                        drop(parser.push(piece).unwrap());
                    }
                });
            }
        }
    }

    #[test]
    fn lines_and_events_are_bounded() {
        assert_eq!(Parser::new(10).push(&[b'x'; 40]), Err(TooLarge));
        let mut parser = Parser::new(10);
        assert_eq!(parser.push(b"data: 12345\n"), Ok(vec![]));
        assert_eq!(parser.push(b"data: 123456\n"), Err(TooLarge));
        let mut comments = Parser::new(10);
        for _ in 0..100 {
            assert_eq!(comments.push(b": keep-alive\n\n"), Ok(vec![]));
        }
    }
}
