//! The parts of a multipart body as bytes.

use crate::engine::{failure::Failure, result::Outcome};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use std::{convert::Infallible, fmt::Write};

/// What stands before the content of one part.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) filename: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) headers: &'a [(HeaderName, HeaderValue)],
}

/// The body in the making.
pub(super) struct Writer {
    out: Vec<u8>,
    boundary: String,
    max_bytes: u64,
}

impl Writer {
    /// What has more than `max_bytes` is not made to its end: each part has a head that may be larger than its content.
    pub(super) fn new(max_bytes: u64) -> Result<Self, Failure> {
        Ok(Self {
            out: Vec::new(),
            boundary: boundary()?,
            max_bytes,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(super) fn boundary(&self) -> &str {
        &self.boundary
    }

    /// Appends a part with this content.
    pub(super) fn part(&mut self, head: Head<'_>, content: &[u8]) {
        let Ok(()) = self.part_of(head, |out| {
            out.extend_from_slice(content);
            Ok::<_, Infallible>(())
        });
    }

    /// Appends a part whose content is written where it stays.
    pub(super) fn part_of<E>(
        &mut self,
        head: Head<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.out.len() as u64 > self.max_bytes {
            return Ok(());
        }
        let out = &mut self.out;
        out.extend_from_slice(b"--");
        out.extend_from_slice(self.boundary.as_bytes());
        out.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"");
        quoted(out, head.name);
        if let Some(filename) = head.filename {
            out.extend_from_slice(b"\"; filename=\"");
            quoted(out, filename);
        }
        out.extend_from_slice(b"\"\r\n");
        if let Some(content_type) = head.content_type {
            out.extend_from_slice(b"Content-Type: ");
            out.extend_from_slice(content_type.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        for (name, value) in head.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        write(out)?;
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    pub(super) fn end(mut self) -> Bytes {
        self.out.extend_from_slice(b"--");
        self.out.extend_from_slice(self.boundary.as_bytes());
        self.out.extend_from_slice(b"--\r\n");
        self.out.into()
    }
}

/// Random, so that no content can contain it.
fn boundary() -> Result<String, Failure> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::new(
            Outcome::Refused,
            format!("no randomness for a multipart boundary: {error}"),
        )
    })?;
    let mut boundary = String::from("dynmcp-");
    for byte in random {
        let _ = write!(boundary, "{byte:02x}");
    }
    Ok(boundary)
}

/// Quotes a name as browsers do: what would end the quotes or the line is percent-encoded. So are other control characters,
/// and the backslash, which some servers read as an escape and others do not.
fn quoted(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte == b'"' || byte == b'\\' || byte.is_ascii_control() {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(byte);
        }
    }
}
