//! Answers that come compressed. The bound of an answer is that of what comes out.

use super::receive::{Answer, too_large};
use crate::{
    engine::{Lane, failure::Failure, lane::Owner, result::Outcome},
    tool::bounded,
};
use encoding_rs::Encoding;
use http::header;
use std::{
    io::{self, Read},
    time::Duration,
};
use tokio::time::Instant;

/// More than one is odd, more than these an attack.
const MAX_CODINGS: usize = 2;

/// The longest that a call may take.
const HOUR: Duration = Duration::from_secs(3_600);

/// How many gzip streams one answer may have; block-wise formats have one for each 64 KiB.
const MAX_STREAMS: usize = 2_000;

/// What a decoder keeps of the output, RFC 9659. The sender chooses, up to here.
const ZSTD_WINDOW: u64 = 8 << 20;

/// Decodes the body, if its headers say that it is encoded: here what is small on both sides, beside the workers what is
/// not.
pub(super) async fn decompress(answer: Answer, limit: u64, lane: &Lane) -> Result<Answer, Failure> {
    let light = lane.settings().answer_bytes as u64;
    if answer.body.len() as u64 <= light {
        match decoded(answer.clone(), limit.min(light)) {
            Err(failure) if failure.outcome == Outcome::TooLarge && light < limit => {}
            other => return other,
        }
    }
    // Whoever waits for the answer has a deadline for all of it.
    let deadline = Instant::now() + HOUR;
    let host = answer.uri.authority().map_or("", |authority| authority.as_str());
    lane.run(Owner::named(host), deadline, move |_| decoded(answer, limit))
        .await?
}

fn decoded(mut answer: Answer, limit: u64) -> Result<Answer, Failure> {
    let values = answer.headers.get_all(header::CONTENT_ENCODING).iter();
    let named: Vec<String> = values
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !is_nothing(coding))
        .collect();
    if named.len() > MAX_CODINGS {
        return Err(bad(&answer, "content that is compressed again and again".into()));
    }
    for coding in named.iter().rev() {
        if answer.body.is_empty() {
            break;
        }
        let input = &answer.body[..];
        let decoded = match coding.as_str() {
            "gzip" | "x-gzip" => gzip(input, limit),
            // RFC 9110 means the zlib format; some servers send the bare one.
            "deflate" => read(flate2::read::ZlibDecoder::new(input), limit)
                .or_else(|_| read(flate2::read::DeflateDecoder::new(input), limit)),
            "br" => read(brotli_decompressor::Decompressor::new(input, 4096), limit),
            "zstd" => zstd(input, limit),
            other => {
                let text = format!(
                    "`Content-Encoding: {}`, which is none of gzip, deflate, br and zstd",
                    bounded(other, 40)
                );
                return Err(bad(&answer, text));
            }
        };
        answer.body = match decoded {
            Ok(body) if body.len() as u64 > limit => return Err(too_large(&answer.uri, limit)),
            Ok(body) => body.into(),
            Err(error) => return Err(bad(&answer, format!("{coding} content that is broken: {error}"))),
        };
    }
    answer.headers.remove(header::CONTENT_ENCODING);
    answer.headers.remove(header::CONTENT_LENGTH);
    Ok(answer)
}

/// Whether the body is as it is. Some servers say how its text is encoded, or how mail would carry it.
fn is_nothing(coding: &str) -> bool {
    const NONE: [&str; 8] = [
        "",
        "identity",
        "none",
        "binary",
        "7bit",
        "8bit",
        "text",
        "aws-chunked",
    ];
    NONE.contains(&coding) || Encoding::for_label(coding.as_bytes()).is_some()
}

/// Reads at most one byte more than the limit.
fn read(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut out)?;
    Ok(out)
}

/// Several streams may stand one behind the other. Each costs as much as 32 KiB of data, however little is in it.
fn gzip(mut input: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for _ in 0..MAX_STREAMS {
        let left = limit.saturating_add(1) - out.len() as u64;
        flate2::bufread::GzDecoder::new(&mut input)
            .take(left)
            .read_to_end(&mut out)?;
        if input.is_empty() || out.len() as u64 > limit {
            return Ok(out);
        }
    }
    Err(io::Error::other(format!(
        "it has more than {MAX_STREAMS} streams"
    )))
}

fn zstd(input: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(input, ZSTD_WINDOW)
        .map_err(|error| io::Error::other(error.to_string()))?;
    read(decoder, limit)
}

fn bad(answer: &Answer, what: String) -> Failure {
    let host = answer
        .uri
        .authority()
        .map_or("The upstream", |authority| authority.as_str());
    let text = format!("{host} answered {} with {what}.", answer.status.as_u16());
    Failure::new(Outcome::BadAnswer, text)
}

#[cfg(test)]
mod tests {
    use super::{gzip, read, zstd};
    use crate::growth;
    use std::io::Write;

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_of_gzip_stand_one_behind_the_other_but_not_without_end() {
        let two = [packed(b"ab"), packed(b"c")].concat();
        assert_eq!(gzip(&two, 10).unwrap(), b"abc");
        assert_eq!(gzip(&two, 2).unwrap().len(), 3, "one more than allowed");
        assert!(gzip(&[two, b"x".to_vec()].concat(), 10).is_err());
        let empty = packed(b"").repeat(100_000);
        assert!(
            gzip(&empty, 10)
                .unwrap_err()
                .to_string()
                .contains("more than 2000 streams")
        );
    }

    #[test]
    fn unpacking_is_linear() {
        let noise = |size: usize| {
            (0..size as u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect::<Vec<u8>>()
        };
        let make = |size: usize| packed(&noise(size));
        growth::is_linear("gzip", growth::ANSWER, make, |data| drop(gzip(data, 64 << 20)));
        let bomb = |size: usize| packed(&vec![0; size]);
        growth::is_linear("a bomb", growth::ANSWER, bomb, |data| drop(gzip(data, 8 << 20)));
        let make = noise;
        growth::is_linear("noise", growth::ANSWER, make, |data| {
            drop(read(flate2::read::ZlibDecoder::new(&data[..]), 8 << 20));
            drop(read(
                brotli_decompressor::Decompressor::new(&data[..], 4096),
                8 << 20,
            ));
            drop(zstd(data, 8 << 20));
        });
    }
}
