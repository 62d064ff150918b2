//! Hold music of our own: soft chords, made by a few lines of arithmetic, so that nothing has to be
//! licensed, fetched or configured. A flow's `music` takes its place.

use std::{f64::consts::TAU, sync::OnceLock};

use axum::{
    body::Bytes,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// Not below `/carriers/`: a carrier fetches audio without parameters. Each length has an address of its own: a
/// document cannot end what it plays, and carriers keep what they have fetched.
pub const PATH: &str = "/audio/hold/{piece}";
/// The longest piece, and how much of it there is.
pub const SECONDS: u32 = 20;

/// What telephone networks carry.
const RATE: u32 = 8_000;
const CHORD_S: f64 = 2.5;
/// A quarter of a second, in samples.
const FADE: usize = RATE as usize / 4;
const ENDING: &str = ".wav";
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

/// Where so much of it is.
pub fn path(seconds: u32) -> String {
    PATH.replace("{piece}", &format!("{}{ENDING}", seconds.clamp(1, SECONDS)))
}

/// The handler: the same bytes for everybody, to be kept for a day.
pub async fn hold(Path(piece): Path<String>) -> Response {
    static SAMPLES: OnceLock<Vec<i16>> = OnceLock::new();
    let Some(seconds) = piece.strip_suffix(ENDING).and_then(|seconds| seconds.parse().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let samples = SAMPLES.get_or_init(|| (0..RATE * SECONDS).map(sample).collect());
    let file = Bytes::from(wav(samples, seconds));
    ([(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "public, max-age=86400")], file).into_response()
}

/// PCM, 16 bits, mono (RIFF WAVE).
fn wav(samples: &[i16], seconds: u32) -> Vec<u8> {
    let played = (RATE * seconds.clamp(1, SECONDS)) as usize;
    let samples = samples.iter().enumerate().take(played).map(|(n, sample)| faded(*sample, played - n));
    let samples: Vec<i16> = samples.collect();
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

/// What is cut off within a chord ends softly.
fn faded(sample: i16, left: usize) -> i16 {
    if left >= FADE {
        return sample;
    }
    let share = i64::from(sample) * i64::try_from(left).unwrap_or(0) / i64::try_from(FADE).unwrap_or(1);
    i16::try_from(share).unwrap_or(0)
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

    fn cut(seconds: u32) -> Vec<u8> {
        wav(&(0..RATE * SECONDS).map(sample).collect::<Vec<_>>(), seconds)
    }

    #[test]
    fn each_piece_is_a_wave_file_that_is_heard_and_never_clicks() {
        for seconds in [1, 7, 8, SECONDS] {
            let file = cut(seconds);
            assert_eq!((&file[..4], &file[8..16]), (b"RIFF".as_slice(), b"WAVEfmt ".as_slice()));
            assert_eq!(file.len(), 44 + (RATE * seconds * 2) as usize);
            let samples: Vec<i16> =
                file[44..].chunks(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect();
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((3_000..20_000).contains(&loudest), "{loudest}");
            let steepest = samples.windows(2).map(|two| two[0].abs_diff(two[1])).max().unwrap();
            assert!(steepest < 8_000, "it clicks: {steepest}");
            assert!(samples.last().unwrap().unsigned_abs() < 50, "it ends with a click");
        }
    }

    #[tokio::test]
    async fn a_piece_is_found_at_its_address_and_nothing_else_is() {
        let status = async |piece: &str| hold(Path(piece.to_owned())).await.status();
        assert_eq!(path(8), "/audio/hold/8.wav");
        assert_eq!(path(99), "/audio/hold/20.wav");
        assert_eq!(status("8.wav").await, StatusCode::OK);
        assert_eq!(status("4000000000.wav").await, StatusCode::OK, "all there is");
        for wrong in ["8.mp3", "x.wav", "-1.wav", "8"] {
            assert_eq!(status(wrong).await, StatusCode::NOT_FOUND, "{wrong}");
        }
    }
}
