//! The paths that the hotline answers, written once: the routes and the documents that name them use
//! the same constants. Pure.

use crate::model::{
    call::Question,
    id::{CallId, CarrierId, LegId},
    language::Language,
};

/// All events of a carrier that runs no flow.
pub const PUSH: &str = "/carriers/{carrier}/push";
pub const VOICE: &str = "/carriers/{carrier}/voice";
pub const VOICE_STATUS: &str = "/carriers/{carrier}/voice/status";
pub const FALLBACK: &str = "/carriers/{carrier}/voice/fallback";
/// What was recorded after something had failed.
pub const MESSAGE: &str = "/carriers/{carrier}/voice/message";
/// After a static number of the spare document was dialled; the query says who is next.
pub const SPARE_NEXT: &str = "/carriers/{carrier}/spare/next";
/// What whoever is dialled so hears before the bridge, and their key.
pub const SPARE_WHISPER: &str = "/carriers/{carrier}/spare/whisper";
pub const SPARE_KEY: &str = "/carriers/{carrier}/spare/key";
pub const TURN: &str = "/carriers/{carrier}/calls/{call}/turns/{turn}";
pub const WAIT: &str = "/carriers/{carrier}/calls/{call}/wait";
pub const QUEUE: &str = "/carriers/{carrier}/calls/{call}/queue/{turn}";
pub const RECORDING: &str = "/carriers/{carrier}/calls/{call}/recording";
pub const TRANSCRIPTION: &str = "/carriers/{carrier}/calls/{call}/transcription";
pub const LEG: &str = "/carriers/{carrier}/legs/{leg}";
pub const LEG_KEY: &str = "/carriers/{carrier}/legs/{leg}/key";
/// What the caller hears who is taken out of the queue, just before the bridge.
pub const LEG_WHISPER: &str = "/carriers/{carrier}/legs/{leg}/whisper";
/// After the talk, or when there was none.
pub const LEG_TALKED: &str = "/carriers/{carrier}/legs/{leg}/talked";
/// What a technician presses who has left the talk by the star.
pub const LEG_STAR: &str = "/carriers/{carrier}/legs/{leg}/star";
/// Where a technician goes on when a third one joins.
pub const LEG_JOIN: &str = "/carriers/{carrier}/legs/{leg}/join";
/// What somebody hears whose leg is about to be ended.
pub const LEG_DISMISSED: &str = "/carriers/{carrier}/legs/{leg}/dismissed";
pub const LEG_STATUS: &str = "/carriers/{carrier}/legs/{leg}/status";

/// What `?music=` of a waiting caller's document says.
pub const OURS: &str = "ours";

/// Builds absolute URLs for one carrier.
#[derive(Debug, Clone)]
pub struct Urls {
    pub public_url: String,
    pub carrier: CarrierId,
}

impl Urls {
    pub fn new(public_url: &str, carrier: &CarrierId) -> Self {
        Self { public_url: public_url.to_owned(), carrier: carrier.clone() }
    }

    pub fn message(&self) -> String {
        self.fill(MESSAGE, "", "")
    }

    pub fn spare_next(&self, query: &str) -> String {
        format!("{}?{query}", self.fill(SPARE_NEXT, "", ""))
    }

    pub fn spare_whisper(&self, language: &Language) -> String {
        format!("{}?language={language}", self.fill(SPARE_WHISPER, "", ""))
    }

    /// `asked`: how often they have been asked by then.
    pub fn spare_key(&self, language: &Language, asked: u32) -> String {
        format!("{}?language={language}&n={asked}", self.fill(SPARE_KEY, "", ""))
    }

    pub fn turn(&self, call: &CallId, turn: u32) -> String {
        self.of_call(TURN, call).replace("{turn}", &turn.to_string())
    }

    pub fn queue(&self, call: &CallId, turn: u32) -> String {
        self.of_call(QUEUE, call).replace("{turn}", &turn.to_string())
    }

    pub fn wait(&self, call: &CallId, asked: u32) -> String {
        format!("{}?n={asked}", self.of_call(WAIT, call))
    }

    /// `in_vain`: how often nothing could be said by then.
    pub fn wait_in_vain(&self, call: &CallId, asked: u32, in_vain: u32) -> String {
        format!("{}&vain={in_vain}", self.wait(call, asked))
    }

    /// With our own music: the flow's cannot be fetched.
    pub fn wait_to_our_music(&self, call: &CallId, asked: u32) -> String {
        format!("{}&music={OURS}", self.wait(call, asked))
    }

    pub fn recording(&self, call: &CallId) -> String {
        self.of_call(RECORDING, call)
    }

    /// Reports come late: they say which turn was waiting for the recording, and what it answers.
    pub fn recording_of_turn(&self, call: &CallId, turn: u32, question: Option<Question>) -> String {
        let question = question.map_or_else(String::new, |question| format!("&question={}", question.as_str()));
        format!("{}?turn={turn}{question}", self.recording(call))
    }

    pub fn transcription(&self, call: &CallId) -> String {
        self.of_call(TRANSCRIPTION, call)
    }

    pub fn leg(&self, path: &str, leg: &LegId) -> String {
        self.fill(path, "{leg}", leg.as_str())
    }

    fn of_call(&self, path: &str, call: &CallId) -> String {
        self.fill(path, "{call}", call.as_str())
    }

    fn fill(&self, path: &str, name: &str, value: &str) -> String {
        let path = path.replace("{carrier}", self.carrier.as_str());
        let path = if name.is_empty() { path } else { path.replace(name, value) };
        format!("{}{path}", self.public_url)
    }
}
