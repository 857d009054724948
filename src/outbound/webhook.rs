//! Signed webhooks.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{Outbound, OutboundError};

/// Characters of a response body that an error keeps.
const MAX_ERROR_BODY: usize = 200;

impl Outbound {
    /// POSTs `body` as JSON to `url`. The header `X-Console-Signature` is `sha256=` followed by the
    /// HMAC-SHA256 in hex, under `key`, of the header `X-Console-Timestamp` (Unix seconds), a full
    /// stop and the body.
    ///
    /// # Errors
    ///
    /// [`OutboundError::Unreachable`] if there was no response, [`OutboundError::HttpStatus`] if
    /// its status was not 2xx.
    pub async fn post(
        &self,
        url: &str,
        key: &SecretString,
        timestamp: i64,
        body: String,
    ) -> Result<(), OutboundError> {
        let signature = sign(key, timestamp, &body);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("x-console-timestamp", timestamp.to_string())
            .header("x-console-signature", format!("sha256={signature}"))
            .body(body);
        let response = request.send().await.map_err(|error| {
            // The URL may contain a token.
            OutboundError::Unreachable(error.without_url().to_string())
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let text = response.text().await.unwrap_or_default();
        let text = text.chars().take(MAX_ERROR_BODY).collect();
        Err(OutboundError::HttpStatus(status.as_u16(), text))
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
