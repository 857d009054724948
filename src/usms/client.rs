//! One HTTP client for all projects: connections are reused, every call has a time limit, and
//! nothing is ever repeated behind the caller's back.

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

/// A connection that is not there after this long will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The vendor's header with its id of the call.
const REQUEST_ID: &str = "x-ucloud-request-uuid";

/// Calls the vendor. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    heard: Arc<Mutex<Heard>>,
}

/// What was heard from the service last, by any clone of a client.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// When it answered last, whatever it said.
    pub answered: Option<Instant>,
    /// When a call had no answer last, and what was seen instead.
    pub problem: Option<(Instant, String)>,
}

/// Why no client can be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientBuildError {
    /// The address is none.
    #[error("USMS_API_URL is not an http or https URL")]
    Address,
    /// TLS or the client itself.
    #[error("cannot build the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Whose account a call is charged to. Its debug print shows no key.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The public key.
    pub public_key: String,
    /// The private key, which signs.
    pub private_key: SecretString,
    /// The UCloud project (`org-…`); required for sub-accounts.
    pub project_id: Option<String>,
}

/// A successful answer.
pub(super) struct Answer {
    pub body: Value,
    pub ret_code: RetCode,
    pub message: String,
    pub request_id: String,
}

impl Client {
    /// A client for the service at `api_url`. A call that has no answer after `call_timeout` is
    /// unknown; it should be longer than the gateway's own 60 s.
    pub fn new(api_url: &str, call_timeout: Duration) -> Result<Self, ClientBuildError> {
        let url: Url = api_url.parse().map_err(|_| ClientBuildError::Address)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientBuildError::Address);
        }
        // Another part of the process may have installed it: then this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(call_timeout)
            // Nothing may repeat a call but the queue, which knows what that means.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            // A connection the other side is about to close must not carry a send.
            .pool_idle_timeout(Duration::from_secs(15))
            .build()?;
        Ok(Self { http, url, heard: Arc::default() })
    }

    /// What was heard from the service last.
    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, error: Option<&CallError>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None | Some(CallError::Refused { .. }) => heard.answered = Some(Instant::now()),
            Some(error @ (CallError::NotSent { .. } | CallError::Unknown { .. })) => {
                heard.problem = Some((Instant::now(), error.to_string()));
            }
        }
    }

    /// Whether the service can be reached at all. Nothing is signed and nothing is asked for.
    pub async fn reach(&self) -> Result<(), reqwest::Error> {
        self.http.get(self.url.clone()).timeout(CONNECT_TIMEOUT).send().await.map(drop)
    }

    /// Calls `action` and answers whatever the service said, success or not.
    pub(super) async fn call(
        &self,
        keys: &Credentials,
        action: &'static str,
        params: Params,
    ) -> Result<Answer, CallError> {
        let began = Instant::now();
        let result = self.exchange(keys, action, params).await;
        self.hear(result.as_ref().err());
        let elapsed_ms = began.elapsed().as_millis();
        let outcome = match &result {
            Ok(answer) if answer.ret_code.0 == 0 => "success",
            Ok(_) => "refused",
            Err(CallError::Refused { .. }) => "refused",
            Err(CallError::NotSent { .. }) => "not_sent",
            Err(CallError::Unknown { .. }) => "unknown",
        };
        counter!("usms_calls_total", "action" => action, "outcome" => outcome).increment(1);
        match &result {
            Ok(answer) => {
                let ret_code = answer.ret_code.0;
                info!(action, ret_code, request_id = answer.request_id, elapsed_ms, "API call");
            }
            Err(error) => info!(action, %error, elapsed_ms, "API call got no usable response"),
        }
        result
    }

    /// Calls `action` where only RetCode 0 is success.
    pub(super) async fn succeed(
        &self,
        keys: &Credentials,
        action: &'static str,
        params: Params,
    ) -> Result<Answer, CallError> {
        let answer = self.call(keys, action, params).await?;
        if answer.ret_code == RetCode::OK {
            Ok(answer)
        } else {
            Err(CallError::from_answer(answer.ret_code, answer.message, answer.request_id))
        }
    }

    async fn exchange(
        &self,
        keys: &Credentials,
        action: &'static str,
        mut params: Params,
    ) -> Result<Answer, CallError> {
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

/// Reads an answer. What is no JSON object with a RetCode proves nothing.
async fn read(response: reqwest::Response) -> Result<Answer, CallError> {
    let status = response.status();
    let header = response
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned)
        .unwrap_or_default();
    let unknown =
        |because| CallError::Unknown { because, ret_code: None, request_id: header.clone() };
    let no_answer = |what| unknown(UnknownBecause::NotAnAnswer(what));
    let bytes = response.bytes().await.map_err(|error| {
        let late = error.is_timeout();
        let what = error.to_string();
        unknown(if late { UnknownBecause::TimedOut(what) } else { UnknownBecause::CutOff(what) })
    })?;
    if !status.is_success() {
        return Err(unknown(UnknownBecause::HttpStatus(status.as_u16())));
    }
    let body: Value = serde_json::from_slice(&bytes).map_err(|_| no_answer("is not JSON"))?;
    let fields = Fields::of(&body).ok_or_else(|| no_answer("is not a JSON object"))?;
    let ret_code = fields.number("RetCode").ok_or_else(|| no_answer("has no RetCode"))?;
    let message = fields.text("Message");
    let request_id = fields.some_text("ReqUuid").unwrap_or(header);
    Ok(Answer { ret_code: RetCode(ret_code), message, request_id, body })
}
