//! The HTTP client, shared by all projects: connections are reused, every call has a timeout, and
//! no call is ever retried implicitly.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;
use tracing::info;

use super::errors::{CallError, UnknownBecause};
use super::ret_code::RetCode;
use super::signing::{self, Params};
use super::wire::Fields;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The response header with the vendor's id of the call.
const REQUEST_ID: &str = "x-ucloud-request-uuid";

/// The domains of UCloud's API.
const UCLOUD_DOMAINS: [&str; 2] = [".ucloud.cn", ".ucloud.com"];
/// The longest response in bytes. The largest is that of a thousand receipts of each of a hundred
/// sessions.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// A client of the vendor's API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    last_contact: Arc<Mutex<LastContact>>,
}

/// The last contact with the service, over all clones of a client.
#[derive(Debug, Clone, Default)]
pub struct LastContact {
    /// When the last response came, a refusal included.
    pub response: Option<Instant>,
    /// When a call last had no usable response, and why.
    pub problem: Option<(Instant, String)>,
}

/// Why a [`Client`] cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientBuildError {
    /// The URL of the service is invalid.
    #[error("USMS_API_URL is not an http or https URL")]
    Address,
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// The API keys that a call is signed with. Their `Debug` output does not show the private key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The public key.
    pub public_key: String,
    /// The private key, which signs requests.
    pub private_key: SecretString,
    /// The UCloud project (`org-…`); required for sub-accounts.
    pub project_id: Option<String>,
}

/// A response that is a JSON object with a RetCode.
pub(super) struct Response {
    pub body: Value,
    pub ret_code: RetCode,
    pub message: String,
    pub request_id: String,
}

impl Client {
    /// Builds a client for the service at `api_url`. A call without a response after `call_timeout`
    /// has an unknown result; the timeout should exceed the 60 s of the vendor's gateway.
    ///
    /// # Errors
    ///
    /// [`ClientBuildError`] if the URL is invalid or TLS cannot be set up.
    pub fn new(api_url: &str, call_timeout: Duration) -> Result<Self, ClientBuildError> {
        let url: Url = api_url.parse().map_err(|_| ClientBuildError::Address)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientBuildError::Address);
        }
        // The provider may have been installed by another part of the process; that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(call_timeout)
            // Only the queue may retry a call: it knows which calls were surely not accepted.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            // Do not reuse a connection that the server may be about to close.
            .pool_idle_timeout(Duration::from_secs(15))
            .build()?;
        Ok(Self { http, url, last_contact: Arc::default() })
    }

    /// Returns the host and port of the service if it is not UCloud's: of the sandbox, say.
    pub fn other_host(&self) -> Option<String> {
        let host = self.url.host_str()?;
        let is_ucloud = UCLOUD_DOMAINS.iter().any(|domain| host.ends_with(domain));
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        (!is_ucloud || self.url.scheme() != "https").then(|| format!("{host}{port}"))
    }

    /// Returns the last contact with the service.
    pub fn last_contact(&self) -> LastContact {
        self.last_contact.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record_contact(&self, error: Option<&CallError>) {
        let mut contact = self.last_contact.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None | Some(CallError::Refused { .. }) => contact.response = Some(Instant::now()),
            Some(error @ (CallError::NotSent { .. } | CallError::Unknown { .. })) => {
                contact.problem = Some((Instant::now(), error.to_string()));
            }
        }
    }

    /// Checks that the service can be reached, by a GET without parameters. Returns the `Date` of its
    /// response (RFC 9110, section 6.6.1), if it has one.
    pub async fn reach(&self) -> Result<Option<String>, reqwest::Error> {
        let response = self.http.get(self.url.clone()).timeout(CONNECT_TIMEOUT).send().await?;
        let date = response.headers().get(reqwest::header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// Calls `action` and returns the response, whatever its RetCode.
    pub(super) async fn call(
        &self,
        keys: &Credentials,
        action: &'static str,
        params: Params,
    ) -> Result<Response, CallError> {
        let began = Instant::now();
        let result = self.exchange(keys, action, params).await;
        self.record_contact(result.as_ref().err());
        let elapsed_ms = began.elapsed().as_millis();
        let outcome = match &result {
            Ok(response) if response.ret_code.0 == 0 => "success",
            Ok(_) => "refused",
            Err(CallError::Refused { .. }) => "refused",
            Err(CallError::NotSent { .. }) => "not_sent",
            Err(CallError::Unknown { .. }) => "unknown",
        };
        counter!("usms_calls_total", "action" => action, "outcome" => outcome).increment(1);
        match &result {
            Ok(response) => {
                let ret_code = response.ret_code.0;
                info!(action, ret_code, request_id = response.request_id, elapsed_ms, "API call");
            }
            Err(error) => info!(action, %error, elapsed_ms, "API call got no usable response"),
        }
        result
    }

    /// Calls `action` and returns the response if its RetCode is 0, else the error it stands for.
    pub(super) async fn succeed(
        &self,
        keys: &Credentials,
        action: &'static str,
        params: Params,
    ) -> Result<Response, CallError> {
        let response = self.call(keys, action, params).await?;
        if response.ret_code == RetCode::OK {
            Ok(response)
        } else {
            Err(CallError::from_response(response.ret_code, response.message, response.request_id))
        }
    }

    async fn exchange(
        &self,
        keys: &Credentials,
        action: &'static str,
        mut params: Params,
    ) -> Result<Response, CallError> {
        params.push(("Action".to_owned(), action.to_owned()));
        params.push(("PublicKey".to_owned(), keys.public_key.clone()));
        if let Some(project) = &keys.project_id {
            params.push(("ProjectId".to_owned(), project.clone()));
        }
        let signature = signing::sign(&params, &keys.private_key);
        params.push(("Signature".to_owned(), signature));
        let request = self.http.post(self.url.clone()).form(&params);
        let response = request.send().await.map_err(|error| CallError::from_transport(&error))?;
        read(response).await
    }
}

/// Reads a response. One that is not a JSON object with a RetCode proves nothing.
async fn read(mut response: reqwest::Response) -> Result<Response, CallError> {
    let status = response.status();
    let header = response
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned)
        .unwrap_or_default();
    let unknown =
        |because| CallError::Unknown { because, ret_code: None, request_id: header.clone() };
    let not_usable = |why| unknown(UnknownBecause::NotAnAnswer(why));
    let cut_off = |error: reqwest::Error| {
        let text = error.to_string();
        unknown(if error.is_timeout() {
            UnknownBecause::TimedOut(text)
        } else {
            UnknownBecause::CutOff(text)
        })
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(cut_off)? {
        if bytes.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(not_usable("is too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(unknown(UnknownBecause::HttpStatus(status.as_u16())));
    }
    let body: Value = serde_json::from_slice(&bytes).map_err(|_| not_usable("is not JSON"))?;
    let fields = Fields::of(&body).ok_or_else(|| not_usable("is not a JSON object"))?;
    let ret_code = fields.number("RetCode").ok_or_else(|| not_usable("has no RetCode"))?;
    let message = fields.text("Message");
    let request_id = fields.some_text("ReqUuid").unwrap_or(header);
    Ok(Response { ret_code: RetCode(ret_code), message, request_id, body })
}
