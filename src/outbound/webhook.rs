//! Signed webhooks.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::destination::is_not_public;
use super::{Outbound, OutboundError};

impl Outbound {
    /// POSTs `body` as JSON to `url`, which a person typed. The header `X-Console-Signature` is
    /// `sha256=` followed by the HMAC-SHA256 in hex, under `key`, of the header
    /// `X-Console-Timestamp` (Unix seconds), a full stop and the body. Returns the status of the
    /// response.
    ///
    /// # Errors
    ///
    /// [`OutboundError::NotPublic`] if it leads to a private network,
    /// [`OutboundError::Unreachable`] if there was no response, [`OutboundError::HttpStatus`] if
    /// its status was not 2xx.
    pub async fn post(
        &self,
        url: &str,
        key: &SecretString,
        timestamp: i64,
        body: String,
    ) -> Result<u16, OutboundError> {
        let url = parse(url)?;
        self.destinations.check(&url).map_err(|_| OutboundError::NotPublic)?;
        send(&self.http, url, key, timestamp, body).await
    }

    /// Like [`post`](Self::post), to a URL of the settings, which may be in any network.
    ///
    /// # Errors
    ///
    /// As for [`post`](Self::post), but never [`OutboundError::NotPublic`].
    pub async fn post_to_own(
        &self,
        url: &str,
        key: &SecretString,
        timestamp: i64,
        body: String,
    ) -> Result<u16, OutboundError> {
        send(&self.own_http, parse(url)?, key, timestamp, body).await
    }

    /// Returns whether a webhook may lead to `url`, as far as that can be known now.
    pub async fn may_call(&self, url: &str) -> bool {
        match parse(url) {
            Ok(url) => self.destinations.look_up(&url).await.is_ok(),
            Err(_) => false,
        }
    }
}

pub(super) fn parse(url: &str) -> Result<Url, OutboundError> {
    url.parse().map_err(|_| OutboundError::Unreachable("it is not a URL".to_owned()))
}

async fn send(
    http: &reqwest::Client,
    url: Url,
    key: &SecretString,
    timestamp: i64,
    body: String,
) -> Result<u16, OutboundError> {
    let signature = sign(key, timestamp, &body);
    let request = http
        .post(url)
        .header("content-type", "application/json")
        .header("x-console-timestamp", timestamp.to_string())
        .header("x-console-signature", format!("sha256={signature}"))
        .body(body);
    let response = request.send().await.map_err(request_error)?;
    let status = response.status();
    if status.is_success() {
        Ok(status.as_u16())
    } else {
        Err(OutboundError::HttpStatus(status.as_u16()))
    }
}

/// Returns the error of a request without its URL, which may contain a token.
pub(super) fn request_error(error: reqwest::Error) -> OutboundError {
    if is_not_public(&error) {
        OutboundError::NotPublic
    } else {
        OutboundError::Unreachable(error.without_url().to_string())
    }
}

fn sign(key: &SecretString, timestamp: i64, body: &str) -> String {
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_timestamp_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let signature = sign(&SecretString::from("key"), 1_700_000_000, "{\"a\":1}");
        assert_eq!(signature, "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
    }
}
