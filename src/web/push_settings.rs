//! `/settings/hooks`: the address that the vendor pushes to, whether pushes come, who may push, and
//! pulling reports; for administrators. The address is a secret: it is shown on request, and that is
//! written down.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::applications::said;
use super::components::Tone;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::i18n::Language;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::{health, page};
use crate::app::App;
use crate::db::projects;
use crate::db::push_url::{self as rows, PushKind};
use crate::db::report_pulls::{self, Pulling};
use crate::domain::batch::china;
use crate::domain::network::Network;
use crate::ops::missing_pushes;
use crate::ops::push_url::{self, Actor, HookError, Tested};

/// Networks that may be named.
const MAX_NETWORKS: usize = 50;

/// What the forms post.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    step: Step,
    networks: String,
    pulls: Option<String>,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    /// Keep who may push, and whether reports are pulled.
    #[default]
    Keep,
    /// Show the address.
    Reveal,
    /// Push a test.
    Test,
    /// Make a new address.
    Rotate,
    /// End the former address.
    EndOld,
}

/// How the form of what is kept stands.
#[derive(Debug, Default)]
struct Kept {
    networks: String,
    pulls: bool,
    problem: Option<String>,
}

/// The pushes of one kind.
struct PushLine {
    word: String,
    last: Option<Moment>,
    today: i64,
    lately: i64,
}

/// The address before the newest, while it works.
struct Old {
    until: Moment,
    used: Option<Moment>,
}

/// How a test went.
struct Outcome {
    tone: Tone,
    mark: &'static str,
    title: String,
    advice: String,
}

#[derive(Template)]
#[template(path = "settings/pushes.html")]
struct PushSettingsPage {
    l: Layout,
    /// The address, its secret blotted out unless it was asked for.
    address: String,
    revealed: bool,
    /// What the vendor's support is told, by language.
    tickets: Vec<(Language, String)>,
    /// What is wrong with the address that people reach the console at.
    unfit: Option<String>,
    made_at: Moment,
    old: Option<Old>,
    lines: Vec<PushLine>,
    gap: Option<String>,
    refused: Option<(String, Moment)>,
    kept: Kept,
    pulling: Option<(Pulling, Option<Moment>)>,
    own_address: String,
    tested: Option<Outcome>,
}

/// What one look at the page shows besides what is stored.
#[derive(Default)]
struct Look {
    path: Option<String>,
    kept: Option<Kept>,
    tested: Option<Outcome>,
}

/// The page.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, Look::default()).await?)
}

/// A step of the page.
pub async fn step(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let address = peer_address(&request);
    let by = Actor { project: member.project.id, user: member.person.id, address: &address };
    let there = member.urls().hooks();
    let done = |key: &str| Ok(said(&request, &member, key, &there));
    match fields.step {
        Step::Reveal => {
            let path = push_url::reveal(&app, by).await?;
            let look = Look { path: Some(path), ..Look::default() };
            page::ok(&draw(&app, &member, &request, look).await?)
        }
        Step::Test => test(&app, &member, &request, by).await,
        Step::Rotate if push_url::rotate(&app, by).await? => done("hooks-rotated"),
        Step::Rotate => done("hooks-rotated-before"),
        Step::EndOld if push_url::end_old(&app, by).await? => done("hooks-old-ended"),
        Step::EndOld => done("hooks-old-ended-before"),
        Step::Keep => {
            let texts = member.texts(&request);
            match read_networks(&fields.networks) {
                Ok(networks) => {
                    push_url::keep(&app, by, &networks, fields.pulls.is_some()).await?;
                    done("settings-saved")
                }
                Err(wrong) => {
                    let problem = match wrong {
                        Some(entry) => {
                            texts.with("hooks-network-wrong", &[("entry", entry.into())])
                        }
                        None => texts.with("hooks-network-many", &[("most", MAX_NETWORKS.into())]),
                    };
                    let (networks, pulls) = (fields.networks, fields.pulls.is_some());
                    let kept = Kept { networks, pulls, problem: Some(problem) };
                    let look = Look { kept: Some(kept), ..Look::default() };
                    page::unprocessable(&draw(&app, &member, &request, look).await?)
                }
            }
        }
    }
}

impl From<HookError> for WebError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Database(error) => Self::Database(error),
            sealed @ HookError::Sealed(_) => Self::Internal(sealed.to_string()),
        }
    }
}

/// The networks that were typed, each once; or the first entry that is none, or `None` when there
/// are too many.
fn read_networks(typed: &str) -> Result<Vec<Network>, Option<String>> {
    let mut networks: Vec<Network> = Vec::new();
    let separators = [',', '，', ';', '；', '、'];
    for entry in typed.split(|c: char| c.is_whitespace() || separators.contains(&c)) {
        if entry.is_empty() {
            continue;
        }
        let network = entry.parse().map_err(|_| Some(entry.chars().take(60).collect()))?;
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    if networks.len() > MAX_NETWORKS { Err(None) } else { Ok(networks) }
}

async fn test(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    by: Actor<'_>,
) -> Result<HttpResponse, WebError> {
    let local = request.app_config().local_addr();
    let base = app_base(request).unwrap_or_else(|| format!("http://{local}"));
    let texts = member.texts(request);
    let tested = push_url::test(app, by, &base).await?;
    let (tone, mark, key, values) = match tested {
        Tested::Settled { taken, settled } => {
            let values = [("taken", taken.into()), ("settled", settled.into())];
            super::flash::say(request, &texts.with("hooks-test-settled", &values));
            return Ok(page::see_other(&member.urls().hooks()));
        }
        Tested::NotSettled => (Tone::Doubtful, "doubt", "not-settled", ("said", "".into())),
        Tested::Elsewhere => (Tone::Bad, "bad", "elsewhere", ("said", "".into())),
        Tested::Answered(status) => {
            (Tone::Bad, "bad", "answered", ("said", status.to_string().into()))
        }
        Tested::Unreachable(said) => (Tone::Bad, "bad", "unreachable", ("said", said.into())),
    };
    let values = [values, ("base", base.into())];
    let outcome = Outcome {
        tone,
        mark,
        title: texts.with(&format!("hooks-test-{key}"), &values),
        advice: texts.with(&format!("hooks-test-{key}-advice"), &values),
    };
    let look = Look { tested: Some(outcome), ..Look::default() };
    page::unprocessable(&draw(app, member, request, look).await?)
}

/// How the vendor reaches the console, if that is set.
fn app_base(request: &HttpRequest) -> Option<String> {
    let settings = request.app_data::<web::Data<super::Settings>>()?;
    settings.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned())
}

/// What is wrong with an address of the console for the vendor's pushes.
fn unfit(l: &Layout, base: Option<&str>) -> Option<String> {
    let Some(base) = base else { return Some(l.t("hooks-no-public-url")) };
    let host = base.split("://").nth(1).unwrap_or_default();
    let near = ["localhost", "127.", "[::1]", "10.", "192.168."];
    if near.into_iter().any(|near| host.starts_with(near)) {
        Some(l.t("hooks-near-public-url"))
    } else if base.starts_with("https://") {
        None
    } else {
        Some(l.t("hooks-plain-public-url"))
    }
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    look: Look,
) -> Result<PushSettingsPage, WebError> {
    let project = member.project.id;
    let l = member.layout(app, request, Section::Settings).await?;
    let (now, door) = (app.clock.now(), rows::door(&app.db, project).await?);
    let pulling = report_pulls::of(&app.db, project).await?;
    let base = app_base(request);
    let shown_base = base.clone().unwrap_or_else(|| {
        let way = request.connection_info();
        format!("{}://{}", way.scheme(), way.host())
    });
    let revealed = look.path.is_some();
    let path = look.path.as_deref().unwrap_or("/hooks/••••••••••••••••");
    let address = format!("{shown_base}{path}");
    let keys = projects::keys(&app.db, project).await?;
    let tickets = Language::ALL.map(|language| {
        let values =
            [("url", address.as_str().into()), ("project", keys.ucloud_project_id.as_str().into())];
        (language, super::i18n::Texts(language).with("hooks-ticket", &values))
    });
    let kept = look.kept.unwrap_or_else(|| Kept {
        networks: door.networks.join("\n"),
        pulls: pulling.is_some(),
        problem: None,
    });
    let gap = missing_pushes::gap(app, project).await?.map(|gap| health::page::gap_words(&l, gap));
    Ok(PushSettingsPage {
        unfit: unfit(&l, base.as_deref()),
        address,
        revealed,
        tickets: tickets.into(),
        made_at: l.moment(door.made_at),
        old: door.old_until.filter(|until| *until > now).map(|until| Old {
            until: l.moment(until),
            used: door.old_used_at.map(|at| l.moment(at)),
        }),
        lines: lines(app, member, &l).await?,
        gap,
        refused: door.refused_at.map(|at| (door.refused_address, l.moment(at))),
        kept,
        pulling: pulling.map(|one| {
            let last = one.pulled_at.map(|at| l.moment(at));
            (one, last)
        }),
        own_address: peer_address(request),
        tested: look.tested,
        l,
    })
}

/// A line for both kinds that the vendor pushes, and one for what is neither, if any came.
async fn lines(app: &App, member: &Member, l: &Layout) -> Result<Vec<PushLine>, WebError> {
    let today = app.clock.now().to_offset(china()).date();
    let week = today - time::Duration::days(6);
    let counted = rows::counted(&app.db, member.project.id, today, week).await?;
    let line = |kind: PushKind| {
        let found = counted.iter().find(|one| one.kind == kind);
        PushLine {
            word: l.t(&format!("hooks-kind-{}", kind.key())),
            last: found.map(|one| l.moment(one.last_at)),
            today: found.map_or(0, |one| one.today),
            lately: found.map_or(0, |one| one.lately),
        }
    };
    let shown = PushKind::ALL.into_iter().map(|kind| (kind, line(kind)));
    Ok(shown
        .filter(|(kind, line)| *kind != PushKind::Other || line.last.is_some())
        .map(|(_, line)| line)
        .collect())
}
