//! Reading the text of each setting.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use secrecy::{SecretSlice, SecretString};
use time::Duration;

use super::{ConfigError, DefaultProject, MIN_TOKEN_LENGTH};
use crate::domain::network::{Network, NotANetwork};
use crate::outbound::{MailSettings, Outbound, OutboundBuildError};

/// The settings as texts.
pub(super) struct Source<'a>(pub(super) &'a BTreeMap<String, String>);

impl Source<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn required(
        &self,
        name: &'static str,
        hint: &'static str,
    ) -> Result<String, ConfigError> {
        self.get(name).map(str::to_owned).ok_or(ConfigError::Missing(name, hint))
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        default: &str,
        shape: &str,
    ) -> Result<T, ConfigError> {
        let text = self.get(name).unwrap_or(default);
        text.parse().map_err(|_| ConfigError::Wrong(name, format!("`{text}` is not {shape}")))
    }

    pub(super) fn number(
        &self,
        name: &'static str,
        default: usize,
        max: usize,
    ) -> Result<usize, ConfigError> {
        let shape = format!("a number from 1 to {max}");
        let n: usize = self.parsed(name, &default.to_string(), &shape)?;
        if (1..=max).contains(&n) {
            Ok(n)
        } else {
            Err(ConfigError::Wrong(name, format!("`{n}` is not {shape}")))
        }
    }

    pub(super) fn address(&self, name: &'static str) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let error = || format!("`{text}` is not an address and a port, like 127.0.0.1:8081");
        text.parse().map(Some).map_err(|_| ConfigError::Wrong(name, error()))
    }

    pub(super) fn token(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if text.len() >= MIN_TOKEN_LENGTH {
            Ok(Some(SecretString::from(text)))
        } else {
            let why = format!("must have at least {MIN_TOKEN_LENGTH} characters");
            Err(ConfigError::Wrong(name, why))
        }
    }

    pub(super) fn trusted_proxies(&self) -> Result<Vec<Network>, ConfigError> {
        let name = "CONSOLE_TRUST_PROXY";
        match self.get(name) {
            Some("true" | "false") => Ok(Vec::new()),
            _ => self.networks(name, "true, false, or networks like 10.0.0.0/8"),
        }
    }

    pub(super) fn networks(
        &self,
        name: &'static str,
        shape: &str,
    ) -> Result<Vec<Network>, ConfigError> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        let networks = self.get(name).unwrap_or_default().split(separators);
        let networks = networks.filter(|network| !network.is_empty()).map(str::parse);
        networks.collect::<Result<_, _>>().map_err(|error: NotANetwork| {
            ConfigError::Wrong(name, format!("{error}; expected {shape}"))
        })
    }

    pub(super) fn url(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
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
    pub(super) fn public_url(&self) -> Result<Option<String>, ConfigError> {
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

    pub(super) fn secret_key(&self) -> Result<SecretSlice<u8>, ConfigError> {
        let name = "CONSOLE_SECRET_KEY";
        let text = self.required(
            name,
            "expected at least 32 random bytes in hex; generate them with: openssl rand -hex 32",
        )?;
        key(name, &text)
    }

    pub(super) fn previous_secret_key(&self) -> Result<Option<SecretSlice<u8>>, ConfigError> {
        let name = "CONSOLE_PREVIOUS_SECRET_KEY";
        self.get(name).map(|text| key(name, text)).transpose()
    }

    pub(super) fn default_project(&self) -> Result<Option<DefaultProject>, ConfigError> {
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

    pub(super) fn mail(&self) -> Result<Option<MailSettings>, ConfigError> {
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

    pub(super) fn duration(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
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
