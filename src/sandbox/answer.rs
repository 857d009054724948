//! Responses of actions: a RetCode, a message and further fields.

use serde_json::{Map, Value, json};

/// The RetCodes that the sandbox returns by itself; a fault can return any.
pub(super) mod code {
    /// The body is not valid JSON.
    pub(in crate::sandbox) const NOT_JSON: i64 = 18000;
    /// A parameter is missing.
    pub(in crate::sandbox) const MISSING: i64 = 18001;
    /// A parameter is malformed.
    pub(in crate::sandbox) const MALFORMED: i64 = 18002;
    /// A parameter is well-formed, but its value is not allowed.
    pub(in crate::sandbox) const INVALID: i64 = 18003;
    /// Some phones are invalid.
    pub(in crate::sandbox) const PHONES: i64 = 18014;
    /// The signature is not approved.
    pub(in crate::sandbox) const SIGNATURE: i64 = 18016;
    /// The template is not approved.
    pub(in crate::sandbox) const TEMPLATE: i64 = 18017;
    /// The values do not match the template's variables.
    pub(in crate::sandbox) const VALUES: i64 = 18018;
    /// Too many phones in one call.
    pub(in crate::sandbox) const TOO_MANY: i64 = 18019;
    /// A word that carriers block.
    pub(in crate::sandbox) const BLOCKED_WORD: i64 = 18023;
    /// The value of a variable breaks a rule.
    pub(in crate::sandbox) const BAD_VALUE: i64 = 18033;
    /// Some messages of a batch were refused.
    pub(in crate::sandbox) const PARTLY: i64 = 18046;
    /// The request names no action.
    pub(in crate::sandbox) const NO_ACTION: i64 = 160;
    /// The action does not exist.
    pub(in crate::sandbox) const UNKNOWN_ACTION: i64 = 161;
    /// The request is not signed.
    pub(in crate::sandbox) const UNSIGNED: i64 = 170;
    /// The request's signature is wrong.
    pub(in crate::sandbox) const WRONGLY_SIGNED: i64 = 171;
    /// The action has to be enabled first.
    pub(in crate::sandbox) const NOT_OPENED: i64 = 299;
    /// The project does not exist.
    pub(in crate::sandbox) const PROJECT: i64 = 292;
}

/// The response of an action.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) ret_code: i64,
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

impl Answer {
    /// Returns a success without further fields.
    pub(super) fn ok() -> Self {
        Self { ret_code: 0, message: String::new(), fields: Map::new() }
    }

    /// Adds a field.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the message.
    pub(super) fn with_message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// Removes all fields of `Data` other than id, text and status.
    pub(super) fn with_fewer_fields(mut self) -> Self {
        const RETAINED: [&str; 5] = ["SigId", "SigContent", "TemplateId", "Template", "Status"];
        if let Some(Value::Object(data)) = self.fields.get_mut("Data") {
            data.retain(|name, _| RETAINED.contains(&name.as_str()));
        }
        self
    }

    /// Returns the response as the vendor's JSON document.
    pub(super) fn document(self, action: &str) -> Value {
        let mut document = self.fields;
        document.insert("RetCode".into(), json!(self.ret_code));
        document.insert("Action".into(), json!(format!("{action}Response")));
        document.insert("Message".into(), json!(self.message));
        Value::Object(document)
    }
}

/// A refusal of a whole action, without any effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) ret_code: i64,
    pub(super) message: String,
}

impl Refusal {
    /// Creates a refusal.
    pub(super) fn new(ret_code: i64, message: impl Into<String>) -> Self {
        Self { ret_code, message: message.into() }
    }

    /// Creates the refusal of a missing parameter.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(code::MISSING, format!("Params [{name}] not available"))
    }

    /// Creates the refusal of a malformed parameter.
    pub(super) fn malformed(name: &str) -> Self {
        Self::new(code::MALFORMED, format!("Params [{name}] format error"))
    }

    /// Creates the refusal of a value that is not allowed.
    pub(super) fn invalid(name: &str, reason: &str) -> Self {
        Self::new(code::INVALID, format!("Params [{name}] invalid: {reason}"))
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self { ret_code: refusal.ret_code, message: refusal.message, fields: Map::new() }
    }
}
