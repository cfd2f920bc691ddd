//! The file: lines of JSON that can be read with `less`, each record's document after its line, and a checksum.
//!
//! ```text
//! dynmcp-snapshot 1
//! {"source":"etcd","fingerprint":"…","revision":7,"records":1}
//! {"kind":"TDS","id":"t","revision":5,"updated_at":1764000000000,"waiting":false,"bytes":14}
//! {"name":"tool"}
//! sha256 …
//! ```

use super::{Unusable, owner::Owner};
use bytes::Bytes;
use mcp_common::{
    catalog::{Remembered, Snapshot},
    datasource::Record,
    key::{Key, Kind, Revision},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    io::{self, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const NAME: &str = "dynmcp-snapshot ";
const VERSION: &str = "1";
const CHECKSUM: &str = "sha256 ";
/// The last line.
const CHECKSUM_LINE: usize = CHECKSUM.len() + 64 + 1;

#[derive(Serialize, Deserialize)]
struct Head {
    source: String,
    fingerprint: String,
    revision: Revision,
    records: usize,
}

#[derive(Serialize, Deserialize)]
struct Line {
    kind: String,
    id: String,
    revision: Revision,
    /// Milliseconds since 1970.
    updated_at: Option<u64>,
    waiting: bool,
    bytes: usize,
}

pub(super) fn write<T>(snapshot: &Snapshot<T>, owner: &Owner, output: impl Write) -> io::Result<()> {
    let mut output = Summing {
        output,
        sum: Sha256::new(),
    };
    writeln!(output, "{NAME}{VERSION}")?;
    let head = Head {
        source: owner.source.clone(),
        fingerprint: owner.fingerprint.clone(),
        revision: snapshot.revision,
        records: snapshot.kept().count(),
    };
    line(&mut output, &head)?;
    for kept in snapshot.kept() {
        let body = kept.document.as_json().as_bytes();
        let updated_at = kept.updated_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let head = Line {
            kind: kept.key.kind.as_str().to_owned(),
            id: kept.key.id.to_string(),
            revision: kept.revision,
            updated_at: updated_at.and_then(|at| u64::try_from(at.as_millis()).ok()),
            waiting: kept.is_waiting,
            bytes: body.len(),
        };
        line(&mut output, &head)?;
        output.write_all(body)?;
        output.write_all(b"\n")?;
    }
    let sum = hex(output.sum.clone());
    writeln!(output.output, "{CHECKSUM}{sum}")?;
    output.output.flush()
}

pub(super) fn read(text: Bytes, owner: &Owner) -> Result<Remembered, Unusable> {
    let damaged = |what: &str| Unusable::Damaged(what.to_owned());
    let Some(rest) = text.strip_prefix(NAME.as_bytes()) else {
        return Err(damaged("it does not begin like one"));
    };
    let version = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if version != VERSION.as_bytes() {
        let version = &version[..version.len().min(20)];
        return Err(Unusable::OtherVersion(
            String::from_utf8_lossy(version).into_owned(),
        ));
    }
    let summed = text
        .len()
        .checked_sub(CHECKSUM_LINE)
        .ok_or_else(|| damaged("it is cut off"))?;
    let mut sum = Sha256::new();
    sum.update(&text[..summed]);
    if text[summed..] != *format!("{CHECKSUM}{}\n", hex(sum)).as_bytes() {
        return Err(damaged("it is cut off, or its checksum is wrong"));
    }

    let mut lines = Lines(text.slice(NAME.len() + VERSION.len() + 1..summed));
    let head: Head = lines.next()?;
    if (&head.source, &head.fingerprint) != (&owner.source, &owner.fingerprint) {
        let other = if head.source == owner.source {
            "with other settings"
        } else {
            &head.source
        };
        return Err(Unusable::OtherSource(other.to_owned()));
    }
    let mut remembered = Remembered {
        revision: head.revision,
        ..Remembered::default()
    };
    for _ in 0..head.records {
        let line: Line = lines.next()?;
        let body = lines.body(line.bytes)?;
        let kind = Kind::parse(&line.kind).ok_or_else(|| damaged("it has a record of unknown kind"))?;
        let updated_at = line.updated_at.map(Duration::from_millis);
        let record = Record {
            key: Key {
                kind,
                id: line.id.into(),
            },
            revision: line.revision,
            updated_at: updated_at.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(at)),
            body,
        };
        match line.waiting {
            true => remembered.waiting.push(record),
            false => remembered.served.push(record),
        }
    }
    Ok(remembered)
}

struct Lines(Bytes);

impl Lines {
    fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Unusable> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = end.map(|end| self.0.split_to(end + 1)).unwrap_or_default();
        serde_json::from_slice(&line).map_err(|error| Unusable::Damaged(error.to_string()))
    }

    fn body(&mut self, length: usize) -> Result<Bytes, Unusable> {
        if self.0.get(length) != Some(&b'\n') {
            return Err(Unusable::Damaged("a record has another length".to_owned()));
        }
        // Its own: what the catalog keeps of one record must not keep the whole file.
        let body = Bytes::copy_from_slice(&self.0.split_to(length));
        self.0 = self.0.slice(1..);
        Ok(body)
    }
}

fn line(output: &mut impl Write, head: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, head)?;
    output.write_all(b"\n")
}

struct Summing<W> {
    output: W,
    sum: Sha256,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn hex(sum: Sha256) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in sum.finalize() {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
