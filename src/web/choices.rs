//! What a send may be made of: approved signatures and templates.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::page;
use crate::app::App;
use crate::db::signatures::{self, Signature};
use crate::db::sms_templates::{self, SmsTemplate};

/// Signatures and templates that a form lists. The others are sent with from their own pages.
const LISTED: i64 = 300;

#[derive(Template)]
#[template(path = "send/nothing_to_send_with.html")]
struct NothingToSendWithPage {
    l: Layout,
    signature_missing: bool,
}

/// What may be chosen from.
#[derive(Debug)]
pub struct Choices {
    /// Approved signatures, by name.
    pub signatures: Vec<Signature>,
    /// Approved templates, by name.
    pub templates: Vec<SmsTemplate>,
}

impl Choices {
    /// The first of each by name, and those that were chosen on pages of their own.
    pub async fn load(
        app: &App,
        member: &Member,
        signature_id: &str,
        template_id: &str,
    ) -> Result<Self, WebError> {
        let project = member.project.id;
        let mut signatures = signatures::approved(&app.db, project, LISTED).await?;
        let mut templates = sms_templates::approved(&app.db, project, LISTED).await?;
        let mut db = app.db.acquire().await?;
        if let Ok(id) = signature_id.parse()
            && !signatures.iter().any(|one| one.id == id)
        {
            signatures.extend(signatures::find_approved(&mut db, project, id).await?);
        }
        if let Ok(id) = template_id.parse()
            && !templates.iter().any(|one| one.id == id)
        {
            templates.extend(sms_templates::find_approved(&mut db, project, id).await?);
        }
        Ok(Self { signatures, templates })
    }

    /// The page that says what is missing, when nothing can be sent with yet.
    pub async fn nothing(
        &self,
        app: &App,
        member: &Member,
        request: &HttpRequest,
    ) -> Result<Option<HttpResponse>, WebError> {
        let signature_missing = self.signatures.is_empty();
        if !signature_missing && !self.templates.is_empty() {
            return Ok(None);
        }
        let l = member.layout(app, request, Section::Send).await?;
        page::ok(&NothingToSendWithPage { l, signature_missing }).map(Some)
    }
}
