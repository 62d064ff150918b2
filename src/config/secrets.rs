//! Where secrets come from: `env:NAME`, `file:PATH`, or the text itself.

use std::fs;

/// The value that a reference names; text that is no reference is the value. A file's last line
/// break does not count.
pub fn resolve(reference: &str) -> Result<String, String> {
    if let Some(name) = reference.strip_prefix("env:") {
        return match std::env::var(name) {
            Ok(value) if value.is_empty() => Err(format!("the environment variable {name} is empty: set it")),
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => Err(format!("the environment variable {name} is not set: set it")),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(format!("the environment variable {name} is no UTF-8 text: set it anew"))
            }
        };
    }
    if let Some(path) = reference.strip_prefix("file:") {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("the secret's file {path} could not be read, {error}: put the secret there"))?;
        let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        return if value.is_empty() {
            Err(format!("the secret's file {path} is empty: put the secret there"))
        } else {
            Ok(value.to_owned())
        };
    }
    Ok(reference.to_owned())
}

/// Puts a relative `file:` reference below the folder of the file that holds it.
pub fn beside(file: &str, reference: &str) -> String {
    match reference.strip_prefix("file:") {
        Some(path) => {
            let folder = std::path::Path::new(file).parent().unwrap_or(std::path::Path::new(""));
            format!("file:{}", folder.join(path).display())
        }
        None => reference.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_file_loses_its_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), " s3cret \r\n").unwrap();
        assert_eq!(resolve(&format!("file:{}", file.path().display())).as_deref(), Ok(" s3cret "));
        assert_eq!(resolve("plain").as_deref(), Ok("plain"));
    }

    #[test]
    fn a_missing_secret_is_named() {
        assert_eq!(
            resolve("env:PIKETT_NOT_THERE"),
            Err("the environment variable PIKETT_NOT_THERE is not set: set it".to_owned())
        );
        assert!(resolve("file:/nowhere/at/all").unwrap_err().starts_with("the secret's file /nowhere/at/all could"));
    }

    #[test]
    fn relative_files_stand_beside_the_file_that_names_them() {
        assert_eq!(beside("etc/pikett.toml", "file:token"), "file:etc/token");
        assert_eq!(beside("etc/pikett.toml", "file:/run/token"), "file:/run/token");
        assert_eq!(beside("etc/pikett.toml", "env:TOKEN"), "env:TOKEN");
    }
}
