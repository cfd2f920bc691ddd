//! Answers of the sample shop that are no text.

use super::Problem;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::CONTENT_TYPE};

/// 16 × 16 pixels, tea in a blue cup.
const PHOTO: &[u8] = include_bytes!("cup.png");

const SAMPLES_PER_SECOND: u32 = 8000;

pub(super) async fn photo(Path(sku): Path<String>) -> Response {
    if sku != "cup-blue" {
        let message = format!("nobody has taken a photo of `{sku}`; there is one of `cup-blue`");
        return Problem::new(StatusCode::NOT_FOUND, message).into_response();
    }
    ([(CONTENT_TYPE, "image/png")], PHOTO).into_response()
}

/// The shop's doorbell: two notes.
pub(super) async fn greeting() -> Response {
    ([(CONTENT_TYPE, "audio/wav")], doorbell()).into_response()
}

/// A WAV file, mono, 8 bits per sample.
fn doorbell() -> Vec<u8> {
    let notes = [(659.3_f32, 0.25_f32), (523.3, 0.4)];
    let mut samples = Vec::new();
    for (hertz, seconds) in notes {
        let count = (SAMPLES_PER_SECOND as f32 * seconds) as usize;
        samples.extend((0..count).map(|at| {
            let time = at as f32 / SAMPLES_PER_SECOND as f32;
            let fading = 1.0 - at as f32 / count as f32;
            (128.0 + 100.0 * fading * (time * hertz * std::f32::consts::TAU).sin()) as u8
        }));
    }
    let length = samples.len() as u32;
    let mut file = Vec::with_capacity(44 + samples.len());
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes()); // PCM
    file.extend(1_u16.to_le_bytes()); // one channel
    file.extend(SAMPLES_PER_SECOND.to_le_bytes());
    file.extend(SAMPLES_PER_SECOND.to_le_bytes()); // bytes per second
    file.extend(1_u16.to_le_bytes()); // bytes per sample
    file.extend(8_u16.to_le_bytes()); // bits per sample
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}
