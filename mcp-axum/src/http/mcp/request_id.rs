//! Every request has a name, in the log and in the answer: the client's `X-Request-Id` if it is fit, else a new one.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

/// Makes request ids that are unique across workers and replicas: a random start and a counter.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Starting anywhere. Without a source of randomness ids are still unique inside this worker.
    pub(crate) fn random() -> Self {
        let mut prefix = [0; 8];
        let _ = getrandom::fill(&mut prefix);
        Self::new(u64::from_be_bytes(prefix))
    }

    fn new(prefix: u64) -> Self {
        Self {
            prefix,
            next: AtomicU64::new(0),
        }
    }

    /// The request's name.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let fit = |value: &&HeaderValue| {
            value.len() <= MAX_LENGTH
                && !value.is_empty()
                && value.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        if let Some(given) = headers.get(HEADER).filter(fit) {
            return given.clone();
        }
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let number = u128::from(self.prefix) << 48
            | u128::from(self.next.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff_ffff);
        let digits: [u8; 28] = std::array::from_fn(|at| HEX[(number >> (4 * (27 - at)) & 0xf) as usize]);
        HeaderValue::from_bytes(&digits).unwrap_or(HeaderValue::from_static("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_a_fit_one_is_kept() {
        let ids = RequestIds::new(0xfeed);
        let mut headers = HeaderMap::new();
        assert_ne!(ids.of(&headers), ids.of(&headers));
        assert!(ids.of(&headers).to_str().unwrap().starts_with("000000000000feed"));
        headers.insert(HEADER, HeaderValue::from_static("abc-1"));
        assert_eq!(ids.of(&headers), "abc-1");
        headers.insert(HEADER, HeaderValue::from_static("two words"));
        assert_ne!(ids.of(&headers), "two words");
    }
}
