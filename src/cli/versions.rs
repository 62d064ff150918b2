//! `pikett flow versions|preview|activate|rollback`: which version of a flow answers calls.

use clap::Args;
use serde_json::{Value, json};

use super::{Common, Failure, Verdict, say, say_json};
use crate::{
    declare::{Preview, directory::default_org},
    model::{fault::did_you_mean, id::FlowId},
    store::{
        Store,
        flows::{self, Listed},
    },
    work::flows::{Outcome, Wanted, activate},
};

/// List the versions of flows, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett flow versions sla-hotline")]
pub struct VersionsArguments {
    /// Only of this flow
    #[arg(value_name = "FLOW")]
    flow: Option<FlowId>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Show which hotlines a version of a flow would change, and how; nothing is changed
#[derive(Debug, Args)]
#[command(after_help = "\
The same as `pikett flow activate FLOW VERSION --dry-run`.

Example:
  pikett flow preview sla-hotline 3")]
pub struct PreviewArguments {
    #[arg(value_name = "FLOW")]
    flow: FlowId,
    /// Which version [default: the newest]
    #[arg(value_name = "VERSION")]
    version: Option<i64>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Put a version of a flow into force: calls that come in from then on begin with it
#[derive(Debug, Args)]
#[command(after_help = "\
Calls in progress stay on the version they began with. A version that does not fit every hotline of the \
flow, or whose test calls failed, is refused.

Example:
  pikett flow activate sla-hotline 3 --dry-run")]
pub struct ActivateArguments {
    #[arg(value_name = "FLOW")]
    flow: FlowId,
    #[arg(value_name = "VERSION")]
    version: i64,
    #[command(flatten)]
    how: How,
}

/// Go back to the version that answered calls before
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pikett flow rollback sla-hotline")]
pub struct RollbackArguments {
    #[arg(value_name = "FLOW")]
    flow: FlowId,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Show which hotlines would change how, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print that as JSON
    #[arg(long)]
    json: bool,
}

pub async fn list(common: &Common, arguments: &VersionsArguments) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let listed = listed(&store, arguments.flow.as_ref()).await;
    store.close().await;
    let listed = listed?;
    if arguments.json {
        say_json(&listed.iter().map(version_as_json).collect::<Vec<_>>().into());
        return Ok(Verdict::Sound);
    }
    if listed.is_empty() {
        say("there are no flows; `pikett apply` brings some");
    }
    for version in &listed {
        let Listed { flow, version, file, created_at, active_since } = version;
        let active = active_since.map_or_else(String::new, |at| format!("  in force since {}", at.format("%F %H:%MZ")));
        say(format_args!("{flow} {version}  {}  {file}{active}", created_at.format("%F %H:%MZ")));
    }
    Ok(Verdict::Sound)
}

async fn listed(store: &Store, flow: Option<&FlowId>) -> Result<Vec<Listed>, Failure> {
    let in_store = |error| Failure::of("read the flows", error);
    let mut db = store.read().await.map_err(in_store)?;
    let found = flows::list(&mut db, &default_org(), flow, None, i64::MAX).await.map_err(in_store)?;
    match flow {
        Some(flow) if found.is_empty() => {
            let all = flows::list(&mut db, &default_org(), None, None, i64::MAX).await.map_err(in_store)?;
            Err(unknown(flow, &all))
        }
        _ => Ok(found),
    }
}

pub async fn run_preview(common: &Common, arguments: &PreviewArguments) -> Result<Verdict, Failure> {
    let wanted = arguments.version.map_or(Wanted::Newest, Wanted::Version);
    change(common, &arguments.flow, wanted, &How { dry_run: true, json: arguments.json }).await
}

pub async fn run_activate(common: &Common, arguments: &ActivateArguments) -> Result<Verdict, Failure> {
    change(common, &arguments.flow, Wanted::Version(arguments.version), &arguments.how).await
}

pub async fn run_rollback(common: &Common, arguments: &RollbackArguments) -> Result<Verdict, Failure> {
    change(common, &arguments.flow, Wanted::Before, &arguments.how).await
}

async fn change(common: &Common, flow: &FlowId, wanted: Wanted, how: &How) -> Result<Verdict, Failure> {
    let (_, store) = common.open().await?;
    let outcome = activate(&store, &common.clock(), &default_org(), flow, wanted, how.dry_run).await;
    let known = listed(&store, Some(flow)).await;
    store.close().await;
    match outcome.map_err(|error| Failure::of("put the flow into force", error))? {
        Outcome::Refused(faults) => Err(Failure::Faults(faults)),
        Outcome::Missing => {
            let versions = known?;
            Err(Failure::Refused(match wanted {
                Wanted::Newest => format!("flow `{flow}` has no version"),
                Wanted::Before => format!("no other version of flow `{flow}` was in force before"),
                Wanted::Version(version) => {
                    let newest = versions.first().map_or(0, |listed| listed.version);
                    format!("flow `{flow}` has no version {version}; its newest is {newest}")
                }
            }))
        }
        Outcome::Active { version, changed, previews } => {
            if how.json {
                let hotlines = as_json(flow, &previews);
                say_json(&json!({
                    "dry_run": how.dry_run, "flow": flow.as_str(), "version": version, "changed": changed,
                    "hotlines": hotlines,
                }));
                return Ok(Verdict::Sound);
            }
            tell(flow, &previews);
            say(match (changed, how.dry_run) {
                (false, _) => format!("version {version} of flow {flow} is in force already"),
                (true, true) => format!("version {version} of flow {flow} would be put into force"),
                (true, false) => format!("version {version} of flow {flow} is in force"),
            });
            Ok(Verdict::Sound)
        }
    }
}

fn unknown(flow: &FlowId, all: &[Listed]) -> Failure {
    let known = all.iter().map(|listed| listed.flow.as_str());
    let mend = did_you_mean(flow.as_str(), known).unwrap_or_else(|| "`pikett apply` brings one".to_owned());
    Failure::Refused(format!("there is no flow `{flow}`; {mend}"))
}

fn version_as_json(listed: &Listed) -> Value {
    json!({
        "flow": listed.flow.as_str(), "version": listed.version, "file": listed.file,
        "created_at": listed.created_at, "active_since": listed.active_since,
    })
}

/// Which hotlines another version of the flow changes, and how.
pub fn tell(flow: &FlowId, previews: &[Preview]) {
    for preview in previews {
        match preview.changes.len() {
            0 => say(format_args!("  hotline {}: nothing changes", preview.number)),
            1 => say(format_args!("  hotline {}: 1 change by flow {flow}", preview.number)),
            count => say(format_args!("  hotline {}: {count} changes by flow {flow}", preview.number)),
        }
        for change in &preview.changes {
            say(format_args!("    {change}"));
        }
    }
}

pub fn as_json(flow: &FlowId, previews: &[Preview]) -> Vec<Value> {
    let one = |preview: &Preview| json!({ "hotline": preview.number.as_str(), "flow": flow.as_str(), "changes": preview.changes });
    previews.iter().map(one).collect()
}
