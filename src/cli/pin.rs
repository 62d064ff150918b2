//! `pikett pin`: what an MSP does about PINs that were tried too often.

use clap::{Args, Subcommand};

use super::{Common, Failure, Verdict, declared, say};
use crate::{
    config::Config,
    model::{fault::did_you_mean, id::ContractId},
    store::{Store, pin_locks},
};

/// Lift the lock-out of a contract's PINs
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett pin unlock acme-gold")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let the PINs of a contract be tried again at once
    ///
    /// Five wrong tries lock a contract for a quarter of an hour, further ones for longer. After twenty
    /// without a right one in between it stays locked until this command is given.
    #[command(after_help = "Example:\n  pikett pin unlock acme-gold")]
    Unlock {
        #[arg(value_name = "CONTRACT")]
        contract: ContractId,
    },
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Command::Unlock { contract } = &arguments.command;
    let (config, store) = common.open().await?;
    let lifted = lift(&config, &store, contract).await;
    store.close().await;
    if lifted? {
        say(format_args!("the PINs of {contract} can be tried again"));
    } else {
        say(format_args!("the PINs of {contract} were not locked"));
    }
    Ok(Verdict::Sound)
}

/// `false`: there was none.
async fn lift(config: &Config, store: &Store, contract: &ContractId) -> Result<bool, Failure> {
    let declared = declared::load(store).await.map_err(|error| Failure::of("read the declarations", error))?;
    let directory = declared::assemble(&declared, &config.defaults).directory;
    if !directory.contracts.contains_key(contract) {
        let known = directory.contracts.keys().map(|id| id.as_str());
        let mend = did_you_mean(contract.as_str(), known).unwrap_or_else(|| "`pikett apply` declares one".to_owned());
        return Err(Failure::Refused(format!("there is no contract `{contract}`; {mend}")));
    }
    let (org, id) = (directory.org.clone(), contract.clone());
    let lifted = store.write(async move |db| pin_locks::lift(db, &org, &id).await).await;
    lifted.map_err(|error| Failure::of("lift the lock", error))
}
