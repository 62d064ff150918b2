//! Hold music of our own: soft chords, made by a few lines of arithmetic, so that nothing has to be
//! licensed, fetched or configured. A flow's `music` takes its place.

use std::{f64::consts::TAU, sync::OnceLock};

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};

/// Not below `/carriers/`: a carrier fetches audio without parameters.
pub const PATH: &str = "/audio/hold.wav";
/// How long it plays before the wait document is asked again.
pub const SECONDS: u32 = 20;

/// What telephone networks carry.
const RATE: u32 = 8_000;
const CHORD_S: f64 = 2.5;
/// I, vi, IV, V, twice: frequencies in Hz (equal temperament, A4 = 440 Hz).
const CHORDS: [[f64; 4]; 8] = [
    [261.63, 329.63, 392.00, 523.25],
    [220.00, 261.63, 329.63, 440.00],
    [174.61, 220.00, 261.63, 349.23],
    [196.00, 246.94, 293.66, 392.00],
    [261.63, 329.63, 392.00, 659.26],
    [220.00, 261.63, 329.63, 523.25],
    [174.61, 220.00, 349.23, 440.00],
    [196.00, 246.94, 293.66, 493.88],
];

/// The handler: the same bytes for everybody, to be kept for a day.
pub async fn hold() -> Response {
    static FILE: OnceLock<Bytes> = OnceLock::new();
    let file = FILE.get_or_init(|| Bytes::from(wav())).clone();
    ([(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "public, max-age=86400")], file).into_response()
}

/// PCM, 16 bits, mono (RIFF WAVE).
fn wav() -> Vec<u8> {
    let samples: Vec<i16> = (0..RATE * SECONDS).map(sample).collect();
    let bytes = u32::try_from(samples.len() * 2).expect("twenty seconds are short");
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The notes of a chord are plucked one after the other and fade.
fn sample(n: u32) -> i16 {
    let t = f64::from(n) / f64::from(RATE);
    let (place, within) = ((t / CHORD_S).floor(), t % CHORD_S);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
    let chord = &CHORDS[place as usize % CHORDS.len()];
    let mut sum = 0.0;
    for (note, frequency) in (0_u32..).zip(chord) {
        let since = within - f64::from(note) * CHORD_S / 8.0;
        if since > 0.0 {
            // A soft attack, and silence at the chord's end, so that nothing clicks.
            let envelope = (since * 30.0).min(1.0) * (-1.6 * since).exp() * (1.0 - within / CHORD_S);
            sum += envelope * ((TAU * frequency * t).sin() + 0.25 * (2.0 * TAU * frequency * t).sin());
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what a sample holds")]
    let sample = (sum * 5_000.0).clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_wave_file_that_is_heard_and_never_clips() {
        let file = wav();
        assert_eq!((&file[..4], &file[8..16]), (b"RIFF".as_slice(), b"WAVEfmt ".as_slice()));
        assert_eq!(file.len(), 44 + (RATE * SECONDS * 2) as usize);
        let samples: Vec<i16> = file[44..].chunks(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect();
        let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((3_000..20_000).contains(&loudest), "{loudest}");
        let steepest = samples.windows(2).map(|two| two[0].abs_diff(two[1])).max().unwrap();
        assert!(steepest < 8_000, "it clicks: {steepest}");
    }
}
