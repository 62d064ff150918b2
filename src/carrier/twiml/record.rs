//! Record: a voicemail. After it only its action continues the call.

use super::{
    Method, TwimlError,
    attribute::{Reading, SCHEMA, URL, any, content, element, finish_keys, range, some, url, words},
    xml::Element,
};

/// Twilio transcribes nothing longer.
const MAX_TRANSCRIBED_S: u32 = 120;

words! {
    pub enum Trim {
        TrimSilence = "trim-silence",
        DoNotTrim = "do-not-trim",
    }
    pub enum RecordingEvent {
        InProgress = "in-progress",
        Completed = "completed",
        /// Too short, silent or failed: there is no file.
        Absent = "absent",
    }
    pub enum RecordingTrack {
        Inbound = "inbound",
        Outbound = "outbound",
        Both = "both",
    }
}

element! {
    pub struct Record = "Record" {
        /// Left out it is this document's own URL, which would record in a circle.
        action: String = "action", URL, url;
        method: Method = "method", SCHEMA, any;
        /// So much silence ends it; 0 is off.
        timeout_s: u32 = "timeout", SCHEMA, range(0..=86_400);
        finish_on_key: String = "finishOnKey", SCHEMA, finish_keys;
        max_length_s: u32 = "maxLength", 13612, range(1..=86_400);
        play_beep: bool = "playBeep", SCHEMA, any;
        trim: Trim = "trim", SCHEMA, any;
        /// English only, at Twilio.
        transcribe: bool = "transcribe", SCHEMA, any;
        transcribe_callback: String = "transcribeCallback", URL, url;
        recording_status_callback: String = "recordingStatusCallback", URL, url;
        recording_status_callback_method: Method = "recordingStatusCallbackMethod", SCHEMA, any;
        recording_status_callback_events: Vec<RecordingEvent> = "recordingStatusCallbackEvent", SCHEMA, some;
    } {}
}

impl Record {
    pub(super) fn element(&self) -> Result<Element, TwimlError> {
        let element = self.start()?;
        content(&element, self.fault())?;
        Ok(element)
    }

    pub(super) fn read(mut element: Element, reading: &mut Reading) -> Self {
        let record = Self::begin(&mut element, reading);
        let _ = reading.text(element);
        reading.content("Record", record.fault());
        record
    }

    fn fault(&self) -> Option<(u32, &'static str)> {
        let transcribed = self.transcribe == Some(true) || self.transcribe_callback.is_some();
        match self.max_length_s {
            Some(max) if transcribed && max > MAX_TRANSCRIBED_S => {
                Some((13615, "a transcribed recording has at most 120 seconds"))
            }
            Some(_) | None => None,
        }
    }
}
