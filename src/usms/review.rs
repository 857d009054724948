//! Signatures and templates (USMS API reference, Create/Query/Update/Delete of both).

use super::client::{Client, Credentials};
use super::errors::{CallError, UnknownBecause};
use super::signing::{Params, push_array};
use super::wire::Fields;

/// An application for a signature.
#[derive(Debug, Clone, Default)]
pub struct CreateSignature {
    /// The name, without brackets.
    pub content: String,
    /// 0 company · 1 app · 2 website · 3 official account · 4 trademark · 5 institution.
    pub sig_type: u8,
    /// 0 own use · 1 on behalf of others.
    pub purpose: u8,
    /// 0 to 5, to match `sig_type`.
    pub certificate_type: u8,
    /// What the signature is for.
    pub description: String,
    /// The certificate, base64, at most 4 MB.
    pub file: Option<String>,
    /// For international texts.
    pub international: bool,
    /// The letter of authority, base64; required when `purpose` is 1.
    pub proxy_file: Option<String>,
    /// The id of a real-name qualification at the vendor; may be empty.
    pub qualification_id: String,
    /// What is sent with it; may be empty.
    pub scene: String,
}

/// A resubmission of a rejected signature.
#[derive(Debug, Clone, Default)]
pub struct UpdateSignature {
    /// The vendor's id.
    pub sig_id: String,
    /// The name, without brackets.
    pub content: String,
    /// As for [`CreateSignature`].
    pub sig_type: u8,
    /// As for [`CreateSignature`].
    pub purpose: u8,
    /// As for [`CreateSignature`].
    pub certificate_type: u8,
    /// The certificate as `image/jpeg;base64,…`.
    pub file: Option<String>,
    /// The letter of authority in the same format.
    pub proxy_file: Option<String>,
    /// What is sent with it; may be empty.
    pub scene: String,
}

/// An application for a template.
#[derive(Debug, Clone, Default)]
pub struct CreateTemplate {
    /// 1 verification code · 2 notice · 3 marketing.
    pub purpose: u8,
    /// The name, at most 32 characters.
    pub name: String,
    /// The text, at most 500 characters, with variables `{1}` `{2}`.
    pub text: String,
    /// For international texts.
    pub international: bool,
    /// A note for the reviewer, at most 128 characters.
    pub remark: String,
    /// How to unsubscribe; required for domestic marketing.
    pub unsubscribe: String,
    /// What each variable means.
    pub instruction: String,
}

/// A resubmission of a rejected template, or a new name for an approved one.
#[derive(Debug, Clone, Default)]
pub struct UpdateTemplate {
    /// The vendor's id.
    pub template_id: String,
    /// The text, at most 600 characters.
    pub text: String,
    /// The name.
    pub name: String,
    /// A note for the reviewer.
    pub remark: String,
    /// What each variable means.
    pub instruction: String,
}

/// A signature as the vendor describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureAnswer {
    /// The vendor's id.
    pub sig_id: String,
    /// The name.
    pub content: String,
    /// 0 waiting · 1 in review · 2 approved · 3 rejected · 4 disabled.
    pub status: Option<i64>,
    /// Why it was rejected; may be empty.
    pub reason: String,
}

/// A template as the vendor describes it. Fields may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateAnswer {
    /// The vendor's id.
    pub template_id: String,
    /// As for [`CreateTemplate`].
    pub purpose: Option<i64>,
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
    /// How to unsubscribe.
    pub unsubscribe: String,
    /// As for [`SignatureAnswer`].
    pub status: Option<i64>,
    /// A note for the reviewer.
    pub remark: String,
    /// Why it was rejected; may be empty.
    pub reason: String,
    /// What each variable means.
    pub instruction: String,
}

fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn push_optional(params: &mut Params, name: &str, value: &str) {
    if !value.is_empty() {
        params.push(pair(name, value));
    }
}

impl Client {
    /// Applies for a signature; returns its id. After [`CallError::Unknown`], look for it by its
    /// content before applying again.
    pub async fn create_signature(
        &self,
        keys: &Credentials,
        signature: &CreateSignature,
    ) -> Result<String, CallError> {
        let mut params = vec![
            pair("SigContent", &signature.content),
            pair("SigType", signature.sig_type),
            pair("SigPurpose", signature.purpose),
            pair("CertificateType", signature.certificate_type),
            pair("Description", &signature.description),
            pair("International", signature.international),
        ];
        push_optional(&mut params, "File", signature.file.as_deref().unwrap_or(""));
        push_optional(&mut params, "ProxyFile", signature.proxy_file.as_deref().unwrap_or(""));
        push_optional(&mut params, "QualificationId", &signature.qualification_id);
        push_optional(&mut params, "SceneDesc", &signature.scene);
        let response = self.succeed(keys, "CreateUSMSSignature", params).await?;
        id_of(&response.body, "SigId", response.request_id)
    }

    /// Returns a signature by its id, its content, or both.
    pub async fn query_signature(
        &self,
        keys: &Credentials,
        sig_id: Option<&str>,
        content: Option<&str>,
    ) -> Result<Option<SignatureAnswer>, CallError> {
        let mut params = Params::new();
        push_optional(&mut params, "SigId", sig_id.unwrap_or(""));
        push_optional(&mut params, "SigContent", content.unwrap_or(""));
        let response = self.succeed(keys, "QueryUSMSSignature", params).await?;
        Ok(Fields::of(&response.body).and_then(|fields| {
            let data = fields.object("Data")?;
            Some(SignatureAnswer {
                sig_id: data.some_text("SigId").or_else(|| sig_id.map(str::to_owned))?,
                content: data
                    .some_text("SigContent")
                    .or_else(|| content.map(str::to_owned))
                    .unwrap_or_default(),
                status: data.number("Status"),
                reason: data.text("ErrDesc"),
            })
        }))
    }

    /// Resubmits a rejected signature; its review starts over.
    pub async fn update_signature(
        &self,
        keys: &Credentials,
        signature: &UpdateSignature,
    ) -> Result<(), CallError> {
        let mut params = vec![
            pair("SigId", &signature.sig_id),
            pair("SigContent", &signature.content),
            pair("SigType", signature.sig_type),
            pair("SigPurpose", signature.purpose),
            pair("CertificateType", signature.certificate_type),
        ];
        push_optional(&mut params, "File", signature.file.as_deref().unwrap_or(""));
        push_optional(&mut params, "ProxyFile", signature.proxy_file.as_deref().unwrap_or(""));
        push_optional(&mut params, "SceneDesc", &signature.scene);
        self.succeed(keys, "UpdateUSMSSignature", params).await.map(drop)
    }

    /// Deletes signatures that are not under review. Cannot be undone.
    pub async fn delete_signatures(
        &self,
        keys: &Credentials,
        sig_ids: &[&str],
    ) -> Result<(), CallError> {
        let mut params = Params::new();
        push_array(&mut params, "SigIds", sig_ids);
        self.succeed(keys, "DeleteUSMSSignature", params).await.map(drop)
    }

    /// Applies for a template; returns its id. After [`CallError::Unknown`], only a person can find
    /// it, by reading its id in the vendor's console.
    pub async fn create_template(
        &self,
        keys: &Credentials,
        template: &CreateTemplate,
    ) -> Result<String, CallError> {
        let mut params = vec![
            pair("Purpose", template.purpose),
            pair("TemplateName", &template.name),
            pair("Template", &template.text),
            pair("International", template.international),
        ];
        push_optional(&mut params, "Remark", &template.remark);
        push_optional(&mut params, "UnsubscribeInfo", &template.unsubscribe);
        push_optional(&mut params, "Instruction", &template.instruction);
        let response = self.succeed(keys, "CreateUSMSTemplate", params).await?;
        id_of(&response.body, "TemplateId", response.request_id)
    }

    /// Returns a template by its id.
    pub async fn query_template(
        &self,
        keys: &Credentials,
        template_id: &str,
    ) -> Result<Option<TemplateAnswer>, CallError> {
        let params = vec![pair("TemplateId", template_id)];
        let response = self.succeed(keys, "QueryUSMSTemplate", params).await?;
        Ok(Fields::of(&response.body).and_then(|fields| {
            let data = fields.object("Data")?;
            Some(TemplateAnswer {
                template_id: data.some_text("TemplateId").unwrap_or(template_id.to_owned()),
                purpose: data.number("Purpose"),
                name: data.text("TemplateName"),
                text: data.text("Template"),
                unsubscribe: data.text("UnsubscribeInfo"),
                status: data.number("Status"),
                remark: data.text("Remark"),
                reason: data.text("ErrDesc"),
                instruction: data.text("Instruction"),
            })
        }))
    }

    /// Changes a template. A changed text is reviewed again; a changed name alone is not.
    pub async fn update_template(
        &self,
        keys: &Credentials,
        template: &UpdateTemplate,
    ) -> Result<(), CallError> {
        let mut params =
            vec![pair("TemplateId", &template.template_id), pair("Template", &template.text)];
        push_optional(&mut params, "TemplateName", &template.name);
        push_optional(&mut params, "Remark", &template.remark);
        push_optional(&mut params, "Instruction", &template.instruction);
        self.succeed(keys, "UpdateUSMSTemplate", params).await.map(drop)
    }

    /// Deletes templates that are not under review. Cannot be undone.
    pub async fn delete_templates(
        &self,
        keys: &Credentials,
        template_ids: &[&str],
    ) -> Result<(), CallError> {
        let mut params = Params::new();
        push_array(&mut params, "TemplateIds", template_ids);
        self.succeed(keys, "DeleteUSMSTemplate", params).await.map(drop)
    }
}

fn id_of(
    body: &serde_json::Value,
    name: &'static str,
    request_id: String,
) -> Result<String, CallError> {
    Fields::of(body).and_then(|fields| fields.some_text(name)).ok_or(CallError::Unknown {
        because: UnknownBecause::NoProof(name),
        ret_code: None,
        request_id,
    })
}
