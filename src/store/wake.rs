//! Who waits for what: a commit wakes workers, so that nothing has to be polled.
//!
//! Store functions `touch` a topic when they write something that somebody waits for. Inside a unit
//! of work that is only noted, and delivered after its commit; what is rolled back wakes nobody.

use std::{cell::Cell, sync::Arc};

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A timer was set or moved.
    Timers,
    /// A timer for which a caller waits was set or moved.
    Callers,
    /// An attempt is due.
    Outbox,
    /// The declarations changed.
    Directory,
    /// Something that people look at changed: alerts, calls, attempts.
    Events,
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Topics(u8);

tokio::task_local! {
    static TOUCHED: Cell<Topics>;
}

/// Notes that the running unit of work changed something of this topic. Outside a unit of work it does
/// nothing, since nothing was written.
pub fn touch(topic: Topic) {
    // Failing means that no unit of work runs here.
    let _ = TOUCHED.try_with(|touched| touched.set(touched.get().with(topic)));
}

/// Runs a unit of work and collects what it touched.
pub(super) async fn collect<T>(unit: impl Future<Output = T>) -> (T, Topics) {
    TOUCHED
        .scope(Cell::default(), async {
            let value = unit.await;
            (value, TOUCHED.with(Cell::get))
        })
        .await
}

/// Wakes the workers of this process.
#[derive(Clone)]
pub struct Wake(Arc<[watch::Sender<u64>; Topic::ALL.len()]>);

/// One waiter's place: remembers what it has been woken for.
pub struct Watch(watch::Receiver<u64>);

impl Wake {
    pub(super) fn new() -> Self {
        Self(Arc::new(Topic::ALL.map(|_| watch::Sender::new(0))))
    }

    /// Begin to watch before looking at the rows: a touch between looking and waiting is not missed.
    pub fn watch(&self, topic: Topic) -> Watch {
        Watch(self.0[topic as usize].subscribe())
    }

    /// Wakes at once; for what changed outside the database.
    pub fn touch(&self, topic: Topic) {
        self.0[topic as usize].send_modify(|version| *version += 1);
    }

    pub(super) fn deliver(&self, topics: Topics) {
        for topic in Topic::ALL.into_iter().filter(|topic| topics.contains(*topic)) {
            self.touch(topic);
        }
    }
}

impl Watch {
    /// Returns when the topic was touched since the last return (or since `watch`); at once when it
    /// was touched already.
    pub async fn notified(&mut self) {
        if self.0.changed().await.is_err() {
            // The store is gone: nobody will write again.
            std::future::pending::<()>().await;
        }
    }
}

impl Topic {
    const ALL: [Self; 5] = [Self::Timers, Self::Callers, Self::Outbox, Self::Directory, Self::Events];

    fn as_str(self) -> &'static str {
        match self {
            Self::Timers => "timers",
            Self::Callers => "callers",
            Self::Outbox => "outbox",
            Self::Directory => "directory",
            Self::Events => "events",
        }
    }
}

impl Topics {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(0b1_1111);

    #[must_use]
    fn with(self, topic: Topic) -> Self {
        Self(self.0 | 1 << topic as u8)
    }

    #[must_use]
    pub(super) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    fn contains(self, topic: Topic) -> bool {
        self.0 & 1 << topic as u8 != 0
    }

    /// How other nodes are told: `timers,outbox`.
    pub(super) fn to_text(self) -> String {
        Topic::ALL.into_iter().filter(|topic| self.contains(*topic)).map(Topic::as_str).collect::<Vec<_>>().join(",")
    }

    /// Unknown names come from a newer node and mean nothing here.
    pub(super) fn from_text(text: &str) -> Self {
        text.split(',')
            .filter_map(|name| Topic::ALL.into_iter().find(|topic| topic.as_str() == name))
            .fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_touch_between_looking_and_waiting_is_not_missed() {
        let wake = Wake::new();
        let mut timers = wake.watch(Topic::Timers);
        let mut outbox = wake.watch(Topic::Outbox);
        wake.touch(Topic::Timers);
        wake.touch(Topic::Timers);
        assert_eq!(timers.notified().now_or_never(), Some(()));
        assert_eq!(timers.notified().now_or_never(), None, "two touches before it waited wake it once");
        assert_eq!(outbox.notified().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_unit_of_work_collects_what_it_touched() {
        touch(Topic::Events);
        let (value, topics) = collect(async {
            touch(Topic::Timers);
            touch(Topic::Outbox);
            7
        })
        .await;
        assert_eq!((value, topics.to_text().as_str()), (7, "timers,outbox"));
        assert_eq!(Topics::from_text("outbox,novelties,timers"), topics);
    }
}
