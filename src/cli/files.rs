//! Files that the command line names: their texts, and why one could not be read, with its place and a mend.

use std::{
    fs,
    io::{Error, ErrorKind},
    path::Path,
};

use crate::model::fault::Fault;

pub fn text(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|error| unreadable(path, "file", &error))
}

/// `what` it was meant to be: a file, a folder.
pub fn unreadable(path: &Path, what: &str, error: &Error) -> Fault {
    let mend = match error.kind() {
        ErrorKind::NotFound => format!("name a {what} that is there"),
        ErrorKind::IsADirectory => format!("name the files in it: {}", path.join("*.toml").display()),
        ErrorKind::NotADirectory => "one part of its path is no folder: name it anew".to_owned(),
        ErrorKind::PermissionDenied => format!("allow whoever runs pikett to read the {what}"),
        ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
        _ => format!("see to it that the {what} can be read, or name another"),
    };
    fault(path, format!("the {what} could not be read: {error}"), mend)
}

/// Of a file as a whole: it stands at its head.
pub fn fault(path: &Path, what: impl Into<String>, mend: impl Into<String>) -> Fault {
    Fault { file: path.display().to_string(), line: 1, column: 1, what: what.into(), mend: mend.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_has_a_place_and_a_mend() {
        let folder = tempfile::tempdir().unwrap();
        let latin = folder.path().join("latin.toml");
        fs::write(&latin, b"id = \"St\xf6rung\"").unwrap();
        for (path, mend) in [
            (folder.path().join("gone.toml"), "name a file that is there".to_owned()),
            (folder.path().to_owned(), format!("name the files in it: {}/*.toml", folder.path().display())),
            (latin.join("a.toml"), "one part of its path is no folder: name it anew".to_owned()),
            (latin, "save it as UTF-8".to_owned()),
        ] {
            let fault = text(&path).unwrap_err();
            assert_eq!((fault.line, fault.column, fault.mend), (1, 1, mend), "{}", fault.what);
        }
    }
}
