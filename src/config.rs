//! Settings: from the environment and, for what it does not set, from the file named by `--config`.
//! The error of an invalid or missing setting is one line that names it. A name that is not known is
//! an error in the file; in the environment, where others set variables as well, it is a warning.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use secrecy::{SecretSlice, SecretString};
use time::Duration;

use crate::domain::network::{Network, NotANetwork};
use crate::outbound::{MailSettings, Outbound, OutboundBuildError};

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

struct Source<'a>(&'a BTreeMap<String, String>);

impl Source<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str, hint: &'static str) -> Result<String, ConfigError> {
        self.get(name).map(str::to_owned).ok_or(ConfigError::Missing(name, hint))
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        default: &str,
        shape: &str,
    ) -> Result<T, ConfigError> {
        let text = self.get(name).unwrap_or(default);
        text.parse().map_err(|_| ConfigError::Wrong(name, format!("`{text}` is not {shape}")))
    }

    fn number(&self, name: &'static str, default: usize, max: usize) -> Result<usize, ConfigError> {
        let shape = format!("a number from 1 to {max}");
        let n: usize = self.parsed(name, &default.to_string(), &shape)?;
        if (1..=max).contains(&n) {
            Ok(n)
        } else {
            Err(ConfigError::Wrong(name, format!("`{n}` is not {shape}")))
        }
    }

    fn address(&self, name: &'static str) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let error = || format!("`{text}` is not an address and a port, like 127.0.0.1:8081");
        text.parse().map(Some).map_err(|_| ConfigError::Wrong(name, error()))
    }

    fn token(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if text.len() >= MIN_TOKEN_LENGTH {
            Ok(Some(SecretString::from(text)))
        } else {
            let why = format!("must have at least {MIN_TOKEN_LENGTH} characters");
            Err(ConfigError::Wrong(name, why))
        }
    }

    fn trusted_proxies(&self) -> Result<Vec<Network>, ConfigError> {
        let name = "CONSOLE_TRUST_PROXY";
        match self.get(name) {
            Some("true" | "false") => Ok(Vec::new()),
            _ => self.networks(name, "true, false, or networks like 10.0.0.0/8"),
        }
    }

    fn networks(&self, name: &'static str, shape: &str) -> Result<Vec<Network>, ConfigError> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        let networks = self.get(name).unwrap_or_default().split(separators);
        let networks = networks.filter(|network| !network.is_empty()).map(str::parse);
        networks.collect::<Result<_, _>>().map_err(|error: NotANetwork| {
            ConfigError::Wrong(name, format!("{error}; expected {shape}"))
        })
    }

    fn url(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let url = reqwest::Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        match url {
            Some(_) => Ok(Some(text.trim_end_matches('/').to_owned())),
            None => Err(ConfigError::Wrong(name, format!("`{text}` is not an http or https URL"))),
        }
    }

    /// Reads the URL of the console. It has no path: pages, cookies and the vendor's pushes all lead
    /// to the root of their host.
    fn public_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.get("CONSOLE_PUBLIC_URL") else { return Ok(None) };
        let url = reqwest::Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let Some(url) = url else {
            let example = "https://sms.example.com".to_owned();
            return Err(ConfigError::PublicUrl("it is not an http or https URL", example));
        };
        let why = if !url.username().is_empty() || url.password().is_some() {
            "it must not have a user or password"
        } else if url.query().is_some() {
            "it must not have a query"
        } else if url.fragment().is_some() {
            "it must not have a fragment"
        } else if url.path() != "/" {
            "it must not have a path, since the console serves pages at the root of a host"
        } else {
            return Ok(Some(url.origin().ascii_serialization()));
        };
        Err(ConfigError::PublicUrl(why, url.origin().ascii_serialization()))
    }

    fn secret_key(&self) -> Result<SecretSlice<u8>, ConfigError> {
        let name = "CONSOLE_SECRET_KEY";
        let text = self.required(
            name,
            "expected at least 32 random bytes in hex; generate them with: openssl rand -hex 32",
        )?;
        key(name, &text)
    }

    fn previous_secret_key(&self) -> Result<Option<SecretSlice<u8>>, ConfigError> {
        let name = "CONSOLE_PREVIOUS_SECRET_KEY";
        self.get(name).map(|text| key(name, text)).transpose()
    }

    fn default_project(&self) -> Result<Option<DefaultProject>, ConfigError> {
        let names = ["UCLOUD_PUBLIC_KEY", "UCLOUD_PRIVATE_KEY", "UCLOUD_PROJECT_ID"];
        if names.iter().all(|name| self.get(name).is_none()) {
            return Ok(None);
        }
        let hint =
            "UCLOUD_PUBLIC_KEY, UCLOUD_PRIVATE_KEY and UCLOUD_PROJECT_ID must be set together";
        Ok(Some(DefaultProject {
            public_key: self.required(names[0], hint)?,
            private_key: SecretString::from(self.required(names[1], hint)?),
            ucloud_project_id: self.required(names[2], hint)?,
        }))
    }

    fn mail(&self) -> Result<Option<MailSettings>, ConfigError> {
        let names = ["CONSOLE_SMTP_URL", "CONSOLE_MAIL_FROM"];
        if names.iter().all(|name| self.get(name).is_none()) {
            return Ok(None);
        }
        let hint = "CONSOLE_SMTP_URL and CONSOLE_MAIL_FROM must be set together";
        let mail = MailSettings {
            url: SecretString::from(self.required(names[0], hint)?),
            from: self.required(names[1], hint)?,
        };
        match Outbound::new(Some(&mail)) {
            Ok(_) => Ok(Some(mail)),
            Err(OutboundBuildError::Server) => Err(ConfigError::Wrong(
                names[0],
                "must be a URL like smtps://user:password@mail.example.test".to_owned(),
            )),
            Err(OutboundBuildError::Unencrypted) => Err(ConfigError::Wrong(
                names[0],
                "it would send the password without encryption; write smtps://, or \
                 smtp://…?tls=required"
                    .to_owned(),
            )),
            Err(OutboundBuildError::From) => Err(ConfigError::Wrong(
                names[1],
                format!("`{}` is not an email address", mail.from),
            )),
            Err(OutboundBuildError::Http(error)) => {
                Err(ConfigError::Wrong(names[0], error.to_string()))
            }
        }
    }

    fn duration(&self, name: &'static str, default: Duration) -> Result<Duration, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let wrong =
            || ConfigError::Wrong(name, format!("`{text}` is not a duration like 500ms, 2s or 5m"));
        let split = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let millis = match unit.trim() {
            "ms" => Some(number),
            "s" => number.checked_mul(1_000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            _ => None,
        };
        let day = 24 * 3_600_000;
        millis
            .filter(|millis| (1..=day).contains(millis))
            .map(Duration::milliseconds)
            .ok_or_else(wrong)
    }
}

fn key(name: &'static str, text: &str) -> Result<SecretSlice<u8>, ConfigError> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() >= 32 => Ok(SecretSlice::from(bytes)),
        Ok(bytes) => {
            let why = format!("must have at least 32 bytes, not {}", bytes.len());
            Err(ConfigError::Wrong(name, why))
        }
        Err(_) => Err(ConfigError::Wrong(name, "must be hexadecimal".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut all = BTreeMap::from([
            ("DATABASE_URL".to_owned(), "postgres://localhost/x".to_owned()),
            ("CONSOLE_SECRET_KEY".to_owned(), "0f".repeat(32)),
        ]);
        for (name, value) in more {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        Config::read(&all)
    }

    #[test]
    fn two_settings_suffice() {
        let config = with(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.call_timeout, Duration::seconds(70));
        assert!(config.default_project.is_none());
    }

    #[test]
    fn the_error_names_the_invalid_or_missing_setting() {
        let wrong = [
            ("DATABASE_URL", ""),
            ("DATABASE_URL", "mysql://x"),
            ("CONSOLE_SECRET_KEY", ""),
            ("CONSOLE_SECRET_KEY", "0f0f"),
            ("CONSOLE_SECRET_KEY", "not hex"),
            ("CONSOLE_LISTEN", "8080"),
            ("CONSOLE_PUBLIC_URL", "example.test"),
            ("CONSOLE_TRUST_PROXY", "yes"),
            ("USMS_API_URL", "ftp://x"),
            ("CONSOLE_SUBMIT_CONCURRENCY", "0"),
            ("CONSOLE_SUBMIT_RATE", "many"),
            ("CONSOLE_UPLOAD_MB", "100MB"),
            ("CONSOLE_UPLOAD_ROWS", "0"),
            ("CONSOLE_CALL_TIMEOUT", "70"),
            ("CONSOLE_REVIEW_POLL", "0s"),
            ("CONSOLE_RECEIPT_POLL", "5 days"),
            ("CONSOLE_SMTP_URL", "127.0.0.1:25"),
        ];
        let mail = [("CONSOLE_SMTP_URL", "smtp://127.0.0.1"), ("CONSOLE_MAIL_FROM", "no address")];
        let error = with(&mail).unwrap_err().to_string();
        assert!(error.starts_with("CONSOLE_MAIL_FROM"), "{error}");
        for (name, value) in wrong {
            let from = ("CONSOLE_MAIL_FROM", "console@example.test");
            let all = if name == "CONSOLE_SMTP_URL" {
                vec![(name, value), from]
            } else {
                vec![(name, value)]
            };
            let error = with(&all).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains('\n'), "{name}={value}: {error}");
        }
        let error = with(&[("UCLOUD_PUBLIC_KEY", "k")]).unwrap_err().to_string();
        assert!(error.starts_with("UCLOUD_PRIVATE_KEY"), "{error}");
    }

    #[test]
    fn variables_of_a_kubernetes_service_stop_nothing_and_are_no_settings() {
        let links = [
            ("CONSOLE_PORT", "tcp://10.0.0.1:8080"),
            ("CONSOLE_SERVICE_HOST", "10.0.0.1"),
            ("CONSOLE_SERVICE_PORT", "8080"),
            ("CONSOLE_SERVICE_PORT_HTTP", "8080"),
            ("CONSOLE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("CONSOLE_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("CONSOLE_PORT_8080_TCP_PROTO", "tcp"),
            ("CONSOLE_LISTEN_PORT", "udp://[fd00::1]:53"),
        ];
        assert_eq!(with(&links).unwrap().listen.to_string(), "127.0.0.1:8080");
        let owned = links.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(unknown(&BTreeMap::from(owned)), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_setting_is_named_with_the_nearest_name_and_stops_nothing() {
        assert!(with(&[("CONSOLE_LISTN", "x"), ("CONSOLE_PORT", "8080")]).is_ok());
        let name = ("CONSOLE_LISTN".to_owned(), "x".to_owned());
        let expected = "CONSOLE_LISTN is not a known setting; did you mean CONSOLE_LISTEN?";
        assert_eq!(unknown(&BTreeMap::from([name])), [expected]);
    }

    #[test]
    fn a_misspelled_setting_in_the_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("console.env");
        std::fs::write(&file, "CONSOLE_LISTEN=[::1]:80\nCONSOLE_LISTN=x\n").unwrap();
        let error = variables(Some(&file)).unwrap_err().to_string();
        assert!(error.starts_with("CONSOLE_LISTN is not a known setting"), "{error}");
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_host_and_the_error_says_what_to_write() {
        for (value, expected) in [
            ("https://x.example", "https://x.example"),
            ("HTTPS://X.example:443/", "https://x.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let config = with(&[("CONSOLE_PUBLIC_URL", value)]).unwrap();
            assert_eq!(config.public_url.as_deref(), Some(expected), "{value}");
        }
        for (value, why, write) in [
            ("https://x.example/console", "path", "https://x.example"),
            ("https://x.example:8443/a/b/", "path", "https://x.example:8443"),
            ("https://x.example?a=1", "query", "https://x.example"),
            ("https://x.example/#top", "fragment", "https://x.example"),
            ("https://mei:secret@x.example", "user", "https://x.example"),
            ("ftp://x.example", "http or https", "https://sms.example.com"),
            ("x.example", "http or https", "https://sms.example.com"),
            ("x.example:8443", "http or https", "https://sms.example.com"),
        ] {
            let error = with(&[("CONSOLE_PUBLIC_URL", value)]).unwrap_err().to_string();
            assert!(error.starts_with("CONSOLE_PUBLIC_URL is invalid"), "{error}");
            assert!(error.contains(why), "{value}: {error}");
            assert!(error.ends_with(&format!("write {write}")), "{value}: {error}");
            assert!(!error.contains("secret") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let keys = [
            ("UCLOUD_PUBLIC_KEY", "open"),
            ("UCLOUD_PRIVATE_KEY", "hush-hush"),
            ("UCLOUD_PROJECT_ID", "org-x"),
        ];
        let printed = format!("{:?}", with(&keys).unwrap());
        assert!(
            !printed.contains("hush") && !printed.contains("15, 15") && !printed.contains("0f0f")
        );
    }
}
