//! What a failed call proves.

use super::ret_code::{RetCode, Verdict};

/// A call that did not succeed, sorted by what the caller may conclude.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service said no: nothing was taken, and repeating it changes nothing.
    #[error("{message} (RetCode {ret_code})")]
    Refused {
        /// The vendor's code.
        ret_code: RetCode,
        /// The vendor's words.
        message: String,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
    /// Surely not taken: it may be tried again.
    #[error("{because}")]
    NotSent {
        /// Why.
        because: NotSentBecause,
        /// The vendor's code, if it answered.
        ret_code: Option<RetCode>,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
    /// It may have been taken: it must not be repeated blindly.
    #[error("{because}")]
    Unknown {
        /// What was seen instead of an answer.
        because: UnknownBecause,
        /// The vendor's code, if it answered.
        ret_code: Option<RetCode>,
        /// The vendor's id of the call; may be empty.
        request_id: String,
    },
}

/// Why a call surely was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSentBecause {
    /// No connection: refused, no such name, no TLS.
    #[error("cannot reach UCloud: {0}")]
    Unreachable(String),
    /// RetCode 153.
    #[error("UCloud is rate limiting: {0}")]
    Throttled(String),
    /// The gateway could not pass it on.
    #[error("UCloud's gateway is unavailable: {0}")]
    Gateway(String),
    /// The service had a fault and says that it took nothing.
    #[error("UCloud service error, nothing accepted: {0}")]
    ServiceFault(String),
    /// The request could not even be built.
    #[error("cannot build the request: {0}")]
    Unbuildable(String),
}

/// Why nobody knows whether a call was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownBecause {
    /// No answer within the time of a call.
    #[error("no response in time: {0}")]
    TimedOut(String),
    /// The connection broke after the request had begun to leave.
    #[error("connection lost: {0}")]
    CutOff(String),
    /// An HTTP status that is no success.
    #[error("HTTP {0}")]
    HttpStatus(u16),
    /// Not the JSON that was promised.
    #[error("the response {0}")]
    NotAnAnswer(&'static str),
    /// Success without what proves it.
    #[error("accepted without a {0}")]
    NoProof(&'static str),
    /// RetCode 110: the gateway waited for the service in vain.
    #[error("UCloud's gateway timed out: {0}")]
    Gateway(String),
}

impl CallError {
    /// Sorts an answer whose RetCode is not 0.
    pub(super) fn from_answer(ret_code: RetCode, message: String, request_id: String) -> Self {
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

    /// A request that cannot be written down never left.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn unbuildable(error: serde_json::Error) -> Self {
        let because = NotSentBecause::Unbuildable(error.to_string());
        Self::NotSent { because, ret_code: None, request_id: String::new() }
    }

    /// Sorts a failure of the connection. Only a connection that was never made proves that nothing
    /// was sent; whatever breaks later may have been read on the other side.
    pub(super) fn from_transport(error: &reqwest::Error) -> Self {
        let what = chain(error);
        let because = if error.is_connect() {
            NotSentBecause::Unreachable(what)
        } else if error.is_builder() {
            NotSentBecause::Unbuildable(what)
        } else {
            let because = if error.is_timeout() {
                UnknownBecause::TimedOut(what)
            } else {
                UnknownBecause::CutOff(what)
            };
            return Self::Unknown { because, ret_code: None, request_id: String::new() };
        };
        Self::NotSent { because, ret_code: None, request_id: String::new() }
    }
}

/// An error with its causes. `reqwest` names the address but never the body, so no key is in it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
