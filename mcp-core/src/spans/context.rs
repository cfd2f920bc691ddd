//! A place in a trace, and the header that says it.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Names the trace, and the span in it that a request is beneath.
pub const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// What others keep in a trace; it is passed on as it is.
pub const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A span's place in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanContext {
    /// The trace, not zero.
    pub trace: [u8; 16],
    /// The span, not zero.
    pub span: [u8; 8],
    /// Whether it is heard of.
    pub is_sampled: bool,
}

impl SpanContext {
    /// What the headers say of the request (W3C Trace Context, "traceparent Header"); `None` where it is no place, or there are several.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACE_PARENT).iter();
        let text = all.next()?.as_bytes();
        if all.next().is_some() {
            return None;
        }
        let (version, rest) = (text.get(..2)?, text.get(2..)?);
        let version: [u8; 1] = bytes(version)?;
        // Later versions may have more behind it.
        let is_whole = match version {
            [0xff] => false,
            [0] => rest.len() == 53,
            _ => rest.len() == 53 || rest.get(53) == Some(&b'-'),
        };
        let dashes = [rest.first(), rest.get(33), rest.get(50)];
        if !is_whole || dashes != [Some(&b'-'); 3] {
            return None;
        }
        let (trace, span): ([u8; 16], [u8; 8]) = (bytes(rest.get(1..33)?)?, bytes(rest.get(34..50)?)?);
        let flags: [u8; 1] = bytes(rest.get(51..53)?)?;
        (trace != [0; 16] && span != [0; 8]).then_some(Self {
            trace,
            span,
            is_sampled: flags[0] & 1 == 1,
        })
    }

    /// The beginning of a trace; `None` where the machine has no random numbers.
    pub fn random(samples: impl FnOnce(&[u8; 16]) -> bool) -> Option<Self> {
        let trace = random()?;
        Some(Self {
            trace,
            span: random()?,
            is_sampled: samples(&trace),
        })
    }

    /// A place beneath this one.
    pub fn child(&self) -> Option<Self> {
        Some(Self {
            span: random()?,
            ..*self
        })
    }

    /// As a header says it.
    pub fn header(&self) -> HeaderValue {
        let mut text = Vec::with_capacity(55);
        text.extend_from_slice(b"00-");
        digits(&self.trace, &mut text);
        text.push(b'-');
        digits(&self.span, &mut text);
        text.extend_from_slice(if self.is_sampled { b"-01" } else { b"-00" });
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static("00"))
    }
}

/// What others keep in the trace, which may stand in several headers (W3C Trace Context, "tracestate Header Field Values").
pub(super) fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = headers.get_all(TRACE_STATE).iter();
    let first = all.next()?;
    if all.next().is_none() {
        return Some(first.clone());
    }
    let all: Vec<&[u8]> = headers
        .get_all(TRACE_STATE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    HeaderValue::from_maybe_shared(bytes::Bytes::from(all.join(&b","[..]))).ok()
}

/// Never zero, which would be none.
fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok()?;
    bytes[0] |= u8::from(bytes == [0; N]);
    Some(bytes)
}

fn digits(bytes: &[u8], text: &mut Vec<u8>) {
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Small letters only, as the standard has it.
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte);
    let mut out = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (place, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *place = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACE_PARENT, HeaderValue::from_str(text).unwrap());
        SpanContext::read(&headers)
    }

    #[test]
    fn a_place_is_what_the_standard_calls_one() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let known = read(text).unwrap();
        assert_eq!(known.header(), text);
        assert!(known.is_sampled);
        let child = known.child().unwrap();
        assert!(child.trace == known.trace && child.span != known.span && child.is_sampled);
        // A later version, with more behind it, and with flags that are not known yet.
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-08-more";
        assert!(!read(later).unwrap().is_sampled);
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let mut twice = HeaderMap::new();
        twice.append(TRACE_PARENT, HeaderValue::from_static("00"));
        twice.append(TRACE_PARENT, HeaderValue::from_str(text).unwrap());
        assert_eq!(SpanContext::read(&twice), None);
    }

    #[test]
    fn what_begins_here_is_no_zero_and_no_other() {
        let (one, other) = (
            SpanContext::random(|_| true).unwrap(),
            SpanContext::random(|_| false).unwrap(),
        );
        assert!(one.is_sampled && !other.is_sampled && one.trace != other.trace);
        assert_eq!(read(one.header().to_str().unwrap()), Some(one));
    }
}
