//! Conferences: whoever dials the same name talks with all who did. When somebody leaves the others talk
//! on, unless that one ends it for all.

use super::{Heard, Interrupt, Line};
use crate::{
    carrier::twiml::{Conference, Dial},
    sim::{
        event::{Source, What},
        signal::Signal,
    },
};

/// What somebody does who is in one.
enum Does {
    Speaks(String),
    Leaves,
}

impl Line {
    pub(super) async fn confer(&mut self, dial: &Dial, conference: &Conference) -> Result<(), Interrupt> {
        let name = conference.name.clone();
        let others = {
            let mut world = self.sim.world();
            let room = world.conferences.entry(name.clone()).or_default();
            room.push(self.sid.clone());
            room.len() - 1
        };
        self.note(What::Joined { leg: self.sid.clone(), conference: name.clone(), others });
        let over = self.discuss(dial, &name).await;
        let mut world = self.sim.world();
        let rest = world.conferences.remove(&name).unwrap_or_default();
        let rest: Vec<_> = rest.into_iter().filter(|leg| *leg != self.sid).collect();
        if conference.end_on_exit == Some(true) {
            for leg in &rest {
                world.signal(leg, Signal::Closed { conference: name.clone() });
            }
        } else if !rest.is_empty() {
            world.conferences.insert(name.clone(), rest);
        }
        drop(world);
        self.note(What::Left { leg: self.sid.clone(), conference: name });
        over
    }

    async fn discuss(&mut self, dial: &Dial, name: &str) -> Result<(), Interrupt> {
        let (clock, limit) = (self.sim.0.clock.clone(), self.limit(dial));
        let star = dial.hangup_on_star == Some(true);
        loop {
            let clock = clock.clone();
            let heard = self.listen(async move { clock.sleep_until(limit).await }, |signal| match signal {
                Signal::Speech { text, .. } => Some(Does::Speaks(text.clone())),
                Signal::Key('*') if star => Some(Does::Leaves),
                Signal::Closed { conference } if conference == name => Some(Does::Leaves),
                _ => None,
            });
            match heard.await? {
                Heard::Signal(Does::Speaks(text)) => self.say_to_all(name, &text),
                Heard::Signal(Does::Leaves) | Heard::Done(()) => return Ok(()),
            }
        }
    }

    fn say_to_all(&self, name: &str, text: &str) {
        let room = self.sim.world().conferences.get(name).cloned().unwrap_or_default();
        for leg in room.into_iter().filter(|leg| *leg != self.sid) {
            let (language, voice) = (None, None);
            self.note(What::Heard { leg, text: text.to_owned(), language, voice, source: Source::Person });
        }
    }
}

impl super::dial::Dialled {
    /// After a conference the carrier tells no leg and no duration, and not whether anybody was there.
    pub fn of_conference() -> Vec<(String, String)> {
        vec![super::pair("DialCallStatus", "answered")]
    }
}
