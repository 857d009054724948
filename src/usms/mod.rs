//! A client of the vendor's API (UCloud USMS): request signing, types, errors, and the actions of
//! the USMS API overview. It depends on nothing else in the console, never retries, and its errors
//! say what the caller may conclude.

mod blacklist;
mod client;
mod errors;
mod message;
mod pull;
pub mod push;
mod receipt;
mod ret_code;
mod review;
pub mod signing;
mod statistics;
mod wire;

pub use blacklist::MAX_PHONES_PER_BLACKLIST;
pub use client::{Client, ClientBuildError, Credentials, LastContact};
pub use errors::{CallError, NotSentBecause, UnknownBecause};
pub use message::{
    Failure, MAX_PHONES_PER_BATCH, MAX_PHONES_PER_SEND, MAX_USER_ID, SendBatch, SendMessage, Sent,
    SentBatch, Target, TargetGroup,
};
pub use pull::MAX_REPORTS_PER_PULL;
pub use receipt::{MAX_SESSIONS_PER_QUERY, Receipt, ReceiptResult};
pub use ret_code::{RetCode, Verdict};
pub use review::{
    CreateSignature, CreateTemplate, SignatureAnswer, TemplateAnswer, UpdateSignature,
    UpdateTemplate,
};
pub use statistics::DayFigures;
