//! How long things take at the carrier and on the phone network, in seconds of the clock.
//!
//! The defaults are the typical times of real networks (estimates). What a document asks for
//! (pauses, time-outs) always takes its time.

use chrono::TimeDelta;

/// Somewhere from the first up to the second, in seconds.
pub type Span = (f64, f64);

#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// From dialling to the first ring.
    pub setup_s: Span,
    /// Added to the time-out of ringing: Twilio rings up to five seconds longer.
    pub ring_slack_s: Span,
    /// How fast texts are spoken. Infinite: at once.
    pub speech_chars_per_s: f64,
    /// How long an audio file and a beep play.
    pub play_s: f64,
    /// From an event to its status callback.
    pub callback_s: Span,
    pub sms_sent_s: Span,
    pub sms_delivered_s: Span,
    /// From a recording's end to its file.
    pub recording_s: Span,
    pub transcription_s: Span,
    /// Until a synchronous answering machine detection has its verdict.
    pub machine_detection_s: Span,
    /// Calls that an account may place by REST per second; more are queued.
    pub calls_per_second: f64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            setup_s: (1.0, 4.0),
            ring_slack_s: (0.0, 5.0),
            speech_chars_per_s: 15.0,
            play_s: 5.0,
            callback_s: (0.05, 0.5),
            sms_sent_s: (0.5, 2.0),
            sms_delivered_s: (2.0, 15.0),
            recording_s: (2.0, 10.0),
            transcription_s: (30.0, 180.0),
            machine_detection_s: (3.0, 7.0),
            calls_per_second: 1.0,
        }
    }
}

impl Times {
    /// Everything at once: for tests, where only the documents' own times pass.
    pub fn none() -> Self {
        Self {
            setup_s: (0.0, 0.0),
            ring_slack_s: (0.0, 0.0),
            speech_chars_per_s: f64::INFINITY,
            play_s: 0.0,
            callback_s: (0.0, 0.0),
            sms_sent_s: (0.0, 0.0),
            sms_delivered_s: (0.0, 0.0),
            recording_s: (0.0, 0.0),
            transcription_s: (0.0, 0.0),
            machine_detection_s: (0.0, 0.0),
            calls_per_second: f64::INFINITY,
        }
    }

    pub(super) fn speech(&self, text: &str) -> TimeDelta {
        #[expect(clippy::cast_precision_loss, reason = "some thousand characters")]
        let chars = text.chars().count() as f64;
        seconds(chars / self.speech_chars_per_s)
    }
}

pub(super) fn seconds(seconds: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of some hours; a float's cast saturates")]
    let millis = (seconds * 1_000.0).clamp(0.0, 1e12) as i64;
    TimeDelta::milliseconds(millis)
}

pub(super) fn within(span: Span, fraction: f64) -> TimeDelta {
    seconds(span.0 + (span.1 - span.0) * fraction)
}
