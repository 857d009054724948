//! `/audit.csv` and `/audit.xlsx`, of a project and of the whole installation: the events that the filters
//! find as a file, which is itself an event.

use std::io;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::json;

use super::AuditQuery;
use crate::app::App;
use crate::db::accounts::login_sessions::Access;
use crate::db::audit::{self, Event, Filter};
use crate::domain::ids::{AuditEventId, Id, ProjectId, UserId};
use crate::domain::time::rfc3339;
use crate::web::http::access;
use crate::web::http::error::WebError;
use crate::web::http::form::peer_ip;
use crate::web::http::member::{Member, Person};
use crate::web::ui::files::csv::{headed, lines, streamed_while};
use crate::web::ui::files::workbook::{self, Rows};

/// Events that are read at once.
const CHUNK: i64 = 1_000;
/// The columns; the last one is in files of all projects only.
const NAMES: [&str; 8] = ["id", "at", "user", "action", "subject", "detail", "ip", "project"];

/// Whose events a file has, and for whom it is.
struct AuditExport {
    app: web::Data<App>,
    /// `None` for the whole installation.
    project: Option<ProjectId>,
    filter: Filter,
}

impl AuditExport {
    /// Starts a file of this kind, and records it.
    async fn begin(
        app: web::Data<App>,
        request: &HttpRequest,
        project: Option<ProjectId>,
        user: UserId,
        query: &AuditQuery,
        kind: &str,
    ) -> Result<Self, WebError> {
        let filter = query.filter(&query.choice(&app), CHUNK);
        let entry = audit::Entry {
            project,
            user: Some(user),
            action: "audit_exported",
            subject: "",
            detail: json!({
                "file": kind, "since": rfc3339(filter.since), "until": rfc3339(filter.until),
                "user": filter.actor, "action": filter.action,
            }),
            ip: &peer_ip(request),
        };
        audit::record(&mut *app.db.acquire().await?, &entry, app.clock.now()).await?;
        Ok(Self { app, project, filter })
    }

    fn names(&self) -> Vec<String> {
        let count = if self.project.is_some() { NAMES.len() - 1 } else { NAMES.len() };
        NAMES[..count].iter().map(|name| (*name).to_owned()).collect()
    }

    async fn page(&self, before: Option<AuditEventId>) -> sqlx::Result<Vec<Event>> {
        match self.project {
            Some(project) => audit::of_project(&self.app.db, project, &self.filter, before).await,
            None => audit::of_all(&self.app.db, &self.filter, before).await,
        }
    }

    fn cells(&self, event: Event) -> Vec<String> {
        let mut cells = vec![
            event.id.to_string(),
            rfc3339(event.id.made_at()),
            event.actor,
            event.action,
            event.subject,
            event.detail.to_string(),
            event.ip,
        ];
        if self.project.is_none() {
            cells.push(event.project.unwrap_or_default());
        }
        cells
    }

    /// Returns the rows, page by page.
    fn rows(self) -> impl Stream<Item = io::Result<Rows>> + 'static {
        stream::unfold(Some((self, None)), |from| async move {
            let (export, before) = from?;
            let found = match export.page(before).await {
                Ok(found) => found,
                Err(error) => return Some((Err(io::Error::other(error)), None)),
            };
            let is_full = i64::try_from(found.len()).is_ok_and(|found| found == CHUNK);
            let last = found.last().filter(|_| is_full).map(|last| last.id);
            let rows = found.into_iter().map(|event| export.cells(event)).collect();
            Some((Ok(rows), last.map(|last| (export, Some(last)))))
        })
    }

    fn csv(self, access: Access, request: &HttpRequest) -> HttpResponse {
        let head = stream::iter([Ok(web::Bytes::from(headed(self.names())))]);
        let rows = self.rows().map(|rows| rows.map(|rows| web::Bytes::from(lines(rows))));
        streamed_while(request, access, "audit.csv", head.chain(rows))
    }

    fn xlsx(self, access: Access, request: &HttpRequest) -> Result<HttpResponse, WebError> {
        let names = self.names();
        workbook::respond_while(request, access, "audit.xlsx", names, self.rows())
    }
}

/// `/audit.csv`: the events of a project.
pub async fn csv(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let (project, user) = (Some(member.project.id), member.person.id);
    let export = AuditExport::begin(app, &request, project, user, &query, "csv").await?;
    Ok(export.csv(access::of_member(&request, &member), &request))
}

/// `/audit.xlsx`: the events of a project.
pub async fn xlsx(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let (project, user) = (Some(member.project.id), member.person.id);
    let export = AuditExport::begin(app, &request, project, user, &query, "xlsx").await?;
    export.xlsx(access::of_member(&request, &member), &request)
}

/// `/admin/audit.csv`: the events of all projects and of none.
pub async fn csv_of_all(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let export = AuditExport::begin(app, &request, None, person.0.user.id, &query, "csv").await?;
    Ok(export.csv(access::of_owner(&request), &request))
}

/// `/admin/audit.xlsx`: the events of all projects and of none.
pub async fn xlsx_of_all(
    app: web::Data<App>,
    person: Person,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let export = AuditExport::begin(app, &request, None, person.0.user.id, &query, "xlsx").await?;
    export.xlsx(access::of_owner(&request), &request)
}
