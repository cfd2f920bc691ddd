//! What goes through the socket: messages of several byte strings, each with its length before it.

use std::io::{self, Read, Write};

/// The size of one message. The largest answers and results are far below.
const MAX_BYTES: usize = 256 << 20;
/// A template comes with all that it sees.
const MAX_PARTS: usize = 32;

/// Writes a message.
pub(super) fn write(out: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    let mut head = Vec::with_capacity(4 * (parts.len() + 1));
    head.extend_from_slice(&number(parts.len())?);
    for part in parts {
        head.extend_from_slice(&number(part.len())?);
    }
    out.write_all(&head)?;
    for part in parts {
        out.write_all(part)?;
    }
    out.flush()
}

/// Reads a message; `None` where the other side has ended before one began.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Vec<Vec<u8>>>> {
    let mut count = [0; 4];
    if from.read(&mut count[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut count[1..])?;
    let count = u32::from_le_bytes(count) as usize;
    if count > MAX_PARTS {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        lengths.push(u32::from_le_bytes(length) as usize);
    }
    if lengths.iter().sum::<usize>() > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut parts = Vec::with_capacity(count);
    for length in lengths {
        let mut part = vec![0; length];
        from.read_exact(&mut part)?;
        parts.push(part);
    }
    Ok(Some(parts))
}

fn number(length: usize) -> io::Result<[u8; 4]> {
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length as usize <= MAX_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    Ok(length.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent_and_lengths_are_not_believed() {
        let mut bytes = Vec::new();
        write(&mut bytes, &[b"a", b"", b"\x00\xff"]).unwrap();
        let mut from = bytes.as_slice();
        let parts = read(&mut from).unwrap().unwrap();
        assert_eq!(parts, [b"a".to_vec(), Vec::new(), vec![0, 255]]);
        assert!(read(&mut from).unwrap().is_none());
        for broken in [
            &[33, 0, 0, 0][..],
            &[1, 0, 0, 0, 255, 255, 255, 255],
            &bytes[..10],
        ] {
            assert!(read(&mut &*broken).is_err(), "{broken:?}");
        }
    }
}
