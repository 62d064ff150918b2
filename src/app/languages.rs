//! The languages of this process: those that are built in, and the files of the folder that `[server]
//! languages` names. They are read once, before anything is said.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    languages::{self, File, Languages},
    model::fault::Fault,
};

/// Does nothing where no folder is named.
pub fn speak(folder: Option<&Path>) -> Result<(), Vec<Fault>> {
    let Some(folder) = folder else { return Ok(()) };
    let files = paths(folder)?.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    languages::speak(Languages::with(&files)?);
    Ok(())
}

/// In the order of their names.
fn paths(folder: &Path) -> Result<Vec<PathBuf>, Vec<Fault>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| {
        unreadable(folder, "folder of languages", &error, "name one that is there: [server] languages")
    })?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

pub fn read(path: &Path) -> Result<File, Vec<Fault>> {
    let text = fs::read_to_string(path)
        .map_err(|error| unreadable(path, "file of a language", &error, "put a text in UTF-8 there"))?;
    Ok(File { name: path.display().to_string(), text })
}

fn unreadable(path: &Path, what: &str, error: &io::Error, mend: &str) -> Vec<Fault> {
    let what = format!("the {what} could not be read: {error}");
    vec![Fault { file: path.display().to_string(), line: 0, column: 0, what, mend: mend.to_owned() }]
}
