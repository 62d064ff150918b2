//! A file of lines that outlast this process: each is on the disk before whoever it is about is answered. Lives
//! beside the spare file, and may be written by one process and taken up by another.
//!
//! All hold the lock file while they touch the journal, so that no line falls between writing and renaming.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::entry::Entry;

const TAKEN: &str = "journal.taken-";
/// Who phoned, and whom we dial, is nobody else's business on this machine.
const OURS_ALONE: u32 = 0o600;

#[derive(Debug, Clone)]
pub struct Journal {
    lines: PathBuf,
    unreadable: PathBuf,
    lock: PathBuf,
    /// Nothing has failed since the folder was last brought to the disk, so that the name of the file is there.
    is_settled: Arc<AtomicBool>,
}

/// What was written until it was taken up.
#[derive(Debug)]
pub struct Taken {
    /// Its own name: who takes it up at the same time must not remove a later one.
    path: PathBuf,
    pub entries: Vec<Entry>,
    /// Lines that are none of ours.
    pub unreadable: Vec<String>,
}

impl Journal {
    /// Beside this file.
    pub fn beside(spare_file: &Path) -> Self {
        let with = |extension: &str| spare_file.with_extension(extension);
        Self {
            lines: with("journal"),
            unreadable: with("journal.unreadable"),
            lock: with("journal.lock"),
            is_settled: Arc::default(),
        }
    }

    /// Where lines are put aside that nobody can bring home.
    pub fn unreadable(&self) -> &Path {
        &self.unreadable
    }

    /// They are on the disk when this returns.
    pub fn append(&self, entries: &[Entry]) -> io::Result<()> {
        let _lock = self.locked()?;
        self.append_locked(entries)
    }

    fn append_locked(&self, entries: &[Entry]) -> io::Result<()> {
        let is_settled = self.is_settled.swap(false, Ordering::Relaxed) && self.lines.exists();
        append(&self.lines, entries.iter().map(Entry::to_json))?;
        if !is_settled {
            sync_folder(&self.lines)?;
        }
        self.is_settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What there is; it stays on the disk until `done`. What was taken before and is not done comes first.
    /// `mark` is used for no other take, and later ones are greater.
    pub fn take(&self, mark: &str) -> io::Result<Option<Taken>> {
        let path = match self.taken_before()? {
            Some(path) => path,
            None => {
                let _lock = self.locked()?;
                let path = self.lines.with_extension(format!("{TAKEN}{mark}"));
                match fs::rename(&self.lines, &path) {
                    Ok(()) => sync_folder(&path)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                }
                path
            }
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // Somebody else was faster, and has done it all.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut taken = Taken { path, entries: Vec::new(), unreadable: Vec::new() };
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
            match Entry::from_json(line) {
                Some(entry) => taken.entries.push(entry),
                None => taken.unreadable.push(line.to_owned()),
            }
        }
        Ok(Some(taken))
    }

    fn taken_before(&self) -> io::Result<Option<PathBuf>> {
        let begins = self.lines.with_extension(TAKEN);
        let begins = begins.file_name().unwrap_or_default().as_encoded_bytes();
        let mut found: Option<PathBuf> = None;
        for entry in fs::read_dir(folder_of(&self.lines))? {
            let path = entry?.path();
            let is_one = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(begins));
            if is_one && found.as_ref().is_none_or(|earlier| path < *earlier) {
                found = Some(path);
            }
        }
        Ok(found)
    }

    /// All that was taken is kept elsewhere, except `again`, which is written anew; what could not be read, or is
    /// `refused`, is put aside for a human.
    pub fn done(&self, taken: &Taken, refused: &[Entry], again: &[Entry]) -> io::Result<()> {
        let _lock = self.locked()?;
        if !again.is_empty() && taken.path.exists() {
            self.append_locked(again)?;
        }
        let aside: Vec<String> = taken.unreadable.iter().cloned().chain(refused.iter().map(Entry::to_json)).collect();
        if !aside.is_empty() {
            append(&self.unreadable, aside.into_iter())?;
        }
        match fs::remove_file(&taken.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_folder(&taken.path),
        }
    }

    /// Until it is dropped; the system drops it with its process, however that ends.
    fn locked(&self) -> io::Result<File> {
        let file = File::options().create(true).truncate(false).write(true).mode(OURS_ALONE).open(&self.lock)?;
        file.lock()?;
        Ok(file)
    }
}

/// A line that a power cut has torn stays a line of its own.
fn append(path: &Path, lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).mode(OURS_ALONE).open(path)?;
    let mut text = String::new();
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whole or not at all: whoever reads it meanwhile reads the one before.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("json.new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(OURS_ALONE).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// A new name is on the disk only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::{
        super::entry::{What, tests::entry},
        *,
    };

    #[test]
    fn what_was_written_is_taken_up_in_order_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::beside(&folder.path().join("pikett-spare.json"));
        assert!(journal.take("1").unwrap().is_none());
        let (first, second, third) = (entry("CA1", What::Used), entry("CA1", What::Ended), entry("CA2", What::Used));
        journal.append(&[first.clone(), second.clone()]).unwrap();
        assert_eq!(journal.take("2").unwrap().unwrap().entries, [first.clone(), second.clone()]);
        // It is being worked on, or whoever did was killed.
        journal.append(std::slice::from_ref(&third)).unwrap();
        let (one, other) = (journal.take("3").unwrap().unwrap(), journal.take("4").unwrap().unwrap());
        assert_eq!((&one.entries, &other.entries), (&vec![first, second], &one.entries));
        journal.done(&one, &[], &[]).unwrap();
        let next = journal.take("5").unwrap().unwrap();
        journal.done(&other, &[], &other.entries).unwrap();
        assert_eq!(journal.take("6").unwrap().unwrap().entries, [third]);
        journal.done(&next, &[], &[]).unwrap();
        assert!(journal.take("7").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_kept_yet_is_written_anew_behind_what_came_since() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::beside(&folder.path().join("pikett-spare.json"));
        let (odd, sound, later) = (entry("CA1", What::Used), entry("CA2", What::Used), entry("CA3", What::Used));
        journal.append(&[odd.clone(), sound]).unwrap();
        let taken = journal.take("1").unwrap().unwrap();
        journal.append(std::slice::from_ref(&later)).unwrap();
        journal.done(&taken, &[], std::slice::from_ref(&odd)).unwrap();
        assert_eq!(journal.take("2").unwrap().unwrap().entries, [later, odd]);
    }

    #[test]
    fn nobody_else_on_the_machine_reads_who_phoned() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pikett-spare.json");
        write_whole(&file, "{}").unwrap();
        Journal::beside(&file).append(&[entry("CA1", What::Used)]).unwrap();
        let mut names = Vec::new();
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
            names.push(entry.file_name());
        }
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn a_torn_line_costs_no_other_and_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::beside(&folder.path().join("pikett-spare.json"));
        journal.append(&[entry("CA1", What::Used)]).unwrap();
        let lines = folder.path().join("pikett-spare.journal");
        let mut torn = fs::read_to_string(&lines).unwrap();
        torn.push_str("{\"at\":17");
        fs::write(&lines, torn).unwrap();
        journal.append(&[entry("CA2", What::Used)]).unwrap();
        let taken = journal.take("1").unwrap().unwrap();
        assert_eq!(taken.entries, [entry("CA1", What::Used), entry("CA2", What::Used)]);
        assert_eq!(taken.unreadable, ["{\"at\":17"]);
        journal.done(&taken, &[], &[]).unwrap();
        let aside = fs::read_to_string(folder.path().join("pikett-spare.journal.unreadable")).unwrap();
        assert_eq!(aside, "{\"at\":17\n");
    }

    #[test]
    fn many_writers_and_a_taker_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pikett-spare.json");
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let journal = Journal::beside(&file);
                std::thread::spawn(move || {
                    for n in 0..10 {
                        journal.append(&[entry(&format!("CA{writer}-{n}"), What::Used)]).unwrap();
                    }
                })
            })
            .collect();
        let (journal, mut found, mut mark) = (Journal::beside(&file), Vec::new(), 0);
        let mut take = || {
            while let Some(taken) = journal.take(&format!("{mark:04}")).unwrap() {
                journal.done(&taken, &[], &[]).unwrap();
                found.extend(taken.entries.into_iter().map(|entry| entry.arrival.carrier_call));
                mark += 1;
            }
        };
        while writers.iter().any(|writer| !writer.is_finished()) {
            take();
        }
        take();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 40);
    }
}
