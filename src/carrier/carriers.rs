//! The carriers of this installation, in order of preference.
//!
//! Owns only the list. Whether the preferred one works just now is decided by whoever pages. Start
//! with `Carriers`.

use std::{fmt, sync::Arc};

use super::{Carrier, signature};
use crate::model::id::CarrierId;

/// Cheap to clone: every face and worker holds one.
#[derive(Clone, Default, Debug)]
pub struct Carriers(Arc<Vec<Line>>);

/// One carrier and what its webhooks are checked with.
pub struct Line {
    pub carrier: Arc<dyn Carrier>,
    pub keys: signature::Keys,
    pub account_sid: String,
}

impl Carriers {
    /// The first is the preferred one.
    pub fn new(lines: Vec<Line>) -> Self {
        Self(Arc::new(lines))
    }

    pub fn get(&self, id: &CarrierId) -> Option<&Line> {
        self.iter().find(|line| line.carrier.id() == id)
    }

    pub fn preferred(&self) -> Option<&Line> {
        self.0.first()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(self.carrier.id()).finish()
    }
}
