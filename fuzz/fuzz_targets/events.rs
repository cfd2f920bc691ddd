//! Whatever a stream of events is, it is read or refused within its bounds, and in whatever pieces it comes, the events are the
//! same. The first byte says where it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_core::framing::sse::{Event, Parser, TooLarge};

const MOST: usize = 256;

fn all<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Event>, TooLarge> {
    let mut parser = Parser::new(MOST as u64);
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(parser.push(piece)?);
    }
    Ok(events)
}

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else { return };
    let whole = all(std::iter::once(stream));
    let pieces = all(stream.chunks(usize::from(*size).max(1)));
    // Pieces may show a line that is too long before its end comes; whole, the end is there.
    if let (Ok(whole), Ok(pieces)) = (&whole, &pieces) {
        assert_eq!(whole, pieces);
    }
    for event in whole.into_iter().chain(pieces).flatten() {
        assert!(event.data.len() <= MOST);
        assert!(event.kind.as_deref() != Some("message"), "the usual kind is not named");
    }
});
