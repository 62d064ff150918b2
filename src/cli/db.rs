//! `pikett db`: bring the schema up to date, copy the database.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, declared, say};
use crate::store::{Dialect, backup};

/// Bring the database's schema up to date, or copy the database
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett db backup /var/backups/pikett-monday.db")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the schema up to date (every other command does so as well)
    #[command(after_help = "Example:\n  pikett db migrate -c /etc/pikett/pikett.toml")]
    Migrate,
    /// Copy an SQLite database into a new file, also while the service runs
    #[command(after_help = "Example:\n  pikett db backup /var/backups/pikett-monday.db")]
    Backup {
        /// A file that is not there yet
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.command {
        Command::Migrate => migrate(common).await,
        Command::Backup { file } => copy(common, file.clone()).await,
    }
}

async fn migrate(common: &Common) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let declared = declared::load(&store).await.map_err(|error| Failure::of("read the database", error));
    store.close().await;
    say(format_args!("the database's schema is up to date; declarations are at revision {}", declared?.revision));
    Ok(Verdict::Sound)
}

async fn copy(common: &Common, file: PathBuf) -> Result<Verdict, Failure> {
    let (config, store) = common.open().await?;
    let dialect = store.dialect();
    store.close().await;
    if dialect == Dialect::Postgres {
        let sentence = "this database is on PostgreSQL: copy it with pg_dump, or with what its operator uses";
        return Err(Failure::Refused(sentence.to_owned()));
    }
    let shown = file.display().to_string();
    if file.exists() {
        return Err(Failure::Refused(format!("{shown} is there already; name a new file")));
    }
    let doing = format!("copy the database to {shown}");
    if let Err(error) = backup::copy(config.database.url.expose(), &shown).await {
        // A half copy must not be taken for a backup; where none was begun, there is none to remove.
        let _ = fs::remove_file(&file);
        return Err(Failure::of(doing, error));
    }
    // SQLite leaves a copy to the operating system; a backup is one when it is on the disk.
    fs::File::open(&file).and_then(|copy| copy.sync_all()).map_err(|error| Failure::of(doing, error))?;
    say(format_args!("copied to {shown}"));
    Ok(Verdict::Sound)
}
