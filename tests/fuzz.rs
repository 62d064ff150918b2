//! The fuzz targets of fuzz/, bounded, on any toolchain: seeds that are shipped, and what becomes of them
//! when bytes are flipped, lost, doubled, or taken from one another. A failure names its seed; `make fuzz`
//! searches on with libFuzzer.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

#[path = "../fuzz/bodies/flow_file.rs"]
mod flow_file;
#[path = "../fuzz/bodies/twiml.rs"]
mod twiml;
#[path = "../fuzz/bodies/webhook.rs"]
mod webhook;

use std::{fs, panic::catch_unwind, path::Path};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// As many as a few seconds take.
const FLOWS: u64 = 3_000;
const DOCUMENTS: u64 = 30_000;
const BODIES: u64 = 30_000;

const WORDS: [&str; 22] = [
    "do = \"",
    "next",
    "{{ caller }}",
    "{% for i in range(9) %}",
    "[steps.a]",
    "\"\"\"",
    "= -1",
    "= 99999999999",
    "'",
    "<Say>",
    "</Response>",
    "<![CDATA[",
    "&#0;",
    "&amp;",
    "<!DOCTYPE",
    "Digits=1&",
    "%00",
    "%ff",
    "+49",
    "\u{202e}",
    "\0",
    "CallStatus=completed",
];

#[test]
fn flow_files_of_any_kind_are_refused_or_work() {
    let mut seeds = files("ivr-flows", "toml");
    for (place, seed) in seeds.iter_mut().enumerate() {
        seed.extend_from_slice(format!("\n#caller {}", ["1", "048213#1n", "31rs", "!!!2po"][place % 4]).as_bytes());
    }
    play(&seeds, FLOWS, flow_file::take);
}

#[test]
fn documents_of_any_kind_are_refused_or_read() {
    let seeds = [
        "<Response><Gather action=\"/t\" input=\"dtmf speech\" hints=\"a, b\"><Say language=\"de-DE\">Hallo</Say></Gather></Response>",
        "<Response><Enqueue waitUrl=\"/w\" action=\"/a\">q</Enqueue><Leave/></Response>",
        "<Response><Dial callerId=\"+4930901820\" timeout=\"25\"><Number sendDigits=\"ww7\" url=\"/u\">+4930555010</Number></Dial></Response>",
        "<Response><Record maxLength=\"180\" playBeep=\"true\" transcribe=\"true\"/><Redirect method=\"POST\">/r</Redirect></Response>",
        "<Response><Say>a<break time=\"1s\"/><prosody rate=\"slow\">b</prosody></Say><Play loop=\"2\">/m.mp3</Play><Hangup/></Response>",
        "<Response><Dial><Conference startConferenceOnEnter=\"true\" waitUrl=\"\">r</Conference></Dial><Pause length=\"3\"/></Response>",
    ];
    play(&seeds.map(|seed| seed.as_bytes().to_vec()), DOCUMENTS, twiml::take);
}

#[test]
fn bodies_of_any_kind_are_refused_or_taken_as_they_were_meant() {
    let seeds = [
        "CallSid=CA1&From=%2B4930555010&To=%2B4930901820&CallStatus=ringing&StirVerstat=TN-Validation-Passed-A",
        "CallSid=CA1&Digits=048213%23&SpeechResult=ein+Ausfall&Confidence=0.9",
        "RecordingUrl=https%3A%2F%2Fapi%2FRE1&RecordingSid=RE1&RecordingDuration=7&Digits=hangup",
        "a=1&a=1&a=2&&=&b",
        "",
    ];
    play(&seeds.map(|seed| seed.as_bytes().to_vec()), BODIES, webhook::take);
}

fn files(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Each seed as it is, then so many that came of them: the same ones in every run, or those from
/// `PIKETT_FUZZ_SEED` on.
fn play(seeds: &[Vec<u8>], rounds: u64, take: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    for seed in seeds {
        take(seed);
    }
    let first = std::env::var("PIKETT_FUZZ_SEED").map_or(1, |given| given.parse().unwrap());
    for seed in first..first + rounds {
        let data = mangled(seeds, seed);
        if let Err(cause) = catch_unwind(|| take(&data)) {
            eprintln!("PIKETT_FUZZ_SEED={seed} plays it again; it took:\n{}", String::from_utf8_lossy(&data));
            std::panic::resume_unwind(cause);
        }
    }
}

fn mangled(seeds: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut data = seeds[chance.random_range(0..seeds.len())].clone();
    for _ in 0..chance.random_range(1..6) {
        let at = chance.random_range(0..=data.len());
        let end = (at + chance.random_range(0..40)).min(data.len());
        match chance.random_range(0..6) {
            0 if at < data.len() => data[at] ^= 1 << chance.random_range(0..8),
            1 => drop(data.drain(at..end)),
            2 => {
                let piece = data[at..end].to_vec();
                data.splice(at..at, piece);
            }
            3 => {
                let other = &seeds[chance.random_range(0..seeds.len())];
                let from = chance.random_range(0..=other.len());
                let to = (from + chance.random_range(0..200)).min(other.len());
                data.splice(at..end, other[from..to].iter().copied());
            }
            4 => drop(data.splice(at..at, WORDS[chance.random_range(0..WORDS.len())].bytes())),
            _ => data.insert(at, chance.random()),
        }
    }
    data
}
