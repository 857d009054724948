//! `/signatures`: the signatures, their review status and their timelines.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use serde::Deserialize;

use super::destination::Destination;
use super::findings::Source;
use crate::app::App;
use crate::db::review::files::{self, File};
use crate::db::review::reviewed::{Dependent, Row};
use crate::db::review::signatures::{self, Signature};
use crate::db::review::{applications, destinations, reviewed as rows};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{FileId, first_number_at};
use crate::domain::review::finding::Document;
use crate::domain::review::signature::SignatureKind;
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::text;
use crate::ops::actor::Actor;
use crate::ops::review::apply as apply_ops;
use crate::ops::review::signature_kind::{self, Changed};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::pages::review::{self, A_PAGE, ListQuery, Standing, Tab, TimelineEntry};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::open_applications::{OpenApplication, open_applications};
use crate::web::ui::status::{Copy, Drawing};

pub mod apply;

/// How far back the number of sent messages is counted.
pub(in crate::web) const SENT_PERIOD: time::Duration = time::Duration::days(30);

struct SignatureLine {
    standing: Standing,
    changed: Moment,
    copy: Copy,
    sent: i64,
    is_withdrawn: bool,
    /// Whether nobody has confirmed its destination.
    is_proposed: bool,
    can_change: bool,
    signature: Signature,
}

#[derive(Template)]
#[template(path = "pages/review/signatures/list.html")]
struct SignatureListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<SignatureLine>,
    query: ListQuery,
    open: Vec<OpenApplication>,
    first: Option<String>,
    next: Option<String>,
    /// Some row of this page is under review: the page reloads itself.
    watch: bool,
    may_send: bool,
}

#[derive(Template)]
#[template(path = "pages/review/signatures/show.html")]
struct SignaturePage {
    l: Layout,
    signature: Signature,
    bracketed: String,
    destination: Destination,
    standing: Standing,
    changed: Moment,
    checked: Moment,
    sent: i64,
    files: Vec<AttachedFile>,
    /// The notice that carriers withdraw names of this kind, if they do.
    withdrawn: Option<Source>,
    timeline: Vec<TimelineEntry>,
    dependents: Vec<Dependent>,
    can_change: bool,
    /// Whether its kind can be set, which UCloud does not report.
    can_set_kind: bool,
    can_send: bool,
    may_send: bool,
}

impl SignaturePage {
    /// Returns whether it is approved, and nobody has said what its name stands for.
    fn may_be_withdrawn(&self) -> bool {
        self.signature.kind.is_none() && is_approved_at_home(&self.signature)
    }

    fn is_kind(&self, kind: &SignatureKind) -> bool {
        self.signature.kind == Some(*kind)
    }
}

/// An application file of a signature.
pub struct AttachedFile {
    /// Which file it is: the certificate or the letter of authority.
    pub label: String,
    /// The file.
    pub file: File,
    /// The URL that downloads it.
    pub href: String,
}

/// Shows the list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Signatures).await?;
    let project = member.project.id;
    let query = query.into_inner();
    let found = signatures::list(&app.db, project, &query.filter()).await?;
    let ids: Vec<i64> = found.iter().map(|signature| signature.id.0).collect();
    let since = first_number_at(app.clock.now() - SENT_PERIOD);
    let sent = rows::sent_since(&app.db, Subject::Signature, &ids, since).await?;
    let proposed = destinations::proposed(&app.db, Subject::Signature, &ids).await?;
    let href = l.urls.signatures();
    let counts = rows::counts(&app.db, project, Subject::Signature).await?;
    let last = page::full(&found, A_PAGE).map(|last| (last.changed_at, last.id.0));
    let page = SignatureListPage {
        tabs: review::tabs(&l, &href, &counts, &query),
        open: open_applications(&app, &member, &l, Subject::Signature).await?,
        first: (!query.after.is_empty()).then(|| query.first(&href)),
        next: query.next(&href, last),
        watch: found
            .iter()
            .any(|signature| signature.status.is_open() && signature.deleted_at.is_none()),
        lines: found
            .into_iter()
            .zip(sent)
            .map(|(signature, sent)| SignatureLine {
                standing: standing(&l, &signature),
                changed: l.moment(signature.changed_at),
                copy: l.copy(&signature.sig_id),
                sent,
                is_withdrawn: is_withdrawn(&signature),
                is_proposed: proposed.contains(&signature.id.0),
                can_change: apply_ops::signature_can_change(&signature),
                signature,
            })
            .collect(),
        query,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

/// Returns whether carriers withdraw an approved signature because of what its name stands for.
fn is_withdrawn(signature: &Signature) -> bool {
    is_approved_at_home(signature) && signature.kind.is_some_and(SignatureKind::refused_by_carriers)
}

fn is_approved_at_home(signature: &Signature) -> bool {
    signature.status == ReviewStatus::Approved
        && signature.deleted_at.is_none()
        && !signature.international
}

fn standing(l: &Layout, signature: &Signature) -> Standing {
    let (missing, deleted) = (signature.missing_since.is_some(), signature.deleted_at.is_some());
    Standing::of(l, signature.status, missing, deleted)
}

/// Returns a signature of the project by the vendor's id.
pub(in crate::web) async fn find(
    app: &App,
    member: &Member,
    sig_id: &str,
) -> Result<Signature, WebError> {
    signatures::by_sig_id(&app.db, member.project.id, sig_id).await?.ok_or(WebError::NotFound)
}

/// Shows a signature with its timeline.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let signature = find(&app, &member, &path.1).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Signatures).await?;
    let row = Row::Signature(signature.id);
    let since = first_number_at(app.clock.now() - SENT_PERIOD);
    let sent = rows::sent_since(&app.db, Subject::Signature, &[signature.id.0], since).await?;
    let may_send = member.may(Permission::Send);
    let page = SignaturePage {
        standing: standing(&l, &signature),
        bracketed: text::bracketed(&signature.content, signature.international),
        destination: Destination::load(
            &app,
            &member,
            row,
            &signature.sig_id,
            signature.international,
        )
        .await?,
        changed: l.moment(signature.changed_at),
        checked: l.moment(signature.checked_at),
        sent: sent.first().copied().unwrap_or(0),
        files: if may_send { files(&app, &member, &l, row).await? } else { Vec::new() },
        withdrawn: is_withdrawn(&signature).then(|| Source::of(&l, Document::Notices)),
        timeline: review::timeline(&app, &l, row).await?,
        dependents: rows::dependents(&app.db, row).await?,
        can_change: may_send && apply_ops::signature_can_change(&signature),
        can_set_kind: may_send && signature.was_imported() && signature.deleted_at.is_none(),
        can_send: may_send
            && signature.status == ReviewStatus::Approved
            && signature.missing_since.is_none()
            && signature.deleted_at.is_none(),
        may_send,
        signature,
        l,
    };
    page::ok(&page)
}

/// The form of [`change_kind`].
#[derive(Debug, Deserialize)]
pub struct KindForm {
    /// The kind, or an empty string if it is not known.
    kind: String,
}

/// Changes what the name of an imported signature stands for, and redirects to its page.
pub async fn change_kind(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<KindForm>,
) -> Result<HttpResponse, WebError> {
    let kind = match form.into_inner().kind.as_str() {
        "" => None,
        typed => Some(SignatureKind::read(typed).ok_or(WebError::BadRequest)?),
    };
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let texts = member.texts(&request);
    match signature_kind::change(&app, &path.1, kind, actor).await? {
        Some(Changed::Done) => flash::say(&request, &texts.t("signature-kind-saved")),
        Some(Changed::AppliedFor) => flash::warn(&request, &texts.t("signature-kind-applied")),
        None => return Err(WebError::NotFound),
    }
    Ok(page::see_other(&member.urls().signature(&path.1)))
}

/// Returns the files of all applications for a signature, newest first.
async fn files(
    app: &App,
    member: &Member,
    l: &Layout,
    row: Row,
) -> Result<Vec<AttachedFile>, WebError> {
    let mut seen: Vec<FileId> = Vec::new();
    let mut files = Vec::new();
    for application in applications::of(&app.db, row).await? {
        let both = [
            ("apply-certificate", application.certificate_id),
            ("apply-proxy", application.proxy_id),
        ];
        for (key, id) in both {
            let Some(id) = id.filter(|id| !seen.contains(id)) else { continue };
            seen.push(id);
            if let Some(file) = files::find(&app.db, member.project.id, id).await? {
                files.push(AttachedFile { label: l.t(key), href: l.urls.file(id), file });
            }
        }
    }
    Ok(files)
}
