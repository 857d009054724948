//! Settings: from the environment and, for what it does not set, from the file named by `--config`.
//! The error of an invalid or missing setting is one line that names it. A name that is not known is
//! an error in the file; in the environment, where others set variables as well, it is a warning.

mod source;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use secrecy::{SecretSlice, SecretString};
use time::Duration;

use crate::domain::network::Network;
use crate::outbound::MailSettings;
use source::Source;

/// A name with this prefix that is not in [`NAMES`] is taken for a typing mistake.
const PREFIX: &str = "CONSOLE_";
/// The fewest characters of a token.
const MIN_TOKEN_LENGTH: usize = 16;
const NAMES: [&str; 26] = [
    "DATABASE_URL",
    "CONSOLE_LISTEN",
    "CONSOLE_HOOKS_LISTEN",
    "CONSOLE_METRICS_LISTEN",
    "CONSOLE_METRICS_TOKEN",
    "CONSOLE_MIGRATE_DATABASE_URL",
    "CONSOLE_PUBLIC_URL",
    "CONSOLE_SECRET_KEY",
    "CONSOLE_SESSION_IDLE_HOURS",
    "CONSOLE_SESSION_DAYS",
    "CONSOLE_TRUST_PROXY",
    "USMS_API_URL",
    "UCLOUD_PUBLIC_KEY",
    "UCLOUD_PRIVATE_KEY",
    "UCLOUD_PROJECT_ID",
    "CONSOLE_SUBMIT_CONCURRENCY",
    "CONSOLE_SUBMIT_RATE",
    "CONSOLE_CALL_TIMEOUT",
    "CONSOLE_REVIEW_POLL",
    "CONSOLE_RECEIPT_POLL",
    "CONSOLE_UPLOAD_MB",
    "CONSOLE_UPLOAD_ROWS",
    "CONSOLE_OUTBOUND_ALLOW",
    "CONSOLE_PREVIOUS_SECRET_KEY",
    "CONSOLE_SMTP_URL",
    "CONSOLE_MAIL_FROM",
];

/// All settings of the console.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL`: a PostgreSQL URL. Required.
    pub database_url: SecretString,
    /// `CONSOLE_MIGRATE_DATABASE_URL`: the same database with a role that owns the tables. With it,
    /// the role of [`database_url`](Self::database_url) cannot change the audit log.
    pub migrate_database_url: Option<SecretString>,
    /// `CONSOLE_LISTEN`: the address and port that pages are served at. Default: 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// `CONSOLE_HOOKS_LISTEN`: an address and port at which pushes are received by a thread of
    /// their own, beside [`listen`](Self::listen).
    pub hooks_listen: Option<SocketAddr>,
    /// `CONSOLE_METRICS_LISTEN`: an address and port at which `/metrics` is served to everybody who
    /// reaches it.
    pub metrics_listen: Option<SocketAddr>,
    /// `CONSOLE_METRICS_TOKEN`: the token with which `/metrics` may be read from elsewhere, and
    /// without which not at [`metrics_listen`](Self::metrics_listen).
    pub metrics_token: Option<SecretString>,
    /// `CONSOLE_PUBLIC_URL`: the URL at which browsers and the vendor reach the console. If it is
    /// https, cookies are marked `Secure`.
    pub public_url: Option<String>,
    /// `CONSOLE_SECRET_KEY`: at least 32 random bytes in hex; the keys of cookies and of stored
    /// secrets are derived from it. Required.
    pub secret_key: SecretSlice<u8>,
    /// `CONSOLE_PREVIOUS_SECRET_KEY`: the secret key before this one. What it encrypted can still be
    /// read, until `key rotate` has encrypted all of it anew.
    pub previous_secret_key: Option<SecretSlice<u8>>,
    /// `CONSOLE_SESSION_IDLE_HOURS`: after how many hours without use a login session ends. Default: 8.
    pub session_idle: Duration,
    /// `CONSOLE_SESSION_DAYS`: after how many days a login session ends, however much it is used.
    /// Default: 7.
    pub session_age: Duration,
    /// `CONSOLE_OUTBOUND_ALLOW`: private networks that webhooks may lead to. Default: none.
    pub outbound_allow: Vec<Network>,
    /// `CONSOLE_TRUST_PROXY`: `true` if the peer of every connection is a proxy that sets
    /// `X-Forwarded-For`. Default: `false`.
    pub trust_proxy: bool,
    /// `CONSOLE_TRUST_PROXY`, if it lists networks: only proxies in them are believed.
    pub trusted_proxies: Vec<Network>,
    /// `USMS_API_URL`: the vendor's API. Default: <https://api.sms.ucloud.cn>.
    pub api_url: String,
    /// `UCLOUD_PUBLIC_KEY`, `UCLOUD_PRIVATE_KEY`, `UCLOUD_PROJECT_ID`: the keys of the project
    /// `default`. All three or none.
    pub default_project: Option<DefaultProject>,
    /// `CONSOLE_SUBMIT_CONCURRENCY`: concurrent calls for one project, over all processes.
    /// Default: 8.
    pub submit_concurrency: usize,
    /// `CONSOLE_SUBMIT_RATE`: calls per second for one project, over all processes. Default: 20.
    pub submit_rate: u32,
    /// `CONSOLE_CALL_TIMEOUT`: how long to wait for the response to a call. Default: 70 s, longer
    /// than the 60 s of the vendor's gateway.
    pub call_timeout: Duration,
    /// `CONSOLE_REVIEW_POLL`: how often signatures and templates under review are polled. Default:
    /// 2 min.
    pub review_poll: Duration,
    /// `CONSOLE_RECEIPT_POLL`: how long after a submission its receipts are first polled; the
    /// interval then doubles, up to 4 h. Also the pause between pulls; pushes count as missing
    /// after 180 times this. Default: 10 s.
    pub receipt_poll: Duration,
    /// `CONSOLE_UPLOAD_MB`: the largest recipient list, in mebibytes. Default: 100.
    pub upload_mb: usize,
    /// `CONSOLE_UPLOAD_ROWS`: the most rows of a recipient list. Default: 1,000,000.
    pub upload_rows: usize,
    /// `CONSOLE_SMTP_URL`: the mail server, `smtp://…` or `smtps://user:password@…`, and
    /// `CONSOLE_MAIL_FROM`: the sender. Both or none.
    pub mail: Option<MailSettings>,
}

/// The keys of the project `default`.
#[derive(Debug, Clone)]
pub struct DefaultProject {
    /// `UCLOUD_PUBLIC_KEY`.
    pub public_key: String,
    /// `UCLOUD_PRIVATE_KEY`.
    pub private_key: SecretString,
    /// `UCLOUD_PROJECT_ID`, `org-…`.
    pub ucloud_project_id: String,
}

/// Why the console does not start. Its `Display` is the one line that is printed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ConfigError {
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    #[error("{0} is invalid: {1}")]
    Wrong(&'static str, String),
    #[error("{0} is not a known setting{1}")]
    Unknown(String, String),
    #[error("CONSOLE_PUBLIC_URL is invalid: {0}; write {1}")]
    PublicUrl(&'static str, String),
    #[error("cannot read settings file {0}: {1}")]
    File(String, String),
    #[error("settings file {0}, line {1}: expected NAME=VALUE")]
    Line(String, usize),
}

impl Config {
    /// Reads all settings from the environment and, for what it does not set, from `file`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is missing or invalid, or unknown in `file`.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = variables(file)?;
        for warning in unknown(&variables) {
            tracing::warn!("{warning}");
        }
        Self::read(&variables)
    }

    /// Reads all settings from `variables`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is missing or invalid.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let source = Source(variables);
        Ok(Self {
            database_url: database_url(variables)?,
            migrate_database_url: migrate_database_url(variables)?,
            listen: source.parsed(
                "CONSOLE_LISTEN",
                "127.0.0.1:8080",
                "an address and a port, like 127.0.0.1:8080",
            )?,
            hooks_listen: source.address("CONSOLE_HOOKS_LISTEN")?,
            metrics_listen: source.address("CONSOLE_METRICS_LISTEN")?,
            metrics_token: source.token("CONSOLE_METRICS_TOKEN")?,
            public_url: source.public_url()?,
            secret_key: source.secret_key()?,
            previous_secret_key: source.previous_secret_key()?,
            session_idle: Duration::HOUR
                * u32::try_from(source.number("CONSOLE_SESSION_IDLE_HOURS", 8, 720)?).unwrap_or(8),
            session_age: Duration::DAY
                * u32::try_from(source.number("CONSOLE_SESSION_DAYS", 7, 90)?).unwrap_or(7),
            outbound_allow: source
                .networks("CONSOLE_OUTBOUND_ALLOW", "networks like 10.0.0.0/8")?,
            trust_proxy: source.get("CONSOLE_TRUST_PROXY") == Some("true"),
            trusted_proxies: source.trusted_proxies()?,
            api_url: source
                .url("USMS_API_URL")?
                .unwrap_or_else(|| "https://api.sms.ucloud.cn".to_owned()),
            default_project: source.default_project()?,
            submit_concurrency: source.number("CONSOLE_SUBMIT_CONCURRENCY", 8, 256)?,
            submit_rate: u32::try_from(source.number("CONSOLE_SUBMIT_RATE", 20, 10_000)?)
                .unwrap_or(20),
            call_timeout: source.duration("CONSOLE_CALL_TIMEOUT", Duration::seconds(70))?,
            review_poll: source.duration("CONSOLE_REVIEW_POLL", Duration::minutes(2))?,
            receipt_poll: source.duration("CONSOLE_RECEIPT_POLL", Duration::seconds(10))?,
            upload_mb: source.number("CONSOLE_UPLOAD_MB", 100, 2_000)?,
            upload_rows: source.number("CONSOLE_UPLOAD_ROWS", 1_000_000, 20_000_000)?,
            mail: source.mail()?,
        })
    }
}

/// Reads `DATABASE_URL` alone, for commands that need no other setting.
pub fn database_url(variables: &BTreeMap<String, String>) -> Result<SecretString, ConfigError> {
    let source = Source(variables);
    let url = source.required(
        "DATABASE_URL",
        "expected a PostgreSQL URL like postgres://user:password@localhost/usms_console",
    )?;
    if is_postgres(&url) {
        Ok(SecretString::from(url))
    } else {
        Err(ConfigError::Wrong("DATABASE_URL", "must start with postgres://".to_owned()))
    }
}

/// Reads `CONSOLE_MIGRATE_DATABASE_URL` alone.
///
/// # Errors
///
/// [`ConfigError::Wrong`] if it is not a PostgreSQL URL.
pub fn migrate_database_url(
    variables: &BTreeMap<String, String>,
) -> Result<Option<SecretString>, ConfigError> {
    let name = "CONSOLE_MIGRATE_DATABASE_URL";
    let source = Source(variables);
    let Some(url) = source.get(name) else { return Ok(None) };
    if is_postgres(url) {
        Ok(Some(SecretString::from(url)))
    } else {
        Err(ConfigError::Wrong(name, "must start with postgres://".to_owned()))
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Returns the variables of the environment and, for what it does not set, those of `file`.
pub fn variables(file: Option<&Path>) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut variables = match file {
        Some(path) => read_file(path)?,
        None => BTreeMap::new(),
    };
    variables.extend(
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    );
    Ok(variables)
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::File(name.clone(), error.to_string()))?;
    let mut variables = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) =
            line.split_once('=').ok_or_else(|| ConfigError::Line(name.clone(), index + 1))?;
        let value = value.trim();
        let unquoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .or_else(|| value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')))
            .unwrap_or(value);
        let key = key.trim();
        if is_unknown(key) {
            return Err(ConfigError::Unknown(key.to_owned(), hint(key)));
        }
        variables.insert(key.to_owned(), unquoted.to_owned());
    }
    Ok(variables)
}

/// Returns a sentence for each variable that looks like a misspelled setting. Those that Kubernetes
/// sets for a Service whose name begins with `console` do not.
pub fn unknown(variables: &BTreeMap<String, String>) -> Vec<String> {
    let looks_misspelled =
        |(name, value): &(&String, &String)| is_unknown(name) && !is_service_link(name, value);
    variables
        .iter()
        .filter(looks_misspelled)
        .map(|(name, _)| ConfigError::Unknown(name.clone(), hint(name)).to_string())
        .collect()
}

fn is_unknown(name: &str) -> bool {
    name.starts_with(PREFIX) && !NAMES.contains(&name)
}

/// Returns whether Kubernetes sets such a variable for a Service (Kubernetes documentation,
/// Service, environment variables): `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_HTTP`,
/// `…_PORT=tcp://…`, `…_PORT_8080_TCP`, `…_PORT_8080_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_port = |rest: &str| {
        let mut parts = rest.split('_');
        let port = parts.next().unwrap_or_default();
        let protocol = parts.next();
        !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && matches!(protocol, Some("TCP" | "UDP" | "SCTP"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
            && ["tcp://", "udp://", "sctp://"].iter().any(|start| value.starts_with(start))
        || name.match_indices("_PORT_").any(|(at, matched)| is_port(&name[at + matched.len()..]))
}

/// Suggests the setting that was probably meant: the one that shares the most pairs of letters.
fn hint(wrong: &str) -> String {
    let pairs = |name: &str| -> Vec<[u8; 2]> {
        name.as_bytes().windows(2).map(|pair| [pair[0], pair[1]]).collect()
    };
    let typed = pairs(wrong.trim_start_matches(PREFIX));
    let shared = |name: &str| {
        let known = pairs(name.trim_start_matches(PREFIX));
        typed.iter().filter(|pair| known.contains(pair)).count() * 4 / typed.len().max(1)
    };
    let nearest = NAMES.into_iter().filter(|name| name.starts_with(PREFIX)).max_by_key(|n| {
        // Of names that share as much, the shortest.
        (shared(n), Reverse(n.len()))
    });
    nearest
        .filter(|name| shared(name) >= 2)
        .map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests;
