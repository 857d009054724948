//! The approved signatures and templates that a message or batch can be sent with.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::layout::{Layout, Section};
use crate::app::App;
use crate::db::review::signatures::{self, Signature};
use crate::db::review::sms_templates::{self, SmsTemplate};
use crate::domain::ids::{NotAnId, SignatureId};
use crate::domain::sending::outgoing::SignatureProblem;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;

/// Signatures and templates that a form lists. Others can be chosen from their own pages.
const MAX_LISTED: i64 = 300;

/// The value of the choice to send without a signature, which international messages may be.
pub const WITHOUT_SIGNATURE: &str = "none";

/// Returns the signature that was chosen; `None` if it is to be sent without. An empty value is no
/// signature either: a template that needs one says so.
///
/// # Errors
///
/// The value is no id.
pub fn read_signature(chosen: &str) -> Result<Option<SignatureId>, NotAnId> {
    match chosen {
        "" | WITHOUT_SIGNATURE => Ok(None),
        id => id.parse().map(Some),
    }
}

/// Returns the text key of what is wrong with a signature, or with none.
pub fn signature_problem_key(problem: SignatureProblem) -> &'static str {
    match problem {
        SignatureProblem::Missing => "send-error-signature-needed",
        SignatureProblem::DifferentKinds => "send-error-kinds",
    }
}

/// Returns the value of the choice of a signature, or of none.
pub fn signature_value(signature: Option<SignatureId>) -> String {
    signature.map_or_else(|| WITHOUT_SIGNATURE.to_owned(), |id| id.to_string())
}

#[derive(Template)]
#[template(path = "ui/choices/none.html")]
struct NothingToSendWithPage {
    l: Layout,
    signature_missing: bool,
}

/// The signatures and templates that a form offers.
#[derive(Debug)]
pub struct Choices {
    /// Approved signatures, by name.
    pub signatures: Vec<Signature>,
    /// Approved templates, by name.
    pub templates: Vec<SmsTemplate>,
}

impl Choices {
    /// Loads the first ones by name, and those that were chosen already.
    pub async fn load(
        app: &App,
        member: &Member,
        signature_id: &str,
        template_id: &str,
    ) -> Result<Self, WebError> {
        let project = member.project.id;
        let mut signatures = signatures::approved(&app.db, project, MAX_LISTED).await?;
        let mut templates = sms_templates::approved(&app.db, project, MAX_LISTED).await?;
        let mut db = app.db.acquire().await?;
        if let Ok(id) = signature_id.parse()
            && !signatures.iter().any(|signature| signature.id == id)
        {
            signatures.extend(signatures::find_approved(&mut db, project, id).await?);
        }
        if let Ok(id) = template_id.parse()
            && !templates.iter().any(|template| template.id == id)
        {
            templates.extend(sms_templates::find_approved(&mut db, project, id).await?);
        }
        Ok(Self { signatures, templates })
    }

    /// Returns whether there is a template that can be sent without a signature.
    pub fn may_go_without_signature(&self) -> bool {
        self.templates.iter().any(|template| template.international)
    }

    /// Returns the page that says what is missing, if nothing can be sent yet.
    pub async fn nothing(
        &self,
        app: &App,
        member: &Member,
        request: &HttpRequest,
    ) -> Result<Option<HttpResponse>, WebError> {
        let signature_missing = self.signatures.is_empty() && !self.may_go_without_signature();
        if !signature_missing && !self.templates.is_empty() {
            return Ok(None);
        }
        let l = Layout::in_project(member, app, request, Section::Send).await?;
        page::ok(&NothingToSendWithPage { l, signature_missing }).map(Some)
    }
}
