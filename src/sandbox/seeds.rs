//! Signatures and templates that are put in place without an application.

use serde::Deserialize;

use super::journal::Entry;
use super::review::{APPROVED, DISABLED, Review};
use super::store::{Application, Signature, Template, World, new_id};

/// What is put in place.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Seeds {
    /// Signatures; one with a known id replaces the other.
    pub signatures: Vec<SignatureSeed>,
    /// Templates; one with a known id replaces the other.
    pub templates: Vec<TemplateSeed>,
}

/// A signature that was never applied for.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct SignatureSeed {
    /// Its id; an empty one is made up.
    pub sig_id: String,
    /// Its text without brackets.
    pub content: String,
    /// Whether it is for international messages.
    pub international: bool,
    /// Where its review stands, 0–4; approved unless said.
    pub status: u8,
    /// Why it was rejected.
    pub err_desc: String,
}

/// A template that was never applied for.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct TemplateSeed {
    /// Its id; an empty one is made up.
    pub template_id: String,
    /// Its name.
    pub name: String,
    /// 1 verification code, 2 notice (unless said), 3 marketing.
    pub purpose: u8,
    /// Its text with variables `{1}`, `{2}`, …
    pub text: String,
    /// How to unsubscribe.
    pub unsubscribe: String,
    /// Whether it is for international messages.
    pub international: bool,
    /// Where its review stands, 0–4; approved unless said.
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
            international: false,
            status: APPROVED,
            err_desc: String::new(),
        }
    }
}

impl Seeds {
    /// Puts everything in place.
    pub(super) fn plant(self, world: &mut World, now: i64) {
        for seed in self.signatures {
            let review = Review::settled(now, seed.status.min(DISABLED), &seed.err_desc);
            world.record(Entry::Signature(Signature {
                id: id_or_new(seed.sig_id, "SIG"),
                content: seed.content,
                international: seed.international,
                application: Application::default(),
                review,
            }));
        }
        for seed in self.templates {
            let review = Review::settled(now, seed.status.min(DISABLED), &seed.err_desc);
            world.record(Entry::Template(Template {
                id: id_or_new(seed.template_id, "UTA"),
                name: seed.name,
                purpose: seed.purpose,
                text: seed.text,
                unsubscribe: seed.unsubscribe,
                international: seed.international,
                remark: String::new(),
                instruction: String::new(),
                created: now,
                review,
            }));
        }
    }
}

fn id_or_new(id: String, prefix: &str) -> String {
    if id.is_empty() { new_id(prefix) } else { id }
}
