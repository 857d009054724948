//! The things that the sandbox stores.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sandbox::review::Review;
use crate::sandbox::text;

/// A signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Signature {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) content: String,
    pub(in crate::sandbox) international: bool,
    #[serde(default)]
    pub(in crate::sandbox) application: Application,
    pub(in crate::sandbox) review: Review,
}

/// What was submitted for a signature besides its content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::sandbox) struct Application {
    pub(in crate::sandbox) sig_type: u8,
    pub(in crate::sandbox) on_behalf: bool,
    pub(in crate::sandbox) description: String,
    pub(in crate::sandbox) scene: String,
    pub(in crate::sandbox) qualification_id: String,
    /// The size of the certificate in bytes.
    pub(in crate::sandbox) file_bytes: Option<usize>,
    /// The size of the letter of authority in bytes.
    pub(in crate::sandbox) proxy_bytes: Option<usize>,
}

/// A template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Template {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) purpose: u8,
    pub(in crate::sandbox) text: String,
    pub(in crate::sandbox) unsubscribe: String,
    pub(in crate::sandbox) international: bool,
    pub(in crate::sandbox) remark: String,
    pub(in crate::sandbox) instruction: String,
    /// Whether QueryUSMSTemplate leaves out its purpose.
    #[serde(default)]
    pub(in crate::sandbox) without_purpose: bool,
    /// When it was first applied for, in milliseconds.
    pub(in crate::sandbox) created: i64,
    pub(in crate::sandbox) review: Review,
}

/// What the messages of one call with the same template and signature share.
#[derive(Debug)]
pub(in crate::sandbox) struct Group {
    pub(in crate::sandbox) session: Arc<str>,
    pub(in crate::sandbox) template_id: String,
    pub(in crate::sandbox) signature: String,
    pub(in crate::sandbox) text: String,
    /// How to opt out, where neither text nor values end with that.
    pub(in crate::sandbox) ending: String,
    pub(in crate::sandbox) international: bool,
    /// When they were accepted, in milliseconds.
    pub(in crate::sandbox) at: i64,
}

/// An accepted message.
#[derive(Debug)]
pub(in crate::sandbox) struct Message {
    /// The phone in the caller's spelling.
    pub(in crate::sandbox) phone: Arc<str>,
    /// The phone in its canonical spelling.
    pub(in crate::sandbox) key: Arc<str>,
    pub(in crate::sandbox) user_id: Arc<str>,
    pub(in crate::sandbox) extend_code: Arc<str>,
    pub(in crate::sandbox) group: Arc<Group>,
    pub(in crate::sandbox) values: Arc<[String]>,
    pub(in crate::sandbox) parts: u16,
}

impl Message {
    /// Returns the text that the phone shows.
    pub(in crate::sandbox) fn full_text(&self) -> String {
        let body = text::body(&self.group.text, &self.values, &self.group.ending);
        text::full_text(&self.group.signature, self.group.international, &body)
    }
}

/// A reply from a phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Reply {
    /// The phone in its canonical spelling.
    pub(in crate::sandbox) phone: String,
    pub(in crate::sandbox) content: String,
    /// When it was sent, in milliseconds.
    pub(in crate::sandbox) at: i64,
}
