//! `/settings/alerts`: who is notified of what, by which channel and when, and what became of it; for
//! administrators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;
use time::Time;
use time::macros::format_description;

use crate::app::App;
use crate::db::projects;
use crate::db::reporting::alerts::{self as rows, AlertSettings, Rule};
use crate::db::reporting::notifications::{self as past_rows, Channel, PastNotification};
use crate::db::reporting::{monthly_reports, robots};
use crate::domain::accounts::role::Role;
use crate::domain::alert::{AlertEvent, AlertTarget, QuietHours, RobotKind};
use crate::domain::ids::RobotId;
use crate::ops::actor::Actor;
use crate::ops::reporting::alerts::{self, RobotForm, RobotProblem};
use crate::ops::reporting::{monthly_reports as reports, notifications};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// Deliveries that the page shows.
const MAX_SHOWN: i64 = 50;

/// The fields of quiet hours and numbers, as typed.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct AlertFields {
    quiet_from: String,
    quiet_to: String,
    failure_percent: String,
    in_doubt_over: String,
}

/// The fields of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RuleFields {
    event: String,
    target: String,
    /// The id of a rule to delete.
    remove: Option<String>,
}

/// The fields of a group robot.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RobotFields {
    kind: String,
    name: String,
    url: SecretString,
    secret: SecretString,
    /// The id of a robot to delete.
    remove: Option<String>,
}

/// The field of the form of the monthly report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ReportFields {
    report_emails: String,
}

/// The field of the form that tries a channel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TestFields {
    channel: String,
}

/// An event with its rules.
struct EventRow {
    event: AlertEvent,
    rules: Vec<Rule>,
}

/// A channel that can be tried.
struct ChannelRow {
    /// `webhook`, `addresses` or `robot:…`.
    value: String,
    label: String,
    /// The product of a robot; its secret is never shown.
    kind: Option<RobotKind>,
    robot: Option<RobotId>,
    is_signed: bool,
}

/// A delivery in the log.
struct DeliveryRow {
    at: Moment,
    channel: String,
    what: String,
    state: DeliveryState,
    said: String,
    attempts: i32,
    next: Option<Moment>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeliveryState {
    Delivered,
    InDigest,
    Held,
    GivenUp,
    Retried,
    Queued,
}

impl DeliveryState {
    fn of(past: &PastNotification) -> Self {
        if past.delivered_at.is_some() {
            Self::Delivered
        } else if past.in_digest {
            Self::InDigest
        } else if past.held {
            Self::Held
        } else if notifications::given_up(past) {
            Self::GivenUp
        } else if past.error.is_empty() {
            Self::Queued
        } else {
            Self::Retried
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::InDigest => "in-digest",
            Self::Held => "held",
            Self::GivenUp => "given-up",
            Self::Retried => "retried",
            Self::Queued => "queued",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Delivered => "good",
            Self::GivenUp => "bad",
            Self::Retried => "doubtful",
            Self::InDigest | Self::Held | Self::Queued => "going",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Delivered => "good",
            Self::GivenUp => "bad",
            Self::Retried => "doubt",
            Self::InDigest | Self::Held | Self::Queued => "underway",
        }
    }
}

#[derive(Template)]
#[template(path = "pages/settings/alerts.html")]
struct AlertsPage {
    l: Layout,
    events: Vec<EventRow>,
    /// Who can be notified: form value and label.
    targets: Vec<(String, String)>,
    channels: Vec<ChannelRow>,
    has_addresses: bool,
    has_mail: bool,
    fields: AlertFields,
    robot: RobotFields,
    report_emails: String,
    wrong: Vec<(&'static str, &'static str)>,
    deliveries: Vec<DeliveryRow>,
}

impl AlertsPage {
    async fn new(app: &App, member: &Member, request: &HttpRequest) -> Result<Self, WebError> {
        let l = Layout::in_project(member, app, request, Section::Settings).await?;
        let project = member.project.id;
        let mut rules = rows::rules(&app.db, project).await?;
        let events = AlertEvent::ALL.into_iter().map(|event| EventRow {
            event,
            rules: rules.extract_if(.., |rule| rule.event == event).collect(),
        });
        let events = events.collect();
        let robots = robots::all(&app.db, project).await?;
        let members = projects::members(&app.db, project).await?;
        let destinations = past_rows::settings(&app.db, project).await?;
        let label = |target: AlertTarget| l.t(&format!("alerts-target-{}", target.key()));
        let mut channels: Vec<ChannelRow> = Vec::new();
        for (is_set, target) in [
            (destinations.webhook_sealed.is_some(), AlertTarget::Webhook),
            (!destinations.emails.is_empty(), AlertTarget::Addresses),
        ] {
            if is_set {
                let (value, label) = (target.to_string(), label(target));
                channels.push(ChannelRow {
                    value,
                    label,
                    kind: None,
                    robot: None,
                    is_signed: false,
                });
            }
        }
        channels.extend(robots.into_iter().map(|robot| ChannelRow {
            value: AlertTarget::Robot(robot.id).to_string(),
            kind: Some(robot.kind),
            robot: Some(robot.id),
            is_signed: robot.secret_sealed.is_some(),
            label: robot.name,
        }));
        let mut targets: Vec<(String, String)> = Vec::new();
        targets.extend(channels.iter().map(|one| (one.value.clone(), one.label.clone())));
        targets.extend(Role::ALL.map(|role| {
            let named = [("role", l.role_label(&role).into())];
            (AlertTarget::Role(role).to_string(), l.with("alerts-target-role", &named))
        }));
        targets.extend(members.into_iter().map(|one| {
            let named = [("name", one.name.into())];
            (AlertTarget::Person(one.id).to_string(), l.with("alerts-target-person", &named))
        }));
        targets.push((AlertTarget::Nobody.to_string(), label(AlertTarget::Nobody)));
        let past = past_rows::latest(&app.db, project, MAX_SHOWN).await?;
        let deliveries = past.into_iter().map(|past| delivery(&l, past)).collect();
        let settings = rows::settings(&mut *app.db.acquire().await?, project).await?;
        Ok(Self {
            events,
            targets,
            channels,
            has_addresses: !destinations.emails.is_empty(),
            has_mail: app.outbound.has_mail(),
            fields: AlertFields::of(&settings),
            robot: RobotFields::default(),
            report_emails: monthly_reports::emails(&app.db, project).await?.join("\n"),
            wrong: Vec::new(),
            deliveries,
            l,
        })
    }

    /// Returns the text of what is wrong with a field.
    fn error(&self, field: &str) -> Option<String> {
        let (_, key) = self.wrong.iter().find(|(wrong, _)| *wrong == field)?;
        Some(self.l.t(key))
    }

    /// Returns whom a rule names.
    fn target(&self, rule: &Rule) -> String {
        match rule.target {
            AlertTarget::Nobody | AlertTarget::Webhook | AlertTarget::Addresses => {
                self.l.t(&format!("alerts-target-{}", rule.target.key()))
            }
            AlertTarget::Robot(_) => rule.name.clone(),
            AlertTarget::Role(role) => {
                self.l.with("alerts-target-role", &[("role", self.l.role_label(&role).into())])
            }
            AlertTarget::Person(_) => {
                self.l.with("alerts-target-person", &[("name", rule.name.as_str().into())])
            }
        }
    }
}

fn delivery(l: &Layout, past: PastNotification) -> DeliveryRow {
    let error = notifications::error(&past).map(|(key, said)| {
        l.with(&format!("notification-error-{key}"), &[("said", said.to_owned().into())])
    });
    let kind = l.t(&format!("notification-channel-{}", past.channel.key()));
    let state = DeliveryState::of(&past);
    DeliveryRow {
        at: l.moment(past.at),
        channel: match (&past.robot, &past.emails) {
            (Some(robot), _) => robot.clone(),
            (None, Some(emails)) => format!("{kind} · {}", emails.join(", ")),
            (None, None) => kind,
        },
        what: notifications::subject(l.texts, &past.body),
        said: error.unwrap_or(past.answer),
        attempts: past.attempts,
        next: match state {
            DeliveryState::Held | DeliveryState::Retried => past.next_try_at.map(|at| l.moment(at)),
            _ => None,
        },
        state,
    }
}

impl AlertFields {
    fn of(settings: &AlertSettings) -> Self {
        let time = |time: Time| {
            if settings.quiet.from == settings.quiet.to {
                return String::new();
            }
            format!("{:02}:{:02}", time.hour(), time.minute())
        };
        Self {
            quiet_from: time(settings.quiet.from),
            quiet_to: time(settings.quiet.to),
            failure_percent: settings.failure_percent.to_string(),
            in_doubt_over: settings.in_doubt_over.to_string(),
        }
    }

    /// Returns the settings, or the fields that are wrong.
    fn read(&self) -> Result<AlertSettings, Vec<(&'static str, &'static str)>> {
        let mut wrong = Vec::new();
        let is_empty = self.quiet_from.trim().is_empty() && self.quiet_to.trim().is_empty();
        let mut time = |typed: &str, field| {
            let read = Time::parse(typed.trim(), format_description!("[hour]:[minute]"));
            read.unwrap_or_else(|_| {
                if !is_empty {
                    wrong.push((field, "alerts-quiet-wrong"));
                }
                Time::MIDNIGHT
            })
        };
        let quiet = QuietHours {
            from: time(&self.quiet_from, "quiet_from"),
            to: time(&self.quiet_to, "quiet_to"),
        };
        let percent = self.failure_percent.trim().parse().ok().filter(|n| (0..=100).contains(n));
        if percent.is_none() {
            wrong.push(("failure_percent", "alerts-failure_percent-wrong"));
        }
        let over =
            self.in_doubt_over.trim().parse().ok().filter(|n| (0..=1_000_000_000).contains(n));
        if over.is_none() {
            wrong.push(("in_doubt_over", "alerts-in_doubt_over-wrong"));
        }
        match (percent, over) {
            (Some(failure_percent), Some(in_doubt_over)) if wrong.is_empty() => {
                Ok(AlertSettings { quiet, failure_percent, in_doubt_over })
            }
            _ => Err(wrong),
        }
    }
}

/// `/settings/alerts`: rules, channels and the log.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&AlertsPage::new(&app, &member, &request).await?)
}

/// Saves quiet hours and numbers.
pub async fn save(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<AlertFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    match fields.read() {
        Ok(settings) => {
            let ip = peer_ip(&request);
            alerts::save_settings(&app, actor(&member, &ip), &settings).await?;
            Ok(back(&member, &request, "settings-saved", true))
        }
        Err(wrong) => {
            let page = AlertsPage::new(&app, &member, &request).await?;
            page::unprocessable(&AlertsPage { fields, wrong, ..page })
        }
    }
}

/// Adds or deletes a rule.
pub async fn change_rule(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<RuleFields>,
) -> Result<HttpResponse, WebError> {
    let (fields, ip) = (form.into_inner(), peer_ip(&request));
    let actor = actor(&member, &ip);
    if let Some(rule) = fields.remove {
        let rule = rule.parse().map_err(|_| WebError::NotFound)?;
        alerts::remove_rule(&app, actor, rule).await?;
        return Ok(back(&member, &request, "alerts-rule-removed", true));
    }
    let (Ok(event), Ok(target)) = (fields.event.parse(), fields.target.parse()) else {
        return Ok(back(&member, &request, "alerts-rule-wrong", false));
    };
    let is_added = alerts::add_rule(&app, actor, event, target).await?;
    let key = if is_added { "alerts-rule-added" } else { "alerts-rule-wrong" };
    Ok(back(&member, &request, key, is_added))
}

/// Adds or deletes a group robot.
pub async fn change_robot(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<RobotFields>,
) -> Result<HttpResponse, WebError> {
    let (fields, ip) = (form.into_inner(), peer_ip(&request));
    let actor = actor(&member, &ip);
    if let Some(robot) = fields.remove {
        let robot = robot.parse().map_err(|_| WebError::NotFound)?;
        alerts::remove_robot(&app, actor, robot).await?;
        return Ok(back(&member, &request, "alerts-robot-removed", true));
    }
    let RobotFields { kind, name, url, secret, .. } = fields;
    let wrong = match kind.parse() {
        Ok(kind) => {
            let form = RobotForm { kind, name: name.clone(), url, secret };
            match alerts::add_robot(&app, actor, &form).await {
                Ok(()) => return Ok(back(&member, &request, "alerts-robot-added", true)),
                Err(RobotProblem::Name) => ("name", "alerts-name-wrong"),
                Err(RobotProblem::Taken) => ("name", "alerts-name-taken"),
                Err(RobotProblem::Many) => ("name", "alerts-robots-many"),
                Err(RobotProblem::Url) => ("url", "settings-webhook-wrong"),
                Err(RobotProblem::NotPublic) => ("url", "settings-webhook-not-public"),
                Err(RobotProblem::Secret) => ("secret", "alerts-secret-wrong"),
                Err(RobotProblem::Database(error)) => return Err(WebError::Database(error)),
                Err(error @ RobotProblem::Sealed(_)) => {
                    return Err(WebError::Internal(error.to_string()));
                }
            }
        }
        Err(_) => ("kind", "alerts-kind-wrong"),
    };
    let page = AlertsPage::new(&app, &member, &request).await?;
    let robot = RobotFields { kind, name, ..RobotFields::default() };
    page::unprocessable(&AlertsPage { robot, wrong: vec![wrong], ..page })
}

/// Saves the addresses that the monthly report is mailed to.
pub async fn save_report(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<ReportFields>,
) -> Result<HttpResponse, WebError> {
    let (typed, ip) = (form.into_inner().report_emails, peer_ip(&request));
    let separators = [',', '，', ';', '；'];
    let emails: Vec<String> = typed
        .split(|c: char| c.is_whitespace() || separators.contains(&c))
        .filter(|email| !email.is_empty())
        .map(str::to_owned)
        .collect();
    if reports::save_emails(&app, actor(&member, &ip), &emails).await? {
        return Ok(back(&member, &request, "settings-saved", true));
    }
    let page = AlertsPage::new(&app, &member, &request).await?;
    let wrong = vec![("report_emails", "settings-emails-wrong")];
    page::unprocessable(&AlertsPage { report_emails: typed, wrong, ..page })
}

/// Queues a test notification on one channel.
pub async fn test(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<TestFields>,
) -> Result<HttpResponse, WebError> {
    let (channel, robot) = match form.into_inner().channel.parse() {
        Ok(AlertTarget::Webhook) => (Channel::Webhook, None),
        Ok(AlertTarget::Addresses) => (Channel::Email, None),
        Ok(AlertTarget::Robot(robot)) => (Channel::Robot, Some(robot)),
        Ok(_) | Err(_) => return Ok(back(&member, &request, "settings-nobody", false)),
    };
    let queued = notifications::test_channel(&app, member.project.id, channel, robot).await?;
    let key = if queued { "settings-tested" } else { "settings-nobody" };
    Ok(back(&member, &request, key, queued))
}

fn actor<'a>(member: &Member, ip: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, user: member.person.id, ip }
}

fn back(member: &Member, request: &HttpRequest, key: &str, is_good: bool) -> HttpResponse {
    let text = Texts(language_of(request)).t(key);
    if is_good {
        flash::say(request, &text)
    } else {
        flash::warn(request, &text)
    }
    page::see_other(&member.urls().alerts())
}
