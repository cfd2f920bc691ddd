//! Whatever a program writes, its lines are read within their bounds, the same in whatever pieces they come. The first byte says
//! where it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_core::framing::lines::{Line, Lines};
use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, ReadBuf};

const MOST: usize = 64;

/// Gives at most so many bytes at once.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = self.size.min(to.remaining()).min(self.rest.len());
        let (now, later) = self.rest.split_at(most);
        to.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}

fn all(text: &[u8], size: usize) -> Vec<Line> {
    let mut lines = Lines::new(Pieces { rest: text, size }, MOST);
    let mut found = Vec::new();
    loop {
        let next = pin!(lines.next()).poll(&mut Context::from_waker(Waker::noop()));
        match next {
            Poll::Ready(Some(line)) => found.push(line),
            Poll::Ready(None) => return found,
            Poll::Pending => unreachable!("there is always something to read, or the end"),
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, text)) = input.split_first() else { return };
    let whole = all(text, usize::MAX);
    assert_eq!(whole, all(text, usize::from(*size).max(1)));
    let expected = text.split(|byte| *byte == b'\n');
    for (line, written) in whole.iter().zip(expected) {
        match line {
            Line::Whole(line) => assert_eq!(&**line, written),
            Line::TooLong => assert!(written.len() > MOST),
        }
    }
});
