//! Answers callers without a database: by the documents rendered ahead, or by an apology that leads to a message.
//! What happens is in the journal before it is answered. Start at `Desk::answer`.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::FromRef;

use super::{
    disk::Disk,
    document,
    entry::{Entry, What},
    journal::write_whole,
    meter::Meter,
    plan::{Human, Plan},
    step::Step,
};
use crate::{
    carrier::twiml,
    clock::Clock,
    hotline::{document::text, farewell, urls::Urls, voice::Arrival},
    model::{Instant, id::CarrierId, language::Language, phone::Phone},
    telemetry::metric,
    web::webhook::Webhooks,
};

/// So many calls are known to have been answered here; nobody asks for older ones.
const ANSWERED_MAX: usize = 4_096;

/// Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Parts>);

struct Parts {
    webhooks: Webhooks,
    clock: Clock,
    file: PathBuf,
    disk: Disk,
    meter: Meter,
    ready: Mutex<Arc<Ready>>,
    /// Calls that were answered here, the latest last.
    answered: Mutex<VecDeque<(CarrierId, String)>>,
}

/// Rendered ahead.
#[derive(Default)]
struct Ready {
    plan: Plan,
    documents: BTreeMap<(CarrierId, Phone), Document>,
}

struct Document {
    hotline: Phone,
    /// Whom the first document dials.
    dials: Option<(Phone, String)>,
    /// Without dialling.
    message: String,
}

impl FromRef<Desk> for Webhooks {
    fn from_ref(desk: &Desk) -> Self {
        desk.0.webhooks.clone()
    }
}

impl Desk {
    pub fn new(webhooks: Webhooks, clock: Clock, file: &Path) -> Self {
        Self(Arc::new(Parts {
            webhooks,
            clock,
            file: file.to_owned(),
            disk: Disk::beside(file),
            meter: Meter::default(),
            ready: Mutex::default(),
            answered: Mutex::default(),
        }))
    }

    pub fn file(&self) -> &Path {
        &self.0.file
    }

    pub fn disk(&self) -> &Disk {
        &self.0.disk
    }

    pub fn urls(&self, carrier: &CarrierId) -> Urls {
        Urls::new(self.0.webhooks.public_url(), carrier)
    }

    /// Of the declarations in use.
    pub fn revision(&self) -> i64 {
        self.ready().plan.revision
    }

    fn ready(&self) -> Arc<Ready> {
        Arc::clone(&self.0.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Renders every document. The addresses in them are this place's own, so that each place renders them
    /// itself by the same plan.
    pub fn prepare(&self, plan: Plan) {
        let mut documents = BTreeMap::new();
        for line in self.0.webhooks.carriers().iter() {
            let carrier = line.carrier.id();
            let urls = self.urls(carrier);
            for (number, line) in &plan.lines {
                let language = &line.language;
                let dials = Step::first(line).next().and_then(|step| {
                    let rung = step.rung.clone()?;
                    let document = document::first(&step, &rung, &urls);
                    Some((rung.number, text(&document, &urls, language)))
                });
                let message = text(&document::message(language, &urls), &urls, language);
                let document = Document { hotline: line.hotline.clone(), dials, message };
                documents.insert((carrier.clone(), number.clone()), document);
            }
        }
        let ready = Arc::new(Ready { plan, documents });
        *self.0.ready.lock().unwrap_or_else(PoisonError::into_inner) = ready;
    }

    /// Puts the plan where a place without a database finds it. Blocks.
    pub fn save(&self) -> std::io::Result<()> {
        write_whole(&self.0.file, &self.ready().plan.to_json())
    }

    /// What speaks to a caller of this number.
    pub fn language(&self, arrival: &Arrival) -> Language {
        let ready = self.ready();
        let line = arrival.to.as_ref().and_then(|to| ready.plan.lines.get(to));
        line.map_or_else(|| arrival.language(), |line| line.language.clone())
    }

    /// The document in place of one that cannot be had. `said` is what the caller left with this request: nobody
    /// else keeps it. Whoever is gone is neither told nor put through.
    pub async fn answer(&self, arrival: &Arrival, said: Option<What>, is_gone: bool) -> String {
        let (ready, now) = (self.ready(), self.0.clock.now());
        let mut happened: Vec<What> = said.into_iter().collect();
        if is_gone {
            happened.push(What::Ended);
            self.note(arrival, now, happened).await;
            return self.farewell(arrival, &self.language(arrival), false);
        }
        self.remember(arrival);
        happened.push(What::Used);
        let known = arrival.to.clone().and_then(|to| ready.documents.get(&(arrival.carrier.clone(), to)));
        let document = match known {
            Some(Document { hotline, dials: Some((number, document)), .. }) if self.may_dial(&ready, hotline, now) => {
                happened.push(What::Dialled(number.clone()));
                document.clone()
            }
            Some(document) => document.message.clone(),
            None => {
                let (urls, language) = (self.urls(&arrival.carrier), arrival.language());
                text(&document::message(&language, &urls), &urls, &language)
            }
        };
        self.note(arrival, now, happened).await;
        document
    }

    fn answered(&self) -> MutexGuard<'_, VecDeque<(CarrierId, String)>> {
        self.0.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, arrival: &Arrival) {
        if self.has_answered(&arrival.carrier, &arrival.carrier_call) {
            return;
        }
        let mut answered = self.answered();
        if answered.len() >= ANSWERED_MAX {
            answered.pop_front();
        }
        answered.push_back((arrival.carrier.clone(), arrival.carrier_call.clone()));
    }

    /// Whether this caller is in the hands of the spare document, or was: the flow has nobody to put through.
    pub fn has_answered(&self, carrier: &CarrierId, carrier_call: &str) -> bool {
        self.answered().iter().rev().any(|(of, call)| call == carrier_call && of == carrier)
    }

    /// A call is over. `false`: it was not answered here. Else the journal has it: what happened before must be
    /// known first, or a caller who has talked would count as missed.
    pub async fn is_over(&self, arrival: &Arrival) -> bool {
        let was_ours = self.has_answered(&arrival.carrier, &arrival.carrier_call);
        if was_ours {
            self.happened(arrival, What::Ended).await;
        }
        was_ours
    }

    /// The next human after one who did not take the call, or a message.
    pub async fn ring_next(&self, arrival: &Arrival, step: Step) -> String {
        let (ready, now, urls) = (self.ready(), self.0.clock.now(), self.urls(&arrival.carrier));
        let next = step.clone().next().and_then(|step| Some((step.rung.clone()?, step)));
        let document = match next {
            Some((Human { number, language }, next)) if self.may_dial(&ready, &next.hotline, now) => {
                self.note(arrival, now, vec![What::Dialled(number.clone())]).await;
                document::next(&next, &Human { number, language }, &urls)
            }
            _ => document::nobody(&step, &urls),
        };
        text(&document, &urls, &step.language)
    }

    fn may_dial(&self, ready: &Ready, hotline: &Phone, now: Instant) -> bool {
        let may = self.0.meter.take(hotline, ready.plan.calls_per_hour, now);
        if !may {
            tracing::error!(hotline = %hotline.masked(), "the hour's cap of dialled spare numbers is reached");
            metrics::counter!(metric::SPARE, "what" => "capped").increment(1);
        }
        may
    }

    pub async fn happened(&self, arrival: &Arrival, what: What) {
        self.note(arrival, self.0.clock.now(), vec![what]).await;
    }

    /// On the disk when this returns, or else in memory, and that is said.
    async fn note(&self, arrival: &Arrival, at: Instant, happened: Vec<What>) {
        for what in &happened {
            metrics::counter!(metric::SPARE, "what" => what.word()).increment(1);
        }
        let entry = |what| Entry { at, arrival: arrival.clone(), what };
        self.0.disk.keep(happened.into_iter().map(entry).collect()).await;
    }

    /// Thanks, or a goodbye.
    pub fn farewell(&self, arrival: &Arrival, language: &Language, left_message: bool) -> String {
        let urls = self.urls(&arrival.carrier);
        farewell(language, |words| if left_message { words.message_thanks } else { words.goodbye }, &urls)
    }

    pub fn whisper(&self, carrier: &CarrierId, language: &Language) -> String {
        let urls = self.urls(carrier);
        text(&document::whisper(language, 0, &urls), &urls, language)
    }

    pub fn pressed(&self, carrier: &CarrierId, language: &Language, digits: &str, asked: u32) -> String {
        let urls = self.urls(carrier);
        text(&document::pressed(digits, language, asked, &urls), &urls, language)
    }

    pub fn leave(&self, carrier: &CarrierId) -> String {
        let leave = twiml::Response::new().with(twiml::Verb::Leave);
        text(&leave, &self.urls(carrier), &Language::english())
    }
}
