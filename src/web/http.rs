//! What every request passes: sign-in, forms, limits, errors and the parts of an answer.

pub mod access;
pub mod assets;
pub mod client;
pub mod csrf;
pub mod error;
pub mod flash;
pub mod form;
pub mod guard;
pub mod headers;
pub mod i18n;
pub mod limits;
pub mod member;
pub mod page;
pub mod pools;
pub mod request_log;
pub mod session;
pub mod upload;
pub mod urls;
pub mod visitor;
