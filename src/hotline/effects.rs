//! What a turn does beside answering: alerts, waiting, voicemails, messages. Everything here is part of
//! the turn's unit of work.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{numbers::Used, waiting::Waiting};
use crate::{
    declare::of_call,
    escalation::connect::{Connect, Progress},
    ivr::{self, Effect, MissedAlert, MissedCall, MissedWhy, Voicemail},
    model::{
        alert::{AlertState, Source},
        id::{AlertId, ContractId, IncidentId, PolicyId},
        language::Language,
        phone::Phone,
        priority::Priority,
    },
    notify::said,
    store::{
        StoreError, alerts, attempts,
        calls::{self, CallRow},
        incidents::{self, Follower},
        languages,
        raise::{self, Snapshot},
        spent::Spending,
        timeline, timers,
        voicemails::{self, FETCH, Place, Said, VoicemailRow},
        waiting as queue,
    },
    work::{
        Acting,
        money::{self, Purse},
        msp, record,
    },
};

/// The timer by which a waiting caller's people are rung.
pub const CONNECT: &str = "connect";

/// Carriers have a recording ready some seconds after it.
pub const FETCH_AFTER: TimeDelta = TimeDelta::seconds(2);

/// The effects of one turn, on their way.
pub struct Applying<'a> {
    pub acting: &'a Acting,
    pub call: &'a CallRow,
    /// The call's alert, once there is one.
    pub alert: Option<AlertId>,
    /// Reserved alert numbers for what the MSP must hear, and for what comes after an alert was taken.
    pub spare_numbers: Vec<i64>,
    /// What the MSP was told of in this unit of work.
    matters: BTreeSet<String>,
    /// The caller is in other hands by now.
    rings_nobody: bool,
    /// What became of them, for after the commit.
    pub used: Used,
    /// Alerts that were opened for the caller, for the metrics.
    pub opened: u32,
}

impl<'a> Applying<'a> {
    pub fn new(acting: &'a Acting, call: &'a CallRow, spare_numbers: Vec<i64>) -> Self {
        Self {
            acting,
            call,
            alert: call.alert.clone(),
            spare_numbers,
            matters: BTreeSet::new(),
            rings_nobody: false,
            used: Used::new(),
            opened: 0,
        }
    }

    /// For a caller who was put through by the spare document meanwhile: a phone that rings would ring for nobody.
    pub fn ringing_nobody(mut self, is_so: bool) -> Self {
        self.rings_nobody = is_so;
        self
    }

    pub async fn apply(&mut self, db: &mut AnyConnection, effect: &Effect) -> Result<(), StoreError> {
        match effect {
            Effect::RaiseAlert(alert) => self.raise(db, alert).await,
            Effect::AddToAlert(alert) => self.add(db, alert).await,
            Effect::Connect(connect) => self.connect(db, connect).await,
            Effect::Voicemail(voicemail) => self.voicemail(db, voicemail).await,
            Effect::Intake(answer) => self.intake(db, answer).await,
            Effect::Missed(missed) => self.missed(db, missed).await,
            Effect::SendSms { to, text } => self.sms(db, to, text).await,
            Effect::RememberLanguage { caller, language } => {
                languages::remember(db, self.acting.org(), caller, language).await
            }
            // The try was counted before it was looked at.
            Effect::PinFailed { .. } => Ok(()),
            Effect::PinVerified { contract, contact } => {
                let text = format!("The caller proved by PIN to be {contact} (contract {contract}).");
                self.note(db, "verified", text, json!({ "contract": contract.as_str(), "contact": contact.as_str() }))
                    .await
            }
            Effect::Consent { given, how, at } => {
                let word = if *given { "agreed" } else { "did not agree" };
                let text = format!("Asked whether the talk may be recorded, the caller {word}: {how}.");
                self.note(db, "consent", text, json!({ "given": given, "how": how, "at": at.to_rfc3339() })).await
            }
            Effect::FollowIncidents { caller, incidents, language } => {
                self.follow(db, caller, incidents, language).await
            }
            Effect::Callback(promised) => self.promise(db, promised).await,
            Effect::TellMsp { matter, text } => self.tell_msp(db, matter.as_str(), text).await,
        }
    }

    async fn raise(&mut self, db: &mut AnyConnection, alert: &ivr::NewAlert) -> Result<(), StoreError> {
        let row = self.row(alert);
        let raised = raise::raise(db, self.acting.org(), row).await?;
        calls::set_alert(db, self.acting.org(), &self.call.id, &raised.id).await?;
        self.opened += 1;
        self.attach_intake(db, &raised.id).await?;
        let text = format!("Alert #{} was raised for this call.", raised.number);
        self.alert = Some(raised.id);
        self.note(db, "alert", text, json!({ "number": raised.number })).await
    }

    pub(super) fn row(&self, alert: &ivr::NewAlert) -> raise::NewAlert {
        let directory = &self.acting.directory;
        let contract = alert.contract.as_ref().and_then(|id| directory.contracts.get(id));
        let customer = contract.and_then(|contract| directory.customers.get(&contract.customer));
        let contact = customer
            .and_then(|customer| customer.contacts.iter().find(|known| Some(&known.id) == alert.contact.as_ref()));
        raise::NewAlert {
            id: self.acting.ids.id(self.acting.now),
            number: alert.number,
            title: crate::web::text::line(&alert.title, TITLE_MAX),
            priority: alert.priority,
            category: alert.category.clone(),
            source: Source::Call(self.call.id.clone()),
            customer: contract.map(|contract| contract.customer.clone()),
            contract: alert.contract.clone(),
            policy: self.policy(alert.policy.as_ref(), alert.contract.as_ref(), alert.priority),
            dedup: None,
            count: 1,
            call: Some(self.call.id.clone()),
            details: json!({
                "caller": self.call.from.as_ref().map(Phone::as_str),
                "contact": contact.map(|contact| contact.name.as_str()),
                "hotline": self.call.hotline.as_str(),
                "unverified": alert.unverified,
            })
            .to_string(),
            opened_at: self.acting.now,
            escalate_at: Some(self.acting.now),
        }
    }

    /// The step's own policy, else the contract's for this priority, else whoever hears of the MSP's own
    /// matters: somebody is always told.
    fn policy(&self, own: Option<&PolicyId>, contract: Option<&ContractId>, priority: Priority) -> Option<Snapshot> {
        let directory = &self.acting.directory;
        let of_contract = of_call::policy_of(&self.acting.directory, contract, priority);
        let named = own.or(of_contract.as_ref()).and_then(|id| directory.policies.get(id));
        match named {
            Some(policy) => Some(Snapshot::of(policy)),
            None => of_call::msp_policy(directory, None).as_ref().map(Snapshot::of),
        }
    }

    async fn add(&mut self, db: &mut AnyConnection, alert: &ivr::NewAlert) -> Result<(), StoreError> {
        let org = self.acting.org();
        let Some(row) = alerts::by_number(db, org, alert.number).await? else { return self.raise(db, alert).await };
        if matches!(row.alert.state, AlertState::Resolved { .. }) {
            let number = self.spare_number()?;
            self.used.push((number, None));
            return self.raise(db, &ivr::NewAlert { number, ..alert.clone() }).await;
        }
        alerts::raise_priority(db, org, &row.alert.id, alert.priority).await?;
        let text = format!("The caller added to it: {} ({}).", alert.title, alert.priority);
        let detail = json!({ "title": alert.title, "priority": alert.priority.as_str(), "category": alert.category });
        record(db, self.acting, &row.alert.id, "added", text, detail).await?;
        self.alert = Some(row.alert.id);
        Ok(())
    }

    async fn connect(&mut self, db: &mut AnyConnection, connect: &ivr::Connect) -> Result<(), StoreError> {
        let (acting, org, id) = (self.acting, self.acting.org(), &self.call.id);
        let plan = of_call::connect_plan(&acting.directory, connect, acting.now);
        let waiting = Waiting {
            connect: Connect { plan, progress: Progress::default() },
            music: connect.music.clone(),
            announce_every_s: connect.announce_every_s.max(5),
            accept: connect.accept,
            record: connect.record,
            acknowledge: connect.acknowledge,
            left: false,
            aside: None,
            conference: false,
            comes_from_talk: false,
        };
        queue::begin(db, org, id, &waiting.to_json(), acting.now).await?;
        if self.rings_nobody {
            let text = "Nobody is rung: the spare document had answered the caller before the flow could.";
            return self.note(db, "spare", text.to_owned(), json!({})).await;
        }
        timers::set(db, org, CONNECT, id.as_str(), acting.now, "").await?;
        if let Some(alert) = &self.alert
            && alerts::hold(db, org, alert, id).await?
        {
            attempts::hold_voice_pages(db, org, alert).await?;
        }
        Ok(())
    }

    async fn voicemail(&mut self, db: &mut AnyConnection, voicemail: &Voicemail) -> Result<(), StoreError> {
        let (acting, org) = (self.acting, self.acting.org());
        let recording = voicemail.sid.clone().unwrap_or_else(|| voicemail.url.clone());
        // The carrier tells of a recording twice: in the call's own turn and by a report.
        if voicemails::of_call(db, org, &self.call.id).await?.iter().any(|known| known.recording == recording) {
            return Ok(());
        }
        match &voicemail.raise {
            Some(alert) => self.raise(db, alert).await?,
            None => self.raise_for_message(db).await?,
        }
        let row = VoicemailRow {
            id: acting.ids.id(acting.now),
            call: self.call.id.clone(),
            alert: self.alert.clone(),
            carrier: self.call.carrier.clone(),
            recording,
            url: voicemail.url.clone(),
            seconds: voicemail.seconds,
            transcript: None,
            said: Said::Message,
            language: Some(voicemail.language.clone()),
            transcribe: voicemail.transcribe,
            place: Place::AtCarrier,
            remove_at: None,
            created_at: acting.now,
        };
        if !voicemails::insert(db, org, &row).await? {
            return Err(StoreError::Stale("the same message was kept meanwhile"));
        }
        timers::set(db, org, FETCH, row.id.as_str(), acting.now + FETCH_AFTER, "").await?;
        let text = format!("The caller left a message of {} seconds.", voicemail.seconds);
        let detail = json!({ "voicemail": row.id.as_str(), "seconds": voicemail.seconds });
        if let Some(alert) = &self.alert {
            record(db, acting, alert, "voicemail", text.clone(), detail.clone()).await?;
        }
        self.note(db, "voicemail", text, detail).await
    }

    /// The call has no alert, or somebody took or resolved it before there was a message: somebody has to
    /// hear of it.
    pub async fn raise_for_message(&mut self, db: &mut AnyConnection) -> Result<(), StoreError> {
        let before = match &self.alert {
            Some(id) => alerts::by_id(db, self.acting.org(), id).await?,
            None => None,
        };
        if before.as_ref().is_some_and(|row| row.alert.state == AlertState::Triggered) {
            return Ok(());
        }
        let number = self.spare_number()?;
        self.used.push((number, None));
        let before = before.as_ref().map(|row| &row.alert);
        let title = before.map_or_else(
            || "A caller left a message".to_owned(),
            |alert| format!("The caller left a message: {}", alert.title),
        );
        let alert = ivr::NewAlert {
            number,
            title,
            priority: before.map(|alert| alert.priority).or(self.call.priority).unwrap_or(Priority::P3),
            category: before.map_or_else(|| self.call.category.clone(), |alert| alert.category.clone()),
            policy: before.and_then(|alert| alert.policy.clone()),
            contract: before.map_or_else(|| self.call.contract.clone(), |alert| alert.contract.clone()),
            contact: self.call.contact.clone(),
            unverified: false,
        };
        self.raise(db, &alert).await
    }

    pub(super) fn spare_number(&mut self) -> Result<i64, StoreError> {
        let number = self.spare_numbers.pop();
        number.ok_or(StoreError::Stale("more is to be told than was thought"))
    }

    async fn missed(&mut self, db: &mut AnyConnection, missed: &MissedCall) -> Result<(), StoreError> {
        let why = match missed.why {
            MissedWhy::HungUp => "The caller hung up",
            MissedWhy::Silent => "The caller said nothing after the tone",
            MissedWhy::Failed => "The call could not be carried on",
        };
        let category = missed.category.as_deref().unwrap_or("none");
        let text = format!("{why} at step `{}` after {} seconds (category: {category}).", missed.step, missed.waited_s);
        let detail = json!({ "step": missed.step, "waited_s": missed.waited_s, "category": missed.category });
        let alert = match &missed.alert {
            MissedAlert::New(alert) => {
                self.raise(db, alert).await?;
                self.alert.clone()
            }
            MissedAlert::Existing { number } => {
                alerts::by_number(db, self.acting.org(), *number).await?.map(|row| row.alert.id)
            }
        };
        if let Some(alert) = &alert {
            record(db, self.acting, alert, "missed", text.clone(), detail.clone()).await?;
        }
        self.note(db, "missed", text, detail).await
    }

    async fn follow(
        &mut self,
        db: &mut AnyConnection,
        caller: &Phone,
        incidents: &[IncidentId],
        language: &Language,
    ) -> Result<(), StoreError> {
        let (acting, org) = (self.acting, self.acting.org());
        let follower =
            Follower { phone: caller.clone(), language: language.clone(), hotline: self.call.hotline.clone() };
        for id in incidents {
            incidents::follow(db, org, id, &follower, acting.now).await?;
        }
        let ids: Vec<&str> = incidents.iter().map(|id| id.as_str()).collect();
        let text = format!("Updates about {} by SMS go to {}.", ids.join(", "), caller.masked());
        self.note(db, "follows", text, json!({ "incidents": ids })).await
    }

    async fn sms(&mut self, db: &mut AnyConnection, to: &Phone, text: &str) -> Result<(), StoreError> {
        let (acting, org, now) = (self.acting, self.acting.org(), self.acting.now);
        if let Some(full) = money::spend(db, acting, Spending::Sms, Purse::Callers(&self.call.hotline), to).await? {
            let text = format!("Callers have reached {full}: an SMS to one of them was not sent.");
            self.note(db, "sms-refused", text.clone(), json!({ "limit": full.key() })).await?;
            return self.tell_msp(db, "sms-cap", &text).await;
        }
        attempts::insert(db, org, &said::reply(&acting.ids, now, to.clone(), text)).await?;
        self.note(db, "sms", format!("An SMS goes to {}.", to.masked()), json!({})).await
    }

    pub async fn tell_msp(&mut self, db: &mut AnyConnection, matter: &str, text: &str) -> Result<(), StoreError> {
        let matter = format!("{matter}:{}", self.call.hotline);
        if !self.matters.insert(matter.clone()) {
            return Ok(());
        }
        let number = self.spare_number()?;
        let hint = of_call::policy_of(
            &self.acting.directory,
            self.call.contract.as_ref(),
            self.call.priority.unwrap_or(Priority::P3),
        );
        let raised = msp::tell(db, self.acting, number, &matter, text, text, hint.as_ref()).await?;
        self.used.push((number, Some(raised)));
        Ok(())
    }

    pub async fn note(
        &self,
        db: &mut AnyConnection,
        kind: &str,
        text: impl Into<String>,
        detail: Value,
    ) -> Result<(), StoreError> {
        note(db, self.acting, self.call, kind, text, detail).await
    }
}

const TITLE_MAX: usize = 1_024;

/// An entry of the call's own timeline.
pub async fn note(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    kind: &str,
    text: impl Into<String>,
    detail: Value,
) -> Result<(), StoreError> {
    timeline::write(db, acting.org(), &entry(acting, call, kind, text, detail)).await
}

/// Why the flow went the way it went.
pub async fn note_reasons(
    db: &mut AnyConnection,
    acting: &Acting,
    call: &CallRow,
    reasons: &[String],
    step: &str,
) -> Result<(), StoreError> {
    timeline::write_all(db, acting.org(), &self::reasons(acting, call, reasons, step)).await
}

pub fn reasons(acting: &Acting, call: &CallRow, reasons: &[String], step: &str) -> Vec<timeline::Entry> {
    reasons.iter().map(|reason| entry(acting, call, "turn", reason.as_str(), json!({ "step": step }))).collect()
}

fn entry(acting: &Acting, call: &CallRow, kind: &str, text: impl Into<String>, detail: Value) -> timeline::Entry {
    timeline::Entry {
        id: acting.ids.id(acting.now),
        alert: None,
        call: Some(call.id.clone()),
        at: acting.now,
        kind: kind.to_owned(),
        text: text.into(),
        detail,
    }
}
