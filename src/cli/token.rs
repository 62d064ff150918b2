//! `pikett token`: make, list and revoke tokens for the API. A token is shown once; only its SHA-256
//! is kept.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    clock::Ids,
    declare::directory::default_org,
    model::id::TokenId,
    store::{
        Store, StoreError,
        tokens::{self, Token},
    },
};

/// Make, list and revoke tokens for the API
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett token create --name dashboard --scope read")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(CreateArguments),
    List(ListArguments),
    Revoke(RevokeArguments),
}

/// Make a token; it is shown this once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett token create --name dashboard --scope read")]
struct CreateArguments {
    /// What it is for
    #[arg(long, value_name = "N")]
    name: String,
    /// What it may do
    #[arg(long, value_name = "S")]
    scope: Scope,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// List the tokens, also the revoked ones, without the tokens themselves
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett token list")]
struct ListArguments {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Revoke a token: from now on it opens nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett token revoke tok_01KB3M5S7Q8Y2Z4X6W8V0T2R4P")]
struct RevokeArguments {
    /// As `pikett token list` shows it
    id: TokenId,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// See everything
    Read,
    /// See and change everything
    Write,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

pub async fn run(common: &Common, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let outcome = match &arguments.command {
        Command::Create(arguments) => create(common, &store, arguments).await,
        Command::List(arguments) => list(&store, arguments).await,
        Command::Revoke(arguments) => revoke(common, &store, arguments).await,
    };
    store.close().await;
    outcome.map_err(|error| Failure::of("keep tokens in the database", error))
}

async fn create(common: &Common, store: &Store, arguments: &CreateArguments) -> Result<Verdict, StoreError> {
    let ids = Ids::random();
    let created_at = common.clock().now();
    // 256 random bits, so that a plain digest is enough to keep.
    let secret = format!("pikett_{}{}", ids.nonce(), ids.nonce());
    let sha256 = hex::encode(Sha256::digest(&secret));
    let token = Token {
        id: ids.id(created_at),
        name: arguments.name.clone(),
        scope: arguments.scope.as_str().to_owned(),
        created_at,
        revoked_at: None,
    };
    store.write(async move |db| tokens::insert(db, &default_org(), &token, &sha256).await).await?;
    if arguments.json {
        say_json(&json!({ "token": secret }));
    } else {
        say(secret);
    }
    Ok(Verdict::Sound)
}

async fn list(store: &Store, arguments: &ListArguments) -> Result<Verdict, StoreError> {
    let mut db = store.read().await?;
    let tokens = tokens::list(&mut db, &default_org()).await?;
    drop(db);
    if arguments.json {
        say_json(&tokens.iter().map(in_json).collect::<Vec<_>>().into());
        return Ok(Verdict::Sound);
    }
    for token in tokens {
        let state = token.revoked_at.map_or_else(String::new, |at| format!(", revoked {}", at.format("%Y-%m-%d")));
        say(format_args!(
            "{}  {:5}  {}, made {}{state}",
            token.id,
            token.scope,
            token.name,
            token.created_at.format("%Y-%m-%d")
        ));
    }
    Ok(Verdict::Sound)
}

fn in_json(token: &Token) -> Value {
    let instant = |at: crate::model::Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    json!({
        "id": token.id.as_str(),
        "name": token.name,
        "scope": token.scope,
        "created_at": instant(token.created_at),
        "revoked_at": token.revoked_at.map(instant),
    })
}

async fn revoke(common: &Common, store: &Store, arguments: &RevokeArguments) -> Result<Verdict, StoreError> {
    let (id, now) = (arguments.id.clone(), common.clock().now());
    let revoked = store.write(async move |db| tokens::revoke(db, &default_org(), &id, now).await).await?;
    if revoked {
        say(format_args!("{} is revoked", arguments.id));
        return Ok(Verdict::Sound);
    }
    say(format_args!("there is no token {} that is still good", arguments.id));
    Ok(Verdict::Wrong)
}
