//! `/signatures`: what may stand in front of a text, where its review is, and its whole story.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::components::{Copy, Drawing};
use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::page;
use super::reviewed::{self, A_PAGE, OpenOne, Standing, Tab, TimelineEntry, Wanted};
use crate::app::App;
use crate::db::files::{self, File};
use crate::db::reviewed::{Dependent, Row};
use crate::db::signatures::{self, Signature};
use crate::db::{applications, reviewed as rows};
use crate::domain::ids::{FileId, first_number_at};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::role::Permission;
use crate::domain::text;
use crate::ops::apply as apply_ops;

pub mod apply;

/// "How much was sent with it" looks back so far.
pub(super) const SENT_WITHIN: time::Duration = time::Duration::days(30);

struct Line {
    standing: Standing,
    changed: Moment,
    copy: Copy,
    sent: i64,
    signature: Signature,
}

#[derive(Template)]
#[template(path = "review/signatures.html")]
struct ListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    wanted: Wanted,
    open: Vec<OpenOne>,
    first: Option<String>,
    next: Option<String>,
    /// Something on this page is under review: the page looks again by itself.
    watch: bool,
    may_send: bool,
}

#[derive(Template)]
#[template(path = "review/signature.html")]
struct OnePage {
    l: Layout,
    signature: Signature,
    shown: String,
    standing: Standing,
    changed: Moment,
    checked: Moment,
    sent: i64,
    files: Vec<AttachedFile>,
    timeline: Vec<TimelineEntry>,
    dependents: Vec<Dependent>,
    can_change: bool,
    can_send: bool,
    may_send: bool,
}

/// A file that went along.
pub struct AttachedFile {
    /// What it is for.
    pub word: String,
    /// The file.
    pub file: File,
    /// Where it is downloaded.
    pub address: String,
}

/// The list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Signatures).await?;
    let project = member.project.id;
    let wanted = wanted.into_inner();
    let found = signatures::list(&app.db, project, &wanted.filter()).await?;
    let ids: Vec<i64> = found.iter().map(|one| one.id.0).collect();
    let since = first_number_at(app.clock.now() - SENT_WITHIN);
    let sent = rows::sent_since(&app.db, Subject::Signature, &ids, since).await?;
    let address = l.urls.signatures();
    let counts = rows::counts(&app.db, project, Subject::Signature).await?;
    let last = page::full(&found, A_PAGE).map(|one| (one.changed_at, one.id.0));
    let page = ListPage {
        tabs: reviewed::tabs(&l, &address, &counts, &wanted),
        open: reviewed::open_ones(&app, &member, &l, Subject::Signature).await?,
        first: (!wanted.after.is_empty()).then(|| wanted.first(&address)),
        next: wanted.next(&address, last),
        watch: found.iter().any(|one| one.status.is_open() && one.deleted_at.is_none()),
        lines: found
            .into_iter()
            .zip(sent)
            .map(|(one, sent)| Line {
                standing: standing(&l, &one),
                changed: l.moment(one.changed_at),
                copy: l.copy(&one.sig_id),
                sent,
                signature: one,
            })
            .collect(),
        wanted,
        may_send: member.may(Permission::Send),
        l,
    };
    page::ok(&page)
}

fn standing(l: &Layout, one: &Signature) -> Standing {
    Standing::of(l, one.status, one.missing_since.is_some(), one.deleted_at.is_some())
}

/// One signature of the project.
pub(super) async fn find(app: &App, member: &Member, sig_id: &str) -> Result<Signature, WebError> {
    signatures::by_sig_id(&app.db, member.project.id, sig_id).await?.ok_or(WebError::NotFound)
}

/// One, with its story.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let signature = find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Signatures).await?;
    let row = Row::Signature(signature.id);
    let since = first_number_at(app.clock.now() - SENT_WITHIN);
    let sent = rows::sent_since(&app.db, Subject::Signature, &[signature.id.0], since).await?;
    let may_send = member.may(Permission::Send);
    let page = OnePage {
        standing: standing(&l, &signature),
        shown: text::bracketed(&signature.content, signature.international),
        changed: l.moment(signature.changed_at),
        checked: l.moment(signature.checked_at),
        sent: sent.first().copied().unwrap_or(0),
        files: if may_send { files(&app, &member, &l, row).await? } else { Vec::new() },
        timeline: reviewed::timeline(&app, &l, row).await?,
        dependents: rows::dependents(&app.db, row).await?,
        can_change: may_send && apply_ops::signature_can_change(&signature),
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

/// The files of everything that was handed in for one, newest first.
async fn files(
    app: &App,
    member: &Member,
    l: &Layout,
    row: Row,
) -> Result<Vec<AttachedFile>, WebError> {
    let mut seen: Vec<FileId> = Vec::new();
    let mut files = Vec::new();
    for one in applications::of(&app.db, row).await? {
        let both = [("apply-certificate", one.certificate_id), ("apply-proxy", one.proxy_id)];
        for (word, id) in both {
            let Some(id) = id.filter(|id| !seen.contains(id)) else { continue };
            seen.push(id);
            if let Some(file) = files::find(&app.db, member.project.id, id).await? {
                files.push(AttachedFile { word: l.t(word), address: l.urls.file(id), file });
            }
        }
    }
    Ok(files)
}
