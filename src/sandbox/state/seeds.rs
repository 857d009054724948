//! Signatures and templates that are added without an application.

use serde::Deserialize;

use super::journal::Entry;
use super::records::{Application, Signature, Template};
use super::store::{World, new_id};
use crate::sandbox::actions::templates::id_prefix;
use crate::sandbox::review::{APPROVED, DISABLED, Review};

/// The signatures and templates to add.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Seeds {
    /// The signatures. One with an existing id replaces the existing one.
    pub signatures: Vec<SignatureSeed>,
    /// The templates. One with an existing id replaces the existing one.
    pub templates: Vec<TemplateSeed>,
}

/// A signature to add.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct SignatureSeed {
    /// Its id; if empty, one is generated.
    pub sig_id: String,
    /// Its name without brackets.
    pub content: String,
    /// Whether it is for international messages.
    pub international: bool,
    /// Its review status, 0 to 4; approved by default.
    pub status: u8,
    /// Why it was rejected.
    pub err_desc: String,
}

/// A template to add.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct TemplateSeed {
    /// Its id; if empty, one is generated.
    pub template_id: String,
    /// Its name.
    pub name: String,
    /// 1 for verification codes, 2 (the default) for notices, 3 for marketing.
    pub purpose: u8,
    /// Its text with variables `{1}`, `{2}`, …
    pub text: String,
    /// How to opt out of marketing.
    pub unsubscribe: String,
    /// Whether QueryUSMSTemplate leaves out its purpose, as UCloud's own example does.
    pub without_purpose: bool,
    /// Whether it is for international messages.
    pub international: bool,
    /// Its review status, 0 to 4; approved by default.
    pub status: u8,
    /// Why it was rejected.
    pub err_desc: String,
}

impl Default for SignatureSeed {
    fn default() -> Self {
        Self {
            sig_id: String::new(),
            content: String::new(),
            international: false,
            status: APPROVED,
            err_desc: String::new(),
        }
    }
}

impl Default for TemplateSeed {
    fn default() -> Self {
        Self {
            template_id: String::new(),
            name: String::new(),
            purpose: 2,
            text: String::new(),
            unsubscribe: String::new(),
            without_purpose: false,
            international: false,
            status: APPROVED,
            err_desc: String::new(),
        }
    }
}

impl Seeds {
    /// Adds everything to `world`.
    pub(in crate::sandbox) fn add_to(self, world: &mut World, now: i64) {
        for seed in self.signatures {
            let review = Review::fixed(now, seed.status.min(DISABLED), &seed.err_desc);
            world.record(Entry::Signature(Signature {
                id: id_or_new(seed.sig_id, "SIG"),
                content: seed.content,
                international: seed.international,
                application: Application::default(),
                review,
            }));
        }
        for seed in self.templates {
            let review = Review::fixed(now, seed.status.min(DISABLED), &seed.err_desc);
            world.record(Entry::Template(Template {
                id: id_or_new(seed.template_id, id_prefix(seed.purpose)),
                name: seed.name,
                purpose: seed.purpose,
                text: seed.text,
                unsubscribe: seed.unsubscribe,
                international: seed.international,
                remark: String::new(),
                instruction: String::new(),
                without_purpose: seed.without_purpose,
                created: now,
                review,
            }));
        }
    }
}

fn id_or_new(id: String, prefix: &str) -> String {
    if id.is_empty() { new_id(prefix) } else { id }
}
