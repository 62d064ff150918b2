//! Two lanes lead to the database. In the urgent one are those for whom somebody waits: a caller on the
//! phone, a tool that wants its 202. In the patient one are the workers. While both are full, the
//! patient lane gets a share and no more, so that a storm of events is taken in before all of it is told.
//!
//! Neither lane ever stands still. Start with `lanes`.

use tokio::sync::{mpsc, oneshot};

use super::unit::Job;

/// Units of work that may wait in a lane; beyond, callers wait for their place.
const LANE_MAX: usize = 1_024;

/// What the store's thread is asked for.
pub(super) enum Order {
    Work(Box<dyn Job>),
    /// Finish what is queued, close, and say so.
    Close(oneshot::Sender<()>),
}

/// How many urgent units of work go before a patient one, while both wait. Telling people about an alert
/// costs the database as much as taking in some dozens; and a quarter of some hundred batches a second is
/// still more pages than a carrier sends.
const URGENT_PER_PATIENT: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Urgent,
    Patient,
}

/// Whose turn it is.
#[derive(Default)]
pub(super) struct Turns {
    urgent: u32,
}

impl Turns {
    pub fn took(&mut self, lane: Lane) {
        match lane {
            Lane::Urgent => self.urgent = self.urgent.saturating_add(1),
            Lane::Patient => self.urgent = 0,
        }
    }

    pub fn is_patients(&self) -> bool {
        self.urgent >= URGENT_PER_PATIENT
    }
}

pub(super) struct Lanes {
    urgent: mpsc::Sender<Order>,
    patient: mpsc::Sender<Order>,
}

/// The other end.
pub(super) struct Queue {
    pub urgent: mpsc::Receiver<Order>,
    pub patient: mpsc::Receiver<Order>,
}

pub(super) fn lanes() -> (Lanes, Queue) {
    let (urgent, urgent_orders) = mpsc::channel(LANE_MAX);
    let (patient, patient_orders) = mpsc::channel(LANE_MAX);
    (Lanes { urgent, patient }, Queue { urgent: urgent_orders, patient: patient_orders })
}

impl Lanes {
    /// `false`: the store is closed.
    pub async fn send(&self, lane: Lane, order: Order) -> bool {
        let lane = match lane {
            Lane::Urgent => &self.urgent,
            Lane::Patient => &self.patient,
        };
        lane.send(order).await.is_ok()
    }
}

impl Queue {
    /// The urgent first. `None`: closed, and nothing is left.
    pub async fn next(&mut self) -> Option<(Lane, Order)> {
        tokio::select! {
            biased;
            Some(order) = self.urgent.recv() => Some((Lane::Urgent, order)),
            Some(order) = self.patient.recv() => Some((Lane::Patient, order)),
            else => None,
        }
    }

    /// Whoever waits already.
    pub fn waiting(&mut self, patient_too: bool) -> Option<(Lane, Order)> {
        if let Ok(order) = self.urgent.try_recv() {
            return Some((Lane::Urgent, order));
        }
        let order = if patient_too { self.patient.try_recv().ok() } else { None };
        order.map(|order| (Lane::Patient, order))
    }

    /// What is queued already can still be received.
    pub fn close(&mut self) {
        self.urgent.close();
        self.patient.close();
    }
}
