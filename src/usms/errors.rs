//! Errors of calls, by what they prove.

use super::ret_code::{RetCode, Verdict};

/// A call that did not succeed, by what the caller may conclude.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service refused the call: nothing was accepted, and a retry would be refused as well.
    #[error("{message} (RetCode {ret_code})")]
    Refused {
        /// The vendor's RetCode.
        ret_code: RetCode,
        /// The vendor's message.
        message: String,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
    /// Surely not accepted: it may be retried.
    #[error("{because}")]
    NotSent {
        /// Why it surely was not accepted.
        because: NotSentBecause,
        /// The vendor's RetCode, if there was a response.
        ret_code: Option<RetCode>,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
    /// It may have been accepted: it must not be retried blindly.
    #[error("{because}")]
    Unknown {
        /// Why the result is unknown.
        because: UnknownBecause,
        /// The vendor's RetCode, if there was a response.
        ret_code: Option<RetCode>,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
}

/// Why a call surely was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSentBecause {
    /// No connection: refused, name not resolved, or TLS failed.
    #[error("cannot reach UCloud: {0}")]
    Unreachable(String),
    /// The vendor limits the rate (RetCode 153).
    #[error("UCloud is rate limiting: {0}")]
    Throttled(String),
    /// The vendor's gateway could not forward it.
    #[error("UCloud's gateway is unavailable: {0}")]
    Gateway(String),
    /// The service failed and says that nothing was accepted.
    #[error("UCloud service error, nothing accepted: {0}")]
    ServiceFault(String),
    /// The request could not be built.
    #[error("cannot build the request: {0}")]
    Unbuildable(String),
}

/// Why it is unknown whether a call was accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownBecause {
    /// No response within the timeout.
    #[error("no response in time: {0}")]
    TimedOut(String),
    /// The connection broke after sending had begun.
    #[error("connection lost: {0}")]
    CutOff(String),
    /// An HTTP status other than 2xx.
    #[error("HTTP {0}")]
    HttpStatus(u16),
    /// Not the documented JSON.
    #[error("the response {0}")]
    NotAnAnswer(&'static str),
    /// RetCode 0 without the id or session number that would prove it.
    #[error("accepted without a {0}")]
    NoProof(&'static str),
    /// The vendor's gateway timed out waiting for the service (RetCode 110).
    #[error("UCloud's gateway timed out: {0}")]
    Gateway(String),
}

impl CallError {
    /// Returns the error that a RetCode other than 0 stands for.
    pub fn from_response(ret_code: RetCode, message: String, request_id: String) -> Self {
        let not_sent = |because| Self::NotSent {
            because,
            ret_code: Some(ret_code),
            request_id: request_id.clone(),
        };
        match ret_code.verdict() {
            Verdict::Show | Verdict::PauseBalance | Verdict::CallPerson | Verdict::Partly => {
                Self::Refused { ret_code, message, request_id }
            }
            Verdict::RetryFew => not_sent(NotSentBecause::ServiceFault(message)),
            Verdict::SlowDown => not_sent(NotSentBecause::Throttled(message)),
            Verdict::Retry => not_sent(NotSentBecause::Gateway(message)),
            Verdict::InDoubt => {
                let because = UnknownBecause::Gateway(message);
                Self::Unknown { because, ret_code: Some(ret_code), request_id }
            }
        }
    }

    /// Returns the error of a request that cannot be serialized, which was never sent.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn unbuildable(error: serde_json::Error) -> Self {
        let because = NotSentBecause::Unbuildable(error.to_string());
        Self::NotSent { because, ret_code: None, request_id: String::new() }
    }

    /// Returns the error that a failed connection stands for. Only a connection that was never made
    /// proves that nothing was sent; after that, the service may have read the request.
    pub(super) fn from_transport(error: &reqwest::Error) -> Self {
        let text = chain(error);
        let because = if error.is_connect() {
            NotSentBecause::Unreachable(text)
        } else if error.is_builder() {
            NotSentBecause::Unbuildable(text)
        } else {
            let because = if error.is_timeout() {
                UnknownBecause::TimedOut(text)
            } else {
                UnknownBecause::CutOff(text)
            };
            return Self::Unknown { because, ret_code: None, request_id: String::new() };
        };
        Self::NotSent { because, ret_code: None, request_id: String::new() }
    }
}

/// Formats an error with its sources. `reqwest` names the URL but never the body, so the text
/// contains no key.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
