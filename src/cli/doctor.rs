//! `usms-console doctor`: all checks, and the result of each.

use std::process::ExitCode;

use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use super::counted;
use crate::app::App;
use crate::config::Config;
use crate::db::audit_chain;
use crate::db::recovery::durability::{self, Durability, Exposure};
use crate::db::recovery::installation::{self, Identity};
use crate::db::{self, invariants, roles};
use crate::ops::projects as project_ops;
use crate::serve;

/// How far clocks may differ: leases and schedules are compared between them.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::seconds(5);

fn same_time(app: &App, other: OffsetDateTime) -> Result<(), String> {
    let difference = other - app.clock.now();
    if difference.abs() <= MAX_CLOCK_DIFFERENCE {
        return Ok(());
    }
    let seconds = difference.as_seconds_f64();
    Err(format!("it differs by {seconds:.1} s from the clock of this machine; use NTP on both"))
}

/// Reads a date of HTTP, such as `Mon, 30 Nov 2026 06:00:00 GMT`.
fn parse_http_date(date: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&date.replace(" GMT", " +0000"), &Rfc2822).ok()
}

/// Returns why nothing is sent from this database, if that is so.
async fn installation_problem(app: &App) -> anyhow::Result<Option<String>> {
    let observed = installation::observe(&app.db, app.process).await?;
    let open = observed.open.map(|(_, cause)| cause);
    Ok(match (observed.identity, open) {
        (Identity::Same, None) => None,
        (Identity::Same, Some(_)) | (Identity::Promoted, _) => Some(
            "the database was rolled back to an earlier point in time; nothing is sent until the \
             running processes have restored their records, or until you run: usms-console adopt"
                .to_owned(),
        ),
        (Identity::Copied, _) => Some(
            "the database was restored or copied; nothing is sent from it until you confirm it with: \
             usms-console adopt"
                .to_owned(),
        ),
    })
}

fn break_words(at: audit_chain::Break) -> String {
    use audit_chain::Break;
    match at {
        Break::Changed(event) => format!("event {event} was changed"),
        Break::Removed(event) => format!("event {event}, or one before it, was removed"),
        Break::Added(event) => format!("event {event} was added after later ones"),
    }
}

fn exposure_words(durability: &Durability) -> String {
    let Durability { synchronous, asynchronous, behind, .. } = durability;
    let behind = behind.map_or_else(|| "unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    match durability.exposure() {
        Exposure::Fsync => "a crash may damage the database; set fsync = on".to_owned(),
        Exposure::Commit => {
            "a crash loses the most recent data; set synchronous_commit = on".to_owned()
        }
        Exposure::Archive => {
            "the write-ahead log cannot be archived; check archive_command".to_owned()
        }
        Exposure::Asynchronous => format!(
            "the most recent data is lost ({}, {behind} behind); to prevent data loss, set \
             synchronous_standby_names",
            counted(*asynchronous, "asynchronous standby")
        ),
        Exposure::NoStandby if durability.archives => {
            "there is no standby; what is not archived yet is lost".to_owned()
        }
        Exposure::NoStandby => {
            "there is no standby; everything since the last backup is lost".to_owned()
        }
        Exposure::Hidden => {
            "there is a standby, but this role can't see its type; grant it pg_monitor".to_owned()
        }
        Exposure::Nothing => {
            format!("no data loss ({})", counted(*synchronous, "synchronous standby"))
        }
    }
}

/// Runs all checks and prints the result of each.
pub(super) async fn run(file: Option<&std::path::Path>) -> anyhow::Result<ExitCode> {
    let mut healthy = true;
    let mut report = |name: &str, result: Result<(), String>| match result {
        Ok(()) => println!("ok      {name}"),
        Err(problem) => {
            healthy = false;
            println!("BROKEN  {name}: {problem}");
        }
    };
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            report("settings", Err(error.to_string()));
            return Ok(ExitCode::FAILURE);
        }
    };
    report("settings", Ok(()));
    let app = match serve::open(&config).await {
        Ok(app) => app,
        Err(error) => {
            report("database", Err(format!("{error:#}")));
            return Ok(ExitCode::FAILURE);
        }
    };
    report("database", Ok(()));
    let reached = app.usms.reach().await;
    let vendor_date = reached.as_ref().ok().cloned().flatten();
    report("UCloud reachable", reached.map(drop).map_err(|error| error.to_string()));
    report("production database", installation_problem(&app).await?.map_or(Ok(()), Err));
    let durability = durability::ask(&app.db).await?;
    report("clock of the database", same_time(&app, durability.server_time));
    if let Some(date) = vendor_date.as_deref().and_then(parse_http_date) {
        report("clock of UCloud", same_time(&app, date));
    }
    // Said, not failed: how much may be lost is a choice of whoever runs the database.
    let mark = if durability.exposure().is_wrong() { "warning" } else { "note   " };
    println!("{mark} failure of the database server: {}", exposure_words(&durability));
    if roles::may_change_audit_log(&app.db).await? {
        println!(
            "note    audit log: the role of DATABASE_URL could change it; to prevent that, migrate \
             with another one (CONSOLE_MIGRATE_DATABASE_URL)"
        );
    } else {
        report("audit log cannot be changed by the console", Ok(()));
    }
    let chain = audit_chain::verify(&app.db).await?;
    report("audit log is unchanged", chain.broken.map_or(Ok(()), |at| Err(break_words(at))));
    if !chain.last_hash.is_empty() {
        let (events, hash) = (counted(chain.events, "event"), hex::encode(&chain.last_hash));
        println!("note    audit log: {events} chained; last hash {hash}");
    }
    for project in db::projects::all(&app.db).await? {
        let opened = project_ops::hook_path(&app, &project).map(drop);
        report(&format!("keys of {}", project.slug), opened.map_err(|error| error.to_string()));
    }
    for (name, violations) in invariants::broken(&app.db).await?.by_name() {
        let result = if violations == 0 { Ok(()) } else { Err(counted(violations, "violation")) };
        report(name, result);
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
