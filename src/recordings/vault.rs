//! The folder of sealed recordings: one file a recording, named by its id.
//!
//! A file is there whole or not at all (written beside, synced, renamed). Only while the transcriber works
//! does a recording lie open, in a folder that nobody else may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use tokio::sync::Semaphore;

use super::seal::{SealError, Sealer};
use crate::model::id::VoicemailId;

/// For the owner alone.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Where recordings lie open for the transcriber.
const OPEN: &str = "open";
/// A recording is opened as a whole, and may be some hundred megabytes long.
const OPENED_AT_ONCE: usize = 2;

/// Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    sealer: Sealer,
    opened: Semaphore,
}

#[derive(Debug, Error)]
pub enum VaultError {
    #[error("could not keep or read a recording in {folder}")]
    File {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("could not open a sealed recording")]
    Sealed(#[source] SealError),
    #[error("the task that reads files panicked")]
    Panicked,
}

/// A recording that lies open, until this is dropped.
pub struct Open {
    pub path: PathBuf,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!(%error, "an open copy of a recording could not be removed");
        }
    }
}

impl Vault {
    pub fn new(folder: &Path, sealer: Sealer) -> Self {
        Self(Arc::new(Inner { folder: folder.to_owned(), sealer, opened: Semaphore::new(OPENED_AT_ONCE) }))
    }

    pub async fn keep(&self, id: &VoicemailId, audio: Vec<u8>, chance: String) -> Result<(), VaultError> {
        let id = id.clone();
        self.run(move |inner| {
            let sealed = inner.sealer.seal(&id, &audio, &chance);
            inner.folder(&inner.folder)?;
            let (path, beside) = (inner.path(&id), inner.beside(&id));
            let write = || {
                let mut file = options().open(&beside)?;
                file.write_all(&sealed)?;
                file.sync_all()?;
                fs::rename(&beside, &path)?;
                // The name is durable only when its folder is.
                File::open(&inner.folder)?.sync_all()
            };
            write().map_err(|cause| {
                // On a full disk every byte counts.
                let _ = fs::remove_file(&beside);
                inner.failed(cause)
            })
        })
        .await
    }

    /// `None`: it is not (or no longer) here.
    pub async fn read(&self, id: &VoicemailId) -> Result<Option<Vec<u8>>, VaultError> {
        let (id, _place) = (id.clone(), self.0.opened.acquire().await);
        self.run(move |inner| inner.audio(&id)).await
    }

    /// With what a crash has left of it. A second time it does nothing.
    pub async fn remove(&self, id: &VoicemailId) -> Result<(), VaultError> {
        let id = id.clone();
        self.run(move |inner| {
            for path in [inner.open_copy(&id), inner.beside(&id), inner.path(&id)] {
                match fs::remove_file(path) {
                    Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(inner.failed(cause)),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// Nobody puts it into words any more: what a crash has left open of it goes.
    pub async fn close(&self, id: &VoicemailId) {
        let id = id.clone();
        let _ = self
            .run(move |inner| {
                let _ = fs::remove_file(inner.open_copy(&id));
                Ok(())
            })
            .await;
    }

    /// For the transcriber. `None`: it is not here.
    pub async fn open(&self, id: &VoicemailId) -> Result<Option<Open>, VaultError> {
        let (id, _place) = (id.clone(), self.0.opened.acquire().await);
        self.run(move |inner| {
            let Some(audio) = inner.audio(&id)? else { return Ok(None) };
            inner.folder(&inner.folder.join(OPEN))?;
            let open = Open { path: inner.open_copy(&id) };
            options()
                .open(&open.path)
                .and_then(|mut file| file.write_all(&audio))
                .map_err(|cause| inner.failed(cause))?;
            Ok(Some(open))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|_| VaultError::Panicked)?
    }
}

impl Inner {
    fn path(&self, id: &VoicemailId) -> PathBuf {
        self.folder.join(format!("{id}.sealed"))
    }

    /// On its way there.
    fn beside(&self, id: &VoicemailId) -> PathBuf {
        self.folder.join(format!("{id}.new"))
    }

    fn open_copy(&self, id: &VoicemailId) -> PathBuf {
        self.folder.join(OPEN).join(format!("{id}.wav"))
    }

    fn folder(&self, folder: &Path) -> Result<(), VaultError> {
        fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(|cause| self.failed(cause))
    }

    fn audio(&self, id: &VoicemailId) -> Result<Option<Vec<u8>>, VaultError> {
        match fs::read(self.path(id)) {
            Ok(sealed) => self.sealer.open(id, &sealed).map(Some).map_err(VaultError::Sealed),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    fn failed(&self, cause: io::Error) -> VaultError {
        VaultError::File { folder: self.folder.clone(), cause }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(FILE_MODE);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Ids,
        model::{Instant, secret::Secret},
    };

    #[tokio::test]
    async fn a_recording_is_kept_sealed_lies_open_for_the_transcriber_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::new(&folder.path().join("recordings"), Sealer::new(&Secret::new("key")));
        let ids = Ids::seeded(1);
        let id: VoicemailId = ids.id(Instant::UNIX_EPOCH);
        assert!(vault.read(&id).await.unwrap().is_none() && vault.open(&id).await.unwrap().is_none());
        vault.keep(&id, b"RIFF our server is down".to_vec(), ids.nonce()).await.unwrap();
        let files: Vec<_> = fs::read_dir(folder.path().join("recordings")).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 1, "nothing lies beside it");
        let on_disk = fs::read(files[0].path()).unwrap();
        assert!(!on_disk.windows(6).any(|six| six == b"server"));
        assert_eq!(vault.read(&id).await.unwrap().unwrap(), b"RIFF our server is down");
        let open = vault.open(&id).await.unwrap().unwrap();
        let path = open.path.clone();
        assert_eq!(fs::read(&path).unwrap(), b"RIFF our server is down");
        drop(open);
        assert!(!path.exists());
        // A crash in the middle of the transcriber's work leaves it open, until it is removed.
        std::mem::forget(vault.open(&id).await.unwrap().unwrap());
        assert!(path.exists());
        vault.close(&id).await;
        assert!(!path.exists());
        std::mem::forget(vault.open(&id).await.unwrap().unwrap());
        vault.remove(&id).await.unwrap();
        vault.remove(&id).await.unwrap();
        assert!(!path.exists());
        assert!(vault.read(&id).await.unwrap().is_none());
    }
}
