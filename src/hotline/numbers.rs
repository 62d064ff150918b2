//! Alert numbers that a unit of work may use: reserved before it, and given back after it when it did
//! not need them.

use super::State;
use crate::{store::raise::Raised, work::msp};

/// The numbers that were used, and what became of those for the MSP.
pub type Used = Vec<(i64, Option<Raised>)>;

impl State {
    /// After the commit. Without one nobody knows what was used: the numbers stay unused for ever.
    pub(super) fn settle_numbers(&self, reserved: &[i64], used: &Used) {
        let context = self.context();
        let org = context.directory().org.clone();
        for number in reserved.iter().filter(|number| !used.iter().any(|(used, _)| used == *number)) {
            context.store.return_alert_number(&org, *number);
        }
        for (number, raised) in used {
            if let Some(raised) = raised {
                msp::settle(context, *number, raised);
            }
        }
    }
}
