//! What a caller hears who waits in the queue, again and again, and how they leave it: by the star key, or
//! when everything else has failed. Where they stand is told on time, as often as the flow wants.

use axum::{extract::State as Extract, response::Response};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::AnyConnection;

use super::{State, answer, calls::Asked, document, effects::note, facts, guard, music, turn::Scene, waiting::Waiting};
use crate::{
    carrier::twiml::{self, Gather, GatherInput, Method, Pause, Play, Prompt, Redirect, Verb},
    escalation::connect::{End, GaveUp},
    ivr,
    model::{Instant, language::Language},
    store::{
        StoreError,
        calls::{self, Phase},
        timers, waiting as queued,
    },
};

/// How long somebody waits who cannot be told anything new.
const LOOK_EVERY_S: u32 = 10;
/// After so many looks in vain the caller is led out of the queue, to whoever can be had without us.
const LOOKS_IN_VAIN_MAX: u32 = 2;
/// How long somebody waits for what is about to happen.
const PATIENCE_S: u32 = 2;
/// After the longest wait, before the room itself ends it.
const OVERTIME: TimeDelta = TimeDelta::seconds(30);

/// After the last note the star key still counts. A carrier takes no less.
const KEY_WAIT_S: u32 = 1;
/// Nobody hears a note of music before they are told the next thing.
const EARLY: TimeDelta = TimeDelta::seconds(2);

/// Why a caller leaves the queue without having talked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    ByKey,
    Forgotten,
}

/// What a waiting caller hears: fetched again and again, so it is cheap.
pub(super) async fn wait(Extract(state): Extract<State>, asked: Asked) -> Response {
    let (urls, call) = (asked.urls.clone(), asked.call.clone());
    let (n, in_vain): (u32, u32) =
        (asked.webhook.queried("n").unwrap_or(0), asked.webhook.queried("vain").unwrap_or(0));
    let work = async move { state.waiting_room(&asked).await };
    // Whoever cannot be told anything new goes on waiting for a while, in case it passes.
    let silence = || {
        let response = match in_vain {
            LOOKS_IN_VAIN_MAX.. => twiml::Response::new().with(Verb::Leave),
            _ => {
                let again = Redirect::to(urls.wait_in_vain(&call, n, in_vain + 1));
                twiml::Response::new().with(Pause::seconds(LOOK_EVERY_S)).with(again)
            }
        };
        super::text(&response, &urls)
    };
    answer("wait", guard(work, silence).await)
}

impl State {
    async fn waiting_room(&self, asked: &Asked) -> Result<String, StoreError> {
        let leave = || Ok(super::text(&twiml::Response::new().with(Verb::Leave), &asked.urls));
        let patience = || Ok(super::text(&twiml::Response::new().with(Pause::seconds(PATIENCE_S)), &asked.urls));
        let talking = self.talking_leg(&asked.call).await?;
        let Some(scene) = self.scene(&asked.call, asked.attestation()).await? else { return leave() };
        let Some(waiting) = scene.call.connect.as_deref().map(Waiting::from_json).transpose()? else {
            return leave();
        };
        match scene.call.phase {
            Phase::Waiting if asked.webhook.form.get("Digits") == Some("*") => {
                if self.leave_queue(&scene, Left::ByKey).await? { leave() } else { patience() }
            }
            // Its timer should have ended the waiting by now.
            Phase::Waiting if scene.acting.now > waiting.until() + OVERTIME => {
                if self.leave_queue(&scene, Left::Forgotten).await? { leave() } else { patience() }
            }
            Phase::Waiting => self.room(asked, &scene, &waiting).await,
            // The bridge is a moment away.
            Phase::Accepted => patience(),
            Phase::Bridged => match talking {
                Some(_) if !waiting.conference => {
                    let n = asked.webhook.queried("n").unwrap_or(0);
                    let language = scene.call.language.clone().unwrap_or_else(Language::english);
                    Ok(super::star::moment(&asked.urls, &scene.call.id, n, &language))
                }
                _ => leave(),
            },
            // The carrier is being asked to move the caller. Were they to leave by themselves meanwhile, it would
            // move them out of whatever comes next.
            Phase::Leaving if self.is_being_moved(&scene).await? => patience(),
            Phase::Ivr | Phase::Recording | Phase::Leaving | Phase::Away | Phase::Ended => leave(),
        }
    }

    async fn is_being_moved(&self, scene: &Scene) -> Result<bool, StoreError> {
        let mut db = self.context().store.read().await?;
        let due = timers::due_at(&mut db, scene.acting.org(), super::rings::LEAVE, scene.call.id.as_str()).await?;
        Ok(due.is_some())
    }

    /// `false`: somebody has accepted at the same moment.
    async fn leave_queue(&self, scene: &Scene, why: Left) -> Result<bool, StoreError> {
        let (acting, id) = (scene.acting.clone(), scene.call.id.clone());
        let unit = async move |db: &mut AnyConnection| {
            let org = acting.org();
            let Some(call) = calls::by_id(db, org, &id).await? else { return Ok(true) };
            let Some(stored) = &call.connect else { return Ok(true) };
            if !calls::go(db, org, &id, Phase::Waiting, Phase::Leaving).await? {
                return Ok(false);
            }
            let mut waiting = Waiting::from_json(stored)?;
            waiting.left = why == Left::ByKey;
            waiting.connect.progress.end = Some(End::GaveUp(GaveUp::WaitOver));
            calls::set_connect(db, org, &id, &waiting.to_json()).await?;
            let waited = acting.now - waiting.connect.plan.started_at;
            calls::set_waited(db, org, &id, waited.num_milliseconds()).await?;
            super::connect::stop(db, &acting, &call).await?;
            let text = match why {
                Left::ByKey => "The caller pressed * to leave the queue.",
                Left::Forgotten => "The caller had waited for too long and was taken out of the queue.",
            };
            note(db, &acting, &call, "left", text, json!({})).await?;
            Ok(true)
        };
        self.context().change(unit).await
    }

    /// At first that they are being connected, then music or silence, and where they stand whenever that is due.
    async fn room(&self, asked: &Asked, scene: &Scene, waiting: &Waiting) -> Result<String, StoreError> {
        let n: u32 = asked.webhook.queried("n").unwrap_or(0);
        let ours = asked.webhook.queried::<String>("music").is_some();
        let marks = Marks::of(waiting, scene.acting.now);
        let (facts, state) = {
            let mut db = self.context().store.read().await?;
            let mut facts = facts::gather(&mut db, &scene.acting, &scene.line).await?;
            let ahead = queued::count_ahead(&mut db, scene.acting.org(), &scene.call.id).await?;
            facts.queue_position = Some(ahead + 1);
            let state = super::turn::state_of(scene, &facts)?;
            (facts, state)
        };
        let is_due = n <= marks.past;
        let prompts: Vec<Prompt> = match is_due {
            true => ivr::waiting(scene.flows(), &state, &facts, n == 0).iter().map(document::prompt).collect(),
            false => vec![Prompt::Play(Play::url(match waiting.music.as_ref().filter(|_| !ours) {
                Some(music) => music.clone(),
                None => format!("{}{}", asked.urls.public_url, music::path(marks.music_s())),
            }))],
        };
        let (id, next) = (&scene.call.id, if is_due { marks.past + 1 } else { n });
        let next = if ours { asked.urls.wait_to_our_music(id, next) } else { asked.urls.wait(id, next) };
        let gather = Gather {
            action: Some(next.clone()),
            method: Some(Method::Post),
            input: Some(GatherInput::Dtmf),
            timeout_s: Some(KEY_WAIT_S),
            num_digits: Some(1),
            finish_on_key: Some(String::new()),
            prompts,
            ..Gather::default()
        };
        let response = twiml::Response::new().with(gather).with(Redirect::to(next));
        Ok(document::text(&response, &asked.urls, &state.language))
    }
}

/// Where a caller goes on waiting whose music cannot be fetched.
pub(super) fn without_music(scene: &Scene, waiting: &Waiting) -> twiml::Response {
    let next = Marks::of(waiting, scene.acting.now).past + 1;
    twiml::Response::new().with(Redirect::to(scene.urls.wait_to_our_music(&scene.call.id, next)))
}

/// When a caller is told where they stand: at the beginning, and then at every mark, counted from when they began
/// to wait, so that neither the sentence nor the carrier's own time moves the next one.
struct Marks {
    /// How many are past.
    past: u32,
    until_next: TimeDelta,
}

impl Marks {
    fn of(waiting: &Waiting, now: Instant) -> Self {
        let every = TimeDelta::seconds(waiting.announce_every_s.max(1).into());
        let waited = (now - waiting.connect.plan.started_at).max(TimeDelta::zero()) + EARLY;
        let past = waited.num_milliseconds() / every.num_milliseconds();
        let until_next = every - TimeDelta::milliseconds(waited.num_milliseconds() % every.num_milliseconds());
        Self { past: u32::try_from(past).unwrap_or(u32::MAX - 1), until_next: until_next + EARLY }
    }

    /// So much of our own music that its end is about the next mark.
    fn music_s(&self) -> u32 {
        let seconds = self.until_next.num_seconds() - i64::from(KEY_WAIT_S);
        u32::try_from(seconds).unwrap_or(1).clamp(1, music::SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        escalation::connect::{Connect, Plan, Progress},
        ivr::Accept,
    };

    fn marks(announce_every_s: u32, waited_ms: i64) -> (u32, u32) {
        let now: Instant = "2026-03-02T01:30:00Z".parse().unwrap();
        let plan = Plan {
            levels: Vec::new(),
            first_level: 0,
            ring: TimeDelta::seconds(25),
            at_once: false,
            prefer_language: false,
            max_wait: TimeDelta::minutes(5),
            started_at: now - TimeDelta::milliseconds(waited_ms),
        };
        let waiting = Waiting {
            connect: Connect { plan, progress: Progress::default() },
            music: None,
            announce_every_s,
            accept: Accept::Key,
            record: false,
            acknowledge: false,
            left: false,
            aside: None,
            conference: false,
            comes_from_talk: false,
        };
        let marks = Marks::of(&waiting, now);
        (marks.past, marks.music_s())
    }

    #[test]
    fn the_music_ends_at_the_next_mark_or_is_played_once_more() {
        assert_eq!(marks(30, 6_000), (0, 20), "after the first sentence: all of it");
        assert_eq!(marks(30, 27_500), (0, 1));
        assert_eq!(marks(30, 21_000), (0, 8), "and then the rest");
        assert_eq!(marks(30, 28_000), (1, 20), "nobody hears two seconds of music");
        assert_eq!(marks(30, 65_000), (2, 20));
        assert_eq!(marks(5, 3_000), (1, 6));
        assert_eq!(marks(5, 3_000 + 7 * 5_000), (8, 6));
        assert_eq!(marks(3_600, 0), (0, 20));
        assert_eq!(marks(30, -5_000), (0, 20), "clocks differ");
    }
}
