//! `/audit`: what people did in a project; for administrators. `/admin/audit`: what they did anywhere; for
//! owners.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::app::App;
use crate::db::audit::{self, Event, Filter};
use crate::domain::ids::{AuditEventId, Id};
use crate::web::http::error::WebError;
use crate::web::http::member::{Member, Person};
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::{ALL_AUDIT, with_query};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::period_picker::{PeriodChoice, PeriodPicker};

pub mod files;
pub mod retention;

/// Events of a page.
const PAGE: i64 = 50;
const MAX_FILTER_CHARACTERS: usize = 64;
/// What people can do. Events of former versions can have other names.
const ACTIONS: [&str; 96] = [
    "alert_rule_added",
    "alert_rule_removed",
    "alert_settings_changed",
    "application_given_up",
    "audit_exported",
    "audit_retention_changed",
    "batch_approved",
    "batch_cancelled",
    "batch_exported",
    "batch_ordered",
    "batch_paused",
    "batch_rescheduled",
    "batch_rest_doubted",
    "batch_resumed",
    "batch_rules_changed",
    "batch_sent_back",
    "budget_deleted",
    "budget_saved",
    "conversation_read",
    "conversation_unread",
    "current_password_failed",
    "current_password_turned_away",
    "destination_changed",
    "destination_confirmed",
    "failures_exported",
    "file_deleted",
    "file_opened",
    "form_refused",
    "hook_networks_changed",
    "hook_old_ended",
    "hook_revealed",
    "hook_rotated",
    "hook_tested",
    "installation_adopted",
    "invitation_accepted",
    "link_refused",
    "link_turned_away",
    "member_removed",
    "messages_export_started",
    "messages_exported",
    "notifications_changed",
    "opt_out_decided",
    "opt_out_keywords_saved",
    "opt_out_undone",
    "opted_out_by_person",
    "opted_out_by_reply",
    "owner_added",
    "owner_removed",
    "password_changed",
    "password_link_created",
    "password_reset",
    "permission_refused",
    "phone_erased",
    "price_deleted",
    "prices_saved",
    "project_added",
    "project_archived",
    "project_keys_changed",
    "project_restored",
    "pulling_changed",
    "purpose_changed",
    "push_reprocessed",
    "push_seen",
    "replies_exported",
    "report_recipients_changed",
    "retention_changed",
    "reviews_refreshed",
    "robot_added",
    "robot_removed",
    "role_set",
    "secret_key_rotated",
    "sending_resumed",
    "sending_stopped",
    "sensitive_words_saved",
    "sessions_ended",
    "sign_in_failed",
    "sign_in_turned_away",
    "signature_deleted",
    "signature_handed_in",
    "signature_kind_changed",
    "signed_in",
    "signed_out",
    "stand_in_ended",
    "stand_in_named",
    "statistics_exported",
    "suppression_removed",
    "suppressions_added",
    "suppressions_blacklisted",
    "suppressions_exported",
    "template_deleted",
    "template_handed_in",
    "user_added",
    "user_changed",
    "user_disabled",
    "user_enabled",
    "values_revealed",
];

/// AuditQuery parameters of the pages.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    #[serde(rename = "span")]
    period: String,
    from: String,
    to: String,
    user: String,
    action: String,
    before: String,
}

impl AuditQuery {
    fn choice(&self, app: &App) -> PeriodChoice {
        PeriodChoice::read(&self.period, &self.from, &self.to, app.clock.now())
    }

    fn filter(&self, choice: &PeriodChoice, limit: i64) -> Filter {
        let clipped = |text: &str| {
            text.trim().chars().filter(|c| *c != '\0').take(MAX_FILTER_CHARACTERS).collect()
        };
        Filter {
            actor: clipped(&self.user),
            action: clipped(&self.action),
            since: choice.period.since(),
            until: choice.period.until(),
            limit,
        }
    }

    fn before(&self) -> Option<AuditEventId> {
        self.before.parse().ok()
    }
}

/// Returns the filters that are set, as query parameters.
fn filters(filter: &Filter) -> Vec<(&'static str, String)> {
    let all = [("user", &filter.actor), ("action", &filter.action)];
    let set = all.into_iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| (name, value.clone())).collect()
}

fn to_query<'a>(query: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    query.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// An event in the list.
struct EventRow {
    at: Moment,
    /// The project, on the page of all.
    project: Option<String>,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    ip: String,
}

impl EventRow {
    fn of(l: &Layout, event: Event) -> Self {
        Self {
            at: l.moment(event.id.made_at()),
            actor: event.actor,
            action: label(l, &event.action),
            subject: event.subject,
            detail: details(l, &event.detail),
            project: event.project,
            ip: event.ip,
        }
    }
}

fn label(l: &Layout, action: &str) -> String {
    l.texts.try_t(&format!("audit-{action}")).unwrap_or_else(|| action.to_owned())
}

/// Returns the details as names with values, in a line. Those without a label of their own are technical.
fn details(l: &Layout, detail: &Value) -> String {
    let shown = detail.as_object().into_iter().flatten().filter(|(name, value)| {
        // The first marks events whose count still grows.
        name.as_str() != "counted_until" && !value.is_null() && value.as_str() != Some("")
    });
    let shown = shown.map(|(name, value)| {
        let label = l.texts.try_t(&format!("audit-detail-{name}"));
        let role = value.as_str().filter(|_| matches!(name.as_str(), "role" | "before"));
        let role = role.and_then(|role| l.texts.try_t(&format!("role-{role}")));
        let value = match value {
            Value::Bool(true) => l.t("audit-yes"),
            Value::Bool(false) => l.t("audit-no"),
            value => role.unwrap_or_else(|| plain(value)),
        };
        let name = label.unwrap_or_else(|| name.clone());
        l.with("audit-detail", &[("name", name.into()), ("value", value.into())])
    });
    let shown: Vec<String> = shown.collect();
    shown.join(" · ")
}

/// Returns a value without the signs of JSON; two of them are what was there before and after.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Array(values) => match values.as_slice() {
            [before, after] => format!("{} → {}", plain(before), plain(after)),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

#[derive(Template)]
#[template(path = "pages/audit/list.html")]
struct AuditPage {
    l: Layout,
    href: String,
    /// Whether it lists the events of all projects.
    is_all: bool,
    picker: PeriodPicker,
    /// The period as query parameters.
    period: Vec<(&'static str, String)>,
    filter: Filter,
    /// The actions to filter by, with their labels.
    actions: Vec<(&'static str, String)>,
    rows: Vec<EventRow>,
    older: Option<String>,
    /// The files of what the filters find.
    csv: String,
    xlsx: String,
    /// How long events are kept, on the page of all.
    retention: Option<retention::ShownRetention>,
}

impl AuditPage {
    fn new(
        l: Layout,
        href: String,
        choice: &PeriodChoice,
        filter: Filter,
        found: Vec<Event>,
    ) -> Self {
        let period = choice.query();
        let query = [period.clone(), filters(&filter)].concat();
        let is_full = i64::try_from(found.len()).is_ok_and(|found| found == filter.limit);
        let last = found.last().filter(|_| is_full).map(|event| event.id.to_string());
        let older = last.map(|last| {
            with_query(&href, &to_query(&[query.clone(), vec![("before", last)]].concat()))
        });
        let is_all = href == ALL_AUDIT;
        let file = |kind: &str| with_query(&format!("{href}.{kind}"), &to_query(&query));
        let (csv, xlsx) = (file("csv"), file("xlsx"));
        let mut actions: Vec<_> =
            ACTIONS.iter().map(|action| (*action, label(&l, action))).collect();
        actions.sort_by(|one, other| one.1.cmp(&other.1));
        let rows = found.into_iter().map(|event| EventRow::of(&l, event)).collect();
        let picker = choice.picker(l.texts, href.clone(), filters(&filter));
        Self {
            href,
            is_all,
            picker,
            period,
            filter,
            actions,
            rows,
            older,
            csv,
            xlsx,
            retention: None,
            l,
        }
    }
}

/// `/audit`: the events of a project.
pub async fn of_project(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let choice = query.choice(&app);
    let filter = query.filter(&choice, PAGE);
    let db = &pools.lists(&app).db;
    let found = audit::of_project(db, member.project.id, &filter, query.before()).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Audit).await?;
    page::ok(&AuditPage::new(l, member.urls().audit(), &choice, filter, found))
}

/// `/admin/audit`: the events of all projects and of none.
pub async fn of_all(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    person: Person,
    request: HttpRequest,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, WebError> {
    let retention = retention::ShownRetention::saved(&app).await?;
    let db = &pools.lists(&app).db;
    page::ok(&all_page(&app, db, &person, &request, &query, retention).await?)
}

async fn all_page(
    app: &App,
    db: &PgPool,
    person: &Person,
    request: &HttpRequest,
    query: &AuditQuery,
    retention: retention::ShownRetention,
) -> Result<AuditPage, WebError> {
    let choice = query.choice(app);
    let filter = query.filter(&choice, PAGE);
    let found = audit::of_all(db, &filter, query.before()).await?;
    let l = Layout::outside(person, app, request, Section::AllAudit).await?;
    let page = AuditPage::new(l, ALL_AUDIT.to_owned(), &choice, filter, found);
    Ok(AuditPage { retention: Some(retention), ..page })
}
