//! Signed links to recordings: whoever has one may listen for a short while. Nothing is stored. Pure.

use chrono::TimeDelta;

use super::{
    links::{LinkError, Links},
    urls,
};
use crate::model::{Instant, id::VoicemailId};

/// For somebody who looks at it now: the API and the console.
pub const NOW: TimeDelta = TimeDelta::minutes(15);
/// For somebody who is sent a message and may be asleep.
pub const LATER: TimeDelta = TimeDelta::hours(4);

const PURPOSE: &[u8] = b"pikett recording v1\n";

impl Links {
    pub fn recording(&self, voicemail: &VoicemailId, expires_at: Instant) -> String {
        let token = self.signed(PURPOSE, &format!("{} {voicemail}", expires_at.timestamp()));
        urls::recording(self.home(), &token)
    }

    /// Which recording a genuine link leads to.
    pub fn read_recording(&self, token: &str, now: Instant) -> Result<VoicemailId, LinkError> {
        let said = self.checked(PURPOSE, token)?;
        let (expires_at, voicemail) = parts(&said).ok_or(LinkError::Forged)?;
        if expires_at < now { Err(LinkError::Expired) } else { Ok(voicemail) }
    }
}

fn parts(said: &[u8]) -> Option<(Instant, VoicemailId)> {
    let (seconds, voicemail) = std::str::from_utf8(said).ok()?.split_once(' ')?;
    Some((Instant::from_timestamp(seconds.parse().ok()?, 0)?, voicemail.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Ids, model::secret::Secret, notify::links::Action};

    fn at(minutes: i64) -> Instant {
        Instant::from_timestamp(1_772_330_400, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn links(key: &str) -> Links {
        Links::new("https://hotline.example", Secret::new(key))
    }

    #[test]
    fn a_link_leads_to_its_recording_until_it_expires() {
        let voicemail: VoicemailId = Ids::seeded(1).id(at(0));
        let url = links("key").recording(&voicemail, at(15));
        let token = url.strip_prefix("https://hotline.example/r/").unwrap();
        assert_eq!(links("key").read_recording(token, at(15)), Ok(voicemail));
        assert_eq!(links("key").read_recording(token, at(16)), Err(LinkError::Expired));
        assert_eq!(links("other").read_recording(token, at(0)), Err(LinkError::Forged));
    }

    #[test]
    fn a_link_of_another_kind_plays_nothing() {
        let acknowledges =
            links("key").url(&Ids::seeded(1).id(at(0)), &"anna".parse().unwrap(), Action::Acknowledge, at(0));
        let token = acknowledges.strip_prefix("https://hotline.example/a/").unwrap();
        assert_eq!(links("key").read_recording(token, at(0)), Err(LinkError::Forged));
    }
}
