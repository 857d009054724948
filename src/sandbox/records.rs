//! The things that the sandbox stores.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::review::Review;
use super::text;

/// A signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Signature {
    pub(super) id: String,
    pub(super) content: String,
    pub(super) international: bool,
    #[serde(default)]
    pub(super) application: Application,
    pub(super) review: Review,
}

/// What was submitted for a signature besides its content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Application {
    pub(super) sig_type: u8,
    pub(super) on_behalf: bool,
    pub(super) description: String,
    pub(super) scene: String,
    pub(super) qualification_id: String,
    /// The size of the certificate in bytes.
    pub(super) file_bytes: Option<usize>,
    /// The size of the letter of authority in bytes.
    pub(super) proxy_bytes: Option<usize>,
}

/// A template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) purpose: u8,
    pub(super) text: String,
    pub(super) unsubscribe: String,
    pub(super) international: bool,
    pub(super) remark: String,
    pub(super) instruction: String,
    /// Whether QueryUSMSTemplate leaves out its purpose.
    #[serde(default)]
    pub(super) without_purpose: bool,
    /// When it was first applied for, in milliseconds.
    pub(super) created: i64,
    pub(super) review: Review,
}

/// What the messages of one call with the same template and signature share.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) session: Arc<str>,
    pub(super) template_id: String,
    pub(super) signature: String,
    pub(super) text: String,
    /// How to opt out, where neither text nor values end with that.
    pub(super) ending: String,
    pub(super) international: bool,
    /// When they were accepted, in milliseconds.
    pub(super) at: i64,
}

/// An accepted message.
#[derive(Debug)]
pub(super) struct Message {
    /// The phone in the caller's spelling.
    pub(super) phone: Arc<str>,
    /// The phone in its canonical spelling.
    pub(super) key: Arc<str>,
    pub(super) user_id: Arc<str>,
    pub(super) extend_code: Arc<str>,
    pub(super) group: Arc<Group>,
    pub(super) values: Arc<[String]>,
    pub(super) parts: u16,
}

impl Message {
    /// Returns the text that the phone shows.
    pub(super) fn full_text(&self) -> String {
        let body = text::body(&self.group.text, &self.values, &self.group.ending);
        text::full_text(&self.group.signature, self.group.international, &body)
    }
}

/// A reply from a phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reply {
    /// The phone in its canonical spelling.
    pub(super) phone: String,
    pub(super) content: String,
    /// When it was sent, in milliseconds.
    pub(super) at: i64,
}
