//! The journal, and memory for what it does not take until somebody does. Nobody waits long for a disk: while it
//! hangs, nothing more is asked of it. Start at `Disk::keep`.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    entry::Entry,
    journal::{Journal, Taken},
};

/// A disk that hangs must not make callers wait; a real time, as carriers know no other.
const WITHIN: Duration = Duration::from_secs(2);
/// So many lines are brought from memory at once.
pub const BATCH: usize = 200;

pub struct Disk {
    journal: Journal,
    /// The oldest first.
    unkept: Mutex<VecDeque<Entry>>,
    /// The work that was not done in time, while it lasts.
    hanging: Mutex<Weak<()>>,
    /// How often something was noted; what another process has left counts as the first.
    noted: AtomicU64,
    /// Up to which of them everything was looked through.
    looked: AtomicU64,
    news: Notify,
}

impl Disk {
    pub fn beside(spare_file: &Path) -> Self {
        Self {
            journal: Journal::beside(spare_file),
            unkept: Mutex::default(),
            hanging: Mutex::default(),
            noted: AtomicU64::new(1),
            looked: AtomicU64::new(0),
            news: Notify::new(),
        }
    }

    pub fn unreadable(&self) -> &Path {
        self.journal.unreadable()
    }

    /// On the disk when this returns, or else in memory, and that is said: with what finds a recording again if this
    /// process is killed.
    pub async fn keep(&self, entries: Vec<Entry>) {
        self.noted.fetch_add(1, Ordering::SeqCst);
        if let Err(error) = self.append(entries.clone()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal of the spare documents takes nothing"
            );
            for entry in &entries {
                let recording = entry.what.recorded().map(|recorded| recorded.name().to_owned());
                let (call, what) = (&entry.arrival.carrier_call, entry.what.word());
                tracing::error!(call.carrier = call, what, recording, "what happened to a caller is in memory only");
            }
            self.unkept().extend(entries);
        }
        // Whoever looked while it was being written may have missed it.
        self.noted.fetch_add(1, Ordering::SeqCst);
        self.news.notify_one();
    }

    async fn append(&self, entries: Vec<Entry>) -> io::Result<()> {
        self.within(move |journal| journal.append(&entries)).await
    }

    /// See `Journal::take`.
    pub async fn take(&self, mark: String) -> io::Result<Option<Taken>> {
        self.within(move |journal| journal.take(&mark)).await
    }

    /// See `Journal::done`.
    pub async fn done(&self, taken: Taken, refused: Vec<Entry>, again: Vec<Entry>) -> io::Result<()> {
        self.within(move |journal| journal.done(&taken, &refused, &again)).await
    }

    /// Each thread that hangs is one less for everybody else: there is one at a time, and those that began with it.
    async fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Journal) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let hangs = || io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer");
        if self.hanging().strong_count() > 0 {
            return Err(hangs());
        }
        let (journal, lasting) = (self.journal.clone(), Arc::new(()));
        let watched = Arc::downgrade(&lasting);
        let working = tokio::task::spawn_blocking(move || {
            let _lasting = lasting;
            work(&journal)
        });
        match tokio::time::timeout(WITHIN, working).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => {
                *self.hanging() = watched;
                Err(hangs())
            }
        }
    }

    fn hanging(&self) -> MutexGuard<'_, Weak<()>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unkept(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines are in memory only.
    pub fn unkept_count(&self) -> usize {
        self.unkept().len()
    }

    /// The oldest that are in memory only. One task at a time works them off, and says so by `worked_off`.
    pub fn oldest_unkept(&self) -> Vec<Entry> {
        self.unkept().iter().take(BATCH).cloned().collect()
    }

    /// The oldest `count` are kept elsewhere, except `again`.
    pub fn worked_off(&self, count: usize, again: Vec<Entry>) {
        let mut unkept = self.unkept();
        let count = count.min(unkept.len());
        unkept.drain(..count);
        unkept.extend(again);
    }

    /// Brings what is in memory to the disk after all. `false`: it still takes nothing.
    pub async fn write_again(&self) -> bool {
        loop {
            let entries = self.oldest_unkept();
            let count = entries.len();
            if count == 0 {
                return true;
            }
            if let Err(error) = self.append(entries).await {
                let (error, lines) = (&error as &dyn std::error::Error, self.unkept_count());
                tracing::error!(error, lines, "lines of the journal are still in memory only");
                return false;
            }
            self.worked_off(count, Vec::new());
            tracing::info!(lines = count, "lines of the journal that were in memory are on the disk");
        }
    }

    /// Until something was noted.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// For `looked_through`.
    pub fn noted(&self) -> u64 {
        self.noted.load(Ordering::SeqCst)
    }

    /// Whoever looked began when `noted` was this.
    pub fn looked_through(&self, noted: u64) {
        self.looked.store(noted, Ordering::SeqCst);
    }

    /// Whether something may wait to be brought into the database that this process knows of.
    pub fn may_hold_news(&self) -> bool {
        self.looked.load(Ordering::SeqCst) != self.noted()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::entry::{What, tests::entry},
        *,
    };

    #[tokio::test]
    async fn what_a_full_disk_refused_is_written_as_soon_as_it_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let disk = Disk::beside(&missing.join("pikett-spare.json"));
        let (first, second) = (entry("CA1", What::Used), entry("CA2", What::Ended));
        disk.keep(vec![first.clone()]).await;
        disk.keep(vec![second.clone()]).await;
        assert!(!disk.write_again().await);
        assert_eq!(disk.unkept_count(), 2);
        std::fs::create_dir(&missing).unwrap();
        assert!(disk.write_again().await);
        assert_eq!(disk.unkept_count(), 0);
        assert_eq!(disk.take("1".to_owned()).await.unwrap().unwrap().entries, [first, second]);
    }

    #[tokio::test]
    async fn a_disk_that_hangs_is_asked_once_and_again_when_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::beside(&folder.path().join("pikett-spare.json"));
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hanging = disk.within(move |_| hangs.recv().map_err(io::Error::other)).await;
        assert_eq!(hanging.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let began = crate::clock::Clock::system().now();
        disk.keep(vec![entry("CA1", What::Used)]).await;
        let lasted = crate::clock::Clock::system().now() - began;
        assert!(lasted < chrono::TimeDelta::seconds(1), "nobody waits for it: {lasted}");
        assert_eq!(disk.unkept_count(), 1);
        release.send(()).unwrap();
        while !disk.write_again().await {
            tokio::task::yield_now().await;
        }
        assert_eq!(disk.take("1".to_owned()).await.unwrap().unwrap().entries.len(), 1);
    }

    #[tokio::test]
    async fn news_are_news_until_everything_was_looked_through_since() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::beside(&folder.path().join("pikett-spare.json"));
        assert!(disk.may_hold_news(), "another process may have left something");
        let noted = disk.noted();
        disk.looked_through(noted);
        assert!(!disk.may_hold_news());
        let noted = disk.noted();
        disk.keep(vec![entry("CA1", What::Used)]).await;
        disk.looked_through(noted);
        assert!(disk.may_hold_news(), "it came while somebody looked");
        let noted = disk.noted();
        disk.looked_through(noted);
        assert!(!disk.may_hold_news());
    }
}
